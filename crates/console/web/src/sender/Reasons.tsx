// Why what wasn't shown wasn't shown: one line for each reason.

import type { Push } from "../api/provider";
import { useWords } from "../i18n/language";
import { said } from "../i18n/said";
import { Icon } from "../parts/Icon";
import { whyNot } from "./funnel";
import styles from "./Reasons.module.css";

export function Reasons({ push }: { push: Push }) {
  const { t, number, language } = useWords();
  const all = whyNot(push);
  if (all.length === 0 && !push.why) {
    return null;
  }
  return (
    <ul className={styles.reasons}>
      {push.why && (
        <li>
          <Icon name="info" size={15} />
          <span>{said(language, push.why)}</span>
        </li>
      )}
      {all.map(({ kind, reason, count }) => (
        <li key={`${kind} ${reason}`} data-bad={kind === "refused" || kind === "failed" || undefined}>
          <Icon name={kind === "suppressed" ? "bellOff" : "warning"} size={15} />
          <span>
            {t.pushes.because(kind, (kind === "ended" ? t.stages.of(reason) : undefined) ?? t.reasons[reason]?.short ?? reason)}
            {count > 1 && ` (${number(count)})`}
          </span>
        </li>
      ))}
    </ul>
  );
}
