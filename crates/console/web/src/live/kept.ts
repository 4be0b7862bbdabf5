// What the browser keeps between visits: language, look, the iPhone in front. Nothing secret, nothing the APIs know.

import { useCallback, useState } from "react";

const PREFIX = "homing.";

function read(key: string): string | null {
  try {
    return window.localStorage.getItem(PREFIX + key);
  } catch {
    return null;
  }
}

/** A word that is kept; `null` is none. Where storage is forbidden it lives as long as the page. */
export function useKept(key: string): [string | null, (word: string | null) => void] {
  const [word, setWord] = useState(() => read(key));
  const keep = useCallback(
    (next: string | null) => {
      setWord(next);
      try {
        if (next === null) {
          window.localStorage.removeItem(PREFIX + key);
        } else {
          window.localStorage.setItem(PREFIX + key, next);
        }
      } catch {
        // The page works without.
      }
    },
    [key],
  );
  return [word, keep];
}
