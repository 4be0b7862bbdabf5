// The demo app's screen and what a finger can do on it (`crates/app`). The screen comes as the app's own JSON, so it is
// read with care: an older or another app may say less.

import type { AuthorizationStatus } from "./device";

/** When a reminder comes: once, so many seconds from now, or each day at this time. */
export type When = { seconds: number } | { hour: number; minute: number };

/** A request for a local notification that waits, or whose notification is in Notification Center. */
export interface Waiting {
  identifier: string;
  title: string;
  /** `null`: it isn't known, or stands there already. */
  next: number | null;
  /** It comes each day, or each time. */
  repeats: boolean;
  /** It came from the push service. */
  remote: boolean;
}

/** A page that a tapped notification opened. */
export interface Visit {
  url: string | null;
  title: string | null;
  /** The tap started the app. */
  cold: boolean;
  local: boolean;
}

/** A page that a silent push brought. */
export interface Refresh {
  url: string;
  at: number;
  inBackground: boolean;
}

/** What came of the last touch on a reminder. */
export interface Said {
  identifier: string;
  did: "scheduled" | "replaced" | "cancelled" | "withdrawn" | "refused";
  error: { domain: string; code: number; message: string } | null;
}

/** The app's reminder of permission: whether it stands on the screen, how often it did, when it may again. */
export interface Reminding {
  shown: boolean;
  times: number;
  atMost: number;
  notBefore: number | null;
}

export interface NewsScreen {
  /** The page that is open; `null` is the front page. */
  url: string | null;
  device_token: string | null;
  registration_error: string | null;
  permission: AuthorizationStatus;
  /** Its own alert for what came while it was in foreground. */
  in_app_alert: string | null;
  /** While it is in foreground, the system shows the notification, too. */
  banner_in_foreground: boolean;
  background_updates: number;
  reminding: Reminding;
  refreshed: Refresh[];
  pending: Waiting[];
  delivered: Waiting[];
  said: Said | null;
  history: Visit[];
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
  const text = (key: string) => textOf(screen[key]);
  return {
    url: text("url"),
    device_token: text("device_token"),
    registration_error: text("registration_error"),
    permission: permission(text("permission")),
    in_app_alert: text("in_app_alert"),
    banner_in_foreground: screen["banner_in_foreground"] === true,
    background_updates: numberOf(screen["background_updates"]) ?? 0,
    reminding: reminding(objectOf(screen["reminding"])),
    refreshed: listOf(screen["refreshed"]).map(refresh),
    pending: listOf(screen["pending"]).map((one) => waiting(objectOf(one["request"]), one["next_trigger_date"])),
    delivered: listOf(screen["delivered"]).map((one) => waiting(one, null)),
    said: said(screen["said"]),
    history: listOf(screen["history"]).map(visit),
    user: text("user"),
    accounts: arrayOf(screen["accounts"]).filter((account) => typeof account === "string"),
    signing_in: screen["signing_in"] === true,
    sign_in_error: text("sign_in_error"),
  };
}

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const objectOf = (value: unknown): Json => (isObject(value) ? value : {});
const arrayOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const listOf = (value: unknown): Json[] => arrayOf(value).filter(isObject);
const textOf = (value: unknown): string | null => (typeof value === "string" ? value : null);
const numberOf = (value: unknown): number | null => (typeof value === "number" ? value : null);

function timeOf(value: unknown): number | null {
  const time = Date.parse(textOf(value) ?? "");
  return Number.isNaN(time) ? null : time;
}

function waiting(request: Json, next: unknown): Waiting {
  const trigger = objectOf(request["trigger"]);
  const title = objectOf(request["content"])["title"];
  return {
    identifier: textOf(request["identifier"]) ?? "",
    title: textOf(title) ?? textOf(objectOf(title)["loc_key"]) ?? "",
    next: timeOf(next),
    repeats: trigger["repeats"] === true,
    remote: trigger["kind"] === "push",
  };
}

const visit = (one: Json): Visit => ({
  url: textOf(one["url"]),
  title: textOf(one["title"]),
  cold: one["cold"] === true,
  local: one["local"] === true,
});

const refresh = (one: Json): Refresh => ({
  url: textOf(one["url"]) ?? "",
  at: timeOf(one["at"]) ?? 0,
  inBackground: one["state"] !== "foreground",
});

const reminding = (one: Json): Reminding => ({
  shown: one["shown"] === true,
  times: numberOf(one["times"]) ?? 0,
  atMost: numberOf(one["at_most"]) ?? 0,
  notBefore: timeOf(one["not_before"]),
});

function said(value: unknown): Said | null {
  const { identifier, did, error } = objectOf(value);
  const known = (["scheduled", "replaced", "cancelled", "withdrawn", "refused"] as const).find((word) => word === did);
  if (known === undefined) {
    return null;
  }
  const { domain, code, message } = objectOf(error);
  const wrong = { domain: textOf(domain) ?? "", code: numberOf(code) ?? 0, message: textOf(message) ?? "" };
  return { identifier: textOf(identifier) ?? "", did: known, error: isObject(error) ? wrong : null };
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
  openSettings: () => ({ touch: "open-settings" }),
  notNow: () => ({ touch: "not-now" }),
  schedule: (identifier: string, what: { title: string; body: string; url: string }, when: When) => ({
    touch: "schedule",
    identifier,
    ...what,
    trigger:
      "seconds" in when
        ? { kind: "time-interval", seconds: when.seconds }
        : { kind: "calendar", date_components: { hour: when.hour, minute: when.minute }, repeats: true },
  }),
  cancel: (identifier: string) => ({ touch: "cancel", identifier }),
  withdraw: (identifier: string) => ({ touch: "withdraw", identifier }),
  look: () => ({ touch: "look" }),
  inForeground: (banner: boolean) => ({ touch: "in-foreground", banner }),
};
