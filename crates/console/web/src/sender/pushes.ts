// The list of pushes as it grows out of pages and of the stream: each push once, newest first, and never older than what
// was known of it before.

import type { Push } from "../api/provider";

/** All that is counted of a push. Some ends are told only as reasons. */
function counted({ counts, reasons }: Push): number {
  const all = [counts, ...Object.values(reasons)].flatMap((numbers) => Object.values(numbers));
  return all.reduce((sum, count) => sum + count, 0);
}

/** Counts only rise; so what counts more is newer. */
function newer(a: Push, b: Push): Push {
  if (a.state !== b.state) {
    return a.state === "finished" ? a : b;
  }
  return counted(b) >= counted(a) ? b : a;
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
