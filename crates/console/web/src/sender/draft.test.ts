// What the form becomes.

import { expect, test } from "vitest";
import { badgeOf, content, type Draft, emptyDraft, lack, objectIn, payload, payloadText, request } from "./draft";

const WHERE = { environment: "development", token: "00ff" } as const;
const NOW = 1_795_313_045_067;

const draft = (change: Partial<Draft> = {}): Draft => ({ ...emptyDraft("reader"), ...change });

test("empty fields are left out of the payload", () => {
  expect(payload(draft())).toEqual({ aps: {} });
  expect(payload(draft({ body: "b" }))).toEqual({ aps: { alert: { body: "b" } } });
});

test("every field has its place, and the page to open is in userInfo", () => {
  const full = draft({
    title: "T",
    subtitle: "S",
    body: "B",
    badge: "3",
    sound: "default",
    url: "https://news.example/7",
    level: "time-sensitive",
  });
  expect(payload(full)).toEqual({
    aps: {
      alert: { title: "T", subtitle: "S", body: "B" },
      badge: 3,
      sound: "default",
      "interruption-level": "time-sensitive",
    },
    userInfo: { url: "https://news.example/7" },
  });
  expect(content(full)).toMatchObject({ title: "T", badge: 3, user_info: { url: "https://news.example/7" } });
});

test("a silent push shows nothing", () => {
  const silent = draft({ silent: true, title: "T", badge: "1", sound: "default", url: "u" });
  expect(payload(silent)).toEqual({ aps: { "content-available": 1 }, userInfo: { url: "u" } });
});

test("badge 0 takes the badge away, and what is no number is none", () => {
  expect(payload(draft({ badge: "0" }))).toEqual({ aps: { badge: 0 } });
  expect(["", " 12 ", "-1", "1.5", "x"].map(badgeOf)).toEqual([undefined, 12, undefined, undefined, undefined]);
});

test("fields go as content, an edited payload as it is", () => {
  expect(request(draft({ title: "T" }), WHERE, NOW)).toEqual({
    environment: "development",
    audience: { user: "reader" },
    content: { title: "T" },
  });
  expect(request(draft({ raw: '{"aps":{"alert":"x"},"k":1}' }), WHERE, NOW)).toEqual({
    environment: "development",
    audience: { user: "reader" },
    payload: { aps: { alert: "x" }, k: 1 },
  });
});

test("without a pasted token it goes to the iPhone in front", () => {
  expect(request(draft({ to: "token" }), WHERE, NOW).audience).toEqual({ token: "00ff" });
  expect(request(draft({ to: "token", token: " aa " }), WHERE, NOW).audience).toEqual({ token: "aa" });
});

test("expiration is reckoned on the common clock, and 0 stays 0", () => {
  expect(request(draft({ expiration: "60" }), WHERE, NOW).options).toEqual({ expiration: 1_795_313_105 });
  expect(request(draft({ expiration: "0", priority: "5", collapse: "c" }), WHERE, NOW).options).toEqual({
    expiration: 0,
    priority: 5,
    collapse_id: "c",
  });
});

test("what can't be sent says what it lacks", () => {
  expect(lack(draft(), WHERE)).toBeUndefined();
  expect(lack(draft({ user: " " }), WHERE)).toBe("user");
  expect(lack(draft({ to: "token" }), { ...WHERE, token: undefined })).toBe("token");
  expect(["{", "[]", "7", "null"].map((raw) => lack(draft({ raw }), WHERE))).toEqual(Array(4).fill("json"));
});

test("the text beside the form is the payload until it is edited", () => {
  expect(objectIn(payloadText(draft({ title: "T" })))).toEqual({ aps: { alert: { title: "T" } } });
  expect(payloadText(draft({ raw: "{" }))).toBe("{");
});
