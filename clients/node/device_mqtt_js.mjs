// mqtt.js is a device over WebSocket: it enrols, subscribes, gets its token, a notification, and says what became of it.

import { createPrivateKey, randomUUID, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import http2 from "node:http2";
import https from "node:https";
import { once } from "node:events";
import mqtt from "mqtt";
import { check, checkReaches, endpoints, finish } from "./homing_run.mjs";

const { demo, device_link: link } = endpoints;
const ca = readFileSync(endpoints.ca_pem);

function enrol() {
  const body = JSON.stringify({ enrolment_key: endpoints.enrolment_key });
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const request = https.request({ host: link.host, port: link.port, path: "/devices", method: "POST", ca, headers });
    request.on("error", reject);
    request.on("response", async (response) => {
      const chunks = await response.toArray();
      resolve({ status: response.statusCode, ...JSON.parse(Buffer.concat(chunks)) });
    });
    request.end(body);
  });
}

function providerToken() {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "ES256", kid: demo.key_id })}.${part({ iss: demo.team_id, iat: Math.floor(Date.now() / 1000) })}`;
  const key = createPrivateKey(readFileSync(demo.key_p8));
  return `${signed}.${sign("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

async function send(token, apnsId, payload) {
  const { host, port } = endpoints.apns.development;
  const session = http2.connect(`https://${host}:${port}`, { ca });
  const stream = session.request({
    ":method": "POST",
    ":path": `/3/device/${token}`,
    authorization: `bearer ${providerToken()}`,
    "apns-topic": demo.bundle_id,
    "apns-id": apnsId,
    "apns-collapse-id": "weather",
  });
  stream.end(payload);
  const [headers] = await once(stream, "response");
  stream.resume();
  session.close();
  return headers[":status"];
}

/** The messages of `client`, one after the other. */
function inbox(client) {
  const waiting = [];
  const arrived = [];
  client.on("message", (topic, payload, packet) => {
    const message = { topic, payload: payload.toString(), packet };
    const taker = waiting.shift();
    if (taker) taker(message);
    else arrived.push(message);
  });
  return () => (arrived.length ? Promise.resolve(arrived.shift()) : new Promise((resolve) => waiting.push(resolve)));
}

setTimeout(() => {
  check("mqtt.js finished within 60 s", false);
  finish();
}, 60_000).unref();

const enrolled = await enrol();
check("Node enrols a device: 201", enrolled.status === 201, enrolled.status);

const client = await mqtt.connectAsync(`wss://${link.host}:${link.port}/mqtt`, {
  ca,
  clientId: enrolled.device_id,
  username: enrolled.device_id,
  password: enrolled.secret,
  protocolVersion: 5,
  reconnectPeriod: 0,
});
check("mqtt.js connects over WebSocket", client.connected);
const next = inbox(client);

const [granted] = await client.subscribeAsync(`development/${demo.bundle_id}/#`, { qos: 1 });
check("the subscription is granted QoS 1", granted.qos === 1, granted);
const first = await next();
check("the first message is the token", first.topic === `development/${demo.bundle_id}/token`, first.topic);
check("the token is 64 hex digits", /^[0-9a-f]{64}$/.test(first.payload), first.payload);

const apnsId = randomUUID();
const payload = '{"aps":{"alert":"for mqtt.js"},"url":"news://3"}';
check("a notification to that token gets 200", (await send(first.payload, apnsId, payload)) === 200);
const second = await next();
check("it arrives on the notification topic", second.topic === `development/${demo.bundle_id}/notification`, second.topic);
check("its payload is untouched", second.payload === payload, second.payload);
const properties = second.packet.properties ?? {};
const user = properties.userProperties ?? {};
check("its user properties carry the apns-id", user["apns-id"] === apnsId, user);
check("its user properties carry a seq", /^[0-9]+$/.test(user.seq ?? ""), user);
check("its user properties carry push type, priority and collapse id",
  user["apns-push-type"] === "alert" && user["apns-priority"] === "10" && user["apns-collapse-id"] === "weather", user);
check("it says how long it is valid", properties.messageExpiryInterval > 0, properties);
await checkReaches("its trace reaches acknowledged", apnsId, "acknowledged");

const receipt = (event) => ({ seq: Number(user.seq), apns_id: apnsId, event, reason: null, at: new Date().toISOString() });
const receipts = `development/${demo.bundle_id}/receipt`;
await client.publishAsync(receipts, JSON.stringify(receipt("displayed")), { qos: 1 });
await checkReaches("a receipt makes its trace say displayed", apnsId, "displayed");
await client.publishAsync(receipts, JSON.stringify(receipt("opened")), { qos: 1 });
await checkReaches("a receipt makes its trace say opened", apnsId, "opened");

await client.endAsync();
const stored = randomUUID();
check("while it is away a send gets 200", (await send(first.payload, stored, '{"aps":{},"n":2}')) === 200);
await checkReaches("while it is away its trace says stored", stored, "stored");

finish();
