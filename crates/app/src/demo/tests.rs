//! The demo against a device that is played by the test: frames in, frames out.

use std::time::Duration;

use homing_local::message::DeviceMessage;
use homing_local::{
    AppCall, AppReply, AppRequest, DeviceEvent, LocalError, NotificationResponse, Reply, frame,
};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::*;

struct Device {
    stream: UnixStream,
    read: Vec<u8>,
}

impl Device {
    async fn next(&mut self) -> AppRequest {
        loop {
            if let Some((json, taken)) = frame::decode(&self.read).expect("it is a frame") {
                let request = AppRequest::from_json(json).expect("it is a call");
                self.read.drain(..taken);
                return request;
            }
            let read =
                tokio::time::timeout(Duration::from_secs(20), self.stream.read_buf(&mut self.read)).await;
            assert!(read.expect("it says something").expect("it is open") > 0, "the app went away");
        }
    }

    async fn say(&mut self, message: DeviceMessage) {
        let mut out = Vec::new();
        frame::encode(&message.to_json(), &mut out).expect("it is short");
        self.stream.write_all(&out).await.expect("it is open");
    }

    /// Answers `Done` to calls until `wanted` is among them.
    async fn until(&mut self, wanted: impl Fn(&AppCall) -> bool) {
        loop {
            let AppRequest { id, call } = self.next().await;
            self.say(DeviceMessage::Reply(AppReply { reply_to: id, reply: reply_to(&call) })).await;
            if wanted(&call) {
                return;
            }
        }
    }
}

/// What a device whose user was never asked would say.
fn reply_to(call: &AppCall) -> Reply {
    if matches!(call, AppCall::GetNotificationSettings) {
        return Reply::Settings(Box::default());
    }
    Reply::Done
}

fn start() -> (Device, watch::Receiver<Value>) {
    let (theirs, stream) = UnixStream::pair().expect("a socket pair");
    let (shows, screen) = watch::channel(Value::Null);
    let (_touch, touches) = mpsc::channel(TOUCHES_QUEUED);
    let manifest = manifest("development").expect("it is a manifest");
    let launch = DemoLaunch { manifest, container: PathBuf::new(), touches };
    tokio::spawn(run(theirs, launch, DemoOptions::default(), shows));
    (Device { stream, read: Vec::new() }, screen)
}

fn notification(payload: &Value) -> Value {
    json!({
        "date": "2026-11-22T02:04:05.067Z",
        "request": {
            "identifier": "1",
            "content": {
                "title": "Hello", "user_info": payload, "interruption_level": "active", "relevance_score": 0.0,
            },
            "trigger": {"kind": "push"},
        },
    })
}

#[tokio::test]
async fn it_registers_at_launch_and_shows_its_token() {
    let (mut device, mut screen) = start();
    device.until(|call| matches!(call, AppCall::RegisterForRemoteNotifications)).await;
    device.until(|call| matches!(call, AppCall::FinishLaunching)).await;
    let device_token = "00ff".to_owned();
    device.say(DeviceMessage::Event(DeviceEvent::DidRegister { device_token })).await;
    let shown = screen.wait_for(|shown| shown["device_token"] == "00ff").await.expect("it runs");
    assert_eq!(shown["url"], Value::Null);
}

#[tokio::test]
async fn a_registration_that_fails_is_shown() {
    let (mut device, mut screen) = start();
    device.until(|call| matches!(call, AppCall::RegisterForRemoteNotifications)).await;
    device.until(|call| matches!(call, AppCall::FinishLaunching)).await;
    let error = LocalError::no_aps_environment();
    device.say(DeviceMessage::Event(DeviceEvent::DidFailToRegister { error })).await;
    screen.wait_for(|shown| shown["registration_error"].is_string()).await.expect("it runs");
}

#[tokio::test]
async fn a_tap_opens_the_page_that_the_payload_names() {
    for custom in [
        json!({"userInfo": {"url": "https://news.example/7"}}),
        json!({"url": "https://news.example/7"}),
        json!({"userInfo": {"url": "https://news.example/7"}, "url": "https://other.example"}),
    ] {
        let (mut device, mut screen) = start();
        device.until(|call| matches!(call, AppCall::FinishLaunching)).await;
        let mut payload = custom;
        payload["aps"] = json!({"alert": "Hello"});
        let response = json!({
            "action_identifier": NotificationResponse::DEFAULT_ACTION,
            "notification": notification(&payload),
        });
        let response = serde_json::from_value(response).expect("it is a response");
        device.say(DeviceMessage::Event(DeviceEvent::DidReceive { completion: 4, response })).await;
        screen.wait_for(|shown| shown["url"] == "https://news.example/7").await.expect("it runs");
        device.until(|call| matches!(call, AppCall::DidReceiveCompletion { completion: 4 })).await;
    }
}

#[tokio::test]
async fn in_foreground_it_shows_an_alert_of_its_own_and_asks_for_nothing_more() {
    let (mut device, mut screen) = start();
    device.until(|call| matches!(call, AppCall::FinishLaunching)).await;
    let arrived = serde_json::from_value(notification(&json!({"aps": {"alert": "Hello"}})));
    let event = DeviceEvent::WillPresent {
        completion: 9,
        notification: arrived.expect("it is a notification"),
        deadline: "2026-11-22T02:04:35.067Z".parse().expect("it is a time"),
    };
    device.say(DeviceMessage::Event(event)).await;
    screen.wait_for(|shown| shown["in_app_alert"] == "Hello").await.expect("it runs");
    let nothing = |call: &AppCall| matches!(call, AppCall::WillPresentCompletion { completion: 9, options } if options.is_empty());
    device.until(nothing).await;
}

#[test]
fn its_manifest_has_no_fault() {
    for environment in ["development", "production"] {
        assert_eq!(manifest(environment).expect("it is a manifest").check(), []);
    }
    assert!(manifest("sandbox").is_err());
}
