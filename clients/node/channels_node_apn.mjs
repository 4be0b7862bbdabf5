// @parse/node-apn keeps channels and broadcasts, with the key and with the certificate, and understands refusals.

import { randomUUID } from "node:crypto";
import { execFileSync } from "node:child_process";
import apn from "@parse/node-apn";
import { check, checkCase, checkReaches, clockBehind, endpoints, finish } from "./homing_run.mjs";

const { demo } = endpoints;
const bundle = demo.bundle_id;
/** An app of the same team that may not broadcast. */
const quiet = "com.example.hushed";

function provider(environment, credentials) {
  const { host, port } = endpoints.apns[environment];
  const manage = { manageChannelsAddress: host, manageChannelsPort: port };
  return new apn.Provider({ address: host, port, ca: endpoints.ca_pem, ...manage, ...credentials });
}

const byKey = { token: { key: demo.key_p8, keyId: demo.key_id, teamId: demo.team_id } };
const byCertificate = (environment) => ({
  cert: demo[environment].certificate_pem,
  key: demo[environment].certificate_pem,
});

function note(changes = {}) {
  return Object.assign(new apn.Notification(), changes);
}

const creation = (policy) => note({ payload: { "message-storage-policy": policy }, requestId: randomUUID() });

function update(channelId, changes = {}) {
  return note({
    channelId,
    requestId: randomUUID(),
    pushType: "liveactivity",
    expiry: 0,
    rawPayload: { aps: { timestamp: 1700000000, event: "update", "content-state": { home: 1 } } },
    ...changes,
  });
}

/** One channel of each policy: made, shown, listed. */
async function walk(client, environment, credential) {
  const ids = [];
  for (const policy of [1, 0]) {
    const { sent, failed } = await client.manageChannels(creation(policy), bundle, "create");
    const id = sent[0]?.["apns-channel-id"];
    checkCase("Success", credential, `a channel in ${environment} is made`, id && !failed.length, failed);
    const shown = await client.manageChannels(note({ channelId: id }), bundle, "read");
    checkCase("Success", credential, "it is shown", shown.sent[0]?.["message-storage-policy"] === policy, shown);
    ids.push(id);
  }
  const all = await client.manageChannels(note(), bundle, "readAll");
  checkCase("Success", credential, "all are listed", ids.every((id) => all.sent[0]?.channels.includes(id)), all);
  const stored = update(ids[0], { expiry: Math.floor(Date.now() / 1000) + 600 });
  const { sent, failed } = await client.broadcast([stored, update(ids[1]), update(ids[0], { expiry: -1 })], bundle);
  checkCase("Success", credential, `broadcasts to ${environment}`, sent.length === 3, failed);
  const labelled = sent.some((one) => one["apns-request-id"] === stored.requestId);
  check(`node-apn with ${credential}: the answer carries the apns-request-id`, labelled, sent);
  await checkReaches(`node-apn with ${credential}: the broadcast is stored`, stored.requestId, "stored");
  return ids;
}

const unknown = Buffer.from("nobody's channel").toString("base64");
const large = { aps: { filler: "x".repeat(5120) } };

/** Status, reason, what, how it is asked: an action of `manageChannels`, or `broadcast`. */
const failures = ([kept, bare]) => [
  [400, "MissingChannelId", "no channel id", "read", note()],
  [400, "MissingChannelId", "a broadcast without a channel id", "broadcast", update(undefined)],
  [400, "BadChannelId", "a channel id that is no base64", "read", note({ channelId: "*" })],
  [400, "ChannelNotRegistered", "a channel that nobody made", "delete", note({ channelId: unknown })],
  [400, "ChannelNotRegistered", "a broadcast to nobody's channel", "broadcast", update(unknown)],
  [400, "BadRequestParams", "an attribute that isn't known", "create", note({ payload: { "message-storage-policy": 1, name: "x" } })],
  [400, "BadRequestParams", "no policy", "create", note({ payload: {} })],
  [400, "InvalidPushType", "a channel of another push type", "create", note({ payload: { "message-storage-policy": 1, "push-type": "alert" } })],
  [400, "InvalidPushType", "a broadcast of another push type", "broadcast", update(kept, { pushType: "alert" })],
  [400, "MissingPushType", "a broadcast without a push type", "broadcast", update(kept, { pushType: undefined })],
  [400, "PayloadEmpty", "a broadcast of nothing", "broadcast", update(kept, { rawPayload: {} })],
  [400, "BadMessageId", "a request id that is no UUID", "broadcast", update(kept, { requestId: "42" })],
  [400, "BadPriority", "a priority of 3", "broadcast", update(kept, { priority: 3 })],
  [400, "BadExpirationDate", "half a second", "broadcast", update(kept, { expiry: 1700000000.5 })],
  [400, "BadExpirationDate", "an expiration where nothing is stored", "broadcast", update(bare, { expiry: 4000000000 })],
  [400, "TopicDisallowed", "the topic of Live Activities", "readAll", note(), `${bundle}.push-type.liveactivity`],
  [403, "TopicMismatch", "an app of nobody", "readAll", note(), "com.example.nobody"],
  [404, "BadPath", "a path of more segments", "broadcast", update(kept), `${bundle}/more`],
  [413, "PayloadTooLarge", "more than 5,120 bytes", "broadcast", update(kept, { rawPayload: large })],
];

async function refused(client, credential, [status, reason, what, action, asked, app = bundle]) {
  asked.requestId ??= randomUUID();
  const how = action === "broadcast" ? client.broadcast(asked, app) : client.manageChannels(asked, app, action);
  const { failed } = await how;
  const seen = `${failed[0]?.status} ${failed[0]?.response?.reason}`;
  checkCase(reason, credential, what, seen === `${status} ${reason}`, `${seen} ${JSON.stringify(failed)}`);
  if (reason !== "BadMessageId") {
    await checkReaches(`node-apn with ${credential}, ${what}: the trace says so`, asked.requestId, `refused:${reason}`);
  }
}

const homing = (...words) => execFileSync(process.env.HOMING, [...words, "--endpoints", process.env.ENDPOINTS]);
// Before any connection: those are bound to the topics they found.
homing("app", "create", quiet);

for (const [credential, credentials] of [["a key", () => byKey], ["a certificate", byCertificate]]) {
  for (const environment of ["production", "development"]) {
    const client = provider(environment, credentials(environment));
    const ids = await walk(client, environment, credential);
    if (environment === "development") {
      for (const failure of failures(ids)) await refused(client, credential, failure);
      if (credential === "a key") {
        await refused(client, credential, [400, "FeatureNotEnabled", "an app that may not broadcast", "readAll", note(), quiet]);
      }
    }
    const deleted = await client.manageChannels(ids.map((channelId) => note({ channelId })), bundle, "delete");
    checkCase("Success", credential, "channels are deleted", deleted.sent.length === 2, deleted);
    await client.shutdown();
  }
}
homing("app", "remove", quiet);

// More than the channel's budget of 500 at once and 50 a second; the library tries each four times.
{
  const client = provider("development", byKey);
  const made = await client.manageChannels(creation(1), bundle, "create");
  const id = made.sent[0]["apns-channel-id"];
  const { sent, failed } = await client.broadcast(Array.from({ length: 1500 }, () => update(id)), bundle);
  const tooMany = failed.length > 0 && failed.every((one) => one.response?.reason === "TooManyRequests");
  checkCase("TooManyRequests", "a key", "1,500 broadcasts at once", tooMany && sent.length >= 500, failed[0]);
  await client.manageChannels(note({ channelId: id }), bundle, "delete");
  await client.shutdown();
}

const unknownKey = provider("development", { token: { ...byKey.token, keyId: "AAAAAAAAAA" } });
await refused(unknownKey, "a key", [403, "InvalidProviderToken", "an unknown key", "readAll", note()]);
await unknownKey.shutdown();
await clockBehind(async () => {
  const late = provider("development", byKey);
  const { failed } = await late.manageChannels(note(), bundle, "readAll");
  const seen = `${failed[0]?.status} ${failed[0]?.error?.message}`;
  checkCase("ExpiredProviderToken", "a key", "signed two hours ago", seen === "403 ExpiredProviderToken", failed);
  await late.shutdown();
});

finish();
