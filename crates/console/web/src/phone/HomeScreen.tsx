// The home screen: the day, and the apps with their badges.

import { useWords } from "../i18n/language";
import { AppIcon, SETTINGS } from "./AppIcon";
import styles from "./HomeScreen.module.css";
import type { PhoneState } from "./usePhone";

interface Props {
  state: PhoneState;
  now: number;
  onOpen: (app: string) => void;
  onSettings: () => void;
}

export function HomeScreen({ state, now, onOpen, onSettings }: Props) {
  const { t, day, time } = useWords();
  return (
    <div className={styles.home}>
      <div className={styles.widget}>
        <span>{day(now)}</span>
        <strong>{time(now)}</strong>
      </div>
      <ul className={styles.apps}>
        {state.apps.map((app) => (
          <li key={app.bundle_id}>
            <button
              type="button"
              className={styles.app}
              aria-label={app.badge > 0 ? t.phone.openWithBadge(app.name, app.badge) : t.phone.open(app.name)}
              onClick={() => onOpen(app.bundle_id)}
            >
              <span className={styles.icon}>
                <AppIcon bundle={app.bundle_id} name={app.name} size={58} />
                {app.badge > 0 && <b className={styles.badge}>{app.badge > 9999 ? "9999+" : app.badge}</b>}
              </span>
              <span className={styles.name}>{app.name}</span>
            </button>
          </li>
        ))}
        <li>
          <button type="button" className={styles.app} onClick={onSettings}>
            <span className={styles.icon}>
              <AppIcon bundle={SETTINGS} name={t.phone.settings} size={58} />
            </span>
            <span className={styles.name}>{t.phone.settings}</span>
          </button>
        </li>
      </ul>
    </div>
  );
}
