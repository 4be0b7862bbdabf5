//! The two halves of a provider's P-256 key, as `.p8` file and as public PEM. Making random ones is left to who has
//! randomness.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding,
};
use zeroize::Zeroizing;

/// Why a key can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error(
        "the signing key is no PKCS#8 PEM of a P-256 key: use the AuthKey_….p8 file as it was downloaded"
    )]
    SigningKey,
    #[error("the public key is no PEM of a P-256 key")]
    VerifyingKey,
}

/// The secret half. It is wiped from memory when dropped.
#[derive(Clone)]
pub struct SigningKey(p256::ecdsa::SigningKey);

impl SigningKey {
    /// Reads the text of a `.p8` file.
    pub fn from_p8(pem: &str) -> Result<Self, KeyError> {
        p256::ecdsa::SigningKey::from_pkcs8_pem(pem.trim()).map(Self).map_err(|_| KeyError::SigningKey)
    }

    /// The key whose scalar these bytes are, big-endian; an error for the few values that are none (try again).
    pub fn from_scalar(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        p256::ecdsa::SigningKey::from_slice(bytes).map(Self).map_err(|_| KeyError::SigningKey)
    }

    /// The text of a `.p8` file.
    pub fn to_p8(&self) -> Result<Zeroizing<String>, KeyError> {
        self.0.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::SigningKey)
    }

    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(*self.0.verifying_key())
    }

    /// A provider token, in the documented form. `issued_at` is in seconds since the epoch.
    ///
    /// Deterministic (RFC 6979): the same arguments give the same bytes, on every node.
    pub fn sign(&self, key_id: &str, team_id: &str, issued_at: i64) -> String {
        self.sign_claims(key_id, &serde_json::json!({ "iss": team_id, "iat": issued_at }))
    }

    /// A JWT with these claims, signed by ES256. Deterministic, as [`SigningKey::sign`] is.
    pub fn sign_claims(&self, key_id: &str, claims: &serde_json::Value) -> String {
        let header = serde_json::json!({ "alg": "ES256", "kid": key_id }).to_string();
        let mut token = URL_SAFE_NO_PAD.encode(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims.to_string(), &mut token);
        let signature: p256::ecdsa::Signature = self.0.sign(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.to_bytes(), &mut token);
        token
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// The public half.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct VerifyingKey(p256::ecdsa::VerifyingKey);

impl VerifyingKey {
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        p256::ecdsa::VerifyingKey::from_public_key_pem(pem.trim())
            .map(Self)
            .map_err(|_| KeyError::VerifyingKey)
    }

    pub fn to_pem(&self) -> Result<String, KeyError> {
        self.0.to_public_key_pem(LineEnding::LF).map_err(|_| KeyError::VerifyingKey)
    }

    /// A point in SEC 1 form, compressed or not.
    pub fn from_sec1(bytes: &[u8]) -> Result<Self, KeyError> {
        p256::ecdsa::VerifyingKey::from_sec1_bytes(bytes).map(Self).map_err(|_| KeyError::VerifyingKey)
    }

    /// The uncompressed point, 65 bytes.
    pub fn to_sec1(&self) -> Box<[u8]> {
        self.0.to_sec1_bytes()
    }

    /// Whether the key signed `message` by ES256; `signature` is in RFC 7518's form, the 64 bytes of r and s.
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = p256::ecdsa::Signature::from_slice(signature);
        signature.is_ok_and(|signature| self.0.verify(message, &signature).is_ok())
    }

    pub(super) fn verify_prehash(&self, digest: &[u8], signature: &p256::ecdsa::Signature) -> Result<(), ()> {
        self.0.verify_prehash(digest, signature).map_err(|_| ())
    }
}

impl From<p256::ecdsa::VerifyingKey> for VerifyingKey {
    fn from(key: p256::ecdsa::VerifyingKey) -> Self {
        Self(key)
    }
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VerifyingKey(…)")
    }
}
