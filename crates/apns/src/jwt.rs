//! Provider tokens: the JWT in `authorization` (*Establishing a token-based connection to APNs*), read as leniently as Apple
//! reads it, and written strictly. Which key belongs to which team, and what is remembered of a verdict, is the push service's.

mod keys;

pub use keys::{KeyError, SigningKey, VerifyingKey};

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD_INDIFFERENT, URL_SAFE_NO_PAD_INDIFFERENT};
use serde::Deserialize;
use sha2::{Digest as _, Sha256, Sha512};

use crate::{Leniencies, Leniency, Reason};

/// How far `iat` may lie from now, in seconds, in either direction.
pub const MAX_AGE_SECONDS: i64 = 60 * 60;
/// Longest `authorization` taken, in bytes. Real ones have about 230.
const MAX_LEN: usize = 4096;
/// No `iat` in seconds is this large before the year 5138: it counts milliseconds, as in Apple's printed sample.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// A provider token as it was sent: who says it and since when, not yet verified.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderToken {
    key_id: String,
    team_id: String,
    issued_at: i64,
    digest: Prehash,
    signature: p256::ecdsa::Signature,
    leniencies: Leniencies,
}

#[derive(Clone, PartialEq, Eq)]
enum Prehash {
    Sha256([u8; 32]),
    Sha512([u8; 64]),
}

#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow, default)]
    alg: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    kid: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Claims<'a> {
    #[serde(borrow)]
    iss: Cow<'a, str>,
    iat: serde_json::Value,
    #[serde(borrow, default)]
    kid: Option<Cow<'a, str>>,
}

/// The JWT in an `authorization` value. No `bearer` scheme, or nothing after it, is [`Reason::MissingProviderToken`].
pub fn bearer(authorization: &[u8]) -> Result<&[u8], Reason> {
    const SCHEME: &[u8] = b"bearer";
    let (scheme, token) = authorization.split_at_checked(SCHEME.len()).ok_or(Reason::MissingProviderToken)?;
    let token = match token.split_first() {
        Some((b' ', token)) if scheme.eq_ignore_ascii_case(SCHEME) => token.trim_ascii(),
        Some(_) | None => return Err(Reason::MissingProviderToken),
    };
    if token.is_empty() { Err(Reason::MissingProviderToken) } else { Ok(token) }
}

/// What the scheme alone departs in, for whoever remembers verdicts by the token.
pub fn scheme_leniencies(authorization: &[u8]) -> Leniencies {
    Leniencies::NONE.with_if(Leniency::SchemeCase, !authorization.starts_with(b"bearer "))
}

/// Whether a token's `iat` lies within an hour of `now`, both in seconds since the epoch, in either direction; else
/// [`Reason::ExpiredProviderToken`].
pub const fn check_age(issued_at: i64, now: i64) -> Result<(), Reason> {
    if now.saturating_sub(issued_at).saturating_abs() > MAX_AGE_SECONDS {
        return Err(Reason::ExpiredProviderToken);
    }
    Ok(())
}

impl ProviderToken {
    /// Reads an `authorization` value. What the documented form doesn't allow but Apple's service takes is noted in
    /// [`ProviderToken::leniencies`]; all else is [`Reason::InvalidProviderToken`].
    pub fn parse(authorization: &[u8]) -> Result<Self, Reason> {
        let token = bearer(authorization)?;
        parse_token(token, scheme_leniencies(authorization)).ok_or(Reason::InvalidProviderToken)
    }

    /// Whose key signed it, as it says.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The team that sends, as it says.
    pub fn team_id(&self) -> &str {
        &self.team_id
    }

    /// Seconds since the epoch.
    pub const fn issued_at(&self) -> i64 {
        self.issued_at
    }

    pub const fn leniencies(&self) -> Leniencies {
        self.leniencies
    }

    /// Whether the key signed it; else [`Reason::InvalidProviderToken`].
    pub fn verify(&self, key: &VerifyingKey) -> Result<(), Reason> {
        let digest: &[u8] = match &self.digest {
            Prehash::Sha256(digest) => digest,
            Prehash::Sha512(digest) => digest,
        };
        key.verify_prehash(digest, &self.signature).map_err(|()| Reason::InvalidProviderToken)
    }

    /// See [`check_age`].
    pub const fn check_age(&self, now: i64) -> Result<(), Reason> {
        check_age(self.issued_at, now)
    }
}

impl std::fmt::Debug for ProviderToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderToken")
            .field("key_id", &self.key_id)
            .field("team_id", &self.team_id)
            .field("issued_at", &self.issued_at)
            .field("leniencies", &self.leniencies)
            .finish_non_exhaustive()
    }
}

fn parse_token(token: &[u8], mut leniencies: Leniencies) -> Option<ProviderToken> {
    if token.len() > MAX_LEN {
        return None;
    }
    let mut segments = token.split(|byte| *byte == b'.');
    let (header, claims, signature) = (segments.next()?, segments.next()?, segments.next()?);
    if segments.next().is_some() {
        return None;
    }
    let signed = &token[..header.len() + 1 + claims.len()];
    let header = decode(header, &mut leniencies)?;
    let header: Header<'_> = serde_json::from_slice(&header).ok()?;
    let claims = decode(claims, &mut leniencies)?;
    let claims: Claims<'_> = serde_json::from_slice(&claims).ok()?;
    let digest = match header.alg.as_deref() {
        Some("ES256") => Prehash::Sha256(Sha256::digest(signed).into()),
        None => {
            leniencies.add(Leniency::MissingAlgorithm);
            Prehash::Sha256(Sha256::digest(signed).into())
        }
        Some("ES512") => {
            leniencies.add(Leniency::Es512);
            Prehash::Sha512(Sha512::digest(signed).into())
        }
        Some(_) => return None,
    };
    let key_id = match (header.kid, claims.kid) {
        (Some(kid), _) => kid,
        (None, Some(kid)) => {
            leniencies.add(Leniency::KeyIdInClaims);
            kid
        }
        (None, None) => return None,
    };
    Some(ProviderToken {
        key_id: key_id.into_owned(),
        team_id: claims.iss.into_owned(),
        issued_at: issued_at(&claims.iat, &mut leniencies)?,
        digest,
        signature: read_signature(&decode(signature, &mut leniencies)?, &mut leniencies)?,
        leniencies,
    })
}

/// Base64 in either alphabet, padded or not.
fn decode(segment: &[u8], leniencies: &mut Leniencies) -> Option<Vec<u8>> {
    let standard = segment.iter().any(|byte| matches!(byte, b'+' | b'/'));
    if standard || segment.ends_with(b"=") {
        leniencies.add(Leniency::StandardBase64);
    }
    let engine = if standard { &STANDARD_NO_PAD_INDIFFERENT } else { &URL_SAFE_NO_PAD_INDIFFERENT };
    engine.decode(segment).ok()
}

/// Seconds, from a number or a string, of seconds or of milliseconds.
fn issued_at(claim: &serde_json::Value, leniencies: &mut Leniencies) -> Option<i64> {
    let number = match claim {
        serde_json::Value::Number(number) => number.clone(),
        serde_json::Value::String(text) => {
            leniencies.add(Leniency::StringIssuedAt);
            text.trim().parse().ok()?
        }
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Array(_)
        | serde_json::Value::Object(_) => return None,
    };
    let value = match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => whole,
        (None, Some(fraction)) if fraction.abs() < i64::MAX as f64 => {
            leniencies.add(Leniency::FractionalIssuedAt);
            fraction.floor() as i64
        }
        (None, _) => return None,
    };
    if value < MILLISECONDS_FROM {
        return Some(value);
    }
    leniencies.add(Leniency::MillisecondIssuedAt);
    Some(value / 1000)
}

/// RFC 7515's 64 bytes; or DER; or the 132 bytes that ES512 libraries pad a P-256 signature to.
fn read_signature(bytes: &[u8], leniencies: &mut Leniencies) -> Option<p256::ecdsa::Signature> {
    const PADDED: usize = 66;
    match bytes {
        raw if raw.len() == 64 => p256::ecdsa::Signature::from_slice(raw).ok(),
        padded if padded.len() == 2 * PADDED => {
            let (r, s) = padded.split_at(PADDED);
            let (r_zeroes, r) = r.split_at(PADDED - 32);
            let (s_zeroes, s) = s.split_at(PADDED - 32);
            if r_zeroes.iter().chain(s_zeroes).any(|byte| *byte != 0) {
                return None;
            }
            leniencies.add(Leniency::Es512);
            p256::ecdsa::Signature::from_slice(&[r, s].concat()).ok()
        }
        der => {
            leniencies.add(Leniency::DerSignature);
            p256::ecdsa::Signature::from_der(der).ok()
        }
    }
}

#[cfg(test)]
mod tests;
