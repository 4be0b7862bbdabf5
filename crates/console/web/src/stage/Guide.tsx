// The first walk along the whole path, in four steps that tick themselves off. What is done is seen in the state of
// things, not remembered; only that the guide was closed is.

import type { Push } from "../api/provider";
import { useWords } from "../i18n/language";
import { useKept } from "../live/kept";
import { Button, IconButton } from "../parts/Button";
import { Icon } from "../parts/Icon";
import type { PhoneState } from "../phone/usePhone";
import styles from "./Guide.module.css";
import { STEPS, walked } from "./walked";

interface Props {
  bundle: string;
  phone: PhoneState | undefined;
  pushes: Push[];
  onTrace: () => void;
}

export function Guide({ bundle, phone, pushes, onTrace }: Props) {
  const { t } = useWords();
  const [closed, close] = useKept("guide");
  if (closed !== null || phone === undefined) {
    return null;
  }
  const app = phone.apps.find((one) => one.bundle_id === bundle);
  const done = walked(app, pushes);
  const next = STEPS.find((step) => !done.has(step));
  const advice = app?.authorization_status === "denied" && next === "allow" ? t.guide.denied : undefined;
  return (
    <section className={styles.guide} aria-label={t.guide.title} data-finished={next === undefined || undefined}>
      <ol>
        {STEPS.map((step, at) => (
          <li
            key={step}
            className={styles.step}
            data-done={done.has(step) || undefined}
            aria-current={step === next ? "step" : undefined}
          >
            <b>{done.has(step) ? <Icon name="check" size={15} /> : at + 1}</b>
            <span>
              {step === next ? (advice ?? t.guide.now[step]) : t.guide.steps[step]}
              {done.has(step) && <span className="visually-hidden"> ({t.guide.done})</span>}
            </span>
          </li>
        ))}
      </ol>
      {next === undefined && (
        <Button look="quiet" size="small" icon="path" onClick={onTrace}>
          {t.guide.finished}
        </Button>
      )}
      <IconButton icon="close" label={t.guide.close} onClick={() => close("closed")} />
    </section>
  );
}
