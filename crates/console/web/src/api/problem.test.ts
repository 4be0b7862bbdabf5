// What the page makes of answers that say no.

import { expect, test } from "vitest";
import { readProblem } from "./problem";

test("a problem document says what is wrong and what would help", () => {
  const body = JSON.stringify({ title: "No such user", status: 404, detail: "nobody is u9: GET …/users lists them" });
  const problem = readProblem(404, "Not Found", body);
  expect([problem.status, problem.message, problem.detail]).toEqual([
    404,
    "No such user",
    "nobody is u9: GET …/users lists them",
  ]);
});

test("findings come with it, and what is no finding is left out", () => {
  const finding = { path: "$.aps", severity: "error", reason: "a", fix: "b" };
  const body = JSON.stringify({ title: "x", findings: [finding, 7, { path: "$" }, null] });
  expect(readProblem(422, "", body).findings).toEqual([finding]);
});

test("an answer that is no problem document still says something", () => {
  expect(readProblem(502, "Bad Gateway", "<h1>oops</h1>")).toMatchObject({
    message: "Bad Gateway",
    detail: "<h1>oops</h1>",
  });
  expect(readProblem(500, "", "").message).toBe("500");
  expect(readProblem(500, "", "[1]").detail).toBe("");
});
