// How addresses are written.

import { expect, test } from "vitest";
import { path, query } from "./call";

test("names in a path are escaped, its own slashes aren't", () => {
  expect(path`/api/device/v1/devices/${"my phone/2"}/apps/${"com.example.news"}`).toBe(
    "/api/device/v1/devices/my%20phone%2F2/apps/com.example.news",
  );
});

test("a query leaves out what isn't given", () => {
  expect(query({ user: "ann & bob", limit: 5, after: undefined })).toBe("?user=ann+%26+bob&limit=5");
  expect(query({})).toBe("");
});
