// A word with a colour: a state, a decision, an environment.

import type { ReactNode } from "react";
import styles from "./Chip.module.css";

export type Tone = "plain" | "good" | "warn" | "bad" | "accent" | "provider" | "push-service" | "device";

export function Chip({ tone = "plain", children }: { tone?: Tone; children: ReactNode }) {
  return (
    <span className={styles.chip} data-tone={tone}>
      {children}
    </span>
  );
}
