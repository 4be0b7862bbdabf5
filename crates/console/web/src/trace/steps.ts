// A notification's life as one list of steps: what the provider, the push service and the device said of it, in order.
// Each step is told once, by who knows it first hand. The words for the stages are in `i18n`.

import type { Trace } from "../api/gateway";
import type { ProviderTrace } from "../api/provider";

export type Speaker = "provider" | "push-service" | "device";

/** Who says which stage. `handed` is the provider's `sent`. */
const SPEAKERS = {
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
  injected: "push-service",
  displayed: "device",
  suppressed: "device",
  opened: "device",
  action: "device",
  dismissed: "device",
} as const satisfies Record<string, Speaker>;

export type StageWord = keyof typeof SPEAKERS;

export interface Step {
  /** Milliseconds since 1970. */
  at: number;
  stage: StageWord;
  speaker: Speaker;
  reason: string | null;
}

const isStage = (word: string): word is StageWord => Object.hasOwn(SPEAKERS, word);

/** The steps that the provider says, and those of the push service's trace; a stage that the trace has counts there. */
export function steps(provider: ProviderTrace | undefined, trace: Trace | undefined): Step[] {
  const told = new Set(trace?.events.map((event) => event.stage));
  const own = (provider?.events ?? [])
    .filter((event) => event.stage === "sent" || !told.has(event.stage))
    .map((event) => ({ ...event, stage: event.stage === "sent" ? "handed" : event.stage }));
  return interleaved(own.flatMap(step), (trace?.events ?? []).flatMap(step));
}

function step({ at, stage, reason }: Trace["events"][number]): Step[] {
  return isStage(stage) ? [{ at: Date.parse(at), stage, speaker: SPEAKERS[stage], reason }] : [];
}

/** Two lists as one, by time. Each keeps its own order: a device's clock may be a little behind what follows from it. */
function interleaved(first: Step[], second: Step[]): Step[] {
  const all: Step[] = [];
  const rest = [...second];
  for (const one of first) {
    while (rest[0] !== undefined && rest[0].at < one.at) {
      all.push(...rest.splice(0, 1));
    }
    all.push(one);
  }
  return [...all, ...rest];
}
