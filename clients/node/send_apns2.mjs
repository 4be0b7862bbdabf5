// apns2 sends to both virtual iPhones with the key (it takes no certificates), and understands refusals.

import { readFileSync } from "node:fs";
import { connect } from "node:http2";
import { ApnsClient, Notification } from "apns2";
import { check, checkCase, clockBehind, endpoints, finish, goneToken, recently } from "./homing_run.mjs";

const { demo } = endpoints;
const ca = readFileSync(endpoints.ca_pem);

function client(environment, changes = {}) {
  const { host, port } = endpoints.apns[environment];
  const options = { team: demo.team_id, keyId: demo.key_id, signingKey: readFileSync(demo.key_p8, "utf8") };
  const made = new ApnsClient({ ...options, defaultTopic: demo.bundle_id, host, ...changes });
  // The library has no option for port and CA: its pool of connections is replaced by one of the same class.
  const Pool = made.client.constructor;
  made.client.close();
  made.client = new Pool(`https://${host}:${port}`, { connections: 1, allowH2: true, connect: { ca } });
  return made;
}

const alert = { title: "From apns2", body: "a library that nobody here wrote" };
const token = demo.development.device_token;

for (const environment of ["development", "production"]) {
  const sender = client(environment);
  const note = new Notification(demo[environment].device_token, { alert, collapseId: "headlines", data: { url: "news://3" } });
  const sent = await sender.send(note).then(() => true, (error) => error.message);
  checkCase("Success", "a key", `to ${environment}`, sent === true, sent);
  await sender.close();
}

const sender = client("development");
const withoutTopic = client("development", { defaultTopic: undefined });
const unknownKey = client("development", { keyId: "AAAAAAAAAA" });

// What is sent by whom: the reason is the case.
const failures = [
  [400, "BadCollapseId", "a collapse id of 65 bytes", sender, token, { collapseId: "x".repeat(65) }],
  [400, "BadDeviceToken", "a token that is not hex", sender, "not-a-token", {}],
  [400, "BadDeviceToken", "a token that nobody was given", sender, "ef".repeat(32), {}],
  [400, "BadDeviceToken", "the other environment's token", sender, demo.production.device_token, {}],
  [400, "BadExpirationDate", "an expiration that is no number", sender, token, { expiration: Number.NaN }],
  [400, "BadPriority", "a priority of 3", sender, token, { priority: 3 }],
  [400, "BadTopic", "voip to the topic of alerts", sender, token, { type: "voip" }],
  [400, "DeviceTokenNotForTopic", "voip to a token for alerts", sender, token, { type: "voip", topic: `${demo.bundle_id}.voip` }],
  [400, "InvalidPushType", "a push type that isn't Apple's", sender, token, { type: "loud" }],
  [400, "MissingDeviceToken", "no token", sender, "", {}],
  [400, "MissingTopic", "no topic", withoutTopic, token, {}],
  [400, "TopicDisallowed", "a topic of nobody", sender, token, { topic: "com.example.nobody" }],
  [403, "InvalidProviderToken", "an unknown key", unknownKey, token, {}],
  [413, "PayloadTooLarge", "a payload that is too large", sender, token, { data: { filler: "x".repeat(4096) } }],
];

async function refusal(by, to, options) {
  return by.send(new Notification(to, { alert, ...options })).then(() => ({}), (error) => error);
}

function post(session, path, headers) {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":method": "POST", ":path": path, ...headers });
    let answer = { headers: {}, body: "" };
    stream.setEncoding("utf8");
    stream.on("response", (headers) => (answer = { ...answer, status: headers[":status"], headers }));
    stream.on("data", (text) => (answer.body += text));
    stream.on("end", () => resolve(answer));
    stream.on("error", reject);
    stream.end('{"aps":{"alert":"never seen"}}');
  });
}

for (const [status, reason, what, by, to, options] of failures) {
  const error = await refusal(by, to, options);
  const seen = `${error.statusCode} ${error.reason}`;
  checkCase(reason, "a key", what, seen === `${status} ${reason}`, `${seen} ${error}`);
}

const late = client("development");
const expired = await clockBehind(() => refusal(late, token, {}));
checkCase("ExpiredProviderToken", "a key", "signed two hours ago", expired.reason === "ExpiredProviderToken", `${expired}`);
const renewed = await refusal(late, token, {});
check("apns2 then signs a new token and sends with it", renewed.statusCode === undefined, `${renewed}`);

const gone = await refusal(sender, goneToken(), {});
const ended = gone.statusCode === 410 && gone.reason === "Unregistered" && recently(gone.timestamp);
checkCase("Unregistered with timestamp", "a key", "the token of a removed app", ended, `${gone} ${gone.timestamp}`);

const again = await refusal(sender, token, {});
check("apns2, after the refusals the same connection still sends", again.statusCode === undefined, `${again}`);
// By Node's own HTTP/2, which apns2 can't be told to: more header bytes than the push service takes.
const { host, port } = endpoints.apns.development;
const session = connect(`https://${host}:${port}`, { ca });
const large = (bytes) => ({ "apns-id": "1B4A0A6E-2F5E-4A5F-9D76-0F5D1E9F5F10", "x-large": "x".repeat(bytes) });
const refused = await post(session, `/3/device/${token}`, large(8_000));
const said = `${refused.status} ${refused.body} ${refused.headers["apns-id"]}`;
const words = '431 {"reason":"RequestHeaderFieldsTooLarge"} 1B4A0A6E-2F5E-4A5F-9D76-0F5D1E9F5F10';
check("Node's HTTP/2, header fields of more than 8,000 bytes: the reason, and the label", said === words, said);
const cut = await post(session, `/3/device/${token}`, large(20_000));
check("Node's HTTP/2, of more than 16,384: the status alone", cut.status === 431 && cut.body === "", cut);
const next = await post(session, `/3/device/${token}`, {});
check("Node's HTTP/2, the same connection goes on", next.body === '{"reason":"MissingProviderToken"}', next);
session.close();

await Promise.all([sender, withoutTopic, unknownKey, late].map((by) => by.close()));

finish();
