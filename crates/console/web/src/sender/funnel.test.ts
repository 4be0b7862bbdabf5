// The funnel and its reasons.

import { expect, test } from "vitest";
import type { Counts, Push } from "../api/provider";
import { funnel, saying, whyNot } from "./funnel";

const NONE: Counts = {
  planned: 0,
  sent: 0,
  accepted: 0,
  refused: 0,
  failed: 0,
  withdrawn: 0,
  delivered: 0,
  displayed: 0,
  suppressed: 0,
  opened: 0,
  dismissed: 0,
  action: 0,
};

function push(change: Partial<Push>): Push {
  return {
    push_id: "p",
    environment: "development",
    state: "finished",
    created_at: "2026-11-26T12:00:00Z",
    audience: { user: "reader" },
    policy: "last-device",
    payload: {},
    counts: NONE,
    reasons: {},
    ...change,
  };
}

test("each step is a share of what was planned, and nothing planned is nothing", () => {
  const counts = { ...NONE, planned: 4, sent: 4, accepted: 3, delivered: 2, displayed: 1, opened: 0 };
  expect(funnel(counts).map((step) => step.share)).toEqual([1, 1, 0.75, 0.5, 0.25, 0]);
  expect(funnel(NONE).every((step) => step.share === 0)).toBe(true);
});

test("reasons come in the order of the way, the most frequent first", () => {
  const reasons = {
    suppressed: { foreground: 1, "not-permitted": 3, focus: 0 },
    refused: { Unregistered: 2 },
    ended: { expired: 1 },
  };
  expect(whyNot(push({ reasons })).map((why) => [why.kind, why.reason, why.count])).toEqual([
    ["refused", "Unregistered", 2],
    ["ended", "expired", 1],
    ["suppressed", "not-permitted", 3],
    ["suppressed", "foreground", 1],
  ]);
});

test("a push says its title and its text, in every form an alert may have", () => {
  expect(saying({ aps: { alert: { title: "A", body: "b" } } })).toEqual({ title: "A", body: "b" });
  expect(saying({ aps: { alert: "b" } })).toEqual({ body: "b" });
  expect(saying({ aps: { alert: { "loc-key": "K" } } })).toEqual({ body: "K" });
  expect([saying({ aps: { "content-available": 1 } }), saying({ aps: null }), saying({})]).toEqual([{}, {}, {}]);
});
