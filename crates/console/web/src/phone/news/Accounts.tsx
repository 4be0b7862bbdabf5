// The app's sheet of accounts: who is signed in, whom one may sign in as. Signing in tells the business server whose this
// iPhone is now; the app does that.

import { useEffect, useRef } from "react";
import type { NewsScreen } from "../../api/news";
import { useWords } from "../../i18n/language";
import { Icon } from "../../parts/Icon";
import styles from "./Accounts.module.css";

interface Props {
  screen: NewsScreen;
  onSignIn: (user: string) => void;
  onSignOut: () => void;
  onClose: () => void;
}

export function Accounts({ screen, onSignIn, onSignOut, onClose }: Props) {
  const { t } = useWords();
  const sheet = useRef<HTMLDivElement>(null);
  useEffect(() => sheet.current?.focus(), []);
  return (
    <div className={styles.veil}>
      <div
        ref={sheet}
        className={styles.sheet}
        role="dialog"
        aria-labelledby="accounts-title"
        tabIndex={-1}
        aria-busy={screen.signing_in}
      >
        <header>
          <h3 id="accounts-title">{screen.user === null ? t.news.signIn : t.news.accounts}</h3>
          <button type="button" className={styles.close} aria-label={t.page.close} onClick={onClose}>
            <Icon name="close" size={16} />
          </button>
        </header>
        <p className={styles.why}>{t.news.accountsWhy}</p>
        <ul>
          {screen.accounts.map((account) => (
            <li key={account}>
              <button
                type="button"
                className={styles.row}
                aria-pressed={account === screen.user}
                onClick={() => onSignIn(account)}
              >
                <b aria-hidden="true">{account.slice(0, 1).toUpperCase()}</b>
                <span>{account}</span>
                {account === screen.user && <Icon name="check" size={18} />}
              </button>
            </li>
          ))}
        </ul>
        <p role="status" className={styles.state}>
          {screen.signing_in ? t.news.signingIn : (screen.sign_in_error ?? "")}
        </p>
        {screen.user !== null && (
          <button type="button" className={styles.out} onClick={onSignOut}>
            {t.news.signOut}
          </button>
        )}
      </div>
    </div>
  );
}
