// @parse/node-apn sends to both virtual iPhones, with the key and with the certificate, and understands refusals.

import { randomUUID } from "node:crypto";
import apn from "@parse/node-apn";
import { check, checkReaches, endpoints, finish } from "./homing_run.mjs";

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

async function sends(environment, how, credentials) {
  const client = provider(environment, credentials);
  const note = notification();
  const result = await client.send(note, demo[environment].device_token);
  const what = `node-apn with ${how} to ${environment}`;
  check(`${what}: sent`, result.sent.length === 1 && result.failed.length === 0, result);
  await checkReaches(`${what}: displayed`, note.id, "displayed");
  await client.shutdown();
}

async function refused(client, what, note, token, status, reason) {
  const result = await client.send(note, token);
  const failure = result.failed[0] ?? {};
  const seen = `${failure.status} ${failure.response?.reason}`;
  check(`node-apn, ${what}: ${status} ${reason}`, seen === `${status} ${reason}`, seen);
  await checkReaches(`node-apn, ${what}: the trace says so`, note.id, `refused:${reason}`);
}

for (const environment of ["development", "production"]) {
  await sends(environment, "a key", byKey);
  await sends(environment, "a certificate", byCertificate(environment));
  await sends(environment, "a PKCS #12 file", byP12(environment));
}

const client = provider("development", byKey);
const token = demo.development.device_token;
await refused(client, "a token that nobody was given", notification(), "cd".repeat(32), 400, "BadDeviceToken");
await refused(client, "the other environment's token", notification(), demo.production.device_token, 400, "BadDeviceToken");
await refused(client, "a topic of nobody", notification({ topic: "com.example.nobody" }), token, 400, "TopicDisallowed");
await refused(client, "no topic", notification({ topic: undefined }), token, 400, "MissingTopic");
await refused(client, "a payload that is too large", notification({ payload: { filler: "x".repeat(4096) } }), token, 413, "PayloadTooLarge");

const note = notification({ collapseId: "headlines" });
const result = await client.send(note, token);
check("node-apn, after the refusals the same connection still sends", result.sent.length === 1, result);
await checkReaches("node-apn, after the refusals: displayed", note.id, "displayed");
await client.shutdown();

finish();
