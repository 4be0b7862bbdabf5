// One iPhone as the page knows it, and the hands that may do something to it. All behaviour is in the device: after
// every act, and whenever the device says that something happened, everything is read again.

import { useMemo } from "react";
import {
  type AppDetail,
  type AppState,
  type Arrival,
  type ChangeSetting,
  type DeviceView,
  devices,
  type NotificationView,
  type PromptView,
  type Settings,
} from "../api/device";
import { useAct } from "../live/notices";
import { useEars } from "../live/streams";
import { type Reading, useReading } from "../live/useReading";

/** Arrivals the page reads. */
const ARRIVALS = 100;

export interface PhoneState {
  device: DeviceView;
  apps: AppDetail[];
  prompt: PromptView | null;
  notifications: NotificationView[];
  arrivals: Arrival[];
  /** By bundle ID, of the apps that have asked for permission: only these have a page in Settings. */
  settings: Record<string, Settings>;
}

async function readPhone(name: string): Promise<PhoneState> {
  const [device, apps, prompt, notifications, arrivals] = await Promise.all([
    devices.show(name),
    devices.apps(name),
    devices.prompt(name),
    devices.notifications(name),
    devices.arrivals(name, ARRIVALS),
  ]);
  const asked = apps.filter((app) => app.authorization_status !== "not-determined");
  const settings = await Promise.all(
    asked.map(async (app) => [app.bundle_id, await devices.settings(name, app.bundle_id)] as const),
  );
  return { device, apps, prompt, notifications, arrivals, settings: Object.fromEntries(settings) };
}

/** What a user can do to an iPhone. Each resolves to whether it was done, and then the page shows what came of it. */
export interface Hands {
  open: (app: string) => Promise<boolean>;
  background: (app: string) => Promise<boolean>;
  forceQuit: (app: string) => Promise<boolean>;
  answer: (allow: boolean) => Promise<boolean>;
  tap: (notification: NotificationView) => Promise<boolean>;
  clear: (notifications: NotificationView[]) => Promise<boolean>;
  lock: (locked: boolean) => Promise<boolean>;
  online: (online: boolean) => Promise<boolean>;
  change: (app: string, change: ChangeSetting) => Promise<boolean>;
  touch: (app: string, touch: Record<string, unknown>) => Promise<boolean>;
}

export interface Phone extends Reading<PhoneState> {
  hands: Hands;
}

export function usePhone(name: string | undefined): Phone {
  const act = useAct();
  const reading = useReading(name, () => readPhone(name ?? ""));
  const { again } = reading;
  useEars({
    gap: () => void again(),
    happening: (happening) => {
      // Of an erased one there is nothing to read.
      if (happening.device === name && happening.kind !== "erased") {
        void again();
      }
    },
  });
  const hands = useMemo(() => {
    const device = name ?? "";
    const doing = async (what: () => Promise<unknown>) => {
      const done = await act(async () => {
        await what();
        return true;
      });
      await again();
      return done === true;
    };
    const state = (app: string, to: AppState) => doing(() => devices.setState(device, app, to));
    const made: Hands = {
      open: (app) => state(app, "foreground"),
      background: (app) => state(app, "background"),
      forceQuit: (app) => state(app, "force-quit"),
      answer: (allow) => doing(() => devices.answer(device, allow)),
      tap: ({ app, identifier }) => doing(() => devices.tap(device, app, identifier)),
      clear: (all) =>
        doing(() => Promise.all(all.map(({ app, identifier }) => devices.dismiss(device, app, identifier)))),
      lock: (locked) => doing(() => devices.setLocked(device, locked)),
      online: (online) => doing(() => devices.setOnline(device, online)),
      change: (app, change) => doing(() => devices.change(device, app, change)),
      touch: (app, touch) => doing(() => devices.touch(device, app, touch)),
    };
    return made;
  }, [name, act, again]);
  return { ...reading, hands };
}

/** All iPhones: their names and the environment of the demo app on each. */
export interface Listed {
  device: DeviceView;
  app: AppDetail | undefined;
}

/** What changes the list of iPhones, or the token of one. */
const LISTED = new Set([
  "added",
  "erased",
  "restarted",
  "turned-off",
  "turned-on",
  "content-erased",
  "restored",
  "token",
  "installed",
  "removed",
  "changed",
]);

export function useDevices(bundle: string): Reading<Listed[]> {
  const reading = useReading("devices", async () => {
    const list = await devices.list();
    const apps = await Promise.all(list.map((device) => (device.on === false ? [] : devices.apps(device.name))));
    return list.map((device, at) => ({ device, app: apps[at]?.find((app) => app.bundle_id === bundle) }));
  });
  const { again } = reading;
  useEars({
    gap: () => void again(),
    happening: ({ kind }) => {
      if (LISTED.has(kind)) {
        void again();
      }
    },
  });
  return reading;
}
