// A stream of server-sent events that keeps itself alive. A stream has gaps: while it was away, when the server says it
// missed some. After each, the listener is told to read everything again.

/** What a stream tells. */
export interface Listener {
  /** One event: its name and its data, read as JSON. */
  event(name: string, data: unknown): void;
  /** Anything may have happened: read again. Also at the very beginning. */
  gap(): void;
  /** Whether events come. */
  live(is: boolean): void;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

/** Opens the stream and keeps it open until the returned function is called. */
export function listen(path: string, names: readonly string[], listener: Listener): () => void {
  let source: EventSource;
  let timer: number | undefined;
  let wait = FIRST_WAIT_MS;

  const open = () => {
    const opened = new EventSource(path);
    source = opened;
    opened.addEventListener("open", () => {
      wait = FIRST_WAIT_MS;
      listener.live(true);
      listener.gap();
    });
    opened.addEventListener("error", () => {
      listener.live(false);
      // The browser tries again by itself unless the answer was an error.
      if (opened.readyState === EventSource.CLOSED) {
        timer = window.setTimeout(open, wait);
        wait = Math.min(wait * 2, LONGEST_WAIT_MS);
        // The answer may have been that the session is over: reading finds out.
        listener.gap();
      }
    });
    opened.addEventListener("missed", () => listener.gap());
    for (const name of names) {
      opened.addEventListener(name, (event) => {
        try {
          listener.event(name, JSON.parse(event.data as string));
        } catch {
          listener.gap();
        }
      });
    }
  };

  open();
  return () => {
    window.clearTimeout(timer);
    source.close();
  };
}
