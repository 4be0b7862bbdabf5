// The demo app's screen and what a finger can do on it (`crates/app`). The screen comes as the app's own JSON, so it is
// read with care: an older or another app may say less.

import type { AuthorizationStatus } from "./device";

export interface NewsScreen {
  /** The page that is open; `null` is the front page. */
  url: string | null;
  device_token: string | null;
  registration_error: string | null;
  permission: AuthorizationStatus;
  /** Its own alert for what came while it was in foreground. */
  in_app_alert: string | null;
  background_updates: number;
  /** Who is signed in. */
  user: string | null;
  accounts: string[];
  signing_in: boolean;
  sign_in_error: string | null;
}

/** Reads a screen; `undefined` if it isn't one of the demo app's. */
export function newsScreen(screen: Record<string, unknown> | undefined): NewsScreen | undefined {
  if (screen === undefined || !("background_updates" in screen)) {
    return undefined;
  }
  const text = (key: string) => (typeof screen[key] === "string" ? screen[key] : null);
  const accounts = Array.isArray(screen["accounts"]) ? screen["accounts"] : [];
  return {
    url: text("url"),
    device_token: text("device_token"),
    registration_error: text("registration_error"),
    permission: permission(text("permission")),
    in_app_alert: text("in_app_alert"),
    background_updates: typeof screen["background_updates"] === "number" ? screen["background_updates"] : 0,
    user: text("user"),
    accounts: accounts.filter((account) => typeof account === "string"),
    signing_in: screen["signing_in"] === true,
    sign_in_error: text("sign_in_error"),
  };
}

function permission(word: string | null): AuthorizationStatus {
  const known = ["denied", "authorized", "provisional", "ephemeral"] as const;
  return known.find((status) => status === word) ?? "not-determined";
}

export const touches = {
  signIn: (user: string) => ({ touch: "sign-in", user }),
  signOut: () => ({ touch: "sign-out" }),
  goHome: () => ({ touch: "go-home" }),
  open: (url: string) => ({ touch: "open", url }),
  askPermission: () => ({ touch: "ask-permission" }),
};
