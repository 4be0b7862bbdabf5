// What a reminder's fields may say.

import { expect, test } from "vitest";
import { countdown, daily, identifierOf } from "./clockTime";

test("a countdown is a whole number of seconds, up to a day", () => {
  expect(["10", " 1 ", "86400"].map(countdown)).toEqual([{ seconds: 10 }, { seconds: 1 }, { seconds: 86_400 }]);
  expect(["", "0", "-5", "1.5", "86401", "ten"].map(countdown)).toEqual(Array(6).fill(undefined));
});

test("a time of day is two digits and two digits", () => {
  expect(["08:30", "23:59:00", "00:00"].map(daily)).toEqual([
    { hour: 8, minute: 30 },
    { hour: 23, minute: 59 },
    { hour: 0, minute: 0 },
  ]);
  expect(["", "24:00", "8:30", "12:60"].map(daily)).toEqual(Array(4).fill(undefined));
});

test("an article's reminder is called after the article", () => {
  expect(["https://news.example/lighthouse", "https://news.example/a/b/", "x"].map(identifierOf)).toEqual([
    "lighthouse",
    "b",
    "x",
  ]);
});
