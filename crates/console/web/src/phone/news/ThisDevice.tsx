// What the app knows of itself on this device: its token, and whether it may show anything.

import type { AppDetail } from "../../api/device";
import type { NewsScreen } from "../../api/news";
import { useWords } from "../../i18n/language";
import { CopyButton } from "../../parts/CopyButton";
import styles from "./ThisDevice.module.css";

interface Props {
  app: AppDetail;
  screen: NewsScreen;
  onSettings: () => void;
  onAsk: () => void;
}

export function ThisDevice({ app, screen, onSettings, onAsk }: Props) {
  const { t, number } = useWords();
  const permission = app.authorization_status;
  return (
    <div className={styles.page}>
      <section>
        <h4>{t.news.token}</h4>
        {screen.device_token === null ? (
          <p>{screen.registration_error ?? t.news.noToken}</p>
        ) : (
          <div className={styles.token}>
            <code>{screen.device_token}</code>
            <CopyButton text={screen.device_token} label={t.news.copyToken} />
          </div>
        )}
        <p className={styles.hint}>{t.news.tokenHint(app.environment ?? "development")}</p>
      </section>
      <section>
        <h4>{t.news.permission}</h4>
        <p className={styles.permission} data-status={permission}>
          {t.news.permissionIs[permission]}
        </p>
        <p className={styles.hint}>{t.news.permissionHint[permission]}</p>
        {permission === "not-determined" ? (
          <button type="button" className={styles.do} onClick={onAsk}>
            {t.news.ask}
          </button>
        ) : (
          <button type="button" className={styles.do} onClick={onSettings}>
            {t.news.toSettings}
          </button>
        )}
      </section>
      <section>
        <h4>{t.news.silent}</h4>
        <p>{number(screen.background_updates)}</p>
        <p className={styles.hint}>{t.news.silentHint}</p>
      </section>
    </div>
  );
}
