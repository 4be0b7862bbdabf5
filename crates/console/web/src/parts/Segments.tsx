// One of a few: radio buttons that look like one piece. The browser's own radios do the keyboard's part.

import { type ReactNode, useId } from "react";
import styles from "./Segments.module.css";

interface Props<T extends string> {
  label: string;
  options: readonly { value: T; label: ReactNode }[];
  value: T;
  onChange: (value: T) => void;
  size?: "normal" | "small";
}

export function Segments<T extends string>({ label, options, value, onChange, size = "normal" }: Props<T>) {
  const name = useId();
  return (
    <div role="radiogroup" aria-label={label} className={styles.segments} data-size={size}>
      {options.map((option) => (
        <label key={option.value} className={styles.segment}>
          <input
            type="radio"
            className="visually-hidden"
            name={name}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          <span>{option.label}</span>
        </label>
      ))}
    </div>
  );
}
