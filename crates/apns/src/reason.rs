//! The one table of reasons: wire word, status, who must act, whether to try again, and what to do. It decides nothing
//! about when a reason is given; that is the push service's admission.

/// Who must act on a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// The code that built the request.
    ProviderCode,
    /// Whoever holds the signing key or certificate.
    Credentials,
    /// Whoever keeps the device tokens: this one is of no use here.
    DeviceToken,
    /// The push service.
    PushService,
}

/// Whether and when the same notification may be sent again (*Handling notification responses from APNs*).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Not to this token or in this form.
    Never,
    /// After the request or its credentials were mended.
    AfterFix,
    /// At once, with a freshly signed provider token.
    WithNewProviderToken,
    /// On a new connection.
    OnNewConnection,
    /// Later, with growing delays.
    Later,
    /// Not before this many seconds have passed.
    AfterSeconds(u32),
}

macro_rules! reasons {
    ($($name:ident, $status:literal, $act:expr, $retry:expr, $advice:literal;)*) => {
        /// Why a request was refused, in Apple's words. The set is open: a service may know more than we do.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each row's sentence stands in the table")]
        pub enum Reason {
            $($name,)*
            /// A word that isn't in the table.
            Unknown(String),
        }

        impl Reason {
            /// All rows of the table, in its order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => stringify!($name),)*
                    Self::Unknown(word) => word,
                }
            }

            fn known(word: &str) -> Option<Self> {
                match word {
                    $(stringify!($name) => Some(Self::$name),)*
                    _ => None,
                }
            }

            fn row(&self) -> (u16, Act, Retry, &'static str) {
                match self {
                    $(Self::$name => ($status, $act, $retry, $advice),)*
                    Self::Unknown(_) => UNKNOWN,
                }
            }
        }
    };
}

/// What holds for a word we don't know. The answer's own status counts for more.
const UNKNOWN: (u16, Act, Retry, &str) = (
    400,
    Act::ProviderCode,
    Retry::AfterFix,
    "The push service gave a reason this version doesn't know: look it up in Apple's documentation.",
);

use Act::{Credentials, DeviceToken, ProviderCode, PushService};
use Retry::{AfterFix, AfterSeconds, Later, Never, OnNewConnection, WithNewProviderToken};

/// Apple asks for at least this much time between two provider tokens, in seconds.
const TOKEN_REFRESH_SECONDS: u32 = 20 * 60;
/// Apple asks for this much time before trying again after a failure of its own, in seconds.
const SERVICE_RETRY_SECONDS: u32 = 15 * 60;

reasons! {
    BadCollapseId, 400, ProviderCode, AfterFix, "Shorten apns-collapse-id to at most 64 bytes of UTF-8.";
    BadDeviceToken, 400, DeviceToken, Never, "Check that the token is complete hex and belongs to the environment you send to; else forget it.";
    BadExpirationDate, 400, ProviderCode, AfterFix, "Send apns-expiration as a whole number of seconds since 1970, or 0.";
    BadMessageId, 400, ProviderCode, AfterFix, "Send apns-id as a UUID of the form 8-4-4-4-12, or leave it out.";
    BadPriority, 400, ProviderCode, AfterFix, "Send apns-priority 10, 5 or 1; background notifications take 5 or 1.";
    BadTopic, 400, ProviderCode, AfterFix, "Send apns-topic as the bundle ID with the suffix that belongs to the push type.";
    DeviceTokenNotForTopic, 400, DeviceToken, Never, "Send to the topic the token was registered for.";
    DuplicateHeaders, 400, ProviderCode, AfterFix, "Send each header once.";
    IdleTimeout, 400, ProviderCode, OnNewConnection, "Open a new connection: this one had been idle too long.";
    InvalidPushType, 400, ProviderCode, AfterFix, "Send one of Apple's push types, the one that belongs to the topic.";
    MissingDeviceToken, 400, ProviderCode, AfterFix, "Put the device token into the path: /3/device/<token>.";
    MissingTopic, 400, ProviderCode, AfterFix, "Send apns-topic, the bundle ID of the app.";
    PayloadEmpty, 400, ProviderCode, AfterFix, "Send a JSON payload as the body.";
    TopicDisallowed, 400, Credentials, AfterFix, "Use a key or certificate of the team that owns this topic.";
    BadCertificate, 403, Credentials, AfterFix, "Renew the client certificate.";
    BadCertificateEnvironment, 403, Credentials, AfterFix, "Use a client certificate made for this environment, or the other environment's host.";
    ExpiredProviderToken, 403, Credentials, WithNewProviderToken, "Sign a new provider token: its iat must lie within the last hour.";
    Forbidden, 403, Credentials, Never, "The credentials don't allow this action.";
    InvalidProviderToken, 403, Credentials, AfterFix, "Check key ID, team ID and signature of the provider token, and that one connection serves one team.";
    MissingProviderToken, 403, Credentials, AfterFix, "Send authorization: bearer <provider token>, or connect with a client certificate.";
    UnrelatedKeyIdInToken, 403, Credentials, OnNewConnection, "Use one key per connection, or keys that are related.";
    BadEnvironmentKeyIdInToken, 403, Credentials, AfterFix, "Use a signing key made for this environment (documented spelling).";
    BadEnvironmentKeyInToken, 403, Credentials, AfterFix, "Use a signing key made for this environment.";
    TopicMismatch, 403, Credentials, AfterFix, "Use credentials of the team that owns the bundle ID in the path.";
    BadPath, 404, ProviderCode, AfterFix, "Send to /3/device/<token>, or to a path that goes with the method.";
    MethodNotAllowed, 405, ProviderCode, AfterFix, "Send with POST; receipts are read with GET.";
    ExpiredToken, 410, DeviceToken, Never, "Forget the token: it has expired.";
    Unregistered, 410, DeviceToken, Never, "Forget the token, unless the app registered again after the timestamp.";
    PayloadTooLarge, 413, ProviderCode, Never, "Shorten the payload: 4,096 bytes, or 5,120 for voip and broadcasts.";
    TooManyProviderTokenUpdates, 429, Credentials, AfterSeconds(TOKEN_REFRESH_SECONDS), "Keep a provider token for at least 20 minutes.";
    TooManyRequests, 429, ProviderCode, Later, "Send less often to this device token, or read with fewer streams.";
    InternalServerError, 500, PushService, AfterSeconds(SERVICE_RETRY_SECONDS), "The push service failed: try again later.";
    ServiceUnavailable, 503, PushService, AfterSeconds(SERVICE_RETRY_SECONDS), "The push service has no room now: try again later.";
    Shutdown, 503, PushService, OnNewConnection, "The server is stopping: connect again.";
    FeatureNotEnabled, 400, Credentials, AfterFix, "Enable broadcasts for this bundle ID.";
    MissingChannelId, 400, ProviderCode, AfterFix, "Send apns-channel-id.";
    BadChannelId, 400, ProviderCode, AfterFix, "Send apns-channel-id as it was given when the channel was created.";
    ChannelNotRegistered, 400, ProviderCode, Never, "Create the channel first, in this environment.";
    BadRequestParams, 400, ProviderCode, AfterFix, "Remove from the request's JSON or query what isn't known, and send a cursor as it was given.";
    BadRequestPayload, 400, ProviderCode, AfterFix, "Send the request's body as JSON.";
    MissingPushType, 400, ProviderCode, AfterFix, "Send apns-push-type: a broadcast needs liveactivity.";
    CannotCreateChannelConfig, 400, ProviderCode, AfterFix, "Delete channels: an app has at most 10,000 in each environment.";
    RequestHeaderFieldsTooLarge, 431, ProviderCode, AfterFix, "Send fewer or shorter headers: 8,000 bytes, each with 32 more than its name and value have.";
}

impl Reason {
    /// Reads a word from the wire; one that isn't in the table is kept as it is.
    ///
    /// The broadcast page prints `Service Unavailable` with a space; it is read as [`Reason::ServiceUnavailable`].
    pub fn from_word(word: &str) -> Self {
        match Self::known(word) {
            Some(reason) => reason,
            None if word == "Service Unavailable" => Self::ServiceUnavailable,
            None => Self::Unknown(word.to_owned()),
        }
    }

    /// The HTTP status it goes with; 400 for a word we don't know.
    pub fn status(&self) -> u16 {
        self.row().0
    }

    pub fn act(&self) -> Act {
        self.row().1
    }

    pub fn retry(&self) -> Retry {
        self.row().2
    }

    /// One sentence: what to do about it.
    pub fn advice(&self) -> &'static str {
        self.row().3
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn an_invented_reason_survives_the_journey() {
        let reason = Reason::from_word("MoonInWrongPhase");
        assert_eq!(reason, Reason::Unknown("MoonInWrongPhase".to_owned()));
        assert_eq!(reason.as_str(), "MoonInWrongPhase");
    }

    #[test]
    fn every_row_has_its_own_word_and_advice_and_is_found_by_its_word() {
        let mut words = HashSet::new();
        let mut advice = HashSet::new();
        for reason in Reason::ALL {
            assert!(words.insert(reason.as_str()), "{reason} stands twice");
            assert!(advice.insert(reason.advice()), "{reason} repeats another's advice");
            assert_eq!(&Reason::from_word(reason.as_str()), reason);
        }
        assert_eq!(Reason::ALL.len(), 43);
    }

    #[test]
    fn statuses_agree_with_apples_table_and_one_is_http_s_own() {
        let of = |status| Reason::ALL.iter().filter(|reason| reason.status() == status).count();
        assert_eq!([400, 403, 404, 405, 410, 413, 429, 500, 503].map(of), [22, 10, 1, 1, 2, 1, 2, 1, 2]);
        assert_eq!(of(431), 1);
    }

    #[test]
    fn the_broadcast_pages_spelling_is_understood() {
        assert_eq!(Reason::from_word("Service Unavailable"), Reason::ServiceUnavailable);
    }
}
