// Reads something again and again without ever reading it twice at once: who asks while a reading is under way gets one
// more after it. What is read, and what becomes of it, is the caller's.

export interface Outcome<T> {
  value?: T;
  error?: unknown;
}

/** A reader of one thing. */
export interface Reader {
  /** Reads soon; many calls in a row cost two readings at most. Resolves when what was asked for is read. */
  again(): Promise<void>;
  /** Nothing more is told from here on. */
  stop(): void;
}

export function reader<T>(read: () => Promise<T>, tell: (outcome: Outcome<T>) => void): Reader {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let stopped = false;

  const once = async () => {
    const outcome: Outcome<T> = {};
    try {
      outcome.value = await read();
    } catch (error) {
      outcome.error = error;
    }
    if (!stopped) {
      tell(outcome);
    }
  };
  const start = (): Promise<void> => {
    running = once().finally(() => {
      running = undefined;
    });
    return running;
  };
  return {
    again() {
      if (stopped) {
        return Promise.resolve();
      }
      if (running === undefined) {
        return start();
      }
      next ??= running.then(() => {
        next = undefined;
        return stopped ? undefined : start();
      });
      return next;
    },
    stop() {
      stopped = true;
    },
  };
}
