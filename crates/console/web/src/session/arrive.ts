// How a visitor comes in: with a one-time code in the address, or with a session. The code is taken out of the address
// before anything else happens, and spent by POST, so that it stays in no history and no log.

import { Problem } from "../api/problem";
import { type About, session } from "../api/session";
import { asProblem } from "../live/useReading";

export type Arrived =
  | { about: About }
  /** No session. `spent`: the link's code was wrong, old or used. */
  | { about: undefined; spent: boolean }
  | { problem: Problem };

/** The one-time code in an address; `undefined` without one. */
export function codeIn(pathname: string, hash: string): string | undefined {
  const code = hash.replace(/^#/, "");
  return pathname === "/sign-in" && code !== "" ? code : undefined;
}

export async function arrive(): Promise<Arrived> {
  const code = codeIn(window.location.pathname, window.location.hash);
  if (window.location.pathname === "/sign-in") {
    window.history.replaceState(null, "", "/");
  }
  let spent = false;
  try {
    if (code !== undefined) {
      await session.begin(code).catch((error: unknown) => {
        spent = isSignedOut(error);
        if (!spent) {
          throw error;
        }
      });
    }
    return { about: await session.read() };
  } catch (error) {
    return isSignedOut(error) ? { about: undefined, spent } : { problem: asProblem(error) };
  }
}

const isSignedOut = (error: unknown): boolean => error instanceof Problem && error.status === 401;
