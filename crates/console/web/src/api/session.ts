// The console's own API: signing in by a one-time code, and what a signed-in page may know of this Homing.

import { call } from "./call";

export type Environment = "development" | "production";

/** What the page is told once it is signed in. */
export interface About {
  version: string;
  demo: {
    bundle_id: string;
    /** Who is signed in on a new iPhone. */
    user: string;
    accounts: string[];
    environments: Environment[];
  };
}

export const session = {
  read: () => call<{ about: About }>("GET", "/session").then((answer) => answer.about),
  begin: (code: string) => call<void>("POST", "/session", { body: { code } }),
  end: () => call<void>("DELETE", "/session"),
};
