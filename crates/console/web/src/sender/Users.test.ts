// Whose the iPhones are.

import { expect, test } from "vitest";
import type { Installation } from "../api/provider";
import { byUser } from "./Users";

function installation(token: string, user: string | null, minute: number, state: Installation["state"] = "live") {
  const bound_at = user === null ? null : `2026-11-26T12:0${minute}:00Z`;
  return { token, environment: "development" as const, user, bound_at, state };
}

test("users by name, their iPhones by the last login, without the retired and the unbound", () => {
  const found = byUser([
    installation("a", "reader", 1),
    installation("b", "ann", 2),
    installation("c", "reader", 3),
    installation("d", null, 4),
    installation("e", "bob", 5, "retired"),
  ]);
  expect(found.map(([user, all]) => [user, all.map((one) => one.token)])).toEqual([
    ["ann", ["b"]],
    ["reader", ["c", "a"]],
  ]);
});
