// The page's two streams: what happens on the devices, and the pushes of the app. Components say what they want to hear;
// there are no further streams.

import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from "react";
import { EVENTS, type Happening, KINDS } from "../api/device";
import { eventsOf, type Push } from "../api/provider";
import { listenTogether } from "../api/shared";

/** What a component may hear. */
export interface Ears {
  happening?: (happening: Happening) => void;
  push?: (push: Push) => void;
  /** Anything may have happened to devices or pushes: read again. */
  gap?: () => void;
}

interface Streams {
  add: (ears: Ears) => () => void;
  /** Whether both streams are open. */
  live: boolean;
}

const Context = createContext<Streams | undefined>(undefined);

export function StreamsProvider({ app, children }: { app: string; children: ReactNode }) {
  const all = useRef(new Set<Ears>());
  const [devicesLive, setDevicesLive] = useState(true);
  const [pushesLive, setPushesLive] = useState(true);
  useEffect(() => {
    const gap = () => all.current.forEach((ears) => ears.gap?.());
    const stopDevices = listenTogether(EVENTS, KINDS, {
      event: (_, data) => all.current.forEach((ears) => ears.happening?.(data as Happening)),
      gap,
      live: setDevicesLive,
    });
    const stopPushes = listenTogether(eventsOf(app), ["push"], {
      event: (_, data) => all.current.forEach((ears) => ears.push?.(data as Push)),
      gap,
      live: setPushesLive,
    });
    return () => {
      stopDevices();
      stopPushes();
    };
  }, [app]);
  const streams = useMemo<Streams>(
    () => ({
      add: (ears) => {
        all.current.add(ears);
        return () => all.current.delete(ears);
      },
      live: devicesLive && pushesLive,
    }),
    [devicesLive, pushesLive],
  );
  return <Context value={streams}>{children}</Context>;
}

function useStreams(): Streams {
  const streams = useContext(Context);
  if (streams === undefined) {
    throw new Error("StreamsProvider is missing above this component");
  }
  return streams;
}

/** Hears while the component is there. */
export function useEars(ears: Ears): void {
  const { add } = useStreams();
  const latest = useRef(ears);
  useEffect(() => {
    latest.current = ears;
  });
  useEffect(
    () =>
      add({
        happening: (happening) => latest.current.happening?.(happening),
        push: (push) => latest.current.push?.(push),
        gap: () => latest.current.gap?.(),
      }),
    [add],
  );
}

export const useLive = (): boolean => useStreams().live;
