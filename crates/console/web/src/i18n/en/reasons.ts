// English: why a stage was reached. The words are an open table; one that isn't here is shown as it is.

export interface ReasonWords {
  /** In a chip or a list, after "not shown:" or "refused:". */
  short: string;
  /** A sentence. */
  why: string;
  /** What to do about it. */
  mend?: string;
}

/** One of Apple's reasons for a refusal, with what to do. */
const apple = (short: string, mend: string): ReasonWords => ({
  short,
  why: `${short.charAt(0).toUpperCase()}${short.slice(1)}.`,
  mend,
});

export const reasons: Record<string, ReasonWords> = {
  // Said by the device.
  "not-permitted": {
    short: "not allowed",
    why: "The user hasn’t allowed this app to show notifications, or switched this kind off.",
    mend: "Allow it on the iPhone: in the prompt, or in Settings.",
  },
  foreground: {
    short: "app in front",
    why: "The app was in front and didn’t ask to have it shown. That is iOS’s default: the app gets it, the user sees no banner.",
    mend: "Send the app to background, or let it answer willPresent with banner, list or sound.",
  },
  focus: { short: "Focus", why: "A Focus is on that doesn’t let this notification through." },
  summary: { short: "in the summary", why: "It waits for the scheduled summary." },
  provisional: {
    short: "delivered quietly",
    why: "The app is on trial: its notifications go quietly to Notification Centre until the user decides.",
  },
  duplicate: { short: "a repeat", why: "The iPhone has had this very notification already; a repeat isn’t shown again." },
  superseded: { short: "overtaken", why: "A newer one with the same identifier took its place before it was shown." },
  silent: {
    short: "silent push",
    why: "It is for the app, not for the user. The app is woken if it may be: not after a force-quit, nor with Background App Refresh off.",
  },
  throttled: {
    short: "too many",
    why: "It is for the app, which has had as many silent pushes as it may. The newest is kept until it may have another, or is opened.",
    mend: "Send silent pushes less often.",
  },
  "unknown-app": { short: "app not installed", why: "The app isn’t on this iPhone any more." },
  expired: { short: "too late", why: "Its time had run out when it came." },
  "not-displayable": {
    short: "nothing to show",
    why: "There is no alert, badge or sound in it, or its push type isn’t for showing.",
    mend: "Put an alert into aps.",
  },
  "for-framework": {
    short: "for a framework",
    why: "It isn’t for showing: its push type goes to a framework of its own (a call, a complication, a Live Activity …), which has it.",
  },
  unreadable: { short: "payload unreadable", why: "The iPhone couldn’t read its payload.", mend: "Check the payload." },
  "another-user": {
    short: "for another user",
    why: "It was for a user who isn’t signed in on this iPhone any more. The app keeps it from whoever is.",
  },
  filtered: { short: "dropped by the app", why: "The app’s service extension dropped it." },
  muted: { short: "muted", why: "It is a sound alone, and the iPhone is muted." },
  "not-registered": {
    short: "app unregistered",
    why: "The app itself said that it wants no remote notifications; its token stays.",
    mend: "Let the app register again: it does so whenever it is launched.",
  },
  // Said by the push service.
  unregistered: { short: "app removed", why: "The app was removed from the iPhone before it could be delivered." },
  "device-away": {
    short: "iPhone away",
    why: "The iPhone wasn’t connected, and the sender asked not to keep it (expiration 0).",
    mend: "Give it an expiration, and the newest one is kept.",
  },
  "low-power": {
    short: "iPhone saves power",
    why: "The iPhone saves power, and its priority (5 or 1) lets it wait. With expiration 0 it isn’t kept, so it was given up.",
    mend: "Send it with priority 10 if it can’t wait.",
  },
  "too-large-for-device": { short: "too large", why: "It is larger than the device takes." },
  "channel-deleted": { short: "channel deleted", why: "Its broadcast channel was deleted." },
  "refused-by-device": { short: "refused by the device", why: "The device answered with an error." },
  // Asked for by a tester.
  "mark-unregistered": {
    short: "marked unregistered",
    why: "A tester marked this token as unregistered.",
    mend: "Restore it: homing gateway token restore.",
  },
  "mark-expired": {
    short: "marked expired",
    why: "A tester marked this token as expired.",
    mend: "Restore it: homing gateway token restore.",
  },
  "fault-refuse": { short: "refused by a rule", why: "A tester’s rule had the request refused." },
  "fault-delay": { short: "answered late", why: "A tester’s rule had the answer wait." },
  "fault-silence": { short: "left without an answer", why: "A tester’s rule left the request without an answer." },
  "fault-reset": { short: "stream reset", why: "A tester’s rule reset the request’s stream." },
  "fault-go-away": { short: "sent away", why: "A tester’s rule ended the provider’s connection with a GOAWAY." },
  "fault-drop": { short: "connection cut", why: "A tester’s rule cut the provider’s connection." },
  "fault-one-stream": { short: "one stream", why: "A tester’s rule let the connection carry one request at a time." },
  "fault-legacy-status": {
    short: "answered a status",
    why: "A tester’s rule answered an error packet on the legacy interface.",
  },
  "fault-legacy-close": {
    short: "connection closed",
    why: "A tester’s rule closed the connection on the legacy interface.",
  },
  // Said by the provider: why it sent nothing, or gave up.
  "logged-out": { short: "user signed out", why: "The user signed out on this iPhone before it was sent." },
  retired: { short: "token ended", why: "The push service had ended this token before it was sent." },
  "other-environment": { short: "other environment", why: "The token belongs to the other environment." },
  forgotten: { short: "installation forgotten", why: "The provider was told to forget this installation." },
  "not-sent-in-time": { short: "not sent in time", why: "It couldn’t be sent before its time ran out." },
  "not-taken": { short: "not taken", why: "The push service closed the connection without taking it." },
  "certificate-rejected": {
    short: "certificate rejected",
    why: "The push service didn’t accept the provider’s certificate.",
    mend: "Renew the app’s push certificate.",
  },
  "no-answer": { short: "no answer", why: "The push service didn’t answer in time." },
  "connection-broken": { short: "connection broken", why: "The connection to the push service broke." },
  "no-push-service": {
    short: "no push service there",
    why: "Whoever answered doesn’t speak Apple’s protocol.",
    mend: "Check the push service’s host and port in the app’s settings.",
  },
  unwritable: { short: "can’t be written", why: "It can’t be written as a request of Apple’s protocol." },
  // Said by the push service to the provider, in Apple's words.
  BadCollapseId: apple("the collapse ID is too long", "Shorten it to at most 64 bytes of UTF-8."),
  BadDeviceToken: apple(
    "the token isn’t one of this environment’s",
    "Check that it is complete hex and belongs to the environment you send to; else forget it.",
  ),
  BadExpirationDate: apple("the expiration isn’t a number", "Send whole seconds since 1970, or 0."),
  BadMessageId: apple("the apns-id isn’t a UUID", "Send the form 8-4-4-4-12, or leave it out."),
  BadPriority: apple("the priority doesn’t fit", "Send 10, 5 or 1; background pushes take 5 or 1."),
  BadTopic: apple("the topic doesn’t fit", "Send the bundle ID with the suffix that belongs to the push type."),
  DeviceTokenNotForTopic: apple(
    "the token is another app’s",
    "Send to the topic the token was registered for.",
  ),
  DuplicateHeaders: apple("a header was sent twice", "Send each header once."),
  IdleTimeout: apple("the connection had been idle too long", "Open a new one."),
  InvalidPushType: apple("the push type doesn’t fit", "Send the one that belongs to the topic."),
  MissingDeviceToken: apple("there was no token", "Put it into the path: /3/device/<token>."),
  MissingTopic: apple("there was no topic", "Send apns-topic, the bundle ID of the app."),
  PayloadEmpty: apple("there was no payload", "Send a JSON payload as the body."),
  TopicDisallowed: apple("this key may not send to this topic", "Use one of the team that owns the topic."),
  BadCertificate: apple("the certificate isn’t valid", "Renew the client certificate."),
  BadCertificateEnvironment: apple(
    "the certificate is for the other environment",
    "Use one made for this environment, or the other environment’s host.",
  ),
  ExpiredProviderToken: apple("the provider token is too old", "Sign a new one: its iat must lie within the last hour."),
  Forbidden: apple("it isn’t allowed", "The credentials don’t allow this action."),
  InvalidProviderToken: apple(
    "the provider token isn’t valid",
    "Check key ID, team ID and signature, and that one connection serves one team.",
  ),
  MissingProviderToken: apple(
    "nobody signed the request",
    "Send a provider token, or connect with a client certificate.",
  ),
  UnrelatedKeyIdInToken: apple("two keys on one connection", "Use one key per connection, or keys that are related."),
  BadEnvironmentKeyIdInToken: apple("the key is for the other environment", "Use one made for this environment."),
  BadEnvironmentKeyInToken: apple("the key is of the other environment", "Use one made for this environment."),
  TopicMismatch: apple("the bundle ID is another team’s", "Use credentials of the team that owns it."),
  BadPath: apple("the path is wrong", "Send to /3/device/<token>."),
  MethodNotAllowed: apple("the method is wrong", "Send with POST."),
  ExpiredToken: apple("the token has expired", "Forget it."),
  Unregistered: apple(
    "the token has ended",
    "The app was removed or installed anew. Forget the token, unless the app registered again after that time.",
  ),
  PayloadTooLarge: apple("the payload is too large", "Shorten it: 4,096 bytes, or 5,120 for voip and broadcasts."),
  RequestHeaderFieldsTooLarge: apple("the headers are too large", "Send fewer or shorter ones: 8,000 bytes in all."),
  TooManyProviderTokenUpdates: apple("too many new provider tokens", "Keep one for at least 20 minutes."),
  TooManyRequests: apple("too many for this token", "Send less often to it."),
  InternalServerError: apple("the push service failed", "Try again later."),
  ServiceUnavailable: apple("the push service has no room now", "Try again later."),
  Shutdown: apple("the server is stopping", "Connect again."),
  FeatureNotEnabled: apple("broadcasts aren’t enabled", "Enable them for this bundle ID."),
  MissingChannelId: apple("there was no channel ID", "Send apns-channel-id."),
  BadChannelId: apple("the channel ID isn’t one", "Send it as it was given when the channel was created."),
  ChannelNotRegistered: apple("there is no such channel", "Create it first, in this environment."),
  BadRequestParams: apple("the request has an unknown attribute", "Remove it from the request."),
  BadRequestPayload: apple("the request isn’t JSON", "Send its body as JSON."),
  MissingPushType: apple("there was no push type", "Send apns-push-type: a broadcast needs liveactivity."),
  CannotCreateChannelConfig: apple("too many channels", "Delete some: an app has at most 10,000 in each environment."),
};
