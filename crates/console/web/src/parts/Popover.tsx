// A small panel that a button opens: closed by Escape, by a click elsewhere, by leaving it with the keyboard, or by what
// is inside. The focus goes back to the button, unless it went elsewhere.

import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { useEscape } from "./escape";
import styles from "./Popover.module.css";

interface Props {
  /** The button; it gets these attributes. */
  button: (attributes: {
    "aria-expanded": boolean;
    "aria-controls": string;
    onClick: () => void;
  }) => ReactNode;
  label: string;
  align?: "start" | "end";
  side?: "below" | "beside";
  children: (close: () => void) => ReactNode;
}

export function Popover({ button, label, align = "start", side = "below", children }: Props) {
  const [open, setOpen] = useState(false);
  const id = useId();
  const root = useRef<HTMLDivElement>(null);
  const close = () => setOpen(false);
  useEffect(() => {
    if (!open) {
      return undefined;
    }
    const outside = (event: Event) => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) {
        setOpen(false);
      }
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    const element = root.current;
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
      // Whoever was in the panel is at its button again; whoever went elsewhere stays there.
      if (document.activeElement === document.body) {
        element?.querySelector<HTMLElement>("[aria-controls]")?.focus();
      }
    };
  }, [open]);
  useEscape(open, close);
  return (
    <div ref={root} className={styles.root}>
      {button({ "aria-expanded": open, "aria-controls": id, onClick: () => setOpen(!open) })}
      {open && (
        <div id={id} role="group" aria-label={label} className={styles.panel} data-align={align} data-side={side}>
          {children(close)}
        </div>
      )}
    </div>
  );
}
