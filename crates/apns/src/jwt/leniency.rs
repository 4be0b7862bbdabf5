//! What a provider token may do that Apple's pages don't allow but Apple's service takes. Counting and refusing are left to
//! the push service.

/// One departure from the documented form of a provider token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Leniency {
    /// The scheme isn't written `bearer`.
    SchemeCase,
    /// A segment is in standard base64, or padded.
    StandardBase64,
    /// The signature is ASN.1 DER.
    DerSignature,
    /// `alg` is absent.
    MissingAlgorithm,
    /// `alg` is ES512: SHA-512 on the P-256 key.
    Es512,
    /// `iat` is a string.
    StringIssuedAt,
    /// `iat` counts milliseconds.
    MillisecondIssuedAt,
    /// `iat` has a fraction.
    FractionalIssuedAt,
    /// `kid` is among the claims only.
    KeyIdInClaims,
}

impl Leniency {
    pub const ALL: [Self; 9] = [
        Self::SchemeCase,
        Self::StandardBase64,
        Self::DerSignature,
        Self::MissingAlgorithm,
        Self::Es512,
        Self::StringIssuedAt,
        Self::MillisecondIssuedAt,
        Self::FractionalIssuedAt,
        Self::KeyIdInClaims,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SchemeCase => "scheme-case",
            Self::StandardBase64 => "standard-base64",
            Self::DerSignature => "der-signature",
            Self::MissingAlgorithm => "missing-alg",
            Self::Es512 => "es512",
            Self::StringIssuedAt => "string-iat",
            Self::MillisecondIssuedAt => "millisecond-iat",
            Self::FractionalIssuedAt => "fractional-iat",
            Self::KeyIdInClaims => "kid-in-claims",
        }
    }

    /// What to say to whoever wrote the client.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::SchemeCase => "Your client doesn't write the authorization scheme as `bearer`.",
            Self::StandardBase64 => {
                "Your client sends provider tokens in standard base64: use base64url without padding."
            }
            Self::DerSignature => "Your client sends a DER signature: use the 64 bytes r and s of RFC 7515.",
            Self::MissingAlgorithm => "Your client's provider tokens have no alg: say ES256.",
            Self::Es512 => "Your client signs with ES512: Apple documents ES256 only.",
            Self::StringIssuedAt => "Your client sends iat as a string: send a number.",
            Self::MillisecondIssuedAt => "Your client sends iat in milliseconds: send seconds.",
            Self::FractionalIssuedAt => "Your client sends iat with a fraction: send whole seconds.",
            Self::KeyIdInClaims => "Your client puts kid among the claims: it belongs in the header.",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u8
    }
}

impl std::fmt::Display for Leniency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The leniencies one token made use of.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Leniencies(u16);

impl Leniencies {
    pub(crate) const fn add(&mut self, leniency: Leniency) {
        self.0 |= leniency.bit();
    }

    pub const fn contains(self, leniency: Leniency) -> bool {
        self.0 & leniency.bit() != 0
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Leniency> {
        Leniency::ALL.into_iter().filter(move |leniency| self.contains(*leniency))
    }
}

impl std::fmt::Debug for Leniencies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
