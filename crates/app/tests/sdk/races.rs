//! Users come and go, tokens change, the app is ended and started again, and the provider loses answers and is late:
//! whatever the order, the newest sign-in or sign-out is what holds.

use homing_app::provider::ProviderSdk;

use crate::device::Device;
use crate::provider::{FakeProvider, Mood};
use crate::{settled, start, tag};

const STEPS: usize = 200;

/// A small generator (SplitMix64): the same seed gives the same run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// What must be so once the provider has answered.
async fn holds(sdk: &ProviderSdk, provider: &FakeProvider, user: Option<&str>, token: u8) {
    let status = settled(sdk).await;
    assert_eq!(status.user.as_deref(), user);
    for known in provider.tokens() {
        let wanted = user.filter(|_| known == format!("{token:02x}"));
        assert_eq!(
            provider.user(&known).as_deref(),
            wanted,
            "{known} while {user:?} is signed in on {token:02x}"
        );
    }
}

#[tokio::test]
async fn the_newest_sign_in_or_out_holds_whatever_the_provider_loses() {
    for seed in 0..4 {
        let mut dice = Dice(seed);
        let (device, provider) = (Device::start(), FakeProvider::start().await);
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut sdk = start(&device, dir.path(), &provider).await;
        let (mut user, mut token) = (None, 1);
        sdk.did_register(&[token]).await.expect("it is kept");
        provider.set_mood(Mood::Unreliable);
        for step in 0..STEPS {
            match dice.below(20) {
                0..8 => {
                    let who = ["reader", "ann", "bob"][dice.below(3) as usize];
                    sdk.log_in(who).await.expect("they sign in");
                    user = Some(who);
                    assert_eq!(device.recipients().last(), Some(&tag(who)));
                }
                8..14 => {
                    sdk.log_out().await.expect("they sign out");
                    user = None;
                }
                14 => {
                    token = 1 + dice.below(3) as u8;
                    sdk.did_register(&[token]).await.expect("it is kept");
                }
                15 => {
                    drop(sdk);
                    sdk = start(&device, dir.path(), &provider).await;
                    sdk.did_register(&[token]).await.expect("it is kept");
                }
                16..19 => tokio::task::yield_now().await,
                _ => {
                    provider.set_mood(Mood::Good);
                    holds(&sdk, &provider, user, token).await;
                    provider.set_mood(Mood::Unreliable);
                }
            }
            if step % 50 == 49 {
                provider.set_mood(Mood::Good);
                holds(&sdk, &provider, user, token).await;
                // What comes now is too late.
                provider.catch_up();
                holds(&sdk, &provider, user, token).await;
                provider.set_mood(Mood::Unreliable);
            }
        }
    }
}
