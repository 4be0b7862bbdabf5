// Pages and events come in any order.

import { expect, test } from "vitest";
import type { Counts, Push } from "../api/provider";
import { merged } from "./pushes";

function push(id: string, minute: number, delivered = 0, state: Push["state"] = "sending"): Push {
  return {
    push_id: id,
    environment: "development",
    state,
    created_at: `2026-11-26T12:${String(minute).padStart(2, "0")}:00Z`,
    audience: { user: "reader" },
    policy: "last-device",
    payload: {},
    counts: { planned: 1, delivered } as Counts,
    reasons: {},
  };
}

const ids = (pushes: Push[]) => pushes.map((one) => one.push_id);

test("each push stands once, the newest first", () => {
  const known = merged([], [push("a", 1), push("c", 3)]);
  expect(ids(merged(known, [push("b", 2), push("c", 3), push("d", 4)]))).toEqual(["d", "c", "b", "a"]);
});

test("an answer that was read before an event came doesn't turn the counts back", () => {
  const live = merged([], [push("a", 1, 1)]);
  expect(merged(live, [push("a", 1, 0)])[0]?.counts.delivered).toBe(1);
});

test("nor the reasons, which may be all that changed", () => {
  const replaced = { ...push("a", 1), reasons: { ended: { replaced: 1 } } };
  expect(merged(merged([], [replaced]), [push("a", 1)])[0]?.reasons).toEqual({ ended: { replaced: 1 } });
});

test("finished stays finished", () => {
  const finished = merged([], [push("a", 1, 0, "finished")]);
  expect(merged(finished, [push("a", 1, 0, "sending")])[0]?.state).toBe("finished");
});
