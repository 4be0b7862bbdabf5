// A banner slides in from the top. A tap opens the app; a swipe upwards, or the small button, wipes the banner away and
// leaves the notification where else it is.

import { type PointerEvent, useRef, useState } from "react";
import type { NotificationView } from "../api/device";
import { useWords } from "../i18n/language";
import { Icon } from "../parts/Icon";
import styles from "./Banner.module.css";
import { NoteBody } from "./Note";

/** How far up a finger must go to mean it, in pixels. */
const SWIPE = 24;

interface Props {
  notification: NotificationView;
  readable: boolean;
  onOpen: () => void;
  onWipe: () => void;
}

export function Banner({ notification, readable, onOpen, onWipe }: Props) {
  const { t } = useWords();
  const start = useRef<number>(undefined);
  const [moved, setMoved] = useState(0);
  const [swiped, setSwiped] = useState(false);
  const move = (event: PointerEvent<HTMLDivElement>) => {
    if (start.current === undefined) {
      return;
    }
    const by = Math.min(0, event.clientY - start.current);
    if (by < -SWIPE / 4) {
      // From here on it is no tap, and the finger may leave the banner.
      event.currentTarget.setPointerCapture(event.pointerId);
    }
    setMoved(by);
  };
  const end = () => {
    if (moved < -SWIPE) {
      setSwiped(true);
      onWipe();
    }
    start.current = undefined;
    setMoved(0);
  };
  return (
    <div
      role="status"
      aria-label={t.phone.banner}
      className={styles.banner}
      style={{ translate: `0 ${moved}px` }}
      onPointerDown={(event) => {
        start.current = event.clientY;
      }}
      onPointerMove={move}
      onPointerUp={end}
      onPointerCancel={end}
    >
      {/* The click that ends a swipe is no tap. */}
      <NoteBody notification={notification} readable={readable} onOpen={() => !swiped && onOpen()} />
      <button
        type="button"
        className={styles.wipe}
        aria-label={t.phone.wipe}
        title={t.phone.wipe}
        onClick={onWipe}
      >
        <Icon name="close" size={14} />
      </button>
    </div>
  );
}
