// One list out of what three sides say.

import { expect, test } from "vitest";
import type { Trace } from "../api/gateway";
import type { ProviderTrace } from "../api/provider";
import { steps } from "./steps";

const at = (ms: number) => new Date(Date.parse("2026-11-26T12:00:00Z") + ms).toISOString();

function provider(...events: [number, string, string?][]): ProviderTrace {
  return {
    apns_id: "a",
    push_id: "p",
    token: "00",
    environment: "development",
    user: "reader",
    events: events.map(([ms, stage, reason]) => ({ at: at(ms), stage, reason: reason ?? null })),
  };
}

function trace(...events: [number, string, string?][]): Trace {
  const told = events.map(([ms, stage, reason]) => ({ at: at(ms), stage, reason: reason ?? null }));
  return { apns_id: "a", seq: 1, topic: "t", environment: "development", events: told };
}

test("the provider's steps come first, then the push service's, then the device's", () => {
  const all = steps(
    provider([0, "planned"], [1, "sent"], [3, "accepted"], [9, "displayed"]),
    trace([2, "accepted"], [2, "stored"], [4, "sent"], [5, "acknowledged"], [5, "displayed"]),
  );
  expect(all.map((step) => `${step.speaker} ${step.stage}`)).toEqual([
    "provider planned",
    "provider handed",
    "push-service accepted",
    "push-service stored",
    "push-service sent",
    "push-service acknowledged",
    "device displayed",
  ]);
});

test("each side's own order is kept, though the device's clock was behind", () => {
  const all = steps(provider([0, "planned"], [5, "sent"]), trace([6, "accepted"], [9, "acknowledged"], [7, "displayed"]));
  expect(all.map((step) => step.stage)).toEqual(["planned", "handed", "accepted", "acknowledged", "displayed"]);
});

test("a second try stands after the answer to the first", () => {
  const all = steps(provider([0, "planned"], [1, "sent"], [9, "sent"]), trace([2, "refused", "Shutdown"], [10, "accepted"]));
  expect(all.map((step) => step.stage)).toEqual(["planned", "handed", "refused", "handed", "accepted"]);
});

test("without a trace, as with Apple's push service, the provider tells what it knows", () => {
  const all = steps(provider([0, "planned"], [1, "sent"], [3, "refused", "Unregistered"]), undefined);
  expect(all.map((step) => [step.stage, step.reason])).toEqual([
    ["planned", null],
    ["handed", null],
    ["refused", "Unregistered"],
  ]);
});

test("a redelivery is told again, a word nobody knows is left out", () => {
  const all = steps(undefined, trace([0, "accepted"], [1, "sent"], [2, "sent"], [3, "teleported"]));
  expect(all.map((step) => step.stage)).toEqual(["accepted", "sent", "sent"]);
});
