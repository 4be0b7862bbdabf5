//! The one table of what a client may do that Apple's pages don't allow but Apple's service takes. Counting, and refusing it
//! where an operator asks for strictness, are left to the push service. `docs/leniencies.md` shows this table.

use crate::Reason;

macro_rules! leniencies {
    ($($name:ident, $word:literal, $strict:expr, $what:literal, $advice:literal;)*) => {
        /// One departure from what Apple documents.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Leniency {
            $(#[doc = $what] $name,)*
        }

        impl Leniency {
            /// All rows of the table, in its order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its word, for people and programs.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// What the client does.
            pub const fn what(self) -> &'static str {
                match self {
                    $(Self::$name => $what,)*
                }
            }

            /// What to say to whoever wrote the client.
            pub const fn advice(self) -> &'static str {
                match self {
                    $(Self::$name => $advice,)*
                }
            }

            /// What it is refused with where nothing but the documented form is taken; `None`: it is taken there, too.
            pub const fn strict_reason(self) -> Option<Reason> {
                match self {
                    $(Self::$name => $strict,)*
                }
            }
        }
    };
}

const INVALID: Option<Reason> = Some(Reason::InvalidProviderToken);

leniencies! {
    SchemeCase, "scheme-case", Some(Reason::MissingProviderToken), "The scheme of `authorization` isn't written `bearer`.", "Write the authorization scheme as bearer, in lower case.";
    StandardBase64, "standard-base64", INVALID, "A segment of the provider token is in standard base64, or padded.", "Encode provider tokens in base64url without padding.";
    DerSignature, "der-signature", INVALID, "The provider token's signature is ASN.1 DER.", "Sign with the 64 bytes r and s of RFC 7515 instead of DER.";
    MissingAlgorithm, "missing-alg", INVALID, "The provider token's header has no `alg`.", "Say alg ES256 in the provider token's header.";
    Es512, "es512", INVALID, "The provider token is signed with SHA-512 on the P-256 key, or its signature is padded as for ES512.", "Sign with ES256, the only algorithm Apple documents.";
    StringIssuedAt, "string-iat", INVALID, "`iat` is a string.", "Send iat as a number.";
    MillisecondIssuedAt, "millisecond-iat", INVALID, "`iat` counts milliseconds.", "Send iat in seconds.";
    FractionalIssuedAt, "fractional-iat", INVALID, "`iat` has a fraction.", "Send iat in whole seconds.";
    KeyIdInClaims, "kid-in-claims", INVALID, "`kid` is among the claims only.", "Put kid into the provider token's header.";
    UpperCaseApnsId, "upper-case-apns-id", Some(Reason::BadMessageId), "`apns-id` or `apns-request-id` has capital letters.", "Send apns-id and apns-request-id in lower case.";
    EmptyTopic, "empty-topic", Some(Reason::BadTopic), "`apns-topic` is empty, and the certificate's topic is meant.", "Leave apns-topic out instead of sending it empty.";
    UnderscoreInTopic, "underscore-in-topic", Some(Reason::BadTopic), "The topic has an underscore, which bundle IDs don't have.", "Choose a bundle ID of letters, digits, hyphens and dots.";
    EmptyCollapseId, "empty-collapse-id", Some(Reason::BadCollapseId), "`apns-collapse-id` is empty.", "Leave apns-collapse-id out instead of sending it empty.";
    ChannelIdInPath, "channel-id-in-path", Some(Reason::MissingChannelId), "A channel's id is in the path.", "Send a channel's id in apns-channel-id.";
    BareChannelId, "bare-channel-id", Some(Reason::BadChannelId), "`apns-channel-id` is in base64url, or not padded.", "Send a channel's id as it was given, in base64 with padding.";
    SilentAtTen, "silent-at-10", Some(Reason::BadPriority), "A payload with nothing but `content-available` is sent without a push type, at priority 10, which it has, too, where none is said.", "Send silent notifications with apns-push-type background and apns-priority 5.";
    BackgroundAtDefault, "background-without-priority", Some(Reason::BadPriority), "`apns-push-type` is background, and `apns-priority` isn't sent, which means 10.", "Send apns-priority 5 with background notifications.";
    QueryInPath, "query-in-path", Some(Reason::BadPath), "The path has a query.", "Send to /3/device/<token> without a query.";
    HostWithoutAuthority, "host-without-authority", None, "The request has `host` and no `:authority`.", "Send :authority, as HTTP/2 wants it; host is HTTP/1.1's.";
    NoAlpn, "no-alpn", None, "The client speaks HTTP/2 without having offered it by ALPN.", "Offer h2 by ALPN in the TLS handshake.";
}

impl Leniency {
    const fn bit(self) -> u32 {
        1 << self as u8
    }
}

impl std::fmt::Display for Leniency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The leniencies one request made use of.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Leniencies(u32);

impl Leniencies {
    pub const NONE: Self = Self(0);

    pub const fn add(&mut self, leniency: Leniency) {
        self.0 |= leniency.bit();
    }

    /// Adds it when `used`.
    #[must_use]
    pub const fn with_if(self, leniency: Leniency, used: bool) -> Self {
        Self(self.0 | if used { leniency.bit() } else { 0 })
    }

    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    pub const fn contains(self, leniency: Leniency) -> bool {
        self.0 & leniency.bit() != 0
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Leniency> {
        Leniency::ALL.iter().copied().filter(move |leniency| self.contains(*leniency))
    }

    /// Why these are refused where nothing but the documented form is taken.
    pub fn strict_reason(self) -> Option<Reason> {
        self.iter().find_map(Leniency::strict_reason)
    }
}

impl std::fmt::Debug for Leniencies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../docs/leniencies.md");

    #[test]
    fn the_page_shows_this_table_and_nothing_else() {
        let strict = |leniency: &Leniency| match leniency.strict_reason() {
            Some(reason) => format!("{} `{reason}`", reason.status()),
            None => "taken".to_owned(),
        };
        let row = |leniency: &Leniency| {
            let (what, advice) = (leniency.what(), leniency.advice());
            format!("| `{leniency}` | {what} | {} | {advice} |", strict(leniency))
        };
        let rows: Vec<String> = Leniency::ALL.iter().map(row).collect();
        let shown: Vec<&str> = PAGE.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(shown, rows, "docs/leniencies.md should have:\n{}", rows.join("\n"));
    }

    #[test]
    fn every_row_has_its_own_word_and_bit() {
        let mut all = Leniencies::NONE;
        for leniency in Leniency::ALL {
            assert!(!all.contains(*leniency), "{leniency}");
            all.add(*leniency);
        }
        assert_eq!(all.iter().collect::<Vec<_>>(), Leniency::ALL);
        let words: std::collections::HashSet<_> = Leniency::ALL.iter().map(|it| it.as_str()).collect();
        assert_eq!(words.len(), Leniency::ALL.len());
    }
}
