// A titled region of the page.

import { type ReactNode, useId } from "react";
import styles from "./Card.module.css";

interface Props {
  title: string;
  /** What stands at the title's right. */
  aside?: ReactNode;
  children: ReactNode;
}

export function Card({ title, aside, children }: Props) {
  const id = useId();
  return (
    <section aria-labelledby={id} className={styles.card}>
      <header className={styles.head}>
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

/** What a list says while there is nothing in it: what is missing, and what to do next. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className={styles.empty}>
      <p className={styles.emptyTitle}>{title}</p>
      {children !== undefined && <p>{children}</p>}
    </div>
  );
}
