// Both languages say everything, and know every word that the other sides may say.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { en } from "./en";
import { zh } from "./zh";
import { chosen } from "./language";

/** What may be alike in both languages: names, codes, addresses. */
const ALIKE = [/^[\w.-]+$/, /^https:/, /^iPhone$/, /^Homing/, /^\d+$/];

function leaves(value: unknown, path: string): [string, unknown][] {
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, inner]) => leaves(inner, `${path}.${key}`));
  }
  return [[path, value]];
}

test("every word has its counterpart, and none is empty or left in English", () => {
  const chinese = new Map(leaves(zh, ""));
  const english = leaves(en, "");
  expect([...chinese.keys()].toSorted()).toEqual(english.map(([path]) => path).toSorted());
  const wrong = english.filter(([path, word]) => {
    const other = chinese.get(path);
    if (typeof word !== "string" || typeof other !== "string") {
      return typeof word !== typeof other;
    }
    return other === "" || (other === word && !ALIKE.some((alike) => alike.test(word)));
  });
  expect(wrong.map(([path]) => path)).toEqual([]);
});

test("Chinese texts use Chinese punctuation", () => {
  const wrong = leaves(zh, "").filter(([, word]) => typeof word === "string" && /[一-鿿][,;:!?]/.test(word));
  expect(wrong).toEqual([]);
});

/** The words of a table in another crate, one group per match. */
function wordsIn(file: string, pattern: RegExp): string[] {
  const source = readFileSync(new URL(`../../../../${file}`, import.meta.url), "utf8");
  const words = [...source.matchAll(pattern)].map((match) => match[1] ?? "");
  expect(words.length).toBeGreaterThan(4);
  return words;
}

test("every reason that anybody may say is explained", () => {
  const said = [
    ...wordsIn("trace/src/reason.rs", /Self::known\("([a-z-]+)"\)/g),
    ...wordsIn("apns/src/reason.rs", /^ {4}([A-Z]\w+), \d{3}, /gm),
    ...wordsIn("provider/src/engine/standings.rs", /=> "([a-z-]+)"/g),
    ...wordsIn("provider/src/engine/sending/retry.rs", /: "([a-z-]+)"\.to_owned\(\)/g),
  ];
  expect(said.filter((word) => !(word in en.reasons))).toEqual([]);
});

test("every stage of a trace has its words", () => {
  const said = wordsIn("trace/src/stage.rs", /\(Stage::\w+, "(\w+)"/g);
  expect(said.filter((word) => en.stages.of(word) === undefined)).toEqual([]);
});

test("the browser's first language that the page speaks is taken", () => {
  expect(chosen(["zh-Hant-TW", "en"])).toBe("zh");
  expect(chosen(["fr", "en-GB", "zh"])).toBe("en");
  expect(chosen(["fr"])).toBe("en");
  expect(chosen([])).toBe("en");
});
