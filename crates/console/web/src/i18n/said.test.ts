// The provider's sentences have their Chinese: also those that are added to its sources after today.

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { said } from "./said";
import { SAID, WORDS } from "./zh/said";

/** Texts in the sources that nobody is told: names, reasons for lints, parts of other texts. */
const NOT_SAID = new Set([
  "null is a value of its own here",
  "the range was checked",
  "Simulator Target Bundle",
  ...Object.keys(WORDS),
]);

test("a sentence is said with what varies in its place", () => {
  expect(said("zh", "the value is the number 5, not a string, and is ignored")).toBe(
    "值是数字 5，而不是字符串，会被忽略",
  );
  expect(said("zh", "the payload is not JSON: expected `,` at line 3, column 7")).toBe(
    "载荷不是 JSON：第 3 行第 7 列，expected `,`",
  );
  expect(said("zh", "did you mean badge?")).toBe("是不是想写 badge？");
});

test("what varies may be a list of phrases, or a reason", () => {
  expect(said("zh", "3 of 9 users are not reached: 2 logged in nowhere, 1 without an installation in development.")).toBe(
    "9 个用户中有 3 个没有可以送达的设备：2 个没有在任何设备上登录，1 个在开发环境里没有设备。",
  );
  expect(said("zh", "Not all is sent yet: the last try came to nothing: no-answer.")).toBe(
    "还没有全部发出：上一次尝试没有结果：没有应答。",
  );
});

test("English stays as it is, and so does a sentence that isn't known", () => {
  expect(said("en", "did you mean badge?")).toBe("did you mean badge?");
  expect(said("zh", "a sentence of tomorrow")).toBe("a sentence of tomorrow");
});

/** Every text in the sources that is longer than a name: without tests, comments and what isn't said. */
function sentences(folder: string, files: RegExp): string[] {
  const at = new URL(`../../../../${folder}/`, import.meta.url);
  const names = readdirSync(at, { recursive: true, encoding: "utf8" }).filter((name) => files.test(name));
  const texts = names.flatMap((name) => {
    const code = (readFileSync(new URL(name, at), "utf8").split("#[cfg(test)]")[0] ?? "").replace(/^\s*\/\/.*$/gm, "");
    return [...code.matchAll(/"((?:[^"\\]|\\[^])*)"/g)].map((match) => match[1] ?? "");
  });
  return texts
    .map((text) => text.replace(/\\\n\s*/g, "").replaceAll('\\"', '"').replaceAll("\\\\", "\\"))
    .filter((text) => / .* /.test(text) && /^[A-Za-z{]/.test(text) && !NOT_SAID.has(text));
}

test("every finding of a payload check has its Chinese", () => {
  const found = sentences("payload/src", /^(validate\.rs|validate\/(content|purpose|live_activity)\.rs|fields\.rs|aps\.rs|alert\.rs|sound\.rs)$/);
  expect(found.length).toBeGreaterThan(60);
  const filled = found.map((text) => text.replace(/\{[a-z_]*(:\?)?\}/g, "x"));
  expect(filled.filter((text) => said("zh", text) === text)).toEqual([]);
});

test("everything that the provider says of whom a push doesn't reach has its Chinese", () => {
  const found = sentences("provider/src/engine", /^plan\.rs$/);
  expect(found.length).toBeGreaterThan(8);
  // A part of a list is told with its number before it.
  const filled = found.map((text) => (/^[a-z]/.test(text) ? `3 ${text}` : text).replace("{what}", "users").replace(/\{[a-z_]*(:\?)?\}/g, "x"));
  expect(filled.filter((text) => said("zh", text) === text)).toEqual([]);
});

test("no template is left in English, or has its punctuation", () => {
  expect(Object.values(SAID).filter((chinese) => /[一-鿿][,;:!?]/.test(chinese))).toEqual([]);
  expect(Object.values(SAID).filter((chinese) => !/[一-鿿]/.test(chinese))).toEqual([]);
});
