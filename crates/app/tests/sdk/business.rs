//! The business doesn't vouch for somebody for a while: nothing is lost by it, and nobody else waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use homing_app::demo::BUNDLE_ID;
use homing_app::provider::{IdentityTokens, ProviderSdk, user_tag};
use homing_local::NotificationResponse;
use serde_json::json;

use crate::device::Device;
use crate::provider::{FakeProvider, Mood};
use crate::{config, proof, response, settled};

#[tokio::test]
async fn a_report_whose_proof_has_ended_waits_for_the_business_and_holds_up_no_other() {
    let (device, provider) = (Device::start(), FakeProvider::start().await);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (is_away, proofs) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let business = IdentityTokens::new({
        let is_away = Arc::clone(&is_away);
        move |user| {
            let answers = user != "reader" || !is_away.load(Ordering::Relaxed);
            let number = proofs.fetch_add(1, Ordering::Relaxed);
            async move { if answers { Ok(proof(&user, number)) } else { Err("try again".to_owned()) } }
        }
    });
    let config = config(dir.path(), &provider.url(), business);
    let sdk = ProviderSdk::start(device.attach().await, config).await.expect("it starts");
    sdk.did_register(&[1]).await.expect("it is kept");
    sdk.log_in("reader").await.expect("reader signs in");
    settled(&sdk).await;
    let opened = async |push: &str, user| {
        let homing = json!({"push": push, "user": user_tag(BUNDLE_ID, user)});
        let response = response(NotificationResponse::DEFAULT_ACTION, homing);
        sdk.report_opened(&response).await.expect("it is kept");
    };
    provider.set_mood(Mood::Away);
    opened("p1", "reader").await;
    provider.end_proofs();
    is_away.store(true, Ordering::Relaxed);
    sdk.log_in("ann").await.expect("the business vouches for ann");
    opened("p2", "ann").await;
    provider.set_mood(Mood::Good);
    settled(&sdk).await;
    assert_eq!(provider.user("01").as_deref(), Some("ann"));
    assert_eq!(provider.reports(1).await, ["01 p2 opened by ann"]);
    is_away.store(false, Ordering::Relaxed);
    assert_eq!(provider.reports(2).await, ["01 p2 opened by ann", "01 p1 opened by reader"]);
}
