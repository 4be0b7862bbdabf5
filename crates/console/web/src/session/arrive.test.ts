// The code is where the link puts it, and nowhere else.

import { expect, test } from "vitest";
import { codeIn } from "./arrive";

test("only the sign-in address has a code", () => {
  expect(codeIn("/sign-in", "#abc")).toBe("abc");
  expect(codeIn("/sign-in", "")).toBeUndefined();
  expect(codeIn("/sign-in", "#")).toBeUndefined();
  expect(codeIn("/", "#/push/1")).toBeUndefined();
});
