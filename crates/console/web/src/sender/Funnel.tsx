// A push's counts, step by step: how many got how far.

import type { Counts } from "../api/provider";
import { useWords } from "../i18n/language";
import styles from "./Funnel.module.css";
import { funnel } from "./funnel";

export function Funnel({ counts, large = false }: { counts: Counts; large?: boolean }) {
  const { t, number } = useWords();
  return (
    <dl className={styles.funnel} data-large={large || undefined}>
      {funnel(counts).map(({ step, count, share }) => (
        <div key={step} data-step={step} data-none={count === 0 || undefined}>
          <dt>{t.funnel[step]}</dt>
          <dd>{number(count)}</dd>
          <i aria-hidden="true">
            <i style={{ width: `${share * 100}%` }} />
          </i>
        </div>
      ))}
    </dl>
  );
}
