// How far a user came on the first walk: pure, from what app and pushes say.

import type { AppDetail } from "../api/device";
import type { Push } from "../api/provider";

export const STEPS = ["open", "allow", "send", "tap"] as const;

export type WalkStep = (typeof STEPS)[number];

export function walked(app: AppDetail | undefined, pushes: Push[]): Set<WalkStep> {
  const done = new Set<WalkStep>();
  const status = app?.authorization_status ?? "not-determined";
  if (status !== "not-determined" || app?.state === "foreground") {
    done.add("open");
  }
  if (status === "authorized" || status === "provisional" || status === "ephemeral") {
    done.add("allow");
  }
  if (pushes.some((push) => push.counts.planned > 0)) {
    done.add("send");
  }
  if (pushes.some((push) => push.counts.opened > 0)) {
    done.add("tap");
  }
  return done;
}
