// A page that nobody wrote gets its headline from its address.

import { expect, test } from "vitest";
import { titleOf } from "./Article";

test("the last part of an address becomes a headline", () => {
  expect(
    [
      "https://news.example/sport/final-in-lyon.html?from=push#top",
      "https://news.example/%E7%AA%81%E5%8F%91/",
      "https://news.example",
      "app://42",
      "https://news.example/100%",
      "",
    ].map(titleOf),
  ).toEqual(["final in lyon", "突发", "news.example", "42", "100%", ""]);
});
