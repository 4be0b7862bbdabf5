// An address names what is open, and only that.

import { expect, test } from "vitest";
import { hashOf, type Route, routeOf } from "./route";

test("every route survives the address bar", () => {
  const routes: Route[] = [
    { open: "nothing" },
    { open: "push", id: "p/1 ü" },
    { open: "notification", apnsId: "3F6CA58E-5085-07CF-512C-D1B32E472E48" },
  ];
  expect(routes.map(hashOf).map(routeOf)).toEqual(routes);
});

test("an address that means nothing opens nothing", () => {
  const opened = ["", "#", "#/push/", "#/push", "#/elsewhere/1", "#/push/%"].map((hash) => routeOf(hash).open);
  expect(new Set(opened)).toEqual(new Set(["nothing"]));
});
