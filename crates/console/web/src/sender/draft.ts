// What the form holds, and the request it becomes. The payload shown beside the form is built here as the provider builds
// it; what the provider adds (its own `homing` key) is its business.

import type { Content, NewPush, Policy } from "../api/provider";
import type { Environment } from "../api/session";

export interface Draft {
  to: "user" | "token";
  user: string;
  /** Pasted; empty is the token of the iPhone in front. */
  token: string;
  title: string;
  subtitle: string;
  body: string;
  badge: string;
  sound: string;
  url: string;
  level: "" | "passive" | "active" | "time-sensitive";
  silent: boolean;
  policy: "" | Policy;
  /** How long the push service may keep it, in seconds; "0" is not at all, "" its own choice. */
  expiration: string;
  priority: string;
  collapse: string;
  /** The payload as edited by hand; `null`: it is built from the fields. */
  raw: string | null;
}

export function emptyDraft(user: string): Draft {
  return {
    to: "user",
    user,
    token: "",
    title: "",
    subtitle: "",
    body: "",
    badge: "",
    sound: "",
    url: "",
    level: "",
    silent: false,
    policy: "",
    expiration: "",
    priority: "",
    collapse: "",
    raw: null,
  };
}

/** The number of a badge, or `undefined` if there is none. What is no whole number from 0 on is none. */
export function badgeOf(text: string): number | undefined {
  return /^\d{1,9}$/.test(text.trim()) ? Number(text.trim()) : undefined;
}

/** The fields as the provider takes them; empty ones are left out. */
export function content(draft: Draft): Content {
  const badge = badgeOf(draft.badge);
  const visible: Content = draft.silent
    ? { silent: true }
    : {
        ...(draft.title !== "" && { title: draft.title }),
        ...(draft.subtitle !== "" && { subtitle: draft.subtitle }),
        ...(draft.body !== "" && { body: draft.body }),
        ...(badge !== undefined && { badge }),
        ...(draft.sound !== "" && { sound: draft.sound }),
        ...(draft.level !== "" && { interruption_level: draft.level }),
      };
  return { ...visible, ...(draft.url !== "" && { user_info: { url: draft.url } }) };
}

/** The payload that those fields become. */
export function payload(draft: Draft): Record<string, unknown> {
  const { title, subtitle, body, badge, sound, interruption_level: level, silent, user_info } = content(draft);
  const alert = {
    ...(title !== undefined && { title }),
    ...(subtitle !== undefined && { subtitle }),
    ...(body !== undefined && { body }),
  };
  return {
    aps: {
      ...(Object.keys(alert).length > 0 && { alert }),
      ...(badge !== undefined && { badge }),
      ...(sound !== undefined && { sound }),
      ...(level !== undefined && { "interruption-level": level }),
      ...(silent && { "content-available": 1 }),
    },
    ...(user_info !== undefined && { userInfo: user_info }),
  };
}

export const payloadText = (draft: Draft): string => draft.raw ?? JSON.stringify(payload(draft), null, 2);

/** The object in a text; `undefined` if the text isn't a JSON object, which can't be sent. */
export function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const fits = typeof value === "object" && value !== null && !Array.isArray(value);
    return fits ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** What keeps a draft from being sent. */
export type Lack = "user" | "token" | "json";

export interface Where {
  environment: Environment;
  /** The token of the iPhone in front. */
  token: string | undefined;
}

export function lack(draft: Draft, where: Where): Lack | undefined {
  if (draft.to === "user" && draft.user.trim() === "") {
    return "user";
  }
  if (draft.to === "token" && tokenOf(draft, where) === "") {
    return "token";
  }
  return objectIn(payloadText(draft)) === undefined ? "json" : undefined;
}

const tokenOf = (draft: Draft, where: Where): string => draft.token.trim() || (where.token ?? "");

/** The request, at `now` by the common clock, in milliseconds. Only for a draft that lacks nothing. */
export function request(draft: Draft, where: Where, now: number): NewPush {
  const options = {
    ...(draft.priority !== "" && { priority: Number(draft.priority) }),
    ...(draft.collapse !== "" && { collapse_id: draft.collapse }),
    ...(draft.expiration !== "" && { expiration: expirationOf(Number(draft.expiration), now) }),
  };
  const audience = draft.to === "user" ? { user: draft.user.trim() } : { token: tokenOf(draft, where) };
  return {
    environment: where.environment,
    audience,
    ...(draft.policy !== "" && { policy: draft.policy }),
    ...(draft.raw === null ? { content: content(draft) } : { payload: objectIn(draft.raw) ?? {} }),
    ...(Object.keys(options).length > 0 && { options }),
  };
}

/** 0 is "try once"; else the moment, as the common clock has it. */
const expirationOf = (seconds: number, now: number): number => (seconds === 0 ? 0 : Math.floor(now / 1000) + seconds);
