// What a visitor sees when the console doesn't answer at all.

import type { Problem } from "../api/problem";
import { useWords } from "../i18n/language";
import { Bird } from "../parts/Bird";
import { Button } from "../parts/Button";
import styles from "./SignedOut.module.css";

export function Trouble({ problem, onAgain }: { problem: Problem; onAgain: () => void }) {
  const { t } = useWords();
  return (
    <main className={styles.page}>
      <div className={styles.box}>
        <Bird size={52} />
        <h1>{problem.status === 0 ? t.page.noAnswer : problem.message}</h1>
        <p>{problem.status === 0 ? t.page.noAnswerMend : problem.detail}</p>
        <Button look="primary" onClick={onAgain}>
          {t.page.again}
        </Button>
      </div>
    </main>
  );
}
