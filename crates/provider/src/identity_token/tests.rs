//! Tokens as business servers write them, and as those write them who have no key.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const NOW: i64 = 1_795_313_045;
const BUNDLE: &str = "com.example.news";

fn key() -> SigningKey {
    SigningKey::from_scalar(&[7; 32]).expect("it is a scalar")
}

fn claims() -> Claims {
    Claims { sub: "ann".to_owned(), aud: BUNDLE.to_owned(), iat: NOW - 60, exp: NOW + 600 }
}

fn judge(token: &str) -> Result<Claims, IdentityTokenError> {
    read(token)?.verify(&key().verifying_key(), BUNDLE, NOW)
}

/// A token with these claims, well signed.
fn signed(claims: &Value) -> String {
    key().sign_claims("k1", claims)
}

/// A token with this header, its signature that of the same claims under an ordinary one.
fn with_header(header: &str) -> String {
    let token = sign(&key(), "k1", &claims());
    let (_, rest) = token.split_once('.').expect("it has parts");
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header))
}

#[test]
fn what_the_business_signed_is_believed() {
    let token = sign(&key(), "k1", &claims());
    assert!(is_like_one(&token));
    assert_eq!(read(&token).expect("it is one").kid(), "k1");
    assert_eq!(judge(&token), Ok(claims()));
}

#[test]
fn claims_and_header_may_say_more_than_is_asked_for() {
    let more =
        json!({"sub": "ann", "aud": BUNDLE, "iat": NOW, "exp": NOW + 1, "iss": "shop", "nbf": NOW + 60});
    assert!(judge(&signed(&more)).is_ok());
    assert!(read(&with_header(r#"{"alg":"ES256","typ":"JWT","kid":"k1","jwk":{}}"#)).is_ok());
}

#[test]
fn no_other_algorithm_is_taken() {
    for alg in ["none", "None", "HS256", "RS256", "es256", "ES384", ""] {
        let token = with_header(&json!({"alg": alg, "kid": "k1"}).to_string());
        assert_eq!(judge(&token), Err(IdentityTokenError::Algorithm(alg.to_owned())), "{alg}");
    }
    assert_eq!(judge(&with_header(r#"{"kid":"k1"}"#)), Err(IdentityTokenError::Algorithm(String::new())));
    let unsigned = with_header(r#"{"alg":"none","kid":"k1"}"#);
    let unsigned = unsigned.rsplit_once('.').map(|(signed, _)| format!("{signed}."));
    assert!(matches!(judge(&unsigned.expect("it has parts")), Err(IdentityTokenError::Algorithm(_))));
}

#[test]
fn another_key_or_another_text_is_not_believed() {
    let other = SigningKey::from_scalar(&[8; 32]).expect("it is a scalar");
    assert_eq!(judge(&sign(&other, "k1", &claims())), Err(IdentityTokenError::Signature));
    let token = sign(&key(), "k1", &claims());
    let (head, signature) = token.rsplit_once('.').expect("it has parts");
    let (header, _) = head.split_once('.').expect("it has parts");
    let forged = json!({"sub": "bob", "aud": BUNDLE, "iat": NOW, "exp": NOW + 9}).to_string();
    let forged = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(forged));
    assert_eq!(judge(&forged), Err(IdentityTokenError::Signature));
    // A longer or shorter signature, among them the DER that some libraries write, is none.
    for length in [0, 63, 65, 70] {
        let token = format!("{head}.{}", URL_SAFE_NO_PAD.encode(vec![0x30; length]));
        assert_eq!(judge(&token), Err(IdentityTokenError::Signature), "{length}");
    }
    assert_eq!(
        judge(&format!("{head}.{}", URL_SAFE_NO_PAD.encode([0; 64]))),
        Err(IdentityTokenError::Signature)
    );
}

#[test]
fn only_exact_base64url_of_three_parts_is_read() {
    let token = sign(&key(), "k1", &claims());
    for form in ["", "a", "a.b", "..", "a.b.c.d"] {
        assert!(judge(form).is_err(), "{form}");
    }
    for (from, to) in [(".", ".."), (".", "=."), (".", " ."), (".", "\n.")] {
        assert!(judge(&token.replacen(from, to, 1)).is_err(), "{to:?}");
    }
    assert!(judge(&format!("{token}=")).is_err() && judge(&format!("{token} ")).is_err());
    // 64 bytes leave four bits of the last letter unused: one that sets them says the same bytes in other words.
    let (body, last) = token.split_at(token.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = alphabet.find(last).expect("it is a letter");
    let other = &alphabet[at + 1..at + 2];
    assert_eq!(judge(&format!("{body}{other}")), Err(IdentityTokenError::Encoding("signature")));
    let long = sign(&key(), "k1", &Claims { sub: "x".repeat(4000), ..claims() });
    assert!(matches!(judge(&long), Err(IdentityTokenError::TooLong(_))));
}

#[test]
fn a_header_that_names_no_key_or_wants_more_is_refused() {
    assert_eq!(judge(&with_header(r#"{"alg":"ES256"}"#)), Err(IdentityTokenError::KeyId));
    let long = json!({"alg": "ES256", "kid": "k".repeat(129)}).to_string();
    assert_eq!(judge(&with_header(&long)), Err(IdentityTokenError::KeyId));
    let critical = r#"{"alg":"ES256","kid":"k1","crit":["exp"]}"#;
    assert_eq!(judge(&with_header(critical)), Err(IdentityTokenError::Critical));
    for header in
        ["", "[]", r#"["ES256","k1",null]"#, r#"{"alg":7}"#, r#"{"alg":"ES256","alg":"none","kid":"k1"}"#]
    {
        assert!(matches!(judge(&with_header(header)), Err(IdentityTokenError::Header(_))), "{header}");
    }
}

#[test]
fn claims_are_for_this_app_this_time_and_somebody() {
    let wrong = |name: &str, value: Value| {
        let mut claims = json!({"sub": "ann", "aud": BUNDLE, "iat": NOW, "exp": NOW + 600});
        claims[name] = value;
        judge(&signed(&claims)).expect_err("it is refused")
    };
    assert!(matches!(wrong("aud", json!("com.example.other")), IdentityTokenError::Audience { .. }));
    assert!(matches!(wrong("aud", json!([BUNDLE])), IdentityTokenError::Claims(_)));
    assert_eq!(wrong("sub", json!("")), IdentityTokenError::Subject(0));
    assert_eq!(wrong("sub", json!("x".repeat(256))), IdentityTokenError::Subject(256));
    assert!(matches!(wrong("sub", json!(7)), IdentityTokenError::Claims(_)));
    assert_eq!(
        wrong("exp", json!(NOW + MAX_LIFE_SECONDS + 1)),
        IdentityTokenError::Life(MAX_LIFE_SECONDS + 1)
    );
    assert_eq!(wrong("exp", json!(NOW)), IdentityTokenError::Life(0));
    assert!(matches!(wrong("exp", json!(i64::MIN)), IdentityTokenError::Life(_)));
    assert!(matches!(wrong("exp", json!("1795313645")), IdentityTokenError::Claims(_)));
    assert!(matches!(wrong("exp", json!(1_795_313_645.5)), IdentityTokenError::Claims(_)));
    assert_eq!(wrong("iat", json!(NOW + 61)), IdentityTokenError::Early(61));
    assert_eq!(wrong("nbf", json!(NOW + 61)), IdentityTokenError::Early(61));
    let ended = Claims { iat: NOW - 600, exp: NOW, ..claims() };
    assert_eq!(judge(&sign(&key(), "k1", &ended)), Err(IdentityTokenError::Expired(0)));
    assert!(matches!(
        judge(&signed(&json!(["ann", BUNDLE, NOW, NOW + 9]))),
        Err(IdentityTokenError::Claims(_))
    ));
    for missing in ["sub", "aud", "iat", "exp"] {
        let mut claims = json!({"sub": "ann", "aud": BUNDLE, "iat": NOW, "exp": NOW + 600});
        claims.as_object_mut().expect("it is one").remove(missing);
        assert!(matches!(judge(&signed(&claims)), Err(IdentityTokenError::Claims(_))), "{missing}");
    }
}

proptest! {
    #[test]
    fn a_token_with_one_byte_changed_is_not_believed(at in 0_usize..10_000, byte in any::<u8>()) {
        let token = sign(&key(), "k1", &claims());
        let mut bytes = token.clone().into_bytes();
        let at = at % bytes.len();
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        if let Ok(changed) = String::from_utf8(bytes) {
            prop_assert!(judge(&changed).is_err(), "{changed}");
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,60}(\\.\\PC{0,60}){0,3}") {
        prop_assert!(judge(&text).is_err());
    }
}
