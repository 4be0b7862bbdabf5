// The shapes here follow those of the other crates. What can be compared with their sources is compared.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { KINDS } from "./device";
import { newsScreen } from "./news";

const source = (file: string): string => readFileSync(new URL(`../../../../${file}`, import.meta.url), "utf8");

test("every kind of event that a device tells is listened for", () => {
  const body = /pub enum Kind \{(.*?)\n\}/s.exec(source("device/src/happening.rs"))?.[1] ?? "";
  const words = [...body.matchAll(/^ {4}([A-Z]\w+),/gm)].map(([, name = ""]) =>
    name.replace(/(?<=.)[A-Z]/g, (letter) => `-${letter}`).toLowerCase(),
  );
  expect(words.length).toBeGreaterThan(15);
  expect([...KINDS].toSorted()).toEqual(words.toSorted());
});

test("every field of the demo's screen that is read is one that it writes", () => {
  const body = /pub struct Screen \{(.*?)\n\}/s.exec(source("app/src/demo/screen.rs"))?.[1] ?? "";
  const fields = new Set([...body.matchAll(/pub (\w+):/g)].map(([, name]) => name));
  const read = newsScreen({ background_updates: 0 });
  expect(Object.keys(read ?? {}).filter((field) => !fields.has(field))).toEqual([]);
});

test("a screen of another app isn't taken for the demo's", () => {
  expect(newsScreen(undefined)).toBeUndefined();
  expect(newsScreen({ url: null })).toBeUndefined();
  expect(newsScreen({ background_updates: 2, accounts: ["a", 1], permission: "odd", user: 7 })).toMatchObject({
    background_updates: 2,
    accounts: ["a"],
    permission: "not-determined",
    user: null,
  });
});
