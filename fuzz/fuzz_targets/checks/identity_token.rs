//! Reads arbitrary text as an identity token, as it is and as the parts of one, and arbitrary claims under a good
//! signature: nothing panics, no stranger is believed, and who is believed is somebody for a day at most.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use homing_apns::jwt::SigningKey;
use homing_provider::identity_token::{MAX_LIFE_SECONDS, MAX_USER_LEN, read};

pub(crate) fn check(bytes: &[u8]) {
    let key = SigningKey::from_scalar(&[7; 32]).expect("it is a scalar");
    let parts: Vec<String> =
        bytes.splitn(3, |byte| *byte == 0).map(|part| URL_SAFE_NO_PAD.encode(part)).collect();
    for token in [String::from_utf8_lossy(bytes).into_owned(), parts.join(".")] {
        if let Ok(token) = read(&token) {
            token.verify(&key.verifying_key(), "com.example.news", 0).expect_err("nobody can sign by chance");
        }
    }
    if let Ok(claims) = serde_json::from_slice(bytes) {
        let token = key.sign_claims("k", &claims);
        let believed =
            read(&token).and_then(|token| token.verify(&key.verifying_key(), "com.example.news", 0));
        if let Ok(claims) = believed {
            assert!(claims.exp - claims.iat <= MAX_LIFE_SECONDS && claims.exp > 0);
            assert!((1..=MAX_USER_LEN).contains(&claims.sub.len()));
        }
    }
}
