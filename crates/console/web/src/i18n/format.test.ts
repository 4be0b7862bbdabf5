// Times and durations as people write them, in both languages.

import { expect, test } from "vitest";
import { format } from "./format";

const en = format("en-GB");
const zh = format("zh-CN");

test("the past is told in the largest unit that fits", () => {
  const now = Date.parse("2026-11-26T12:00:00Z");
  const at = (seconds: number) => now - seconds * 1000;
  expect([2, 42, 90, 7_300, 200_000].map((seconds) => en.ago(at(seconds), now))).toEqual([
    "now",
    "42 sec ago",
    "1 min ago",
    "2 hr ago",
    "2 days ago",
  ]);
  expect([2, 90].map((seconds) => zh.ago(at(seconds), now))).toEqual(["现在", "1分钟前"]);
});

test("what is a moment ahead of the clock is now, not the future", () => {
  expect(en.ago(2_000, 1_000)).toBe("now");
});

test("durations keep the digits that matter", () => {
  expect([0, 12, 1_437, 14_370, 150_000, 5_400_000].map(en.lasting)).toEqual([
    "0 ms",
    "12 ms",
    "1.4 secs",
    "14 secs",
    "3 mins",
    "1.5 hrs",
  ]);
  expect(zh.lasting(1_437)).toBe("1.4秒");
});
