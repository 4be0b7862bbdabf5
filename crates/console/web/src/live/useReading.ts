// What a component reads from an API: the newest value, the problem if the last reading failed, and a way to read again.

import { useCallback, useEffect, useRef, useState } from "react";
import { Problem } from "../api/problem";
import { type Reader, reader } from "./reader";

export interface Reading<T> {
  value: T | undefined;
  problem: Problem | undefined;
  again: () => Promise<void>;
}

/** Reads `read`, anew whenever `key` changes; then the old value is forgotten. An `undefined` key reads nothing. */
export function useReading<T>(key: string | undefined, read: () => Promise<T>): Reading<T> {
  const [state, setState] = useState<{ key: string | undefined; value?: T; problem?: Problem }>({ key });
  const latest = useRef(read);
  const current = useRef<Reader>(undefined);
  useEffect(() => {
    latest.current = read;
  });
  useEffect(() => {
    if (key === undefined) {
      return undefined;
    }
    const mine = reader<T>(
      () => latest.current(),
      ({ value, error }) =>
        setState((before) => {
          if (error === undefined) {
            return { key, value: value as T };
          }
          const kept = before.key === key && before.value !== undefined ? { value: before.value } : {};
          return { key, ...kept, problem: asProblem(error) };
        }),
    );
    current.current = mine;
    void mine.again();
    return () => {
      mine.stop();
      current.current = undefined;
    };
  }, [key]);
  const again = useCallback(() => current.current?.again() ?? Promise.resolve(), []);
  const fits = state.key === key;
  return { value: fits ? state.value : undefined, problem: fits ? state.problem : undefined, again };
}

export function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem(0, "", error instanceof Error ? error.message : String(error));
}
