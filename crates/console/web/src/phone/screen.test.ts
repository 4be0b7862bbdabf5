// What is on the screen follows from the device's state and the user's look.

import { expect, test } from "vitest";
import type { AppDetail, NotificationView, Settings } from "../api/device";
import { banner, keyOf, on, previews, showing } from "./screen";
import type { PhoneState } from "./usePhone";

const NOW = Date.parse("2026-11-26T12:00:00Z");

function app(state: AppDetail["state"]): AppDetail {
  return {
    bundle_id: "com.example.news",
    name: "News",
    version: "1.0",
    state,
    authorization_status: "authorized",
    badge: 0,
    registered: true,
    background_refresh: true,
  };
}

function notification(identifier: string, secondsAgo: number, surfaces: NotificationView["surfaces"]): NotificationView {
  return {
    identifier,
    app: "com.example.news",
    app_name: "News",
    title: identifier,
    subtitle: "",
    body: "",
    badge: null,
    sound: null,
    thread: "",
    category: "",
    interruption_level: "active",
    date: new Date(NOW - secondsAgo * 1000).toISOString(),
    apns_id: identifier,
    surfaces,
  };
}

function phone(change: Partial<PhoneState> & { locked?: boolean } = {}): PhoneState {
  const { locked = false, ...rest } = change;
  return {
    device: { name: "p", online: true, locked, link: { connected: true, refused: false }, apps: [] },
    apps: [app("background")],
    prompt: null,
    notifications: [],
    arrivals: [],
    settings: {},
    ...rest,
  };
}

const when = (show: Settings["show_previews_setting"]) => ({ show_previews_setting: show }) as Settings;

test("a locked phone shows its lock screen, whatever is behind", () => {
  expect(showing(phone({ locked: true, apps: [app("foreground")] }), "settings").what).toBe("lock");
});

test("an app in front is what is seen; without one it is where the user looks", () => {
  expect(showing(phone({ apps: [app("foreground")] }), "home").what).toBe("app");
  expect(showing(phone({ apps: [app("foreground")] }), "switcher").what).toBe("switcher");
  expect(showing(phone(), "settings").what).toBe("settings");
  expect(showing(phone(), "home").what).toBe("home");
});

test("a banner goes after five seconds, a persistent one stays, and neither is on a locked phone", () => {
  const fresh = notification("a", 4, ["banner"]);
  const old = notification("b", 6, ["banner"]);
  const none = new Set<string>();
  expect(banner(phone({ notifications: [fresh] }), NOW, none)).toBe(fresh);
  expect(banner(phone({ notifications: [old] }), NOW, none)).toBeUndefined();
  const persistent = notification("c", 6, ["persistent-banner"]);
  expect(banner(phone({ notifications: [persistent] }), NOW, none)).toBe(persistent);
  expect(banner(phone({ notifications: [fresh], locked: true }), NOW, none)).toBeUndefined();
});

test("a banner that was wiped away comes back only with a newer notification", () => {
  const first = notification("a", 4, ["banner"]);
  const second = notification("a", 1, ["banner"]);
  const wiped = new Set([keyOf(first)]);
  expect(banner(phone({ notifications: [first] }), NOW, wiped)).toBeUndefined();
  expect(banner(phone({ notifications: [second, first] }), NOW, wiped)).toBe(second);
});

test("only what is meant for a surface is on it", () => {
  const listed = notification("a", 1, ["notification-center"]);
  expect(on([listed, notification("b", 1, ["banner"])], "notification-center")).toEqual([listed]);
});

test("previews follow the switch and the lock", () => {
  expect([previews(when("always"), true), previews(when("when-authenticated"), true)]).toEqual([true, false]);
  expect([previews(when("when-authenticated"), false), previews(when("never"), false)]).toEqual([true, false]);
  expect(previews(undefined, true)).toBe(true);
});
