//! Names that are derived and not kept: the `apns-id` of a notification, the tag of a user, the digest of a secret; and
//! the ids that are made. Pure.

use homing_trace::UnixMillis;
use sha2::{Digest as _, Sha256};

/// What a notification carries instead of the user's id: 16 hex digits. The SDK derives the same.
pub(super) fn user_tag(bundle_id: &str, user: &str) -> String {
    let digest = Sha256::new()
        .chain_update("homing-user\0")
        .chain_update(bundle_id)
        .chain_update("\0")
        .chain_update(user);
    hex(&digest.finalize()[..8])
}

/// The label of a push's notification for a token, the same at every try. A UUID of version 8, whose bits are ours.
pub(super) fn apns_id(push_id: &str, token: &[u8]) -> [u8; 16] {
    let digest = Sha256::new()
        .chain_update("homing-notification\0")
        .chain_update(push_id)
        .chain_update("\0")
        .chain_update(token)
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().into_bytes()
}

/// A UUID of version 7: pushes made later have greater ids.
pub(super) fn push_id(now: UnixMillis, random: &[u8; 10]) -> String {
    let millis = u64::try_from(now.0).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, random).into_uuid().to_string()
}

/// By which a secret is known. It is random and long, so that nothing slower is needed.
pub(super) fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// Lower case.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_tag_is_the_one_the_sdk_derives() {
        // printf 'homing-user\0com.example.news\0ann' | sha256sum | cut -c1-16
        assert_eq!(user_tag("com.example.news", "ann"), "c56a3ec7d7e22849");
    }

    #[test]
    fn an_apns_id_is_a_uuid_that_differs_by_push_and_token() {
        let id = |push, token: &[u8]| uuid::Uuid::from_bytes(apns_id(push, token));
        assert_eq!(id("a", b"1"), id("a", b"1"));
        assert!(id("a", b"1") != id("a", b"2") && id("a", b"1") != id("b", b"1"));
        assert_eq!(id("a", b"1").get_version_num(), 8);
    }

    #[test]
    fn a_later_push_has_a_greater_id() {
        let early = push_id(UnixMillis(1_000), &[0xff; 10]);
        assert!(early < push_id(UnixMillis(1_001), &[0; 10]));
    }
}
