//! Device tokens: thirty-two sealed bytes that name a registration. A forged one, another environment's and another
//! topic's are known without asking the store; whether the registration still lives, only the store says.
//!
//! Layout: byte 0 is the number of the key, in clear; then fifteen bytes sealed with AES-256-GCM-SIV (fixed nonce, byte 0
//! as associated data): device 8, environment 1 bit and topic number 23 bits, generation 4; then the tag of sixteen.

use std::sync::Arc;

use aes_gcm_siv::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm_siv::{Aes256GcmSiv, Nonce, Tag};
use homing_trace::Environment;
use rusqlite::params;

use crate::notification::RegistrationKey;
use crate::store::{Store, StoreError, random};
use crate::unique_id::UniqueIds;

/// Length of a device token, in bytes.
pub const TOKEN_LEN: usize = 32;
/// Topic numbers are smaller than this.
pub const TOPIC_LIMIT: u32 = 1 << 23;

const SEALED: std::ops::Range<usize> = 1..16;
/// Sealing is deterministic: the same registration always has the same token. GCM-SIV allows a fixed nonce for that.
const NONCE: [u8; 12] = *b"device token";

/// Seals and opens device tokens with the store's keys.
#[derive(Clone)]
pub struct TokenSealer(Arc<Keys>);

struct Keys {
    newest: u8,
    unique_ids: UniqueIds,
    by_number: Vec<(u8, Aes256GcmSiv)>,
}

impl std::fmt::Debug for TokenSealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenSealer").field("newest", &self.0.newest).finish_non_exhaustive()
    }
}

impl TokenSealer {
    /// Reads the keys from the store, which gets its first one here.
    pub async fn load(store: &Store) -> Result<Self, StoreError> {
        let fresh = zeroize::Zeroizing::new(random::<32>()?);
        let rows: Vec<(u8, Vec<u8>)> = store
            .call(move |scope| {
                scope.connection.execute(
                    "INSERT INTO token_keys SELECT 1, ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM token_keys)",
                    params![&fresh[..], scope.now.0],
                )?;
                let mut query = scope.connection.prepare("SELECT no, key FROM token_keys ORDER BY no")?;
                let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await?;
        Self::new(&rows)
            .ok_or_else(|| StoreError::Invalid("the keys of the device tokens are damaged".to_owned()))
    }

    fn new(keys: &[(u8, Vec<u8>)]) -> Option<Self> {
        let newest = keys.last()?.0;
        // The first key stays, whatever is added.
        let unique_ids = UniqueIds::new(&keys.first()?.1);
        let by_number = keys
            .iter()
            .map(|(number, key)| Some((*number, Aes256GcmSiv::new_from_slice(key).ok()?)))
            .collect::<Option<_>>()?;
        Some(Self(Arc::new(Keys { newest, unique_ids, by_number })))
    }

    fn cipher(&self, number: u8) -> Option<&Aes256GcmSiv> {
        self.0.by_number.iter().find(|(of, _)| *of == number).map(|(_, cipher)| cipher)
    }

    /// What names notifications to Apple's delivery log, and here to who asks for a trace.
    pub(crate) fn unique_ids(&self) -> &UniqueIds {
        &self.0.unique_ids
    }

    /// The token of a registration: the same each time.
    pub fn seal(&self, registration: &RegistrationKey) -> [u8; TOKEN_LEN] {
        let number = self.0.newest;
        let mut token = [0; TOKEN_LEN];
        token[0] = number;
        token[1..9].copy_from_slice(&registration.device.to_be_bytes());
        let world = match registration.environment {
            Environment::Development => 0,
            Environment::Production => TOPIC_LIMIT,
        };
        token[9..12].copy_from_slice(&(registration.topic_no & (TOPIC_LIMIT - 1) | world).to_be_bytes()[1..]);
        token[12..16].copy_from_slice(&registration.generation.to_be_bytes());
        let tag = self.cipher(number).and_then(|cipher| {
            cipher.encrypt_inout_detached(&Nonce::from(NONCE), &[number], (&mut token[SEALED]).into()).ok()
        });
        // Fails only for plaintexts of gigabytes; the tag left at zero would be refused by `open`.
        if let Some(tag) = tag {
            token[16..].copy_from_slice(&tag);
        }
        token
    }

    /// The registration that the token names; `None` if it was not sealed here.
    pub fn open(&self, token: &[u8]) -> Option<RegistrationKey> {
        let mut token: [u8; TOKEN_LEN] = token.try_into().ok()?;
        let number = token[0];
        let cipher = self.cipher(number)?;
        let (sealed, tag) = token.split_at_mut(SEALED.end);
        let tag = Tag::try_from(&*tag).ok()?;
        cipher
            .decrypt_inout_detached(&Nonce::from(NONCE), &[number], (&mut sealed[SEALED]).into(), &tag)
            .ok()?;
        let device = u64::from_be_bytes(token[1..9].try_into().ok()?);
        let topic = u32::from_be_bytes([0, token[9], token[10], token[11]]);
        let environment =
            if topic & TOPIC_LIMIT == 0 { Environment::Development } else { Environment::Production };
        let generation = u32::from_be_bytes(token[12..16].try_into().ok()?);
        Some(RegistrationKey { device, environment, topic_no: topic & (TOPIC_LIMIT - 1), generation })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sealer(seed: u8) -> TokenSealer {
        TokenSealer::new(&[(1, vec![seed; 32]), (7, vec![seed ^ 0x55; 32])])
            .expect("the keys are long enough")
    }

    fn registrations() -> impl Strategy<Value = RegistrationKey> {
        (any::<u64>(), any::<bool>(), 0..TOPIC_LIMIT, any::<u32>()).prop_map(
            |(device, is_production, topic_no, generation)| RegistrationKey {
                device,
                environment: if is_production { Environment::Production } else { Environment::Development },
                topic_no,
                generation,
            },
        )
    }

    #[test]
    fn an_older_key_opens_for_ever() {
        let registration =
            RegistrationKey { device: 1, environment: Environment::Development, topic_no: 2, generation: 3 };
        let old = TokenSealer::new(&[(1, vec![9; 32])]).expect("the key is long enough").seal(&registration);
        assert_eq!(old[0], 1);
        assert_eq!(sealer(9).open(&old), Some(registration));
        assert_eq!(sealer(9).seal(&registration)[0], 7);
    }

    proptest! {
        #[test]
        fn a_token_opens_to_what_was_sealed_and_is_always_the_same(registration in registrations()) {
            let token = sealer(3).seal(&registration);
            prop_assert_eq!(token, sealer(3).seal(&registration));
            prop_assert_eq!(sealer(3).open(&token), Some(registration));
            prop_assert_eq!(sealer(4).open(&token), None);
        }

        #[test]
        fn any_flipped_bit_is_noticed(registration in registrations(), bit in 0..TOKEN_LEN * 8) {
            let mut token = sealer(3).seal(&registration);
            token[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(sealer(3).open(&token), None);
        }

        #[test]
        fn a_forged_token_does_not_open(bytes in proptest::collection::vec(any::<u8>(), 0..70)) {
            prop_assert_eq!(sealer(3).open(&bytes), None);
        }
    }
}
