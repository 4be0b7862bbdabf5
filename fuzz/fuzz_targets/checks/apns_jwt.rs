//! Reads arbitrary bytes as a provider token, as they are and as the parts of one: nothing panics, and no key has signed it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use homing_apns::jwt::{ProviderToken, SigningKey};

pub(crate) fn check(bytes: &[u8]) {
    let parts: Vec<String> =
        bytes.splitn(3, |byte| *byte == 0).map(|part| URL_SAFE_NO_PAD.encode(part)).collect();
    let key = SigningKey::from_scalar(&[7; 32]).expect("it is a scalar").verifying_key();
    for authorization in [bytes.to_vec(), format!("bearer {}", parts.join(".")).into_bytes()] {
        if let Ok(token) = ProviderToken::parse(&authorization) {
            let _ = token.check_age(0);
            token.verify(&key).expect_err("nobody can sign by chance");
        }
    }
}
