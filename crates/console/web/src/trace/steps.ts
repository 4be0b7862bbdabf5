// A notification's life as one list of steps: what the provider, the push service and the device said of it, in order.
// Each step is told once, by who knows it first hand. The words for the stages are in `i18n`.

import type { Trace } from "../api/gateway";
import type { ProviderTrace } from "../api/provider";

export type Speaker = "provider" | "push-service" | "device";

/** All stages, in the order in which they come when their times are the same. `handed` is the provider's `sent`. */
const ORDER = [
  "planned",
  "handed",
  "accepted",
  "refused",
  "withdrawn",
  "failed",
  "stored",
  "replaced",
  "expired",
  "discarded",
  "sent",
  "acknowledged",
  "displayed",
  "suppressed",
  "opened",
  "action",
  "dismissed",
] as const;

export type StageWord = (typeof ORDER)[number];

const SPEAKERS: Record<StageWord, Speaker> = {
  planned: "provider",
  handed: "provider",
  accepted: "push-service",
  refused: "push-service",
  withdrawn: "provider",
  failed: "provider",
  stored: "push-service",
  replaced: "push-service",
  expired: "push-service",
  discarded: "push-service",
  sent: "push-service",
  acknowledged: "push-service",
  displayed: "device",
  suppressed: "device",
  opened: "device",
  action: "device",
  dismissed: "device",
};

export interface Step {
  /** Milliseconds since 1970. */
  at: number;
  stage: StageWord;
  speaker: Speaker;
  reason: string | null;
}

const isStage = (word: string): word is StageWord => (ORDER as readonly string[]).includes(word);

/** The steps that the provider says, and those of the push service's trace; a stage that the trace has counts there. */
export function steps(provider: ProviderTrace | undefined, trace: Trace | undefined): Step[] {
  const told = new Set(trace?.events.map((event) => event.stage));
  const own = (provider?.events ?? [])
    .filter((event) => event.stage === "sent" || !told.has(event.stage))
    .map((event) => ({ ...event, stage: event.stage === "sent" ? "handed" : event.stage }));
  return [...own, ...(trace?.events ?? [])]
    .flatMap(({ at, stage, reason }) =>
      isStage(stage) ? [{ at: Date.parse(at), stage, speaker: SPEAKERS[stage], reason }] : [],
    )
    .toSorted((a, b) => a.at - b.at || ORDER.indexOf(a.stage) - ORDER.indexOf(b.stage));
}

/** Whether more is to come: the user may still do something, or the push service still has it. */
export function isOpen(all: Step[]): boolean {
  const ends: StageWord[] = ["refused", "withdrawn", "failed", "replaced", "expired", "discarded", "suppressed"];
  return !all.some((step) => ends.includes(step.stage));
}
