// What an iPhone's screen shows, out of its state and of where its user looks: pure, so that it can be tested. The state
// is the device's; where the user looks (at the settings, at the list of notifications) is only this page's.

import type { AppDetail, NotificationView, Settings } from "../api/device";
import type { PhoneState } from "./usePhone";

/** Where the user looks, when no app is in front. */
export type Look = "home" | "settings" | "switcher";

export type Showing =
  | { what: "lock" }
  | { what: "switcher" }
  | { what: "app"; app: AppDetail }
  | { what: "settings" }
  | { what: "home" };

export function showing(state: PhoneState, look: Look): Showing {
  if (state.device.locked) {
    return { what: "lock" };
  }
  if (look === "switcher") {
    return { what: "switcher" };
  }
  const app = state.apps.find((one) => one.state === "foreground");
  if (app !== undefined) {
    return { what: "app", app };
  }
  return { what: look === "settings" ? "settings" : "home" };
}

/** How long a temporary banner stays, as the device has it. */
const BANNER_MS = 5_000;

/** The banner on the screen: the newest that hasn't gone by itself or been wiped away. A persistent one stays. */
export function banner(state: PhoneState, now: number, wiped: ReadonlySet<string>): NotificationView | undefined {
  if (state.device.locked) {
    return undefined;
  }
  return state.notifications.find((notification) => {
    if (wiped.has(keyOf(notification))) {
      return false;
    }
    const stays = notification.surfaces.includes("persistent-banner");
    return stays || (notification.surfaces.includes("banner") && now - Date.parse(notification.date) < BANNER_MS);
  });
}

/** One showing of one notification: a newer one of the same identifier is another. */
export const keyOf = (notification: NotificationView): string =>
  [notification.app, notification.identifier, notification.date].join("\n");

/** Whether the texts may be read: on the lock screen the device isn't unlocked. */
export function previews(settings: Settings | undefined, locked: boolean): boolean {
  switch (settings?.show_previews_setting) {
    case "never":
      return false;
    case "when-authenticated":
      return !locked;
    default:
      return true;
  }
}

export const on = (notifications: NotificationView[], surface: "lock-screen" | "notification-center") =>
  notifications.filter((notification) => notification.surfaces.includes(surface));
