//! The `apns-unique-id` of a notification: its number, enciphered as one block under a key of the store. So it tells its reader
//! nothing, nothing is kept for it, and whoever asks for a trace by it is led to its notification.

use aes_gcm_siv::aead::KeyInit as _;
use aes_gcm_siv::aes::Aes256;
use aes_gcm_siv::aes::cipher::{BlockCipherDecrypt as _, BlockCipherEncrypt as _};
use homing_apns::ApnsId;
use sha2::{Digest as _, Sha256};

/// So that the key is used for nothing else.
const PURPOSE: &[u8] = b"apns-unique-id";

/// Makes and opens them.
pub(crate) struct UniqueIds(Aes256);

impl UniqueIds {
    pub(crate) fn new(key: &[u8]) -> Self {
        Self(Aes256::new(&Sha256::new().chain_update(PURPOSE).chain_update(key).finalize()))
    }

    /// Upper case, as Apple's are.
    pub(crate) fn of(&self, seq: u64) -> ApnsId {
        let mut block = [0; 16];
        block[8..].copy_from_slice(&seq.to_be_bytes());
        self.0.encrypt_block((&mut block).into());
        ApnsId::from_random(block)
    }

    /// The number that a UUID in any spelling stands for; `None` for one that wasn't made here.
    pub(crate) fn open(&self, unique_id: &str) -> Option<u64> {
        let mut block = *uuid::Uuid::try_parse(unique_id).ok()?.as_bytes();
        self.0.decrypt_block((&mut block).into());
        let (zeros, seq) = block.split_at(8);
        (zeros == [0; 8]).then_some(u64::from_be_bytes(seq.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_leads_back_to_its_number_under_its_own_key_only(seq: u64, key: [u8; 32], other: [u8; 32]) {
            prop_assume!(key != other);
            let id = UniqueIds::new(&key).of(seq);
            prop_assert_eq!(UniqueIds::new(&key).open(id.as_str()), Some(seq));
            prop_assert_eq!(UniqueIds::new(&key).open(&id.as_str().to_lowercase()), Some(seq));
            prop_assert_eq!(UniqueIds::new(&other).open(id.as_str()), None);
        }

        #[test]
        fn what_was_not_made_here_leads_to_nothing(bytes: [u8; 16], text in ".{0,60}") {
            let ids = UniqueIds::new(&[7; 32]);
            prop_assert_eq!(ids.open(&uuid::Uuid::from_bytes(bytes).to_string()), None);
            prop_assert_eq!(ids.open(&text), None);
        }
    }
}
