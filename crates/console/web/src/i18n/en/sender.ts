// English: the sender's side.

import type { Policy, ReasonKind } from "../../api/provider";
import type { Environment } from "../../api/session";
import type { FunnelStep } from "../../sender/funnel";
import type { Draft, Lack } from "../../sender/draft";
import { counted } from "../format";

type Example = Pick<Draft, "title" | "body" | "badge" | "sound" | "url">;

const POLICIES: Record<Policy, string> = {
  "last-device": "last device",
  "all-devices": "all devices",
};

const WHY_NOT: Record<ReasonKind, string> = {
  withdrawn: "Not sent",
  failed: "Given up",
  refused: "Refused",
  ended: "Not delivered",
  suppressed: "Not shown",
};

export const sender = {
  environments: { development: "development", production: "production" } satisfies Record<Environment, string>,
  policies: POLICIES,
  send: {
    title: "Send a push",
    to: "To",
    user: "User",
    token: "Token",
    tokenHint: "Empty: the token of the iPhone in front",
    part: "What to see",
    fields: "Fields",
    payload: "Payload",
    fieldTitle: "Title",
    subtitle: "Subtitle",
    body: "Text",
    badge: "Badge",
    sound: "Sound",
    noSound: "none",
    url: "Page to open (userInfo.url)",
    more: "More",
    policy: "To which of a user’s iPhones",
    policyOfApp: (policy: Policy | undefined) =>
      policy === undefined ? "as the app has it" : `as the app has it: ${POLICIES[policy]}`,
    expiration: "Keep for an iPhone that is away",
    expirations: {
      "": "as long as the push service does",
      "0": "not at all: try once",
      "60": "1 minute",
      "3600": "1 hour",
      "86400": "1 day",
    },
    priority: "Priority",
    priorities: { "": "as the push type has it", "10": "10: at once", "5": "5: by power", "1": "1: don’t wake" },
    level: "Interruption level",
    levels: { "": "active", passive: "passive", "time-sensitive": "time-sensitive" },
    collapse: "Collapse ID",
    silent: "Silent: wake the app, show nothing",
    backToFields: "Back to the fields",
    bytes: (bytes: string, limit: string) => `${bytes} of ${limit} bytes`,
    findings: "Findings",
    fine: "Nothing to mend",
    do: "Send",
    sending: "Sending…",
    planned: (n: number) => `Accepted: ${counted(n, "notification", "notifications")} planned.`,
    plannedNone: "Accepted, but nobody can be reached.",
    lacks: {
      user: "Say which user it is for.",
      token: "This iPhone has no token yet: paste one, or send to a user.",
      json: "The payload isn’t a JSON object: mend it, or go back to the fields.",
    } satisfies Record<Lack, string>,
    example: {
      title: "The old lighthouse shines again",
      body: "After nine dark years, the lamp is lit. Tap to read.",
      badge: "1",
      sound: "default",
      url: "https://news.example/lighthouse",
    } satisfies Example,
  },
  pushes: {
    title: "Pushes",
    none: "No push yet",
    noneMend: "Send the one above: its counts fill here while you watch.",
    older: "Show older ones",
    toUser: (user: string) => `to ${user}`,
    toToken: (token: string) => `to token ${token}`,
    toTag: (tag: string) => `to installations tagged ${tag}`,
    users: (n: string) => `${n} users`,
    tokens: (n: string) => `${n} tokens`,
    because: (kind: ReasonKind, reason: string) => `${WHY_NOT[kind]}: ${reason}`,
  },
  funnel: {
    planned: "planned",
    sent: "sent",
    accepted: "accepted",
    delivered: "delivered",
    displayed: "displayed",
    opened: "opened",
  } satisfies Record<FunnelStep, string>,
  users: {
    title: "Who is signed in where",
    none: "Nobody is signed in",
    noneMend: "Sign in on an iPhone: open News, then the account at the top.",
  },
};
