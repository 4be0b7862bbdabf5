// The list of pushes as it grows out of pages and of the stream: each push once, newest first, and never older than what
// was known of it before.

import type { Counts, Push } from "../api/provider";

const steps = (counts: Counts): number => Object.values(counts).reduce((sum, count) => sum + count, 0);

/** Counts only rise; so what counts more is newer. */
function newer(a: Push, b: Push): Push {
  if (a.state !== b.state) {
    return a.state === "finished" ? a : b;
  }
  return steps(b.counts) >= steps(a.counts) ? b : a;
}

export function merged(known: Push[], told: Push[]): Push[] {
  const all = new Map(known.map((push) => [push.push_id, push]));
  for (const push of told) {
    const before = all.get(push.push_id);
    all.set(push.push_id, before === undefined ? push : newer(before, push));
  }
  return [...all.values()].toSorted(
    (a, b) => Date.parse(b.created_at) - Date.parse(a.created_at) || b.push_id.localeCompare(a.push_id),
  );
}
