// The system's question whether an app may send notifications. When it comes, and that it comes only once, is decided by
// the device.

import { useEffect, useRef } from "react";
import type { PromptView } from "../api/device";
import { useWords } from "../i18n/language";
import styles from "./PermissionAlert.module.css";

export function PermissionAlert({ prompt, onAnswer }: { prompt: PromptView; onAnswer: (allow: boolean) => void }) {
  const { t } = useWords();
  const alert = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // The focus goes along only if it was on the phone: a prompt doesn't interrupt who writes a push.
    const screen = alert.current?.parentElement?.parentElement;
    if (document.activeElement === document.body || screen?.contains(document.activeElement)) {
      alert.current?.focus();
    }
  }, []);
  return (
    <div className={styles.veil}>
      <div
        ref={alert}
        role="alertdialog"
        aria-labelledby="permission-title"
        aria-describedby="permission-text"
        tabIndex={-1}
        className={styles.alert}
      >
        <h3 id="permission-title">{t.phone.permissionTitle(prompt.app_name)}</h3>
        <p id="permission-text">{t.phone.permissionText}</p>
        <div className={styles.answers}>
          <button type="button" onClick={() => onAnswer(false)}>
            {t.phone.dontAllow}
          </button>
          <button type="button" onClick={() => onAnswer(true)}>
            {t.phone.allow}
          </button>
        </div>
      </div>
    </div>
  );
}
