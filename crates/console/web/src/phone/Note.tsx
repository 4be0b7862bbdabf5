// One notification as it stands on the lock screen and in the list: whose it is, when, what it says.

import type { NotificationView } from "../api/device";
import { useWords } from "../i18n/language";
import { Icon } from "../parts/Icon";
import { AppIcon } from "./AppIcon";
import styles from "./Note.module.css";

interface Props {
  notification: NotificationView;
  now: number;
  /** Whether its texts may be read. */
  readable: boolean;
  onOpen: () => void;
  onClear: () => void;
}

export function Note({ notification, now, readable, onOpen, onClear }: Props) {
  const { t } = useWords();
  return (
    <li className={styles.note}>
      <NoteBody notification={notification} now={now} readable={readable} onOpen={onOpen} />
      <button
        type="button"
        className={styles.clear}
        aria-label={t.phone.clearOne(readable ? notification.title : notification.app_name)}
        title={t.phone.clear}
        onClick={onClear}
      >
        <Icon name="close" size={14} />
      </button>
    </li>
  );
}

/** The part of a notification that is tapped. Without `now` it says no time, as a banner. */
export function NoteBody({
  notification,
  now,
  readable,
  onOpen,
}: {
  notification: NotificationView;
  now?: number;
  readable: boolean;
  onOpen: () => void;
}) {
  const { t, ago } = useWords();
  const { app, app_name: name, title, subtitle, body, interruption_level: level } = notification;
  const hidden = readable ? undefined : t.phone.hiddenText;
  return (
    <button type="button" className={styles.body} onClick={onOpen}>
      <AppIcon bundle={app} name={name} size={36} />
      <span className={styles.text}>
        {level === "time-sensitive" && <em className={styles.level}>{t.phone.timeSensitive}</em>}
        <span className={styles.title}>
          <strong>{readable && title !== "" ? title : name}</strong>
          {now !== undefined && <time>{ago(Date.parse(notification.date), now)}</time>}
        </span>
        {readable && subtitle !== "" && <span className={styles.subtitle}>{subtitle}</span>}
        {(hidden ?? body) !== "" && <span className={styles.words}>{hidden ?? body}</span>}
      </span>
    </button>
  );
}
