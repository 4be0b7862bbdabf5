// apns2 meets what nobody can ask Apple for: tokens that end, and faults. What it does then is what is checked.

import { readFileSync } from "node:fs";
import { ApnsClient, Errors, Notification } from "apns2";
import { admin, answers, check, endpoints, finish, newToken } from "./homing_run.mjs";

const { demo } = endpoints;
const { host, port } = endpoints.apns.development;

function client() {
  const options = { team: demo.team_id, keyId: demo.key_id, signingKey: readFileSync(demo.key_p8, "utf8") };
  const made = new ApnsClient({ ...options, defaultTopic: demo.bundle_id, host });
  // The library has no option for port and CA: its pool of connections is replaced by one of the same class.
  const Pool = made.client.constructor;
  made.client.close();
  const connect = { ca: readFileSync(endpoints.ca_pem) };
  made.client = new Pool(`https://${host}:${port}`, { connections: 1, allowH2: true, connect });
  return made;
}

const send = (by, token) =>
  by.send(new Notification(token, { alert: "From apns2" })).then(() => "sent", (error) => error);

const fault = (token, rule) => admin("POST", "/v1/faults", { token, count: 1, seconds: 60, ...rule });

const sender = client();
{
  const token = await newToken();
  let told = 0;
  sender.on(Errors.unregistered, () => (told += 1));
  await admin("PUT", `/v1/token-marks/${token}`, { state: "unregistered" });
  const error = await send(sender, token);
  check("an unregistered token is 410 Unregistered", error.statusCode === 410 && error.reason === "Unregistered", error);
  check("its event is told, by which callers forget the token", told === 1, told);
  await admin("PUT", `/v1/token-marks/${token}`, { state: "expired" });
  const expired = await send(sender, token);
  check("an expired token is 410 ExpiredToken", expired.statusCode === 410 && expired.reason === "ExpiredToken", expired);
  await admin("DELETE", `/v1/token-marks/${token}`);
  const seen = await send(sender, token);
  check("a restored token is taken", seen === "sent", seen);
}

for (const [reason, status] of [["TooManyRequests", 429], ["ServiceUnavailable", 503], ["MoonInWrongPhase", 400]]) {
  const token = await newToken();
  await fault(token, { effect: "refuse", reason, retry_after: 1 });
  const seen = await send(sender, token);
  const said = `${seen.statusCode} ${seen.reason}`;
  check(`${reason} once is told`, said === `${status} ${reason}`, said);
  const again = await send(sender, token);
  check(`after ${reason} it is taken`, again === "sent", again);
}

for (const effect of ["drop", "go-away", "reset"]) {
  const one = client();
  const token = await newToken();
  await fault(token, { effect });
  const seen = await send(one, token);
  const got = await answers(token);
  check(`${effect}: the first try is spoilt`, got[0] === `fault-${effect}`, got);
  check(`${effect}: told, or sent again and taken`, seen instanceof Error || got.join() === `fault-${effect},200`, got);
  const again = await send(client(), token);
  check(`after ${effect} it is taken`, again === "sent", again);
  await one.destroy?.();
}

finish();
