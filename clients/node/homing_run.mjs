// What a Node client needs to be run here: endpoints.json, traces, and counting checks the way the runner reads.

import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

export const endpoints = JSON.parse(readFileSync(process.env.ENDPOINTS, "utf8"));

let checks = 0;
let failures = 0;

export function check(what, ok, seen = "") {
  checks += 1;
  if (ok) {
    console.log(`ok - ${what}`);
  } else {
    failures += 1;
    console.log(`not ok - ${what}: ${typeof seen === "string" ? seen : JSON.stringify(seen)}`);
  }
}

/** A check that stands in docs/conformance.md; the credential is "a key" or "a certificate". */
export function checkCase(name, credential, what, ok, seen = "") {
  check(`${name} (${credential}): ${what}`, ok, seen);
}

/** The token of a device that removed the demo app. */
export function goneToken() {
  return execFileSync("bash", ["clients/mosquitto/gone.sh"], { encoding: "utf8", timeout: 60_000 }).trim();
}

/** Whether the time, in milliseconds, lies within the last minute. */
export function recently(milliseconds) {
  return Number.isInteger(milliseconds) && Math.abs(Date.now() - milliseconds) < 60_000;
}

/** Runs it with a clock that is two hours behind. */
export async function clockBehind(does) {
  const now = Date.now;
  Date.now = () => now() - 7_200_000;
  try {
    return await does();
  } finally {
    Date.now = now;
  }
}

/** Asks the push service's admin API. */
export async function admin(method, path, body) {
  const headers = { authorization: `Bearer ${endpoints.gateway_admin_key}` };
  const answer = await fetch(endpoints.gateway_admin + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return text;
}

/** A token of the demo app whose device is always away. */
export async function newToken() {
  const wish = { topic: endpoints.demo.bundle_id, environment: "development" };
  return JSON.parse(await admin("POST", "/v1/test-tokens", wish)).token;
}

/** What the requests for a token were answered: the status, or what was done to them instead. */
export async function answers(token) {
  const lines = (await admin("GET", `/v1/journal?token=${token}`)).split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line)).map((entry) => entry.answer?.status ?? entry.injected);
}

export function finish() {
  console.log(`1..${checks}`);
  process.exit(failures ? 1 : 0);
}

export function trace(apnsId) {
  const asked = ["trace", apnsId, "--json", "--endpoints", process.env.ENDPOINTS];
  return new Promise((resolve) => {
    execFile(process.env.HOMING, asked, { timeout: 30_000 }, (_error, stdout) => {
      resolve(stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line)));
    });
  });
}

/** Waits until the trace of the first notification with this id has one of the wanted stages ("stage" or "stage:reason"). */
export async function checkReaches(what, apnsId, ...wanted) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const [first] = await trace(apnsId);
    const seen = (first?.events ?? []).map((event) => event.stage + (event.reason ? `:${event.reason}` : ""));
    if (seen.some((stage) => wanted.includes(stage))) return check(what, true);
    if (Date.now() > deadline) return check(what, false, seen.join(" "));
    await pause(100);
  }
}
