// The app switcher: the apps that run, and ending one of them by force. A force-quit app isn't started by anything but
// its user.

import type { AppDetail } from "../api/device";
import { useWords } from "../i18n/language";
import { AppIcon } from "./AppIcon";
import styles from "./AppSwitcher.module.css";

interface Props {
  apps: AppDetail[];
  onOpen: (app: string) => void;
  onForceQuit: (app: string) => void;
  onClose: () => void;
}

export function AppSwitcher({ apps, onOpen, onForceQuit, onClose }: Props) {
  const { t } = useWords();
  const running = apps.filter((app) => app.state === "foreground" || app.state === "background");
  return (
    <section className={styles.switcher} aria-label={t.phone.switcher}>
      {running.length === 0 && (
        <div className={styles.none}>
          <p>{t.phone.nothingRuns}</p>
          <button type="button" className={styles.quit} onClick={onClose}>
            {t.page.close}
          </button>
        </div>
      )}
      {running.map((app) => (
        <div key={app.bundle_id} className={styles.running}>
          <p className={styles.name}>
            <AppIcon bundle={app.bundle_id} name={app.name} size={26} />
            {app.name}
          </p>
          <button
            type="button"
            className={styles.card}
            aria-label={t.phone.open(app.name)}
            onClick={() => onOpen(app.bundle_id)}
          >
            <i />
            <i />
            <i />
            <i />
          </button>
          <button type="button" className={styles.quit} onClick={() => onForceQuit(app.bundle_id)}>
            {t.phone.forceQuit(app.name)}
          </button>
        </div>
      ))}
    </section>
  );
}
