// The push service's admin API as far as the page uses it: what became of a notification.

import { call, query } from "./call";
import type { Environment } from "./session";

/** Everything the push service knows of one notification: its own steps and what the device told it. */
export interface Trace {
  apns_id: string;
  seq: number | null;
  topic: string | null;
  environment: Environment | null;
  events: { at: string; stage: string; reason: string | null }[];
}

export const gateway = {
  traces: (apnsId: string) =>
    call<{ traces: Trace[] }>("GET", `/api/gateway/v1/traces${query({ apns_id: apnsId })}`).then(
      (answer) => answer.traces,
    ),
};
