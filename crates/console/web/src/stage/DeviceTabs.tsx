// Which iPhone is in front; adding another, and erasing one.

import { type FormEvent, useState } from "react";
import { devices } from "../api/device";
import { useWords } from "../i18n/language";
import { useAct } from "../live/notices";
import { Button, IconButton } from "../parts/Button";
import { Field } from "../parts/Field";
import { Popover } from "../parts/Popover";
import { Segments } from "../parts/Segments";
import type { Listed } from "../phone/usePhone";
import styles from "./DeviceTabs.module.css";

interface Props {
  listed: Listed[];
  chosen: Listed | undefined;
  onChoose: (name: string) => void;
}

/** A name that no iPhone has yet. */
function freeName(taken: readonly string[]): string {
  for (let number = taken.length + 1; ; number += 1) {
    const name = `iphone-${number}`;
    if (!taken.includes(name)) {
      return name;
    }
  }
}

export function DeviceTabs({ listed, chosen, onChoose }: Props) {
  const { t } = useWords();
  const act = useAct();
  const erase = async (name: string, close: () => void) => {
    close();
    const rest = listed.find(({ device }) => device.name !== name);
    if (rest !== undefined) {
      onChoose(rest.device.name);
    }
    await act(() => devices.erase(name));
  };
  return (
    <div className={styles.tabs}>
      <div className={styles.scroll}>
        <Segments
          label={t.phone.which}
          value={chosen?.device.name ?? ""}
          onChange={onChoose}
          options={listed.map(({ device }) => ({ value: device.name, label: t.phone.nameOf(device.name) }))}
        />
      </div>
      <Popover
        label={t.phone.add}
        align="end"
        button={(attributes) => <IconButton {...attributes} icon="plus" label={t.phone.add} />}
      >
        {(close) => <AddDevice listed={listed} chosen={chosen} onAdded={onChoose} close={close} />}
      </Popover>
      {chosen !== undefined && listed.length > 1 && (
        <Popover
          label={t.phone.erase(chosen.device.name)}
          align="end"
          button={(attributes) => (
            <IconButton {...attributes} icon="trash" look="danger" label={t.phone.erase(chosen.device.name)} />
          )}
        >
          {(close) => (
            <div className={styles.panel}>
              <p>{t.phone.eraseWhy(chosen.device.name)}</p>
              <Button look="danger" icon="trash" onClick={() => void erase(chosen.device.name, close)}>
                {t.phone.eraseDo}
              </Button>
            </div>
          )}
        </Popover>
      )}
    </div>
  );
}

interface AddProps extends Pick<Props, "listed" | "chosen"> {
  onAdded: (name: string) => void;
  close: () => void;
}

function AddDevice({ listed, chosen, onAdded, close }: AddProps) {
  const { t } = useWords();
  const act = useAct();
  const names = listed.map(({ device }) => device.name);
  const [name, setName] = useState(() => freeName(names));
  const [like, setLike] = useState(chosen?.device.name ?? names[0] ?? "");
  const add = async (event: FormEvent) => {
    event.preventDefault();
    const added = await act(() => devices.add(name.trim(), like));
    if (added !== undefined) {
      close();
      onAdded(added.name);
    }
  };
  return (
    <form className={styles.panel} onSubmit={(event) => void add(event)}>
      <p>{t.phone.addWhy}</p>
      <Field label={t.phone.name}>
        {(id) => (
          <input
            id={id}
            // The panel was opened to write here.
            ref={(input) => input?.focus()}
            value={name}
            required
            maxLength={64}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => setName(event.target.value)}
          />
        )}
      </Field>
      <Field label={t.phone.like}>
        {(id) => (
          <select id={id} value={like} onChange={(event) => setLike(event.target.value)}>
            {names.map((one) => (
              <option key={one} value={one}>
                {t.phone.nameOf(one)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Button look="primary" type="submit" icon="plus">
        {t.phone.add}
      </Button>
    </form>
  );
}
