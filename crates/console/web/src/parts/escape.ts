// The Escape key closes one thing: what was opened last.

import { useEffect, useRef } from "react";

const open: (() => void)[] = [];

function onKeyDown(event: KeyboardEvent): void {
  if (event.key === "Escape" && !event.defaultPrevented) {
    open.at(-1)?.();
  }
}

/** While `active`, Escape calls `close`, unless something was opened after it. */
export function useEscape(active: boolean, close: () => void): void {
  const latest = useRef(close);
  useEffect(() => {
    latest.current = close;
  });
  useEffect(() => {
    if (!active) {
      return undefined;
    }
    const mine = () => latest.current();
    if (open.push(mine) === 1) {
      document.addEventListener("keydown", onKeyDown);
    }
    return () => {
      open.splice(open.indexOf(mine), 1);
      if (open.length === 0) {
        document.removeEventListener("keydown", onKeyDown);
      }
    };
  }, [active]);
}
