// The way of a notification, step by step: who says it, when, how long after the step before, and what it means.

import { useWords } from "../i18n/language";
import { Icon, type IconName } from "../parts/Icon";
import type { Speaker, Step } from "./steps";
import styles from "./Timeline.module.css";

const ICONS: Record<Speaker, IconName> = { provider: "server", "push-service": "cloud", device: "phone" };
const BAD = new Set(["refused", "failed", "discarded"]);
const QUIET = new Set(["suppressed", "expired", "replaced", "withdrawn"]);

export function Timeline({ steps }: { steps: Step[] }) {
  const { t, seconds, moment, lasting } = useWords();
  return (
    <ol className={styles.timeline}>
      {steps.map((step, at) => {
        const before = steps[at - 1];
        const reason = step.reason === null ? undefined : t.reasons[step.reason];
        const tone = BAD.has(step.stage) ? "bad" : QUIET.has(step.stage) ? "warn" : undefined;
        return (
          <li key={`${step.stage} ${step.at} ${at}`} data-speaker={step.speaker} data-tone={tone}>
            <span className={styles.dot}>
              <Icon name={ICONS[step.speaker]} size={16} />
            </span>
            <div className={styles.what}>
              <p className={styles.head}>
                <strong>{t.stages[step.stage].name}</strong>
                <span className={styles.who}>{t.speakers[step.speaker]}</span>
              </p>
              {step.reason === null ? (
                <p>{t.stages[step.stage].means}</p>
              ) : (
                <>
                  <p>
                    <code>{step.reason}</code> {reason?.why ?? t.stages[step.stage].means}
                  </p>
                  {reason?.mend !== undefined && <p className={styles.mend}>{reason.mend}</p>}
                </>
              )}
            </div>
            <div className={styles.when}>
              <time dateTime={new Date(step.at).toISOString()} title={moment(step.at)}>
                {seconds(step.at)}
              </time>
              {before !== undefined && <span>+{lasting(Math.max(0, step.at - before.at))}</span>}
            </div>
          </li>
        );
      })}
    </ol>
  );
}
