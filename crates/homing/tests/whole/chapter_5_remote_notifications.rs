//! Chapter five of *Message push in iOS*: remote notifications. A business server, the push service, the device, the app,
//! each a process or a part of one; the rules of the token, and of who gets what.

use homing_trace::Stage;
use serde_json::json;

use crate::home::{Home, IPHONE, NEWS, wait};
use crate::real_app::{answer, app, install, titles};

const INSTALLATIONS: &str = "/v1/apps/com.example.news/installations";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_business_server_reaches_a_user_by_name_wherever_they_last_signed_in() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 73).await;
    install(&home).await;

    // 5.1 The app registers at its launch, and its delegate gets the deviceToken: bytes, written as two digits each.
    home.state("foreground").await;
    answer(&home, true).await;
    let registered = app(&home, |app| app["screen"]["device_token"].is_string()).await;
    let token = registered["screen"]["device_token"].as_str().unwrap().to_owned();
    assert_eq!(token, home.token().await);
    home.state("background").await;

    // "After the user has signed in, update the mapping of openid and deviceToken": the business's server does.
    let server = home.provider_api();
    let installation = format!("{INSTALLATIONS}/{token}");
    let login = json!({"environment": "development", "user": "openid-42"});
    server.put(&installation, login).await.unwrap();

    // 5.2 It pushes to the user by name. The provider asks the push service, which finds the device.
    let push = |title: &str| {
        json!({
            "environment": "development", "audience": {"user": "openid-42"},
            "content": {"title": title, "body": "消息内容"},
        })
    };
    let pushed = server.post("/v1/apps/com.example.news/pushes", push("标题")).await.unwrap();
    assert_eq!(titles(&home, 1).await, ["标题"]);
    let progress = format!("/v1/apps/com.example.news/pushes/{}", pushed["push_id"].as_str().unwrap());
    let finished = wait(async || {
        let push = server.get(&progress).await.ok()?;
        (push["counts"]["displayed"] == 1 && push["counts"]["delivered"] == 1).then_some(push)
    })
    .await;
    assert_eq!(finished["counts"]["planned"], 1);

    // "The push service keeps the last message for a device that is away": of two, the newer comes.
    home.leave().await;
    let older = home.alert("older").await;
    home.story(&older, Stage::Stored).await;
    let newer = home.alert("newer").await;
    home.story(&newer, Stage::Stored).await;
    home.phone.put(&format!("{IPHONE}/network"), json!({"online": true})).await.unwrap();
    let mut shown = titles(&home, 2).await;
    shown.sort();
    assert_eq!(shown, ["newer", "标题"]);
    let story = home.story(&older, Stage::Replaced).await;
    assert_eq!(story.last().map(String::as_str), Some("replaced"));

    // "After the user has signed out, end the mapping": nobody is reached by that name any more.
    server.delete(&format!("{installation}/user?user=openid-42")).await.unwrap();
    let pushed = server.post("/v1/apps/com.example.news/pushes", push("too late")).await.unwrap();
    let progress = format!("/v1/apps/com.example.news/pushes/{}", pushed["push_id"].as_str().unwrap());
    assert_eq!(server.get(&progress).await.unwrap()["counts"]["planned"], 0);

    // The rules of the token: the same after an upgrade, another after the app was removed and installed again.
    let manifest = json!({
        "bundle_id": "com.example.news", "name": "News", "version": "3.0",
        "entitlements": {"aps-environment": "development"},
    });
    home.phone.put(NEWS, json!({"manifest": manifest})).await.unwrap();
    assert_eq!(home.token().await, token);
    home.phone.delete(NEWS).await.unwrap();
    home.phone.put(NEWS, json!({"manifest": manifest})).await.unwrap();
    assert_ne!(home.token().await, token);
    home.homing.stop().await.unwrap();
}
