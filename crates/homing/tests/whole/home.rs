//! A running Homing as a test sees it: its APIs, its provider's connection, and waiting for what must come.

use std::path::Path;
use std::time::Duration;

use homing_apns::Expiration;
use homing_testkit::api::Api;
use homing_testkit::ports::free_block;
use homing_testkit::process::Homing;
use homing_testkit::provider::{Answered, TestProvider, new_apns_id};
use homing_trace::{Environment, Stage, Trace};
use serde_json::{Value, json};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_homing");
/// The virtual iPhone of the development environment, and the demo app on it.
pub(crate) const IPHONE: &str = "/v1/devices/iphone-development";
pub(crate) const NEWS: &str = "/v1/devices/iphone-development/apps/com.example.news";

/// Generous: the machine may be busy with other tests.
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Home {
    pub(crate) homing: Homing,
    pub(crate) phone: Api,
    pub(crate) admin: Api,
    pub(crate) provider: TestProvider,
}

impl Home {
    pub(crate) async fn up(data_dir: &Path, salt: u16) -> Self {
        let homing = Homing::up(Path::new(BINARY), data_dir, free_block(salt).unwrap()).await.unwrap();
        Self::again(homing).await
    }

    /// One that was started again.
    pub(crate) async fn again(homing: Homing) -> Self {
        let endpoints = &homing.endpoints();
        let phone =
            Api::new(endpoints.device_api.as_ref().unwrap(), endpoints.device_api_key.as_ref().unwrap());
        let admin = Api::admin(endpoints);
        let provider = TestProvider::connect(endpoints, Environment::Development).await.unwrap();
        Self { homing, phone, admin, provider }
    }

    /// The provider's API, as the business's server calls it.
    pub(crate) fn provider_api(&self) -> Api {
        let endpoints = self.homing.endpoints();
        let (base, key) = (endpoints.provider_api.as_ref(), endpoints.provider_api_key.as_ref());
        Api::new(base.unwrap(), key.unwrap())
    }

    /// The demo app's token on the development iPhone.
    pub(crate) async fn token(&self) -> String {
        let registered = wait(async || {
            let answer = self.phone.get(&format!("{NEWS}/token")).await.ok()?;
            answer["device_token"].as_str().map(str::to_owned)
        });
        registered.await
    }

    /// Sends an alert; answers its `apns-id`.
    pub(crate) async fn send(&self, token: &str, expiration: Expiration, payload: Value) -> String {
        let apns_id = new_apns_id().unwrap();
        let answered = self.provider.send(token, apns_id, expiration, payload.to_string()).await.unwrap();
        assert!(matches!(answered, Answered::Accepted), "{answered:?}");
        apns_id.as_str().to_owned()
    }

    pub(crate) async fn alert(&self, title: &str) -> String {
        let token = self.token().await;
        self.send(&token, Expiration::Default, json!({"aps": {"alert": {"title": title}}})).await
    }

    pub(crate) async fn trace(&self, apns_id: &str) -> Vec<Trace> {
        let answer = self.admin.get(&format!("/v1/traces?apns_id={apns_id}")).await.unwrap();
        serde_json::from_value(answer["traces"].clone()).unwrap()
    }

    /// Waits until the only notification of this label has come to `stage`, and answers its stages with their reasons.
    pub(crate) async fn story(&self, apns_id: &str, stage: Stage) -> Vec<String> {
        wait(async || {
            let traces = self.trace(apns_id).await;
            let [trace] = traces.as_slice() else { return None };
            let reached = trace.events.iter().any(|event| event.stage == stage);
            reached.then(|| trace.events.iter().map(said).collect())
        })
        .await
    }

    /// Flight mode, and the push service has been told.
    pub(crate) async fn leave(&self) {
        self.phone.put(&format!("{IPHONE}/network"), json!({"online": false})).await.unwrap();
        wait(async || {
            let device = self.phone.get(IPHONE).await.ok()?;
            (device["link"]["connected"] == false).then_some(())
        })
        .await;
    }

    /// Puts the demo app into `state`.
    pub(crate) async fn state(&self, state: &str) {
        self.phone.put(&format!("{NEWS}/state"), json!({"state": state})).await.unwrap();
    }

    /// The first launch: the app asks, and the user allows it.
    pub(crate) async fn allow(&self) {
        self.state("foreground").await;
        wait(async || {
            let prompt = self.phone.get(&format!("{IPHONE}/prompt")).await.ok()?;
            (!prompt["prompt"].is_null()).then_some(())
        })
        .await;
        self.phone.post(&format!("{IPHONE}/prompt/answer"), json!({"allow": true})).await.unwrap();
    }

    /// What is on the screen and in Notification Center.
    pub(crate) async fn shown(&self) -> Vec<Value> {
        self.phone.get(&format!("{IPHONE}/notifications")).await.unwrap()["notifications"]
            .as_array()
            .unwrap()
            .clone()
    }

    pub(crate) async fn tap(&self, identifier: &str) {
        let tapped = json!({"app": "com.example.news", "identifier": identifier});
        self.phone.post(&format!("{IPHONE}/notifications/tap"), tapped).await.unwrap();
    }

    pub(crate) async fn page(&self) -> Value {
        self.phone.get(&format!("{NEWS}/page")).await.unwrap()["url"].clone()
    }
}

fn said(event: &homing_trace::Event) -> String {
    match &event.reason {
        None => event.stage.to_string(),
        Some(reason) => format!("{}: {reason}", event.stage),
    }
}

/// Asks again and again until there is an answer.
pub(crate) async fn wait<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let answered = async {
        let mut again = tokio::time::interval(Duration::from_millis(20));
        loop {
            again.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    tokio::time::timeout(DEADLINE, answered).await.expect("what was waited for didn't come")
}
