// One request to the console's own origin. Decides how requests look; what is asked is decided by the files beside it.

import { Problem, problemOf } from "./problem";

export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** What a request may carry beside its address. */
export interface Sending {
  body?: unknown;
  headers?: Record<string, string>;
}

/** How long an answer may take. An upstream that hangs must not make the page hang. */
const PATIENCE_MS = 20_000;

/** Called when an answer says that the session is over. */
let onSignedOut: () => void = () => undefined;

export function whenSignedOut(then: () => void): void {
  onSignedOut = then;
}

/** Asks, and reads the answer as JSON (`undefined` without a body). Throws a `Problem`. */
export async function call<T>(method: Method, address: string, sending: Sending = {}): Promise<T> {
  const headers: Record<string, string> = { accept: "application/json", ...sending.headers };
  const init: RequestInit = { method, headers, credentials: "same-origin", signal: AbortSignal.timeout(PATIENCE_MS) };
  if (sending.body !== undefined) {
    headers["content-type"] = "application/json";
    init.body = JSON.stringify(sending.body);
  }
  let answer: Response;
  try {
    answer = await fetch(address, init);
  } catch (error) {
    throw new Problem(0, "", error instanceof Error ? error.message : String(error));
  }
  if (!answer.ok) {
    const problem = await problemOf(answer);
    if (problem.status === 401 && address.startsWith("/api/")) {
      onSignedOut();
    }
    throw problem;
  }
  const text = await answer.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/** A path with each part escaped: names and ids are other people's words. */
export function path(parts: TemplateStringsArray, ...names: string[]): string {
  return parts.reduce((all, part, at) => all + encodeURIComponent(names[at - 1] ?? "") + part);
}

/** Query parameters; those that are `undefined` are left out. */
export function query(parameters: Record<string, string | number | undefined>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
  return text === "" ? "" : `?${text}`;
}
