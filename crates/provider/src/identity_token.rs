//! Identity tokens: how a business server tells an app's installation which user it may speak for. A JWT (RFC 7519)
//! signed by ES256 with a key whose public half the app's owner has put here; read strictly, unlike Apple's.
//!
//! Which keys there are, what time it is, and what the user may do then, is decided by the API.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use homing_apns::jwt::{SigningKey, VerifyingKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[cfg(test)]
mod tests;

/// Longest token read, in bytes.
pub const MAX_LEN: usize = 4096;
/// How long a token may be good for, in seconds.
pub const MAX_LIFE_SECONDS: i64 = 24 * 60 * 60;
/// How far the business server's clock may be ahead, in seconds.
pub const MAX_SKEW_SECONDS: i64 = 60;
/// Longest `sub`, in bytes.
pub const MAX_USER_LEN: usize = 255;
/// Longest `kid`, in bytes.
pub const MAX_KID_LEN: usize = 128;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Claims {
    /// The user, by the business's own id.
    pub sub: String,
    /// The bundle ID of the app it is for.
    pub aud: String,
    /// When it was made, in seconds since the epoch.
    pub iat: i64,
    /// When it ends, in seconds since the epoch; at most a day after `iat`.
    pub exp: i64,
}

/// Good only from then on (RFC 7519 §4.1.5), in seconds since the epoch: honoured, and never written here.
#[derive(Deserialize)]
struct NotBefore {
    nbf: Option<i64>,
}

/// Why a token isn't taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityTokenError {
    #[error("the identity token has {0} bytes: at most {MAX_LEN} are read")]
    TooLong(usize),
    #[error("the identity token isn't header.claims.signature: send a JWT in its compact form")]
    Form,
    #[error("the {0} of the identity token isn't base64url without padding")]
    Encoding(&'static str),
    #[error("the header of the identity token isn't the JSON of one: {0}")]
    Header(String),
    #[error(
        "the identity token's `alg` is {0:?}: only ES256 is taken; sign with the app's P-256 identity key"
    )]
    Algorithm(String),
    #[error("the identity token's header has `crit`: no extension is known here; leave it out")]
    Critical,
    #[error(
        "the identity token's header needs a `kid` of 1 to {MAX_KID_LEN} bytes: the name of the identity key"
    )]
    KeyId,
    #[error(
        "the identity token's `kid` {0:?} is no identity key of this app: put it with PUT /v1/apps/{{bundle}}/identity-keys/{{kid}}"
    )]
    UnknownKey(String),
    #[error("the identity token wasn't signed with the identity key its `kid` names")]
    Signature,
    #[error(
        "the claims of the identity token aren't what they must be: {0}; wanted are `sub` and `aud` as strings, `iat` and `exp` as whole seconds since 1970"
    )]
    Claims(String),
    #[error("the identity token's `sub` has {0} bytes: a user has 1 to {MAX_USER_LEN}")]
    Subject(usize),
    #[error("the identity token's `aud` is {found:?}: it must be the app's bundle ID, {wanted:?}")]
    Audience { found: String, wanted: String },
    #[error("the identity token ended {0} s ago: get a fresh one from the business server")]
    Expired(i64),
    #[error(
        "the identity token is good for {0} s: `exp` must be after `iat`, by at most {MAX_LIFE_SECONDS} s (a day)"
    )]
    Life(i64),
    #[error("the identity token isn't good before {0} s from now: set the business server's clock")]
    Early(i64),
}

/// A token that was read and not yet believed.
pub struct Unverified<'a> {
    kid: String,
    signed: &'a str,
    claims: Vec<u8>,
    signature: [u8; 64],
}

impl std::fmt::Debug for Unverified<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unverified").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// Keys the header may have beside these (`typ`) decide nothing: above all none that brings a key of its own.
#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    alg: String,
    #[serde(default)]
    kid: String,
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

/// Whether this has the form of a token at all: three parts.
pub fn is_like_one(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// Reads a token's form and header. What it claims is only told by [`Unverified::verify`].
pub fn read(token: &str) -> Result<Unverified<'_>, IdentityTokenError> {
    if token.len() > MAX_LEN {
        return Err(IdentityTokenError::TooLong(token.len()));
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(IdentityTokenError::Form)?;
    let (header, claims) = signed.split_once('.').ok_or(IdentityTokenError::Form)?;
    if claims.contains('.') {
        return Err(IdentityTokenError::Form);
    }
    let header = decode("header", header)?;
    let header: Header = from_object(&header).map_err(IdentityTokenError::Header)?;
    if header.alg != "ES256" {
        return Err(IdentityTokenError::Algorithm(header.alg));
    }
    if header.crit.is_some() {
        return Err(IdentityTokenError::Critical);
    }
    if header.kid.is_empty() || header.kid.len() > MAX_KID_LEN {
        return Err(IdentityTokenError::KeyId);
    }
    let claims = decode("claims", claims)?;
    let signature = decode("signature", signature)?.try_into().map_err(|_| IdentityTokenError::Signature)?;
    Ok(Unverified { kid: header.kid, signed, claims, signature })
}

impl Unverified<'_> {
    /// The name of the key that is said to have signed it.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Believes the token if `key` signed it and it is good for this app at `now`, in seconds since the epoch.
    pub fn verify(
        &self,
        key: &VerifyingKey,
        bundle_id: &str,
        now: i64,
    ) -> Result<Claims, IdentityTokenError> {
        if !key.verifies(self.signed.as_bytes(), &self.signature) {
            return Err(IdentityTokenError::Signature);
        }
        let claims: Claims = from_object(&self.claims).map_err(IdentityTokenError::Claims)?;
        let NotBefore { nbf } = from_object(&self.claims).map_err(IdentityTokenError::Claims)?;
        if claims.sub.is_empty() || claims.sub.len() > MAX_USER_LEN {
            return Err(IdentityTokenError::Subject(claims.sub.len()));
        }
        if claims.aud != bundle_id {
            return Err(IdentityTokenError::Audience { found: claims.aud, wanted: bundle_id.to_owned() });
        }
        let life = claims.exp.saturating_sub(claims.iat);
        if !(1..=MAX_LIFE_SECONDS).contains(&life) {
            return Err(IdentityTokenError::Life(life));
        }
        let begins = nbf.map_or(claims.iat, |not_before| not_before.max(claims.iat));
        let early = begins.saturating_sub(now);
        if early > MAX_SKEW_SECONDS {
            return Err(IdentityTokenError::Early(early));
        }
        if claims.exp <= now {
            return Err(IdentityTokenError::Expired(now.saturating_sub(claims.exp)));
        }
        Ok(claims)
    }
}

/// A token as a business server makes it. `kid` is the name under which the public half of `key` was put here.
pub fn sign(key: &SigningKey, kid: &str, claims: &Claims) -> String {
    let Claims { sub, aud, iat, exp } = claims;
    key.sign_claims(kid, &serde_json::json!({ "sub": sub, "aud": aud, "iat": iat, "exp": exp }))
}

fn decode(part: &'static str, text: &str) -> Result<Vec<u8>, IdentityTokenError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| IdentityTokenError::Encoding(part))
}

/// Our reader of structures would take a list for one, too.
fn from_object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err("it is no JSON object".to_owned());
    }
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}
