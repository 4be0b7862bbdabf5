// The list of notifications, pulled down over whatever is on the screen.

import { useEffect, useRef } from "react";
import type { NotificationView } from "../api/device";
import { useWords } from "../i18n/language";
import { Note } from "./Note";
import styles from "./NotificationList.module.css";
import { on, previews } from "./screen";
import type { PhoneState } from "./usePhone";

interface Props {
  state: PhoneState;
  now: number;
  onOpen: (notification: NotificationView) => void;
  onClear: (notifications: NotificationView[]) => void;
  onClose: () => void;
}

export function NotificationList({ state, now, onOpen, onClear, onClose }: Props) {
  const { t } = useWords();
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), []);
  const notifications = on(state.notifications, "notification-center");
  return (
    <section className={styles.list} aria-labelledby="notification-list">
      <header className={styles.head}>
        <h3 id="notification-list" ref={title} tabIndex={-1}>
          {t.phone.notificationCenter}
        </h3>
        {notifications.length > 0 && (
          <button type="button" onClick={() => onClear(notifications)}>
            {t.phone.clearAll}
          </button>
        )}
        <button type="button" onClick={onClose}>
          {t.page.close}
        </button>
      </header>
      {notifications.length === 0 ? (
        <p className={styles.none}>{t.phone.noNotifications}</p>
      ) : (
        <ul className={styles.notes}>
          {notifications.map((notification) => (
            <Note
              key={notification.app + notification.identifier}
              notification={notification}
              now={now}
              readable={previews(state.settings[notification.app], false)}
              onOpen={() => onOpen(notification)}
              onClear={() => onClear([notification])}
            />
          ))}
        </ul>
      )}
    </section>
  );
}
