// Readings never overlap, and the last question always gets an answer that is newer than it.

import { expect, test } from "vitest";
import { reader } from "./reader";

function gate() {
  const waiting: (() => void)[] = [];
  return {
    pass: () => new Promise<void>((resolve) => waiting.push(resolve)),
    open: async () => {
      waiting.shift()?.();
      await new Promise((resolve) => setTimeout(resolve));
    },
  };
}

test("many questions during one reading cost one more", async () => {
  const at = gate();
  let reads = 0;
  const told: (number | undefined)[] = [];
  const it = reader(
    async () => {
      reads += 1;
      const mine = reads;
      await at.pass();
      return mine;
    },
    (outcome) => told.push(outcome.value),
  );
  const first = it.again();
  const later = [it.again(), it.again(), it.again()];
  await at.open();
  await first;
  expect(told).toEqual([1]);
  await at.open();
  await Promise.all(later);
  expect([reads, told]).toEqual([2, [1, 2]]);
});

test("an error is told, and the next reading happens all the same", async () => {
  const told: unknown[] = [];
  let fails = true;
  const it = reader(
    async () => {
      if (fails) {
        throw new Error("away");
      }
      return "here";
    },
    (outcome) => told.push(outcome.error instanceof Error ? outcome.error.message : outcome.value),
  );
  await it.again();
  fails = false;
  await it.again();
  expect(told).toEqual(["away", "here"]);
});

test("after the stop nothing is told, and nothing is read", async () => {
  const at = gate();
  let reads = 0;
  const told: unknown[] = [];
  const it = reader(
    async () => {
      reads += 1;
      await at.pass();
    },
    (outcome) => told.push(outcome),
  );
  const under_way = it.again();
  const queued = it.again();
  it.stop();
  await at.open();
  await Promise.all([under_way, queued, it.again()]);
  expect([reads, told]).toEqual([1, []]);
});
