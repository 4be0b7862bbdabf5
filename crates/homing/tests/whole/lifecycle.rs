//! The life of a device and its apps, and what becomes of device tokens: `spec/device.md` §2, through the device's HTTP API
//! and a real push service.

use homing_apns::Expiration;
use homing_testkit::provider::{Answered, new_apns_id};
use homing_trace::Stage;
use serde_json::{Value, json};

use crate::home::{Home, IPHONE, NEWS, wait};

const OTHER: &str = "/v1/devices/other";
const NEWS_ON_OTHER: &str = "/v1/devices/other/apps/com.example.news";

/// The rule for a token.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Token {
    Same,
    New,
}

impl Home {
    async fn post_phone(&self, path: &str) -> Value {
        self.phone.post(path, json!({})).await.unwrap()
    }

    async fn app(&self, app: &str) -> Value {
        self.phone.get(app).await.unwrap()
    }

    async fn connected(&self, device: &str) {
        wait(async || {
            let view = self.phone.get(device).await.ok()?;
            (view["link"]["connected"] == true).then_some(())
        })
        .await;
    }

    /// The app's token, once it is another than `old`.
    async fn token_after(&self, app: &str, old: &str) -> String {
        wait(async || {
            let answer = self.phone.get(&format!("{app}/token")).await.ok()?;
            answer["device_token"].as_str().filter(|token| *token != old).map(str::to_owned)
        })
        .await
    }

    /// Sends to a token until the push service says that it has ended.
    async fn gone(&self, token: &str) {
        wait(async || {
            let id = new_apns_id().unwrap();
            let answered =
                self.provider.send(token, id, Expiration::Once, "{\"aps\":{\"alert\":\"x\"}}").await;
            matches!(answered.unwrap(), Answered::Refused { status: 410, .. }).then_some(())
        })
        .await;
    }

    async fn arrives(&self, token: &str) {
        let apns_id = self.send(token, Expiration::Default, json!({"aps": {"alert": "still here"}})).await;
        self.story(&apns_id, Stage::Acknowledged).await;
    }

    /// After something happened: the rule of the table, and what the push service says of the token that was.
    async fn rule(&self, event: &str, rule: Token, before: &str) -> String {
        self.connected(IPHONE).await;
        match rule {
            Token::Same => {
                assert_eq!(self.app(NEWS).await["device_token"], before, "{event}");
                self.arrives(before).await;
                before.to_owned()
            }
            Token::New => {
                let now = self.token_after(NEWS, before).await;
                self.gone(before).await;
                self.arrives(&now).await;
                now
            }
        }
    }

    fn manifest() -> Value {
        serde_json::to_value(homing_app::demo::manifest("development").unwrap()).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn section_2_2_token_identity_rules() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 41).await;
    home.allow().await;
    let first = home.token().await;
    assert!(first.len() == 64 && first.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')));

    // dev vs production environment: different.
    let production = "/v1/devices/iphone-production/apps/com.example.news";
    assert_ne!(home.token_after(production, "").await, first);

    // app upgrade: same.
    let mut newer = Home::manifest();
    newer["version"] = json!("2.0");
    home.phone.put(NEWS, json!({"manifest": newer})).await.unwrap();
    assert_eq!(home.app(NEWS).await["version"], "2.0");
    let token = home.rule("upgrade", Token::Same, &first).await;

    // permission toggled: same.
    let allow = |on: bool| json!({"setting": "allow-notifications", "on": on});
    home.phone.put(&format!("{NEWS}/settings"), allow(false)).await.unwrap();
    home.rule("permission off", Token::Same, &token).await;
    home.phone.put(&format!("{NEWS}/settings"), allow(true)).await.unwrap();
    home.rule("permission on", Token::Same, &token).await;

    // unregistered and registered again: same.
    home.phone.delete(&format!("{NEWS}/registration")).await.unwrap();
    home.rule("unregistered", Token::Same, &token).await;
    home.phone.put(&format!("{NEWS}/registration"), json!({})).await.unwrap();
    home.rule("registered again", Token::Same, &token).await;

    // the device restarts: same.
    assert_eq!(home.post_phone(&format!("{IPHONE}/restart")).await["name"], "iphone-development");
    assert_eq!(home.app(NEWS).await["state"], "ended");
    home.rule("restart", Token::Same, &token).await;

    // network off and on: same, and told at once while it is off.
    home.phone.put(&format!("{IPHONE}/network"), json!({"online": false})).await.unwrap();
    home.phone.put(&format!("{NEWS}/registration"), json!({})).await.unwrap();
    assert_eq!(home.app(NEWS).await["device_token"], token);
    home.phone.put(&format!("{IPHONE}/network"), json!({"online": true})).await.unwrap();
    home.rule("network off and on", Token::Same, &token).await;

    // periodic rotation: another one, told without being asked for.
    home.state("background").await;
    home.post_phone(&format!("{NEWS}/token/rotate")).await;
    let token = home.rule("rotation", Token::New, &token).await;
    let told = async || (home.app(NEWS).await["screen"]["device_token"] == token.as_str()).then_some(());
    wait(told).await;

    // delete and reinstall: new.
    home.phone.delete(NEWS).await.unwrap();
    home.phone.put(NEWS, json!({"manifest": Home::manifest()})).await.unwrap();
    let token = home.rule("reinstall", Token::New, &token).await;

    // offloaded and downloaded again: as a new install, with the app's data.
    home.post_phone(&format!("{NEWS}/offload")).await;
    assert_eq!(home.app(IPHONE).await["offloaded"], json!(["com.example.news"]));
    home.gone(&token).await;
    assert_eq!(home.post_phone(&format!("{NEWS}/download")).await["authorization_status"], "authorized");
    let token = home.rule("offload and download", Token::New, &token).await;

    // a backup onto another device: new there, and this one keeps its own.
    let backup = home.post_phone(&format!("{IPHONE}/backup")).await["backup"].clone();
    home.phone.put(OTHER, json!({"apps": []})).await.unwrap();
    home.phone.post(&format!("{OTHER}/restore"), json!({"backup": backup})).await.unwrap();
    let there = home.token_after(NEWS_ON_OTHER, &token).await;
    assert_eq!(home.app(NEWS_ON_OTHER).await["authorization_status"], "authorized");
    home.arrives(&there).await;
    home.rule("backed up", Token::Same, &token).await;

    // a backup onto the same device: new.
    home.phone.post(&format!("{IPHONE}/restore"), json!({"backup": backup})).await.unwrap();
    let token = home.rule("restore onto the same device", Token::New, &token).await;

    // all content erased, or the system installed anew: new, and another device to the push service.
    let before = home.app(IPHONE).await["device_id"].clone();
    assert_eq!(home.post_phone(&format!("{IPHONE}/erase")).await["apps"], json!([]));
    home.phone.put(NEWS, json!({"manifest": Home::manifest()})).await.unwrap();
    home.rule("erase all content", Token::New, &token).await;
    let after = home.app(IPHONE).await;
    assert!(after["device_id"].is_string() && after["device_id"] != before, "{after}");
    assert_eq!(home.app(NEWS).await["authorization_status"], "not-determined");
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn section_3_8_what_is_pushed_to_a_device_that_is_off_waits_at_the_push_service() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 54).await;
    home.allow().await;
    home.state("background").await;
    let token = home.token().await;
    home.phone.put(&format!("{IPHONE}/power"), json!({"on": false})).await.unwrap();
    let apns_id = home.send(&token, Expiration::Default, json!({"aps": {"alert": "waits"}})).await;
    home.story(&apns_id, Stage::Stored).await;
    assert!(home.phone.get(NEWS).await.is_err(), "nobody answers for an app of it");
    home.phone.put(&format!("{IPHONE}/power"), json!({"on": true})).await.unwrap();
    home.story(&apns_id, Stage::Displayed).await;
    assert_eq!(home.app(NEWS).await["device_token"], token.as_str());
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn section_4_7_step_2_what_comes_for_an_app_that_is_gone_is_told_and_its_token_ends() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 55).await;
    let token = home.token().await;
    home.phone.delete(&format!("{NEWS}?tell=later")).await.unwrap();
    let apns_id = home.send(&token, Expiration::Default, json!({"aps": {"alert": "too late"}})).await;
    let story = home.story(&apns_id, Stage::Suppressed).await;
    assert!(story.contains(&"suppressed: unknown-app".to_owned()), "{story:?}");
    home.gone(&token).await;
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn section_2_2_two_apps_on_one_device_have_different_tokens() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 44).await;
    let team = home.homing.endpoints().demo().unwrap().team_id.clone();
    let app = json!({"bundle_id": "com.example.second", "team_id": team});
    home.admin.post("/v1/apps", app).await.unwrap();
    home.homing.stop().await.unwrap();

    // The demo's enrolment key lists every app that its team has at the start.
    let home = Home::up(&dir.path().join("data"), 44).await;
    let first = Home::manifest();
    let mut second = first.clone();
    second["bundle_id"] = json!("com.example.second");
    home.phone.put(OTHER, json!({"apps": [first, second]})).await.unwrap();
    let news = home.token_after(NEWS_ON_OTHER, "").await;
    assert_ne!(home.token_after(&format!("{OTHER}/apps/com.example.second"), "").await, news);
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn section_2_1_and_2_3_registering_without_a_network_and_without_the_entitlement() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 42).await;
    let token = home.token().await;

    // No network at the first call ever: neither callback until it is there.
    home.phone.delete(NEWS).await.unwrap();
    home.gone(&token).await;
    home.leave().await;
    home.phone.put(NEWS, json!({"manifest": Home::manifest()})).await.unwrap();
    home.phone.put(&format!("{NEWS}/registration"), json!({})).await.unwrap();
    let app = home.app(NEWS).await;
    assert_eq!((&app["registered"], &app["device_token"]), (&json!(true), &Value::Null), "{app}");
    assert_eq!(app["registration_error"], Value::Null);
    home.phone.put(&format!("{IPHONE}/network"), json!({"online": true})).await.unwrap();
    let new = home.token_after(NEWS, &token).await;
    home.arrives(&new).await;

    // No `aps-environment`: didFailToRegister, NSCocoaErrorDomain 3000.
    let mut manifest = Home::manifest();
    manifest["bundle_id"] = json!("com.example.unsigned");
    manifest["entitlements"] = json!({});
    let unsigned = format!("{IPHONE}/apps/com.example.unsigned");
    home.phone.put(&unsigned, json!({"manifest": manifest})).await.unwrap();
    home.phone.put(&format!("{unsigned}/registration"), json!({})).await.unwrap();
    let app = home.app(&unsigned).await;
    assert_eq!(app["registration_error"]["domain"], "NSCocoaErrorDomain", "{app}");
    assert_eq!(app["registration_error"]["code"], 3000, "{app}");
    assert_eq!(app["device_token"], Value::Null);

    // The entitlement taken away by another build: the token ends, and registering fails from then on.
    let mut build = Home::manifest();
    build["entitlements"] = json!({});
    home.phone.put(NEWS, json!({"manifest": build})).await.unwrap();
    home.gone(&new).await;
    home.phone.put(&format!("{NEWS}/registration"), json!({})).await.unwrap();
    assert_eq!(home.app(NEWS).await["registration_error"]["code"], 3000);
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_holds_what_was_decided_and_nothing_that_was_on_the_screen() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 43).await;
    home.allow().await;
    home.state("background").await;
    let apns_id = home.alert("on the screen").await;
    home.story(&apns_id, Stage::Displayed).await;
    let tea = json!({
        "identifier": "tea",
        "content": {"title": "Tea"},
        "trigger": {"kind": "time-interval", "seconds": 3_600},
    });
    home.phone.post(&format!("{NEWS}/requests"), tea).await.unwrap();
    home.phone.put(&format!("{NEWS}/settings"), json!({"setting": "sound", "on": false})).await.unwrap();
    let taken = home.post_phone(&format!("{IPHONE}/backup")).await;
    assert_eq!(taken["apps"], json!(["com.example.news"]));
    let listed = home.phone.get("/v1/backups").await.unwrap();
    assert_eq!(listed["backups"][0], taken, "{listed}");

    home.post_phone(&format!("{IPHONE}/erase")).await;
    home.phone.post(&format!("{IPHONE}/restore"), json!({"backup": taken["backup"]})).await.unwrap();
    assert_eq!(home.shown().await, Vec::<Value>::new());
    let pending = home.phone.get(&format!("{NEWS}/pending")).await.unwrap();
    assert_eq!(pending["pending"][0]["request"]["identifier"], "tea", "{pending}");
    let settings = home.phone.get(&format!("{NEWS}/settings")).await.unwrap();
    assert_eq!(
        (&settings["sound_setting"], &settings["alert_setting"]),
        (&json!("disabled"), &json!("enabled"))
    );
    home.phone.post("/v1/clock/advance", json!({"seconds": 3_600})).await.unwrap();
    assert_eq!(home.shown().await[0]["title"], "Tea");

    let path = format!("/v1/backups/{}", taken["backup"].as_str().unwrap());
    home.phone.delete(&path).await.unwrap();
    let gone = home.phone.post(&format!("{IPHONE}/restore"), json!({"backup": taken["backup"]})).await;
    assert!(gone.unwrap_err().to_string().contains("GET /v1/backups"));
    home.homing.stop().await.unwrap();
}
