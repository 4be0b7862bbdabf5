// A push's counts as a funnel, and why what didn't get through didn't.

import type { Counts, Push, ReasonKind } from "../api/provider";

const FUNNEL = ["planned", "sent", "accepted", "delivered", "displayed", "opened"] as const;

export type FunnelStep = (typeof FUNNEL)[number];

export interface Share {
  step: FunnelStep;
  count: number;
  /** Of what was planned: 0 to 1. */
  share: number;
}

export function funnel(counts: Counts): Share[] {
  return FUNNEL.map((step) => {
    const count = counts[step];
    return { step, count, share: counts.planned === 0 ? 0 : Math.min(1, count / counts.planned) };
  });
}

export interface WhyNot {
  kind: ReasonKind;
  reason: string;
  count: number;
}

const KINDS: readonly ReasonKind[] = ["withdrawn", "failed", "refused", "ended", "suppressed"];

/** The reasons, in the order of the way; the most frequent first at each step. */
export function whyNot(push: Push): WhyNot[] {
  return KINDS.flatMap((kind) =>
    Object.entries(push.reasons[kind] ?? {})
      .filter(([, count]) => count > 0)
      .map(([reason, count]) => ({ kind, reason, count }))
      .toSorted((a, b) => b.count - a.count || a.reason.localeCompare(b.reason)),
  );
}

/** What a push says, for people: its title, else its text; `undefined` for one that shows nothing. */
export function saying(payload: Record<string, unknown>): { title?: string; body?: string } {
  const alert = field(payload["aps"], "alert");
  if (typeof alert === "string") {
    return { body: alert };
  }
  const title = field(alert, "title") ?? field(alert, "title-loc-key");
  const body = field(alert, "body") ?? field(alert, "loc-key");
  return {
    ...(typeof title === "string" && title !== "" ? { title } : {}),
    ...(typeof body === "string" && body !== "" ? { body } : {}),
  };
}

function field(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}
