//! The provider SDK against a provider that behaves as the real one's document says, over real HTTP: signing in and
//! out, online and not, over restarts, and in races.

mod business;
mod demo;
mod device;
mod provider;
mod races;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use homing_app::demo::{BUNDLE_ID, manifest};
use homing_app::provider::{IdentityTokens, ProviderConfig, ProviderError, ProviderSdk, Status, user_tag};
use homing_local::{NotificationResponse, Recipient};
use serde_json::{Value, json};

use device::Device;
use provider::{FakeProvider, Mood};

const DEADLINE: Duration = Duration::from_secs(30);

/// A business that vouches for everybody, each time with another proof.
pub(crate) fn business() -> IdentityTokens {
    let number = std::sync::atomic::AtomicU32::new(0);
    IdentityTokens::new(move |user| {
        let number = number.fetch_add(1, Ordering::Relaxed);
        async move { Ok(proof(&user, number)) }
    })
}

/// A proof is the user in hexadecimal and a number.
fn proof(user: &str, number: u32) -> String {
    let hex: String = user.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex}.{number}")
}

/// Whom a proof vouches for.
pub(crate) fn vouched(proof: &str) -> String {
    let hex = proof.split('.').next().expect("it has a first part");
    let digits = hex.as_bytes().chunks(2).map(|two| std::str::from_utf8(two).expect("it is ASCII"));
    let bytes = digits.map(|two| u8::from_str_radix(two, 16).expect("it is hexadecimal")).collect();
    String::from_utf8(bytes).expect("a user is text")
}

pub(crate) fn config(container: &Path, url: &str, identity_tokens: IdentityTokens) -> ProviderConfig {
    ProviderConfig {
        url: url.to_owned(),
        ca_pem: None,
        manifest: manifest("development").expect("it is a manifest"),
        container: container.to_owned(),
        identity_tokens,
    }
}

pub(crate) async fn start(device: &Device, container: &Path, provider: &FakeProvider) -> ProviderSdk {
    let config = config(container, &provider.url(), business());
    ProviderSdk::start(device.attach().await, config).await.expect("it starts")
}

pub(crate) async fn settled(sdk: &ProviderSdk) -> Status {
    until(sdk, |status| status.settled).await
}

async fn until(sdk: &ProviderSdk, what: impl FnMut(&Status) -> bool) -> Status {
    let mut status = sdk.status();
    let held = tokio::time::timeout(DEADLINE, status.wait_for(what)).await;
    let held = held.unwrap_or_else(|_| panic!("it stays at {:?}", sdk.status().borrow()));
    held.expect("the SDK lives").clone()
}

fn tag(user: &str) -> Recipient {
    Recipient::User(user_tag(BUNDLE_ID, user))
}

pub(crate) fn response(action: &str, homing: Value) -> NotificationResponse {
    let payload = json!({"aps": {"alert": "n"}, "homing": homing});
    let notification = json!({
        "date": "2026-11-22T02:04:05.067Z",
        "request": {"identifier": "1", "content": {"body": "n", "user_info": payload}, "trigger": {"kind": "push"}},
    });
    serde_json::from_value(json!({"action_identifier": action, "notification": notification}))
        .expect("it is a response")
}

#[tokio::test]
async fn signing_in_binds_and_signing_out_unbinds_and_the_device_is_told_first() {
    let (device, provider) = (Device::start(), FakeProvider::start().await);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let sdk = start(&device, dir.path(), &provider).await;
    assert_eq!(device.recipients(), [Recipient::Nobody], "before anybody signs in");
    sdk.did_register(&[0xab, 0x01]).await.expect("it is kept");
    provider.observe(&device);
    sdk.log_in("reader").await.expect("reader signs in");
    assert_eq!(settled(&sdk).await.user.as_deref(), Some("reader"));
    assert_eq!(provider.user("ab01").as_deref(), Some("reader"));
    let body = provider.last_body();
    assert_eq!((&body["environment"], &body["app_version"]), (&json!("development"), &json!("1.0")));
    sdk.log_out().await.expect("reader signs out");
    assert_eq!(settled(&sdk).await.user, None);
    assert_eq!(provider.user("ab01"), None);
    assert_eq!(device.recipients(), [Recipient::Nobody, tag("reader"), Recipient::Nobody]);
    // What the device had been told when the provider was asked.
    assert_eq!(provider.observed(), [tag("reader"), Recipient::Nobody]);
}

#[tokio::test]
async fn tags_are_told_with_a_sign_in_and_outlive_the_app() {
    let (device, provider) = (Device::start(), FakeProvider::start().await);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let sdk = start(&device, dir.path(), &provider).await;
    let wrong = sdk.set_tags([""]).await;
    assert!(matches!(wrong, Err(ProviderError::Tags)), "{wrong:?}");
    sdk.set_tags(["sports", "news"]).await.expect("it is kept");
    sdk.did_register(&[0xab, 0x01]).await.expect("it is kept");
    sdk.log_in("reader").await.expect("reader signs in");
    settled(&sdk).await;
    assert_eq!(provider.last_body()["tags"], json!(["news", "sports"]));
    sdk.set_tags(["news"]).await.expect("it is kept");
    settled(&sdk).await;
    let body = provider.last_body();
    assert_eq!((&body["tags"], body.get("user")), (&json!(["news"]), None), "no sign-in is told again");
    drop(sdk);
    let sdk = start(&device, dir.path(), &provider).await;
    assert!(sdk.tags().iter().eq(["news"]));
}

#[tokio::test]
async fn another_user_takes_the_token_over() {
    let (device, provider) = (Device::start(), FakeProvider::start().await);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let sdk = start(&device, dir.path(), &provider).await;
    sdk.did_register(&[1]).await.expect("it is kept");
    for user in ["reader", "ann", "Zoë & Co?=/é"] {
        sdk.log_in(user).await.expect("they sign in");
        settled(&sdk).await;
        assert_eq!(provider.user("01").as_deref(), Some(user));
    }
    sdk.log_out().await.expect("they sign out");
    settled(&sdk).await;
    assert_eq!(provider.user("01"), None);
}

#[tokio::test]
async fn what_happens_offline_is_told_later_and_the_newest_wins() {
    let (device, provider) = (Device::start(), FakeProvider::start().await);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let sdk = start(&device, dir.path(), &provider).await;
    sdk.did_register(&[1]).await.expect("it is kept");
    sdk.log_in("reader").await.expect("reader signs in");
    settled(&sdk).await;
    provider.set_mood(Mood::Away);
    sdk.log_out().await.expect("signing out works offline");
    sdk.log_in("ann").await.expect("the business can be reached");
    sdk.log_in("bob").await.expect("the business can be reached");
    let status = until(&sdk, |status| status.trouble.is_some()).await;
    assert_eq!((status.user.as_deref(), status.settled), (Some("bob"), false), "{status:?}");
    assert_eq!(provider.user("01").as_deref(), Some("reader"));
    assert_eq!(device.recipients().last(), Some(&tag("bob")), "the device doesn't wait");
    provider.set_mood(Mood::Good);
    settled(&sdk).await;
    assert_eq!(provider.user("01").as_deref(), Some("bob"));
}

#[tokio::test]
async fn an_unfinished_sign_out_is_finished_by_the_next_run_of_the_app() {
    let (device, provider) = (Device::start(), FakeProvider::start().await);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let sdk = start(&device, dir.path(), &provider).await;
    sdk.did_register(&[1]).await.expect("it is kept");
    sdk.log_in("reader").await.expect("reader signs in");
    settled(&sdk).await;
    provider.set_mood(Mood::Away);
    sdk.log_out().await.expect("signing out works offline");
    until(&sdk, |status| status.trouble.is_some()).await;
    drop(sdk);

    let sdk = start(&device, dir.path(), &provider).await;
    assert_eq!(device.recipients().last(), Some(&Recipient::Nobody));
    assert_eq!(provider.user("01").as_deref(), Some("reader"));
    provider.set_mood(Mood::Good);
    assert_eq!(settled(&sdk).await.user, None);
    assert_eq!(provider.user("01"), None);
    drop(sdk);

    let sdk = start(&device, dir.path(), &provider).await;
    sdk.log_in("ann").await.expect("ann signs in");
    settled(&sdk).await;
    drop(sdk);
    let sdk = start(&device, dir.path(), &provider).await;
    assert_eq!(sdk.status().borrow().user.as_deref(), Some("ann"), "who is signed in stays so");
    assert_eq!(device.recipients().last(), Some(&tag("ann")));
}

#[tokio::test]
async fn a_new_token_is_told_for_who_is_signed_in() {
    let (device, provider) = (Device::start(), FakeProvider::start().await);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let sdk = start(&device, dir.path(), &provider).await;
    sdk.log_in("reader").await.expect("signing in waits for no token");
    assert!(provider.tokens().is_empty());
    sdk.did_register(&[1]).await.expect("it is kept");
    settled(&sdk).await;
    sdk.did_register(&[2]).await.expect("it is kept");
    settled(&sdk).await;
    assert_eq!((provider.user("01"), provider.user("02").as_deref()), (None, Some("reader")));
    provider.forget_everything();
    sdk.did_register(&[2]).await.expect("it is kept");
    settled(&sdk).await;
    assert_eq!(provider.user("02").as_deref(), Some("reader"), "told at every launch");
}

#[tokio::test]
async fn a_launch_leaves_the_token_to_whom_the_business_gave_it() {
    let (device, provider) = (Device::start(), FakeProvider::start().await);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let sdk = start(&device, dir.path(), &provider).await;
    sdk.did_register(&[1]).await.expect("it is kept");
    sdk.log_in("reader").await.expect("reader signs in");
    settled(&sdk).await;
    let epoch = provider.epoch("01");
    provider.bind("01", "u42", epoch);
    drop(sdk);
    let sdk = start(&device, dir.path(), &provider).await;
    sdk.did_register(&[1]).await.expect("it is kept");
    settled(&sdk).await;
    assert_eq!(provider.user("01").as_deref(), Some("u42"), "a launch is no sign-in");
    sdk.log_in("reader").await.expect("reader signs in again");
    settled(&sdk).await;
    assert_eq!(provider.user("01").as_deref(), Some("reader"));
}

#[tokio::test]
async fn a_number_the_provider_knows_already_is_outdone() {
    let (device, provider) = (Device::start(), FakeProvider::start().await);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let ahead = u64::from(u32::MAX) << 20;
    provider.bind("01", "somebody", ahead);
    let sdk = start(&device, dir.path(), &provider).await;
    sdk.did_register(&[1]).await.expect("it is kept");
    sdk.log_in("reader").await.expect("reader signs in");
    settled(&sdk).await;
    assert_eq!(provider.user("01").as_deref(), Some("reader"));
    assert!(provider.epoch("01") > ahead);
    provider.bind("01", "reader", ahead * 2);
    sdk.log_out().await.expect("reader signs out");
    settled(&sdk).await;
    assert_eq!(provider.user("01"), None);
}

#[tokio::test]
async fn a_proof_that_has_ended_is_replaced() {
    let (device, provider) = (Device::start(), FakeProvider::start().await);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let sdk = start(&device, dir.path(), &provider).await;
    sdk.did_register(&[1]).await.expect("it is kept");
    sdk.log_in("reader").await.expect("reader signs in");
    settled(&sdk).await;
    provider.end_proofs();
    sdk.log_out().await.expect("reader signs out");
    settled(&sdk).await;
    assert_eq!(provider.user("01"), None);
}

#[tokio::test]
async fn a_business_that_does_not_vouch_changes_nothing() {
    let (device, provider) = (Device::start(), FakeProvider::start().await);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let picky = IdentityTokens::new(|user| async move {
        if user == "reader" { Ok(proof(&user, 0)) } else { Err(format!("{user} has no account")) }
    });
    let config = config(dir.path(), &provider.url(), picky);
    let sdk = ProviderSdk::start(device.attach().await, config).await.expect("it starts");
    sdk.did_register(&[1]).await.expect("it is kept");
    sdk.log_in("reader").await.expect("reader signs in");
    settled(&sdk).await;
    let refused = sdk.log_in("ann").await.expect_err("ann has none").to_string();
    assert_eq!(refused, "ann has no account");
    for user in [String::new(), "x".repeat(256)] {
        let refused = sdk.log_in(&user).await;
        assert!(matches!(refused, Err(ProviderError::User(_))), "{refused:?}");
    }
    assert_eq!(sdk.status().borrow().user.as_deref(), Some("reader"));
    assert_eq!(device.recipients().last(), Some(&tag("reader")));
}

#[tokio::test]
async fn a_sign_out_overtakes_a_sign_in_that_waits_for_the_business() {
    let (device, provider) = (Device::start(), FakeProvider::start().await);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let go = Arc::new(tokio::sync::Notify::new());
    let asked = Arc::new(AtomicBool::new(false));
    let (going, asking) = (Arc::clone(&go), Arc::clone(&asked));
    let slow = IdentityTokens::new(move |user| {
        let (going, asking) = (Arc::clone(&going), Arc::clone(&asking));
        async move {
            asking.store(true, Ordering::Relaxed);
            going.notified().await;
            Ok(proof(&user, 0))
        }
    });
    let config = config(dir.path(), &provider.url(), slow);
    let sdk = ProviderSdk::start(device.attach().await, config).await.expect("it starts");
    sdk.did_register(&[1]).await.expect("it is kept");
    let signing_in = tokio::spawn({
        let sdk = sdk.clone();
        async move { sdk.log_in("ann").await }
    });
    while !asked.load(Ordering::Relaxed) {
        tokio::task::yield_now().await;
    }
    sdk.log_out().await.expect("nobody is signed in");
    go.notify_one();
    let superseded = signing_in.await.expect("it ends");
    assert!(matches!(superseded, Err(ProviderError::Superseded)), "{superseded:?}");
    assert_eq!(settled(&sdk).await.user, None);
    assert_eq!(provider.user("01"), None);
}

#[tokio::test]
async fn what_the_user_opened_is_reported_once_the_provider_can_be_reached() {
    let (device, provider) = (Device::start(), FakeProvider::start().await);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let sdk = start(&device, dir.path(), &provider).await;
    sdk.did_register(&[1]).await.expect("it is kept");
    sdk.log_in("reader").await.expect("reader signs in");
    settled(&sdk).await;
    provider.set_mood(Mood::Away);
    let mine = user_tag(BUNDLE_ID, "reader");
    let reports = [
        (NotificationResponse::DEFAULT_ACTION, json!({"push": "p1", "user": mine})),
        (NotificationResponse::DISMISS_ACTION, json!({"push": "p2"})),
        ("reply", json!({"push": "p3", "user": mine})),
        (NotificationResponse::DEFAULT_ACTION, json!({"push": "p4", "user": user_tag(BUNDLE_ID, "ann")})),
        (NotificationResponse::DEFAULT_ACTION, json!({"user": mine})),
        (NotificationResponse::DEFAULT_ACTION, json!(null)),
    ];
    for (action, homing) in reports {
        sdk.report_opened(&response(action, homing)).await.expect("it is kept");
    }
    drop(sdk);
    provider.set_mood(Mood::Good);
    let sdk = start(&device, dir.path(), &provider).await;
    let told = provider.reports(3).await;
    assert_eq!(
        told,
        ["p1 opened", "p2 dismissed", "p3 action"].map(|report| format!("01 {report} by reader"))
    );
    assert!(!sdk.concerns(&response("x", json!({"user": user_tag(BUNDLE_ID, "ann")})).notification));
}

#[tokio::test]
async fn an_address_that_is_none_is_told_and_https_asks_for_the_root_it_was_given() {
    let device = Device::start();
    let dir = tempfile::tempdir().expect("a temporary directory");
    for wrong in ["", "localhost:8481", "ftp://localhost", "http://localhost:8481/"] {
        let config = config(dir.path(), wrong, business());
        let refused = ProviderSdk::start(device.attach().await, config).await;
        assert!(matches!(refused, Err(ProviderError::Client(_))), "{wrong:?}");
    }
    let (provider, ca_pem) = FakeProvider::start_tls().await;
    let trusting = ProviderConfig { ca_pem: Some(ca_pem), ..config(dir.path(), &provider.url(), business()) };
    let sdk = ProviderSdk::start(device.attach().await, trusting.clone()).await.expect("it starts");
    sdk.did_register(&[1]).await.expect("it is kept");
    sdk.log_in("reader").await.expect("reader signs in");
    settled(&sdk).await;
    assert_eq!(provider.user("01").as_deref(), Some("reader"));

    let (_, stranger) = FakeProvider::start_tls().await;
    let other = tempfile::tempdir().expect("a temporary directory");
    let doubting = ProviderConfig { ca_pem: Some(stranger), container: other.path().to_owned(), ..trusting };
    let sdk = ProviderSdk::start(device.attach().await, doubting).await.expect("it starts");
    sdk.did_register(&[2]).await.expect("it is kept");
    sdk.log_in("reader").await.expect("the business can be reached");
    until(&sdk, |status| status.trouble.is_some()).await;
    assert!(!provider.tokens().contains(&"02".to_owned()));
}

#[tokio::test]
async fn while_the_disk_is_slow_the_app_goes_on_and_the_write_is_not_over() {
    let (device, provider) = (Device::start(), FakeProvider::start().await);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let sdk = start(&device, dir.path(), &provider).await;
    // Nobody gets into a pipe before somebody reads from it.
    let slow = dir.path().join("homing-provider.next");
    let made = std::process::Command::new("mkfifo").arg(&slow).status().expect("there is mkfifo");
    assert!(made.success());
    let mut registering = Box::pin(sdk.did_register(&[1]));
    let waited = tokio::time::timeout(Duration::from_millis(50), &mut registering).await;
    assert!(waited.is_err(), "it isn't on disk yet");
    let reading = slow.clone();
    let read = tokio::task::spawn_blocking(move || std::fs::read(reading));
    let kept = registering.await;
    assert!(matches!(kept, Err(ProviderError::Container { .. })), "a pipe is no disk: {kept:?}");
    read.await.expect("it ends").expect("it was written to");
    std::fs::remove_file(slow).expect("it is there");
    sdk.log_in("reader").await.expect("reader signs in");
    assert!(provider.tokens().is_empty(), "what isn't on disk isn't told");
    sdk.did_register(&[1]).await.expect("it is kept");
    settled(&sdk).await;
    assert_eq!(provider.user("01").as_deref(), Some("reader"));
}
