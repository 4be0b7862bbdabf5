// What a hand does to the iPhone from outside its screen, and letting time pass, which no hand can do.

import { type FormEvent, useState } from "react";
import { clock } from "../api/device";
import { useWords } from "../i18n/language";
import { useClock } from "../live/clock";
import { useAct } from "../live/notices";
import { Button } from "../parts/Button";
import { Icon, type IconName } from "../parts/Icon";
import { Popover } from "../parts/Popover";
import type { GazeHandle } from "../phone/useGaze";
import type { Hands, PhoneState } from "../phone/usePhone";
import styles from "./Controls.module.css";

interface Props {
  state: PhoneState;
  hands: Hands;
  gaze: GazeHandle;
}

export function Controls({ state, hands, gaze }: Props) {
  const { t } = useWords();
  const { locked, online } = state.device;
  const inFront = state.apps.find((app) => app.state === "foreground");
  const home = () => {
    gaze.turn({ list: false, look: "home" });
    if (locked) {
      void hands.lock(false);
    } else if (inFront !== undefined) {
      void hands.background(inFront.bundle_id);
    }
  };
  const unlocked = async (then: () => void) => {
    if (!locked || (await hands.lock(false))) {
      then();
    }
  };
  const toSwitcher = () => gaze.turn({ list: false, look: gaze.look === "switcher" ? "home" : "switcher" });
  return (
    <div className={styles.controls} role="group" aria-label={t.phone.controls}>
      <Control icon="home" label={t.phone.home} onPress={home} />
      <Control
        icon="app"
        label={t.phone.apps}
        pressed={gaze.look === "switcher"}
        onPress={() => void unlocked(toSwitcher)}
      />
      <Control
        icon="bell"
        label={t.phone.list}
        pressed={gaze.list}
        onPress={() => void unlocked(() => gaze.turn({ list: !gaze.list }))}
      />
      <Control icon="lock" label={t.phone.lockShort} pressed={locked} onPress={() => void hands.lock(!locked)} />
      <Control icon="plane" label={t.phone.airplane} pressed={!online} onPress={() => void hands.online(!online)} />
      <Popover
        label={t.clock.title}
        side="beside"
        button={(attributes) => (
          <button type="button" className={styles.control} {...attributes}>
            <Icon name="clock" />
            {t.clock.short}
          </button>
        )}
      >
        {() => <ClockMenu />}
      </Popover>
    </div>
  );
}

interface ControlProps {
  icon: IconName;
  label: string;
  pressed?: boolean;
  onPress: () => void;
}

function Control({ icon, label, pressed, onPress }: ControlProps) {
  return (
    <button type="button" className={styles.control} aria-pressed={pressed} onClick={onPress}>
      <Icon name={icon} />
      {label}
    </button>
  );
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const UNITS = { minutes: MINUTE, hours: HOUR, days: DAY } as const;

function ClockMenu() {
  const { t, lasting } = useWords();
  const act = useAct();
  const { ahead, set } = useClock();
  const [amount, setAmount] = useState("7");
  const [unit, setUnit] = useState<keyof typeof UNITS>("days");
  const advance = async (seconds: number) => {
    const view = await act(() => clock.advance(seconds));
    if (view !== undefined) {
      set(view);
    }
  };
  const custom = (event: FormEvent) => {
    event.preventDefault();
    void advance(Math.round(Number(amount) * UNITS[unit]));
  };
  return (
    <div className={styles.clock}>
      <h3>{t.clock.title}</h3>
      <p>{t.clock.why}</p>
      <div className={styles.steps}>
        <Button onClick={() => void advance(MINUTE)}>{t.clock.minute}</Button>
        <Button onClick={() => void advance(HOUR)}>{t.clock.hour}</Button>
        <Button onClick={() => void advance(DAY)}>{t.clock.day}</Button>
      </div>
      <form className={styles.custom} onSubmit={custom}>
        <input
          type="number"
          min="1"
          max="999"
          required
          aria-label={t.clock.amount}
          value={amount}
          onChange={(event) => setAmount(event.target.value)}
        />
        <select
          aria-label={t.clock.unit}
          value={unit}
          onChange={(event) => setUnit(event.target.value as keyof typeof UNITS)}
        >
          {Object.entries(t.clock.units).map(([word, text]) => (
            <option key={word} value={word}>
              {text}
            </option>
          ))}
        </select>
        <Button type="submit">{t.clock.go}</Button>
      </form>
      <p role="status">{ahead < 1 ? t.clock.real : t.clock.ahead(lasting(ahead * 1000))}</p>
    </div>
  );
}
