// A labelled field of a form, with a hint or what is wrong with it below.

import { type ReactNode, useId } from "react";
import styles from "./Field.module.css";

interface Props {
  label: string;
  hint?: ReactNode;
  /** The control; it gets the id its label points to. */
  children: (id: string) => ReactNode;
}

export function Field({ label, hint, children }: Props) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      {children(id)}
      {hint !== undefined && <p className={styles.hint}>{hint}</p>}
    </div>
  );
}
