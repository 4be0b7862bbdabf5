// The top of the screen: the device's own time, and how it stands with the push service. Pulling it down opens the list
// of notifications; that is a button, too.

import { useWords } from "../i18n/language";
import { Icon } from "../parts/Icon";
import styles from "./StatusBar.module.css";
import type { PhoneState } from "./usePhone";

interface Props {
  state: PhoneState;
  now: number;
  /** White letters: there is a picture behind. */
  onWallpaper: boolean;
  /** The app to go back to. */
  back: string | undefined;
  onBack: (app: string) => void;
  onPull: () => void;
}

export function StatusBar({ state, now, onWallpaper, back, onBack, onPull }: Props) {
  const { t, time } = useWords();
  const { online, locked, link } = state.device;
  const app = state.apps.find((one) => one.bundle_id === back);
  return (
    <div className={styles.bar} data-light={onWallpaper || undefined}>
      <div className={styles.left}>
        {!locked && <time dateTime={new Date(now).toISOString()}>{time(now)}</time>}
        {app !== undefined && (
          <button type="button" className={styles.back} onClick={() => onBack(app.bundle_id)}>
            <Icon name="arrowLeft" size={11} />
            {app.name}
          </button>
        )}
      </div>
      <button
        type="button"
        className={styles.pull}
        aria-label={t.phone.notifications}
        title={t.phone.notifications}
        disabled={locked}
        onClick={onPull}
      />
      <div className={styles.right}>
        {online ? (
          <span className={styles.signal} data-none={!link.connected || undefined}>
            <i />
            <i />
            <i />
            <i />
            <span className="visually-hidden">{link.connected ? t.phone.connected : t.phone.notConnected}</span>
          </span>
        ) : (
          <span className={styles.plane}>
            <Icon name="plane" size={15} />
            <span className="visually-hidden">{t.phone.airplaneOn}</span>
          </span>
        )}
        <i className={styles.battery} />
      </div>
    </div>
  );
}
