// The lock screen: the clock, and the notifications that are on it. A tap on one unlocks and opens its app.

import { useWords } from "../i18n/language";
import { Icon } from "../parts/Icon";
import styles from "./LockScreen.module.css";
import { Note } from "./Note";
import { on, previews } from "./screen";
import type { Hands, PhoneState } from "./usePhone";

export function LockScreen({ state, now, hands }: { state: PhoneState; now: number; hands: Hands }) {
  const { t, day, time } = useWords();
  const notifications = on(state.notifications, "lock-screen");
  return (
    <div className={styles.lock}>
      <Icon name="lock" size={20} />
      <p className={styles.day}>{day(now)}</p>
      <p className={styles.clock}>{time(now)}</p>
      <ul className={styles.notes} aria-label={t.phone.onLockScreen}>
        {notifications.map((notification) => (
          <Note
            key={notification.app + notification.identifier}
            notification={notification}
            now={now}
            readable={previews(state.settings[notification.app], true)}
            onOpen={() => void hands.tap(notification)}
            onClear={() => void hands.clear([notification])}
          />
        ))}
      </ul>
      <button type="button" className={styles.unlock} onClick={() => void hands.lock(false)}>
        {t.phone.unlock}
      </button>
    </div>
  );
}
