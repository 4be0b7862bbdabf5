// Does what a user asked for and, if it can't be done, says so in a notice: what, why, and how to mend it.

import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from "react";
import type { Problem } from "../api/problem";
import { asProblem } from "./useReading";

export interface Notice {
  id: number;
  problem: Problem;
}

interface Notices {
  list: Notice[];
  /** Does it; `undefined` if it failed, which is said in a notice. */
  act: <T>(what: () => Promise<T>) => Promise<T | undefined>;
  close: (id: number) => void;
}

/** More at once nobody reads. */
const MOST = 3;

const Context = createContext<Notices | undefined>(undefined);

export function NoticesProvider({ children }: { children: ReactNode }) {
  const [list, setList] = useState<Notice[]>([]);
  const act = useCallback(async <T,>(what: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await what();
    } catch (error) {
      const problem = asProblem(error);
      setList((before) => [...before, { id: (before.at(-1)?.id ?? 0) + 1, problem }].slice(-MOST));
      return undefined;
    }
  }, []);
  const close = useCallback((id: number) => setList((before) => before.filter((notice) => notice.id !== id)), []);
  const notices = useMemo(() => ({ list, act, close }), [list, act, close]);
  return <Context value={notices}>{children}</Context>;
}

export function useNotices(): Notices {
  const notices = useContext(Context);
  if (notices === undefined) {
    throw new Error("NoticesProvider is missing above this component");
  }
  return notices;
}

export const useAct = (): Notices["act"] => useNotices().act;
