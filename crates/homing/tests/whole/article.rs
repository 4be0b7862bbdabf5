//! The five steps of *How iOS message push works*, told in its order, then its three phases as the trace shows them.

use homing_apns::Expiration;
use homing_trace::Stage;
use serde_json::json;

use crate::home::{Home, IPHONE, NEWS, wait};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_goes_from_the_provider_to_the_app_in_five_steps() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 1).await;
    let phone = &home.phone;

    // 1. [Client App] registers for message push: at its first launch it asks, and the user allows it. Once.
    home.allow().await;
    let asked_again = phone.get(&format!("{IPHONE}/prompt")).await.unwrap();
    assert!(asked_again["prompt"].is_null(), "the dialog is shown once: {asked_again}");

    // 2. [Client App] asks [APNS Service] for its deviceToken, and receives it: bytes, which it writes in hexadecimal.
    phone.put(&format!("{NEWS}/registration"), json!({})).await.unwrap();
    let device_token = home.token().await;
    assert_eq!(device_token.len(), 64, "32 bytes as two lower-case digits each: {device_token}");
    assert!(device_token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));

    // 3. [Client App] sends the deviceToken to the [Provider], which keeps it with the user.
    let mut openid_to_token = std::collections::HashMap::new();
    openid_to_token.insert("openid-42", device_token);

    // 4. When it has something to say, the [Provider] sends the message to the [APNS Service].
    home.state("background").await;
    let payload = json!({
        "aps": {"alert": {"title": "标题", "body": "消息内容"}, "sound": "default"},
        "userInfo": {"url": "https://www.qq.com"},
    });
    let apns_id = home.send(&openid_to_token["openid-42"], Expiration::Default, payload).await;

    // 5. [APNS Service] sends the message to the [Client App]: the iPhone shows it, a tap hands it to the app, which
    //    opens the page that the provider's own `userInfo.url` names.
    home.story(&apns_id, Stage::Displayed).await;
    let shown = home.shown().await;
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert_eq!((&shown[0]["title"], &shown[0]["body"]), (&json!("标题"), &json!("消息内容")));
    home.tap(shown[0]["identifier"].as_str().unwrap()).await;
    let page = wait(async || Some(home.page().await).filter(|page| !page.is_null())).await;
    assert_eq!(page, "https://www.qq.com");

    // Phase one, the provider hands it to the push service: accepted, stored.
    // Phase two, the push service finds the device and sends it there: sent, acknowledged.
    // Phase three, the device hands it to the app as its settings say: displayed, opened.
    let story = home.story(&apns_id, Stage::Opened).await;
    assert_eq!(story, ["accepted", "stored", "sent", "acknowledged", "displayed", "opened"]);
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_permission_is_remembered_and_said_in_the_trace() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 2).await;

    let before = home.alert("before the user was asked").await;
    let story = home.story(&before, Stage::Suppressed).await;
    assert_eq!(story.last().unwrap(), "suppressed: not-permitted");

    home.state("foreground").await;
    wait(async || {
        let answer = home.phone.post(&format!("{IPHONE}/prompt/answer"), json!({"allow": false})).await;
        answer.is_ok().then_some(())
    })
    .await;
    let asked =
        home.phone.post(&format!("{NEWS}/authorization"), json!({"options": ["alert"]})).await.unwrap();
    assert_eq!(asked["granted"], false, "{asked}");
    assert!(home.phone.get(&format!("{IPHONE}/prompt")).await.unwrap()["prompt"].is_null());

    let after = home.alert("after the user refused").await;
    let story = home.story(&after, Stage::Suppressed).await;
    assert_eq!(story.last().unwrap(), "suppressed: not-permitted");
    home.homing.stop().await.unwrap();
}
