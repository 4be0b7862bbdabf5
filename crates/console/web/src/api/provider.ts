// The provider's API as far as the page uses it: who is logged in, pushes, their counts, and the check of a payload.

import { call, path, query } from "./call";
import type { Finding } from "./problem";
import type { Environment } from "./session";

const BASE = "/api/provider/v1";

export type Policy = "last-device" | "all-devices";

/** One token, and whom it belongs to. */
export interface Installation {
  token: string;
  environment: Environment;
  user: string | null;
  bound_at: string | null;
  state: "live" | "retired";
  retired_reason?: string;
}

export type Audience = { user: string } | { users: string[] } | { token: string } | { tokens: string[] } | { tag: string };

/** Whom a push was for; of a long list the first, and how many more there were. */
export type AudienceView = Audience & { more?: number };

/** How far the notifications of a push came. */
export interface Counts {
  planned: number;
  sent: number;
  accepted: number;
  refused: number;
  failed: number;
  withdrawn: number;
  delivered: number;
  displayed: number;
  suppressed: number;
  opened: number;
  dismissed: number;
  action: number;
}

export type ReasonKind = "refused" | "suppressed" | "failed" | "withdrawn" | "ended";

export interface Push {
  push_id: string;
  environment: Environment;
  state: "sending" | "finished";
  created_at: string;
  finished_at?: string | null;
  audience: AudienceView;
  policy: Policy;
  payload: Record<string, unknown>;
  counts: Counts;
  /** Why not, and how many. */
  reasons: Partial<Record<ReasonKind, Record<string, number>>>;
  /** Why nobody, or fewer than asked for, was planned. */
  why?: string | null;
}

export interface PushNotification {
  apns_id: string;
  token: string;
  user: string | null;
  state: "planned" | "sending" | "accepted" | "refused" | "failed" | "withdrawn";
  reason?: string | null;
  advice?: string | null;
  delivered: boolean;
  displayed: boolean;
  /** The reason why the device showed nothing. */
  suppressed?: string | null;
  opened: boolean;
  at: string;
}

export interface PushDetail extends Push {
  notifications: PushNotification[];
  notifications_truncated: boolean;
}

/** What the page asks to be sent: fields for the provider to build a payload from, or a payload as it is. */
export interface NewPush {
  environment: Environment;
  audience: Audience;
  policy?: Policy;
  content?: Content;
  payload?: Record<string, unknown>;
  options?: { priority?: number; expiration?: number | string; collapse_id?: string; push_type?: string };
}

export interface Content {
  title?: string;
  subtitle?: string;
  body?: string;
  badge?: number;
  sound?: string;
  interruption_level?: string;
  silent?: boolean;
  user_info?: Record<string, unknown>;
}

export interface Planned {
  push_id: string;
  state: string;
  planned: number;
  why?: string | null;
}

/** The provider's own view of one notification; its first stages are `planned` and `sent`. */
export interface ProviderTrace {
  apns_id: string;
  push_id: string;
  token: string;
  environment: Environment;
  user: string | null;
  events: { at: string; stage: string; reason: string | null }[];
}

export interface Checked {
  findings: Finding[];
  bytes: number;
  limit: number;
  ok: boolean;
}

const of = (app: string) => BASE + path`/apps/${app}`;

/** Every push of the app, whenever it changes: the path of a stream. */
export const eventsOf = (app: string): string => `${of(app)}/events`;

export const provider = {
  app: (app: string) => call<{ policy: Policy }>("GET", of(app)),
  users: (app: string, limit: number) =>
    call<{ users: { user: string }[] }>("GET", `${of(app)}/users${query({ limit })}`).then((answer) => answer.users),
  installations: (app: string, limit: number) =>
    call<{ installations: Installation[] }>("GET", `${of(app)}/installations${query({ limit })}`).then(
      (answer) => answer.installations,
    ),
  pushes: (app: string, limit: number, before?: string) =>
    call<{ pushes: Push[]; next?: string | null }>("GET", `${of(app)}/pushes${query({ limit, before })}`),
  push: (app: string, id: string) => call<PushDetail>("GET", of(app) + path`/pushes/${id}` + query({ limit: 100 })),
  send: (app: string, push: NewPush, key: string) =>
    call<Planned>("POST", `${of(app)}/pushes`, { body: push, headers: { "idempotency-key": key } }),
  traces: (app: string, apnsId: string) =>
    call<{ notifications: ProviderTrace[] }>("GET", `${of(app)}/notifications${query({ apns_id: apnsId })}`).then(
      (answer) => answer.notifications,
    ),
  check: (text: string, pushType?: string) =>
    call<Checked>("POST", `${BASE}/payloads/check`, {
      body: pushType === undefined ? { text } : { text, push_type: pushType },
    }),
};
