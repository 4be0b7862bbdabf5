//! Who is signed in to an app decides what the device shows: with the demo and the provider's SDK, and a provider that
//! can't be reached.

use homing_app::demo::{BUNDLE_ID, Business, DemoOptions};
use homing_app::provider::{IdentityTokens, user_tag};
use homing_trace::Stage;
use serde_json::{Value, json};

use crate::hands::{APP, allow, get, put_state, send, start_with, until};
use crate::push_service::{PushService, Sent};
use crate::said;

fn payload_for(user: &str) -> String {
    json!({"aps": {"alert": user}, "homing": {"push": "p", "user": user_tag(BUNDLE_ID, user)}}).to_string()
}

fn signs_in() -> DemoOptions {
    let identity_tokens = IdentityTokens::new(|user| async move { Ok(format!("{user}.proof")) });
    // Nothing listens there.
    let provider = "http://127.0.0.1:9".to_owned();
    DemoOptions { business: Some(Business { provider, identity_tokens }), ..DemoOptions::default() }
}

fn bodies(shown: &Value) -> Vec<&str> {
    let notifications = shown["notifications"].as_array().expect("there is a list");
    notifications.iter().filter_map(|notification| notification["body"].as_str()).collect()
}

#[tokio::test]
async fn a_device_shows_what_is_for_who_is_signed_in_and_withdraws_the_rest() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start_with(dir.path(), &service, signs_in()).await;
    until(&host, APP, |app| app["screen"]["user"] == "reader" && app["device_token"].is_string()).await;
    allow(&host).await;
    let publish = |seq: u64, user: &str| {
        let payload = payload_for(user);
        let sent = Sent { seq, apns_id: &format!("id-{seq}"), push_type: "alert", payload: &payload };
        service.publish(seq.try_into().expect("it is small"), &sent);
    };
    publish(1, "ann");
    publish(2, "reader");
    let seen = service.until("both are told", |seen| seen.receipts.len() == 2).await;
    assert_eq!(said(&seen.receipts[0]), (1, Stage::Suppressed, "another-user"));
    assert_eq!(said(&seen.receipts[1]), (2, Stage::Displayed, ""));
    assert_eq!(bodies(&get(&host, "/v1/devices/iphone/notifications").await), ["reader"]);

    put_state(&host, "foreground").await;
    let touch = format!("{APP}/page/touch");
    let ann = json!({"touch": "sign-in", "user": "ann"});
    assert_eq!(send(&host, "POST", &touch, ann).await.0, 202);
    until(&host, APP, |app| app["screen"]["user"] == "ann").await;
    assert_eq!(
        bodies(&get(&host, "/v1/devices/iphone/notifications").await),
        [""; 0],
        "reader's is withdrawn"
    );
    host.shutdown().await;

    let host = start_with(dir.path(), &service, signs_in()).await;
    service.until("it is back", |seen| seen.subscribed.len() == 2).await;
    publish(3, "reader");
    publish(4, "ann");
    let seen = service.until("both are told", |seen| seen.receipts.len() == 4).await;
    assert_eq!(said(&seen.receipts[2]), (3, Stage::Suppressed, "another-user"));
    assert_eq!(said(&seen.receipts[3]), (4, Stage::Displayed, ""));
    let arrivals = get(&host, "/v1/devices/iphone/arrivals").await;
    let why = arrivals["arrivals"][1]["why"].as_str().expect("it says why");
    assert!(why.contains("another user"), "{why}");
    host.shutdown().await;
}
