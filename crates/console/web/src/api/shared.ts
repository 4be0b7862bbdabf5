// One stream for all windows of the browser. A browser opens six connections to an origin at most, over all its windows,
// and a stream holds one; so one window holds the stream and passes on what it tells. When that window goes, another
// takes over. Which window it is, the browser's own locks decide.

import { type Listener, listen } from "./stream";

type Message = { tell: "event"; name: string; data: unknown } | { tell: "gap" } | { tell: "live"; is: boolean } | { ask: "live" };

/** As `listen`; each window's listener hears everything. */
export function listenTogether(path: string, names: readonly string[], listener: Listener): () => void {
  // Only pages of secure origins have locks: https, and any http on this machine.
  if (!("locks" in navigator)) {
    return listen(path, names, listener);
  }
  const others = new BroadcastChannel(path);
  const end = new AbortController();
  let live = true;

  const said = (message: Message) => {
    if ("ask" in message) {
      return;
    }
    switch (message.tell) {
      case "event":
        return listener.event(message.name, message.data);
      case "gap":
        return listener.gap();
      case "live":
        return listener.live(message.is);
    }
  };
  const tell = (message: Message) => {
    said(message);
    others.postMessage(message);
  };
  const hold = () => {
    const stop = listen(path, names, {
      event: (name, data) => tell({ tell: "event", name, data }),
      gap: () => tell({ tell: "gap" }),
      live: (is) => {
        live = is;
        tell({ tell: "live", is });
      },
    });
    others.addEventListener("message", ({ data }: MessageEvent<Message>) => {
      if ("ask" in data) {
        others.postMessage({ tell: "live", is: live });
      }
    });
    return new Promise<void>((done) => {
      end.signal.addEventListener("abort", () => {
        stop();
        done();
      });
    });
  };
  others.addEventListener("message", ({ data }: MessageEvent<Message>) => said(data));
  others.postMessage({ ask: "live" });
  navigator.locks.request(path, { signal: end.signal }, hold).catch(() => {
    // The window went before it was its turn.
  });
  return () => {
    end.abort();
    others.close();
  };
}
