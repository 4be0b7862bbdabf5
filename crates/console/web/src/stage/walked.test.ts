// The steps tick themselves off.

import { expect, test } from "vitest";
import type { AppDetail } from "../api/device";
import type { Push } from "../api/provider";
import { walked } from "./walked";

const app = (state: AppDetail["state"], authorization_status: AppDetail["authorization_status"]) =>
  ({ state, authorization_status }) as AppDetail;
const push = (opened: number, planned = 1) => ({ counts: { planned, opened } }) as Push;

test("each step is done when its effect is there", () => {
  expect([...walked(undefined, [])]).toEqual([]);
  expect([...walked(app("background", "not-determined"), [])]).toEqual([]);
  expect([...walked(app("foreground", "not-determined"), [])]).toEqual(["open"]);
  expect([...walked(app("ended", "denied"), [])]).toEqual(["open"]);
  expect([...walked(app("background", "authorized"), [push(0, 0)])]).toEqual(["open", "allow"]);
  expect([...walked(app("background", "authorized"), [push(0)])]).toEqual(["open", "allow", "send"]);
  expect([...walked(app("background", "authorized"), [push(0), push(1)])]).toEqual(["open", "allow", "send", "tap"]);
});
