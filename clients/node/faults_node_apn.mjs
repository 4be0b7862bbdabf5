// @parse/node-apn meets what nobody can ask Apple for: tokens that end, and faults. What it does then is what is checked.

import { randomUUID } from "node:crypto";
import apn from "@parse/node-apn";
import { admin, answers, check, endpoints, finish, newToken } from "./homing_run.mjs";

const { demo } = endpoints;
const { host, port } = endpoints.apns.development;

function provider(options = {}) {
  const token = { key: demo.key_p8, keyId: demo.key_id, teamId: demo.team_id };
  return new apn.Provider({ address: host, port, ca: endpoints.ca_pem, token, ...options });
}

async function send(client, to) {
  const note = new apn.Notification();
  note.id = randomUUID();
  note.topic = demo.bundle_id;
  note.pushType = "alert";
  note.alert = "From node-apn";
  const { sent, failed } = await client.send(note, to);
  return sent.length === 1 ? "sent" : failed[0];
}

const fault = (token, rule) => admin("POST", "/v1/faults", { token, count: 1, seconds: 60, ...rule });

const client = provider();
{
  const token = await newToken();
  for (const [state, reason] of [["unregistered", "Unregistered"], ["expired", "ExpiredToken"]]) {
    await admin("PUT", `/v1/token-marks/${token}`, { state, at: "2017-10-17T14:24:25.488Z" });
    const failed = await send(client, token);
    const seen = `${failed.status} ${failed.response?.reason} ${failed.response?.timestamp}`;
    check(`a token that is ${state} is 410 with its time`, seen === `410 ${reason} 1508250265488`, seen);
  }
  await admin("DELETE", `/v1/token-marks/${token}`);
  const seen = await send(client, token);
  check("a restored token is taken", seen === "sent", seen);
}

// The library sends again by itself what may be sent again.
for (const [reason, status] of [["TooManyRequests", 429], ["InternalServerError", 500], ["ServiceUnavailable", 503]]) {
  const token = await newToken();
  await fault(token, { effect: "refuse", reason, retry_after: 1 });
  const seen = await send(client, token);
  const got = await answers(token);
  check(`${reason} once: sent again by the library, and taken`, seen === "sent" && got.join() === `${status},200`, got);
}

{
  const token = await newToken();
  await fault(token, { effect: "refuse", reason: "TooManyRequests", count: 100 });
  const failed = await send(client, token);
  const got = await answers(token);
  check("TooManyRequests for ever: the library gives up", failed.status === 429 && got.every((one) => one === 429), got);
}

{
  const token = await newToken();
  await fault(token, { effect: "delay", milliseconds: 700 });
  const began = Date.now();
  const seen = await send(client, token);
  check("a late answer is waited for", seen === "sent" && Date.now() - began >= 700, seen);
}

for (const effect of ["drop", "go-away", "reset"]) {
  const one = provider();
  const token = await newToken();
  await fault(token, { effect });
  const seen = await send(one, token);
  const got = await answers(token);
  check(`${effect}: the first try is spoilt`, got[0] === `fault-${effect}`, got);
  if (seen === "sent") {
    check(`${effect}: sent again by the library, and taken`, got.join() === `fault-${effect},200`, got);
  } else {
    check(`${effect}: the library says so`, Boolean(seen.error), seen);
    const again = await send(provider(), token);
    check(`after ${effect} it is taken`, again === "sent", again);
  }
}

{
  const token = await newToken();
  const hasty = provider({ requestTimeout: 500, connectionRetryLimit: 0 });
  await fault(token, { effect: "silence", count: 10 });
  const failed = await send(hasty, token);
  check("silence: the library gives up in its own time", Boolean(failed.error), failed);
}

finish();
