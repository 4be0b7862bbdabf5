//! Provider tokens as Apple's pages and the clients in the field write them.

use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_795_313_045;

/// The key of RFC 6979 A.2.5.
const SCALAR: [u8; 32] = [
    0xC9, 0xAF, 0xA9, 0xD8, 0x45, 0xBA, 0x75, 0x16, 0x6B, 0x5C, 0x21, 0x57, 0x67, 0xB1, 0xD6, 0x93, 0x4E,
    0x50, 0xC3, 0xDB, 0x36, 0xE8, 0x9B, 0x12, 0x7B, 0x8A, 0x62, 0x2B, 0x12, 0x0F, 0x67, 0x21,
];

fn key() -> SigningKey {
    SigningKey::from_scalar(&SCALAR).expect("it is a scalar")
}

fn raw_key() -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&SCALAR).expect("it is a scalar")
}

/// A token with this header and these claims, its signature made by `sign` from what is signed.
fn token(
    header: &str,
    claims: &str,
    engine: &impl base64::Engine,
    sign: impl Fn(&[u8]) -> Vec<u8>,
) -> String {
    let signed = format!("{}.{}", engine.encode(header), engine.encode(claims));
    format!("bearer {signed}.{}", engine.encode(sign(signed.as_bytes())))
}

fn raw(signed: &[u8]) -> Vec<u8> {
    let signature: p256::ecdsa::Signature = raw_key().sign(signed);
    signature.to_bytes().to_vec()
}

fn der(signed: &[u8]) -> Vec<u8> {
    let signature: p256::ecdsa::Signature = raw_key().sign(signed);
    signature.to_der().as_bytes().to_vec()
}

const HEADER: &str = r#"{"alg":"ES256","kid":"KEY1234567"}"#;

fn claims() -> String {
    format!(r#"{{"iss":"TEAM123456","iat":{NOW}}}"#)
}

/// Reads and verifies; tells the leniencies.
fn verified(authorization: &str) -> Vec<Leniency> {
    let token = ProviderToken::parse(authorization.as_bytes()).expect("it is a token");
    assert_eq!((token.key_id(), token.team_id(), token.issued_at()), ("KEY1234567", "TEAM123456", NOW));
    token.verify(&key().verifying_key()).expect("it was signed by the key");
    token.leniencies().iter().collect()
}

fn parse(authorization: &str) -> Result<ProviderToken, Reason> {
    ProviderToken::parse(authorization.as_bytes())
}

#[test]
fn our_own_token_is_valid_without_any_leniency_and_always_the_same() {
    let token = key().sign("KEY1234567", "TEAM123456", NOW);
    assert!(verified(&format!("bearer {token}")).is_empty());
    assert_eq!(token, key().sign("KEY1234567", "TEAM123456", NOW));
}

#[test]
fn signatures_are_those_of_rfc_6979() {
    let signature = raw(b"sample");
    let hex: String = signature.iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(
        hex,
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716\
         F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
    );
}

#[test]
fn each_clients_habit_is_taken_and_noted() {
    let url = &URL_SAFE_NO_PAD;
    assert_eq!(verified(&token(HEADER, &claims(), url, der)), [Leniency::DerSignature]);
    // Whether the segments need padding or the other alphabet depends on their bytes: these do.
    assert_eq!(verified(&token(HEADER, &claims(), &STANDARD, raw)), [Leniency::StandardBase64]);
    let shouted = token(HEADER, &claims(), url, raw).replace("bearer", "Bearer");
    assert_eq!(verified(&shouted), [Leniency::SchemeCase]);
    let text = format!(r#"{{"iss":"TEAM123456","iat":"{NOW}","kid":"KEY1234567"}}"#);
    assert_eq!(verified(&token(HEADER, &text, url, raw)), [Leniency::StringIssuedAt]);
    let in_claims = format!(r#"{{"iss":"TEAM123456","iat":{NOW},"kid":"KEY1234567"}}"#);
    assert_eq!(verified(&token(r#"{"alg":"ES256"}"#, &in_claims, url, raw)), [Leniency::KeyIdInClaims]);
    let fraction = format!(r#"{{"iss":"TEAM123456","iat":{NOW}.75}}"#);
    assert_eq!(verified(&token(HEADER, &fraction, url, raw)), [Leniency::FractionalIssuedAt]);
    let typed = r#"{"typ":"JWT","alg":"ES256","kid":"KEY1234567"}"#;
    assert!(verified(&token(typed, &claims(), url, raw)).is_empty());
}

#[test]
fn apples_printed_form_is_taken() {
    let millis = format!(r#"{{"iss":"TEAM123456","iat":"{NOW}123"}}"#);
    let used = verified(&token(r#"{ "kid": "KEY1234567" }"#, &millis, &URL_SAFE_NO_PAD, der));
    let expected = [
        Leniency::DerSignature,
        Leniency::MissingAlgorithm,
        Leniency::StringIssuedAt,
        Leniency::MillisecondIssuedAt,
    ];
    assert_eq!(used, expected);
}

#[test]
fn es512_on_the_p256_key_is_taken_with_its_padding() {
    let sign = |signed: &[u8]| {
        let digest = Sha512::digest(signed);
        let signature: p256::ecdsa::Signature =
            raw_key().sign_prehash(&digest).expect("a digest can be signed");
        let mut padded = vec![0; 132];
        padded[34..66].copy_from_slice(&signature.to_bytes()[..32]);
        padded[100..].copy_from_slice(&signature.to_bytes()[32..]);
        padded
    };
    let header = r#"{"alg":"ES512","kid":"KEY1234567"}"#;
    assert_eq!(verified(&token(header, &claims(), &URL_SAFE_NO_PAD, sign)), [Leniency::Es512]);
}

#[test]
fn no_bearer_token_is_a_missing_one() {
    for value in ["", "bearer", "bearer ", "bearer   ", "basic YTpi", "bear er", "bearerx.y.z"] {
        assert_eq!(parse(value), Err(Reason::MissingProviderToken), "{value}");
    }
}

#[test]
fn what_is_no_token_is_invalid() {
    let url = &URL_SAFE_NO_PAD;
    let bad = [
        "bearer x".to_owned(),
        "bearer a.b.c".to_owned(),
        format!("bearer {}", "a".repeat(9000)),
        token(HEADER, &claims(), url, raw) + ".x",
        token(r#"{"alg":"none","kid":"KEY1234567"}"#, &claims(), url, raw),
        token(r#"{"alg":"HS256","kid":"KEY1234567"}"#, &claims(), url, raw),
        token(r#"{"alg":"ES256"}"#, &claims(), url, raw),
        token(HEADER, r#"{"iat":1}"#, url, raw),
        token(HEADER, r#"{"iss":"TEAM123456"}"#, url, raw),
        token(HEADER, r#"{"iss":"TEAM123456","iat":"yesterday"}"#, url, raw),
        token(HEADER, r#"{"iss":"TEAM123456","iat":null}"#, url, raw),
        token(HEADER, &claims(), url, |_| vec![0; 64]),
        token(HEADER, &claims(), url, |_| vec![0x30; 70]),
        token(HEADER, &claims(), url, |_| vec![1; 132]),
        token(HEADER, &claims(), url, |_| Vec::new()),
    ];
    for value in bad {
        assert_eq!(parse(&value), Err(Reason::InvalidProviderToken), "{value}");
    }
}

#[test]
fn another_keys_signature_is_invalid() {
    let token = parse(&token(HEADER, &claims(), &URL_SAFE_NO_PAD, raw)).expect("it is a token");
    let other = SigningKey::from_scalar(&[7; 32]).expect("it is a scalar").verifying_key();
    assert_eq!(token.verify(&other), Err(Reason::InvalidProviderToken));
}

#[test]
fn a_token_holds_for_an_hour_in_both_directions() {
    let token = parse(&token(HEADER, &claims(), &URL_SAFE_NO_PAD, raw)).expect("it is a token");
    for now in [NOW, NOW + MAX_AGE_SECONDS, NOW - MAX_AGE_SECONDS] {
        assert_eq!(token.check_age(now), Ok(()));
    }
    for now in [NOW + MAX_AGE_SECONDS + 1, NOW - MAX_AGE_SECONDS - 1, i64::MIN, i64::MAX] {
        assert_eq!(token.check_age(now), Err(Reason::ExpiredProviderToken));
    }
}

#[test]
fn keys_survive_the_journey_and_are_not_shown() {
    let p8 = key().to_p8().expect("it can be written");
    assert!(p8.starts_with("-----BEGIN PRIVATE KEY-----"));
    let read = SigningKey::from_p8(&p8).expect("we wrote it");
    assert_eq!(read.verifying_key(), key().verifying_key());
    let public = read.verifying_key().to_pem().expect("it can be written");
    assert_eq!(VerifyingKey::from_pem(&public), Ok(read.verifying_key()));
    assert_eq!(VerifyingKey::from_sec1(&read.verifying_key().to_sec1()), Ok(read.verifying_key()));
    assert_eq!(format!("{read:?}"), "SigningKey(…)");
    assert_eq!(SigningKey::from_p8("-----BEGIN X").map(|_| ()), Err(KeyError::SigningKey));
    let secret = token(HEADER, &claims(), &URL_SAFE_NO_PAD, raw);
    let shown = format!("{:?}", parse(&secret).expect("it is a token"));
    assert!(!shown.contains("igna") && !shown.contains("digest"), "{shown}");
}

proptest! {
    #[test]
    fn no_input_brings_it_down(bytes: Vec<u8>, header: String, claims: String, signature: Vec<u8>) {
        let _ = ProviderToken::parse(&bytes);
        let _ = ProviderToken::parse(&[b"bearer ", &bytes[..]].concat());
        let _ = parse(&token(&header, &claims, &URL_SAFE_NO_PAD, |_| signature.clone()));
        let _ = parse(&token(HEADER, &claims, &URL_SAFE_NO_PAD, |_| signature.clone()));
    }

    #[test]
    fn any_changed_byte_makes_a_token_invalid(at in 7_usize..200, byte: u8) {
        let good = token(HEADER, &self::claims(), &URL_SAFE_NO_PAD, raw);
        let mut changed = good.clone().into_bytes();
        let at = 7 + at % (changed.len() - 7);
        prop_assume!(changed[at] != byte);
        changed[at] = byte;
        if let Ok(token) = ProviderToken::parse(&changed) {
            prop_assert_eq!(token.verify(&key().verifying_key()), Err(Reason::InvalidProviderToken));
        }
    }
}
