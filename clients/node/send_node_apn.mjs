// @parse/node-apn sends to both virtual iPhones, with the key and with the certificate, and understands refusals. Its
// channels and broadcasts are in channels_node_apn.mjs.

import { randomUUID } from "node:crypto";
import apn from "@parse/node-apn";
import { check, checkCase, checkReaches, clockBehind, endpoints, finish, goneToken, recently } from "./homing_run.mjs";

const { demo } = endpoints;

function provider(environment, credentials) {
  const { host, port } = endpoints.apns[environment];
  // `ca` is a file's name here, and `address` must not carry the port.
  return new apn.Provider({ address: host, port, ca: endpoints.ca_pem, ...credentials });
}

const byKey = { token: { key: demo.key_p8, keyId: demo.key_id, teamId: demo.team_id } };
const byCertificate = (environment) => ({
  cert: demo[environment].certificate_pem,
  key: demo[environment].certificate_pem,
});
const byP12 = (environment) => ({
  pfx: demo[environment].certificate_p12,
  passphrase: demo[environment].p12_password,
});

function notification(changes = {}) {
  const note = new apn.Notification();
  note.id = randomUUID();
  note.topic = demo.bundle_id;
  note.pushType = "alert";
  note.expiry = Math.floor(Date.now() / 1000) + 3600;
  note.alert = { title: "From node-apn", body: "a library that nobody here wrote" };
  note.payload = { url: "news://2" };
  return Object.assign(note, changes);
}

async function sends(environment, how, credential, credentials) {
  const client = provider(environment, credentials);
  const note = notification();
  const result = await client.send(note, demo[environment].device_token);
  const sent = result.sent.length === 1 && result.failed.length === 0;
  checkCase("Success", credential, `${how} to ${environment}`, sent, result);
  await checkReaches(`node-apn with ${how} to ${environment}: displayed`, note.id, "displayed");
  await client.shutdown();
}

/** Asks for a refusal; its trace is asked for where the push service kept the notification's id. */
async function refused(client, credential, [status, reason, what, to, changes]) {
  const note = notification(changes);
  const { failed } = await client.send(note, to);
  const seen = `${failed[0]?.status} ${failed[0]?.response?.reason}`;
  checkCase(reason, credential, what, seen === `${status} ${reason}`, `${seen} ${JSON.stringify(failed)}`);
  if (reason !== "BadMessageId") {
    await checkReaches(`node-apn with ${credential}, ${what}: the trace says so`, note.id, `refused:${reason}`);
  }
}

for (const environment of ["development", "production"]) {
  await sends(environment, "a key", "a key", byKey);
  await sends(environment, "a PEM file", "a certificate", byCertificate(environment));
  await sends(environment, "a PKCS #12 file", "a certificate", byP12(environment));
}

const token = demo.development.device_token;
const gone = goneToken();
const failures = [
  [400, "BadCollapseId", "a collapse id of 65 bytes", token, { collapseId: "x".repeat(65) }],
  [400, "BadDeviceToken", "a token that is not hex", "not-a-token", {}],
  [400, "BadDeviceToken", "a token that nobody was given", "cd".repeat(32), {}],
  [400, "BadDeviceToken", "the other environment's token", demo.production.device_token, {}],
  [400, "BadExpirationDate", "half a second", token, { expiry: Math.floor(Date.now() / 1000) + 0.5 }],
  [400, "BadMessageId", "an apns-id that is no UUID", token, { id: "not-a-uuid" }],
  [400, "BadPriority", "a priority of 3", token, { priority: 3 }],
  [400, "BadTopic", "voip to the topic of alerts", token, { pushType: "voip" }],
  [400, "InvalidPushType", "a push type that isn't Apple's", token, { pushType: "loud" }],
  [400, "MissingDeviceToken", "no token", "", {}],
  [400, "PayloadEmpty", "nothing to send", token, { rawPayload: {} }],
  [400, "TopicDisallowed", "a topic of nobody", token, { topic: "com.example.nobody" }],
  [404, "BadPath", "a path of more segments", `${token}/more`, {}],
  [413, "PayloadTooLarge", "a payload that is too large", token, { payload: { filler: "x".repeat(4096) } }],
];
const forKeys = [
  [400, "DeviceTokenNotForTopic", "voip to a token for alerts", token, { pushType: "voip", topic: `${demo.bundle_id}.voip` }],
  [400, "MissingTopic", "no topic", token, { topic: undefined }],
];

for (const [credential, credentials, more] of [
  ["a key", byKey, forKeys],
  ["a certificate", byCertificate("development"), []],
]) {
  const client = provider("development", credentials);
  for (const failure of [...failures, ...more]) await refused(client, credential, failure);

  const { failed } = await client.send(notification(), gone);
  const { status, response } = failed[0] ?? {};
  const ended = status === 410 && response?.reason === "Unregistered" && recently(response.timestamp);
  checkCase("Unregistered with timestamp", credential, "the token of a removed app", ended, failed);

  const note = notification({ collapseId: "headlines" });
  const result = await client.send(note, token);
  check(`node-apn with ${credential}, after the refusals the same connection still sends`, result.sent.length === 1, result);
  await checkReaches(`node-apn with ${credential}, after the refusals: displayed`, note.id, "displayed");
  await client.shutdown();
}

const unknownKey = provider("development", { token: { ...byKey.token, keyId: "AAAAAAAAAA" } });
await refused(unknownKey, "a key", [403, "InvalidProviderToken", "an unknown key", token, {}]);
await unknownKey.shutdown();
// Of this one the library shows the reason as an error.
await clockBehind(async () => {
  const late = provider("development", byKey);
  const { failed } = await late.send(notification(), token);
  const seen = `${failed[0]?.status} ${failed[0]?.error?.message}`;
  checkCase("ExpiredProviderToken", "a key", "signed two hours ago", seen === "403 ExpiredProviderToken", failed);
  await late.shutdown();
});

finish();
