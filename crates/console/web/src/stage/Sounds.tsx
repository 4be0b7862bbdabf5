// The sound that the iPhone just played, as a word: the page itself is silent.

import { useEffect, useState } from "react";
import { useWords } from "../i18n/language";
import { useEars } from "../live/streams";
import { Icon } from "../parts/Icon";
import styles from "./Sounds.module.css";

const SHOWN_MS = 3_500;

export function Sounds({ device }: { device: string }) {
  const { t } = useWords();
  const [played, setPlayed] = useState<{ sound: string; count: number }>();
  useEars({
    happening: (happening) => {
      if (happening.kind === "sound" && happening.device === device) {
        const sound = happening.detail["sound"] ?? happening.detail["name"];
        const name = typeof sound === "string" ? sound : "default";
        setPlayed((before) => ({ sound: name, count: (before?.count ?? 0) + 1 }));
      }
    },
  });
  useEffect(() => {
    if (played === undefined) {
      return undefined;
    }
    const timer = window.setTimeout(() => setPlayed(undefined), SHOWN_MS);
    return () => window.clearTimeout(timer);
  }, [played]);
  return (
    <span role="status">
      {played !== undefined && (
        <span key={played.count} className={styles.sound}>
          <Icon name="sound" size={15} />
          {t.phone.played(played.sound)}
        </span>
      )}
    </span>
  );
}
