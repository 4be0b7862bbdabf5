// What a visitor without a session sees: how to get a link.

import { useWords } from "../i18n/language";
import { Button } from "../parts/Button";
import { CopyButton } from "../parts/CopyButton";
import { Bird } from "../parts/Bird";
import styles from "./SignedOut.module.css";

export function SignedOut({ spent }: { spent: boolean }) {
  const { t, language, speak } = useWords();
  return (
    <main className={styles.page}>
      <div className={styles.box}>
        <Bird size={52} />
        <h1>{spent ? t.session.spent : t.session.out}</h1>
        <p>{t.session.how}</p>
        <p className={styles.command}>
          <code>homing console</code>
          <CopyButton text="homing console" label={t.session.copy} />
        </p>
        <p className={styles.small}>{t.session.why}</p>
        <Button
          look="quiet"
          size="small"
          lang={language === "en" ? "zh-Hans" : "en"}
          onClick={() => speak(language === "en" ? "zh" : "en")}
        >
          {t.page.otherLanguage}
        </Button>
      </div>
    </main>
  );
}
