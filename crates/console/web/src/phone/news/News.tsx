// The demo app: a news reader. Its pages are drawn here; what is open, who is signed in and what it knows of itself is
// the app's own, on the device.

import { useState } from "react";
import type { AppDetail } from "../../api/device";
import { type NewsScreen, touches } from "../../api/news";
import { useWords } from "../../i18n/language";
import { useEscape } from "../../parts/escape";
import { Icon } from "../../parts/Icon";
import type { Hands } from "../usePhone";
import { Accounts } from "./Accounts";
import { Article } from "./Article";
import { FrontPage } from "./FrontPage";
import styles from "./News.module.css";
import { ThisDevice } from "./ThisDevice";

interface NewsProps {
  app: AppDetail;
  screen: NewsScreen;
  hands: Hands;
  onSettings: () => void;
}

export function News({ app, screen, hands, onSettings }: NewsProps) {
  const { t } = useWords();
  const [tab, setTab] = useState<"today" | "device">("today");
  const [accounts, setAccounts] = useState(false);
  /** The alert of the app's own that was closed; it shows each once. */
  const [closedAlert, setClosedAlert] = useState<string | null>(screen.in_app_alert);
  const touch = (what: Record<string, unknown>) => void hands.touch(app.bundle_id, what);
  const alert = screen.in_app_alert !== closedAlert ? screen.in_app_alert : null;
  useEscape(accounts, () => setAccounts(false));
  return (
    <div className={styles.news}>
      <div className={styles.pages} inert={accounts}>
        {screen.url !== null ? (
          <Article key={screen.url} url={screen.url} onBack={() => touch(touches.goHome())} />
        ) : (
          <>
            <header className={styles.head}>
              <h3>{tab === "today" ? t.news.name : t.news.device}</h3>
              <button
                type="button"
                className={styles.account}
                data-nobody={screen.user === null || undefined}
                aria-label={screen.user === null ? t.news.signIn : t.news.accountOf(screen.user)}
                onClick={() => setAccounts(true)}
              >
                {screen.user === null ? <Icon name="user" size={17} /> : screen.user.slice(0, 1).toUpperCase()}
              </button>
            </header>
            {tab === "today" ? (
              <FrontPage screen={screen} onOpen={(url) => touch(touches.open(url))} onSettings={onSettings} />
            ) : (
              <ThisDevice
                app={app}
                screen={screen}
                onSettings={onSettings}
                onAsk={() => touch(touches.askPermission())}
              />
            )}
            <nav className={styles.tabs} aria-label={t.news.name}>
              <button type="button" aria-current={tab === "today" ? "page" : undefined} onClick={() => setTab("today")}>
                <Icon name="list" size={19} />
                {t.news.today}
              </button>
              <button
                type="button"
                aria-current={tab === "device" ? "page" : undefined}
                onClick={() => setTab("device")}
              >
                <Icon name="phone" size={19} />
                {t.news.device}
              </button>
            </nav>
          </>
        )}
      </div>
      {alert !== null && (
        <div className={styles.alert} role="status">
          <p>
            <span>{t.news.inApp}</span>
            <strong>{alert}</strong>
          </p>
          <button type="button" aria-label={t.page.close} onClick={() => setClosedAlert(alert)}>
            <Icon name="close" size={14} />
          </button>
        </div>
      )}
      {accounts && (
        <Accounts
          screen={screen}
          onSignIn={(user) => touch(touches.signIn(user))}
          onSignOut={() => touch(touches.signOut())}
          onClose={() => setAccounts(false)}
        />
      )}
    </div>
  );
}
