// The pushes of the app: the newest page, older ones on demand, and every change as it happens.

import { useCallback, useReducer, useState } from "react";
import type { Problem } from "../api/problem";
import { provider, type Push } from "../api/provider";
import { useAct } from "../live/notices";
import { useEars } from "../live/streams";
import { useReading } from "../live/useReading";
import { merged } from "./pushes";

const PAGE = 20;

export interface PushList {
  list: Push[];
  /** Nothing was read yet. */
  waiting: boolean;
  problem: Problem | undefined;
  again: () => Promise<void>;
  /** Reads older ones; absent when there are none. */
  older: (() => Promise<void>) | undefined;
}

export function usePushes(bundle: string): PushList {
  const act = useAct();
  const [list, told] = useReducer(merged, []);
  const [next, setNext] = useState<string | null>(null);
  const [paged, setPaged] = useState(false);
  const reading = useReading(bundle, async () => {
    const page = await provider.pushes(bundle, PAGE);
    told(page.pushes);
    if (!paged) {
      setNext(page.next ?? null);
    }
    return true;
  });
  const { again } = reading;
  useEars({ gap: () => void again(), push: (push) => told([push]) });
  const older = useCallback(async () => {
    const page = await act(() => provider.pushes(bundle, PAGE, next ?? undefined));
    if (page !== undefined) {
      setPaged(true);
      told(page.pushes);
      setNext(page.next ?? null);
    }
  }, [act, bundle, next]);
  return {
    list,
    waiting: reading.value === undefined && reading.problem === undefined,
    problem: reading.problem,
    again,
    older: next === null ? undefined : older,
  };
}
