// The demo app: a news reader. Its pages are drawn here; what is open, who is signed in and what it knows of itself is
// the app's own, on the device.

import { useState } from "react";
import type { AppDetail } from "../../api/device";
import { type NewsScreen, touches } from "../../api/news";
import { useWords } from "../../i18n/language";
import { useEscape } from "../../parts/escape";
import { Icon, type IconName } from "../../parts/Icon";
import { Alert } from "../Alert";
import type { Hands } from "../usePhone";
import { Accounts } from "./Accounts";
import { Article } from "./Article";
import { FrontPage } from "./FrontPage";
import styles from "./News.module.css";
import { Reminders } from "./Reminders";
import { ThisDevice } from "./ThisDevice";

interface NewsProps {
  app: AppDetail;
  screen: NewsScreen;
  hands: Hands;
}

type Tab = "today" | "reminders" | "device";

const TABS: readonly { tab: Tab; icon: IconName }[] = [
  { tab: "today", icon: "list" },
  { tab: "reminders", icon: "clock" },
  { tab: "device", icon: "phone" },
];

export function News({ app, screen, hands }: NewsProps) {
  const { t } = useWords();
  const [tab, setTab] = useState<Tab>("today");
  const [accounts, setAccounts] = useState(false);
  /** The alert of the app's own that was closed; it shows each once. */
  const [closedAlert, setClosedAlert] = useState<string | null>(screen.in_app_alert);
  const touch = (what: Record<string, unknown>) => void hands.touch(app.bundle_id, what);
  const alert = screen.in_app_alert !== closedAlert ? screen.in_app_alert : null;
  const reminded = screen.reminding.shown;
  const turnTo = (next: Tab) => {
    setTab(next);
    if (next === "reminders") {
      // What waits may have come meanwhile.
      touch(touches.look());
    }
  };
  useEscape(accounts, () => setAccounts(false));
  useEscape(reminded, () => touch(touches.notNow()));
  return (
    <div className={styles.news}>
      <div className={styles.pages} inert={accounts || reminded}>
        {screen.url !== null ? (
          <Article
            key={screen.url}
            url={screen.url}
            visit={screen.history[0]?.url === screen.url ? screen.history[0] : undefined}
            onBack={() => touch(touches.goHome())}
          />
        ) : (
          <>
            <header className={styles.head}>
              <h3>{tab === "today" ? t.news.name : t.news[tab]}</h3>
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
            {tab === "today" && <FrontPage screen={screen} onOpen={(url) => touch(touches.open(url))} />}
            {tab === "reminders" && <Reminders screen={screen} touch={touch} />}
            {tab === "device" && <ThisDevice app={app} screen={screen} touch={touch} />}
            <nav className={styles.tabs} aria-label={t.news.name}>
              {TABS.map(({ tab: one, icon }) => (
                <button
                  key={one}
                  type="button"
                  aria-current={tab === one ? "page" : undefined}
                  onClick={() => turnTo(one)}
                >
                  <Icon name={icon} size={19} />
                  {t.news[one]}
                </button>
              ))}
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
      {reminded && (
        <Alert
          title={t.news.off}
          text={t.news.offMend}
          answers={[
            { label: t.news.notNow, onPress: () => touch(touches.notNow()) },
            { label: t.news.toSettings, onPress: () => touch(touches.openSettings()) },
          ]}
        />
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
