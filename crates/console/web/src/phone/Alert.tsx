// A question on the iPhone's screen, of the system's or of an app's, that must be answered before anything else.

import { useEffect, useId, useRef } from "react";
import styles from "./Alert.module.css";

interface Props {
  title: string;
  text: string;
  /** The last is the one to be preferred. */
  answers: readonly { label: string; onPress: () => void }[];
}

export function Alert({ title, text, answers }: Props) {
  const id = useId();
  const alert = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // The focus goes along only if it was on the phone: a question doesn't interrupt who writes a push.
    const screen = alert.current?.closest("[role=region]");
    if (document.activeElement === document.body || screen?.contains(document.activeElement)) {
      alert.current?.focus();
    }
  }, []);
  return (
    <div className={styles.veil}>
      <div
        ref={alert}
        role="alertdialog"
        aria-labelledby={`${id}title`}
        aria-describedby={`${id}text`}
        tabIndex={-1}
        className={styles.alert}
      >
        <h3 id={`${id}title`}>{title}</h3>
        <p id={`${id}text`}>{text}</p>
        <div className={styles.answers}>
          {answers.map(({ label, onPress }) => (
            <button key={label} type="button" onClick={onPress}>
              {label}
            </button>
          ))}
        </div>
      </div>
    </div>
  );
}
