// What the app knows of itself on this device: its token, and whether it may show anything.

import type { AppDetail } from "../../api/device";
import { type NewsScreen, touches } from "../../api/news";
import { useWords } from "../../i18n/language";
import { CopyButton } from "../../parts/CopyButton";
import { Segments } from "../../parts/Segments";
import styles from "./ThisDevice.module.css";

interface Props {
  app: AppDetail;
  screen: NewsScreen;
  touch: (what: Record<string, unknown>) => void;
}

export function ThisDevice({ app, screen, touch }: Props) {
  const { t, number, dayAndTime } = useWords();
  const permission = app.authorization_status;
  const { times, atMost, notBefore } = screen.reminding;
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
        {permission === "denied" && times > 0 && (
          <p className={styles.hint}>
            {t.news.reminded(times, atMost, notBefore === null ? undefined : dayAndTime(notBefore))}
          </p>
        )}
        {permission === "not-determined" ? (
          <button type="button" className={styles.do} onClick={() => touch(touches.askPermission())}>
            {t.news.ask}
          </button>
        ) : (
          <button type="button" className={styles.do} onClick={() => touch(touches.openSettings())}>
            {t.news.toSettings}
          </button>
        )}
      </section>
      <section>
        <h4>{t.news.inFront}</h4>
        <Segments
          label={t.news.inFront}
          size="small"
          value={screen.banner_in_foreground ? "banner" : "own"}
          onChange={(how) => touch(touches.inForeground(how === "banner"))}
          options={[
            { value: "own", label: t.news.inFrontHow.own },
            { value: "banner", label: t.news.inFrontHow.banner },
          ]}
        />
        <p className={styles.hint}>{t.news.inFrontHint}</p>
      </section>
      <section>
        <h4>{t.news.silent}</h4>
        <p>{number(screen.background_updates)}</p>
        <p className={styles.hint}>{t.news.silentHint}</p>
      </section>
    </div>
  );
}
