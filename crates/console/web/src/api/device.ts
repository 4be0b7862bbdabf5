// The device API: virtual iPhones, what is on their screens, and a user's hands. The shapes are those of
// `crates/local/src/view.rs` and `crates/device/src/api.rs`; everything an iPhone does is decided there.

import { call, path, query } from "./call";
import type { Environment } from "./session";

const BASE = "/api/device/v1";

export type AppState = "foreground" | "background" | "ended" | "force-quit";
export type AuthorizationStatus = "not-determined" | "denied" | "authorized" | "provisional" | "ephemeral";
export type Surface = "banner" | "persistent-banner" | "lock-screen" | "notification-center" | "sound" | "badge";
export type InterruptionLevel = "passive" | "active" | "time-sensitive" | "critical";
export type Switch = "not-supported" | "disabled" | "enabled";
export type AlertStyle = "none" | "banner" | "alert";
export type ShowPreviews = "always" | "when-authenticated" | "never";

export interface DeviceView {
  name: string;
  device_id?: string;
  /** `false`: it was turned off, and answers nothing else. */
  on?: boolean;
  /** `false` in airplane mode. */
  online: boolean;
  locked: boolean;
  link: { connected: boolean; why?: string; refused: boolean };
  apps: string[];
}

export interface AppDetail {
  bundle_id: string;
  name: string;
  version: string;
  state: AppState;
  authorization_status: AuthorizationStatus;
  badge: number;
  device_token?: string;
  environment?: Environment;
  registered: boolean;
  background_refresh: boolean;
  url?: string;
  /** What a running app shows, in words of its own. */
  screen?: Record<string, unknown>;
}

export interface NotificationView {
  identifier: string;
  app: string;
  app_name: string;
  title: string;
  subtitle: string;
  body: string;
  badge: number | null;
  sound: string | null;
  thread: string;
  category: string;
  interruption_level: InterruptionLevel;
  date: string;
  apns_id: string | null;
  surfaces: Surface[];
}

export interface PromptView {
  app: string;
  app_name: string;
  options: string[];
}

export interface Settings {
  authorization_status: AuthorizationStatus;
  sound_setting: Switch;
  badge_setting: Switch;
  alert_setting: Switch;
  notification_center_setting: Switch;
  lock_screen_setting: Switch;
  alert_style: AlertStyle;
  show_previews_setting: ShowPreviews;
  time_sensitive_setting: Switch;
}

export type SettingName =
  | "allow-notifications"
  | "alert"
  | "sound"
  | "badge"
  | "notification-center"
  | "lock-screen"
  | "time-sensitive"
  | "background-app-refresh";

export type ChangeSetting =
  | { setting: SettingName; on: boolean }
  | { setting: "keep-prominently" }
  | { setting: "alert-style"; style: AlertStyle }
  | { setting: "show-previews"; when: ShowPreviews };

/** One notification that came to the device, shown or not, and what the device decided. */
export interface Arrival {
  at: string;
  app: string;
  apns_id: string;
  seq: number;
  push_type: string | null;
  title: string;
  body: string;
  /** `null` while it is open. */
  decision: { stage: "displayed" | "suppressed"; reason: string | null; surfaces: Surface[]; at: string } | null;
  responses: { stage: "opened" | "dismissed" | "action"; at: string }[];
  /** Where the app stood; `null`: it wasn't on the device. */
  app_state: AppState | null;
  /** One plain sentence, in English. */
  why: string;
}

export interface ClockView {
  now: string;
  offset_seconds: number;
}

/** What a device tells those who watch it. */
export const KINDS = [
  "added",
  "erased",
  "restarted",
  "turned-off",
  "turned-on",
  "content-erased",
  "restored",
  "link",
  "lock",
  "installed",
  "removed",
  "app-moved",
  "crashed",
  "suspended",
  "settings-opened",
  "token",
  "prompt-shown",
  "prompt-withdrawn",
  "arrived",
  "presented",
  "sound",
  "badge",
  "withdrawn",
  "will-present",
  "did-receive",
  "did-receive-remote-notification",
  "legacy-callback",
  "content-extension",
  "summary",
  "service-extension",
  "handed-over",
  "channel",
  "broadcast",
  "receipt",
  "screen",
  "changed",
] as const;

export interface Happening {
  at: string;
  device: string;
  kind: (typeof KINDS)[number];
  app?: string;
  detail: Record<string, unknown>;
}

export const EVENTS = `${BASE}/events`;

const of = (device: string) => BASE + path`/devices/${device}`;
const ofApp = (device: string, app: string) => of(device) + path`/apps/${app}`;

export const devices = {
  list: () => call<{ devices: DeviceView[] }>("GET", `${BASE}/devices`).then((answer) => answer.devices),
  show: (device: string) => call<DeviceView>("GET", of(device)),
  add: (device: string, like: string) => call<DeviceView>("PUT", of(device), { body: { like } }),
  erase: (device: string) => call<void>("DELETE", of(device)),
  apps: (device: string) => call<{ apps: AppDetail[] }>("GET", `${of(device)}/apps`).then((answer) => answer.apps),
  prompt: (device: string) =>
    call<{ prompt: PromptView | null }>("GET", `${of(device)}/prompt`).then((answer) => answer.prompt),
  answer: (device: string, allow: boolean) => call<void>("POST", `${of(device)}/prompt/answer`, { body: { allow } }),
  notifications: (device: string) =>
    call<{ notifications: NotificationView[] }>("GET", `${of(device)}/notifications`).then(
      (answer) => answer.notifications,
    ),
  arrivals: (device: string, limit: number) =>
    call<{ arrivals: Arrival[] }>("GET", `${of(device)}/arrivals${query({ limit })}`).then((answer) => answer.arrivals),
  tap: (device: string, app: string, identifier: string) =>
    call<void>("POST", `${of(device)}/notifications/tap`, { body: { app, identifier } }),
  dismiss: (device: string, app: string, identifier: string) =>
    call<void>("POST", `${of(device)}/notifications/dismiss`, { body: { app, identifier } }),
  setOnline: (device: string, online: boolean) => call<void>("PUT", `${of(device)}/network`, { body: { online } }),
  setLocked: (device: string, locked: boolean) => call<void>("PUT", `${of(device)}/lock`, { body: { locked } }),
  setState: (device: string, app: string, state: AppState) =>
    call<AppDetail>("PUT", `${ofApp(device, app)}/state`, { body: { state } }),
  settings: (device: string, app: string) => call<Settings>("GET", `${ofApp(device, app)}/settings`),
  change: (device: string, app: string, change: ChangeSetting) =>
    call<Settings>("PUT", `${ofApp(device, app)}/settings`, { body: change }),
  touch: (device: string, app: string, touch: Record<string, unknown>) =>
    call<void>("POST", `${ofApp(device, app)}/page/touch`, { body: touch }),
};

export const clock = {
  show: () => call<ClockView>("GET", `${BASE}/clock`),
  advance: (seconds: number) => call<ClockView>("POST", `${BASE}/clock/advance`, { body: { seconds } }),
};
