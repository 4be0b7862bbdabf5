// What time it is for provider, push service and devices: one clock, which may be ahead of the browser's. All times
// that are compared with "now" are compared with this one.

import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { type ClockView, clock } from "../api/device";
import { useEars } from "./streams";

/** Two clocks that are closer than this are the same one, seen with a delay. */
const SAME_MS = 1_500;

interface Clock {
  /** How far the clock is ahead of the browser's, in milliseconds. */
  skew: number;
  /** How far it was moved ahead of real time, in seconds. */
  ahead: number;
  set: (view: ClockView) => void;
}

const Context = createContext<Clock>({ skew: 0, ahead: 0, set: () => undefined });

export function ClockProvider({ children }: { children: ReactNode }) {
  const [{ skew, ahead }, setState] = useState({ skew: 0, ahead: 0 });
  const set = useCallback(
    (view: ClockView) => setState({ skew: Date.parse(view.now) - Date.now(), ahead: view.offset_seconds }),
    [],
  );
  const read = useCallback(() => {
    // Without an answer the old offset stays; whoever needs the API says what is wrong.
    clock.show().then(set, () => undefined);
  }, [set]);
  useEffect(read, [read]);
  useEars({
    gap: read,
    happening: (happening) => {
      if (Math.abs(Date.parse(happening.at) - (Date.now() + skew)) > SAME_MS) {
        read();
      }
    },
  });
  const value = useMemo(() => ({ skew, ahead, set }), [skew, ahead, set]);
  return <Context value={value}>{children}</Context>;
}

export const useClock = (): Clock => useContext(Context);

/** Now, by the common clock, in milliseconds; renders anew every `every` milliseconds. */
export function useNow(every: number): number {
  const { skew } = useClock();
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), every);
    return () => window.clearInterval(timer);
  }, [every]);
  return now + skew;
}
