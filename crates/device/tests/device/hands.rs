//! A host of one device with the demo app, and a user's hands on it: the HTTP API.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use homing_app::demo::{self, DemoLaunch, DemoOptions};
use homing_clock::Clock;
use homing_device::{AppLauncher, DeviceConfig, DeviceHost, Launch, RunningApp, VirtualDevice};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};

use crate::push_service::PushService;

pub(crate) const APP: &str = "/v1/devices/iphone/apps/com.example.news";
pub(crate) const KEY: &str = "key";

/// Every app runs as the demo.
#[derive(Debug, Default)]
pub(crate) struct Demo(pub(crate) DemoOptions);

impl AppLauncher for Demo {
    fn launch(&self, launch: Launch) -> RunningApp {
        let (shows, screen) = watch::channel(Value::Null);
        let (touches, touched) = mpsc::channel(demo::TOUCHES_QUEUED);
        let options = self.0.clone();
        let app = tokio::spawn(async move {
            let given =
                DemoLaunch { manifest: launch.manifest, container: launch.container, touches: touched };
            let _ = demo::run(launch.stream, given, options, shows).await;
        });
        RunningApp { abort: app.abort_handle(), screen, touches }
    }
}

pub(crate) async fn start(dir: &Path, service: &PushService) -> DeviceHost {
    start_with(dir, service, DemoOptions::default()).await
}

pub(crate) async fn start_with(dir: &Path, service: &PushService, options: DemoOptions) -> DeviceHost {
    start_apps(dir, service, Arc::new(Demo(options))).await
}

/// Every app runs as this launcher has it.
pub(crate) async fn start_apps(
    dir: &Path,
    service: &PushService,
    launcher: Arc<dyn AppLauncher>,
) -> DeviceHost {
    let config = DeviceConfig { launcher, ..config(dir, service, "good") };
    DeviceHost::start(config).await.expect("it starts")
}

pub(crate) async fn try_start(
    dir: &Path,
    service: &PushService,
    enrolment_key: &str,
) -> Result<DeviceHost, homing_device::StartError> {
    DeviceHost::start(config(dir, service, enrolment_key)).await
}

fn config(dir: &Path, service: &PushService, enrolment_key: &str) -> DeviceConfig {
    DeviceConfig {
        data_dir: dir.to_owned(),
        clock: Clock::kept_in(&dir.join("clock")).expect("it is readable"),
        link: ("localhost".to_owned(), service.port),
        ca_pem: service.ca_pem.clone(),
        enrolment_key: enrolment_key.to_owned(),
        api: vec![([127, 0, 0, 1], 0).into()],
        api_key: KEY.to_owned(),
        devices: vec![VirtualDevice {
            name: "iphone".to_owned(),
            apps: vec![demo::manifest("development").expect("it is a manifest")],
        }],
        launcher: Arc::new(Demo::default()),
    }
}

/// One request with these headers; the status and the JSON of the answer.
pub(crate) async fn request(
    host: &DeviceHost,
    head: http::request::Builder,
    body: Option<Value>,
) -> (u16, Value) {
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let (status, body) = exchange(host, head, body.into()).await;
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

/// The same with bytes.
pub(crate) async fn send_bytes(host: &DeviceHost, method: &str, path: &str, body: Vec<u8>) -> (u16, Bytes) {
    exchange(host, with_key(method, path), body.into()).await
}

async fn exchange(host: &DeviceHost, head: http::request::Builder, body: Bytes) -> (u16, Bytes) {
    let stream = TcpStream::connect(host.addresses()[0]).await.expect("it listens");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("it speaks HTTP");
    tokio::spawn(connection);
    let request = head.body(Full::new(body)).expect("it is a request");
    let answer = sender.send_request(request).await.expect("it answers");
    let status = answer.status().as_u16();
    (status, answer.into_body().collect().await.expect("it is whole").to_bytes())
}

fn with_key(method: &str, path: &str) -> http::request::Builder {
    http::Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost:8482")
        .header("authorization", format!("Bearer {KEY}"))
}

pub(crate) async fn get(host: &DeviceHost, path: &str) -> Value {
    let (status, answer) = request(host, with_key("GET", path), None).await;
    assert_eq!(status, 200, "GET {path}: {answer}");
    answer
}

pub(crate) async fn send(host: &DeviceHost, method: &str, path: &str, body: Value) -> (u16, Value) {
    request(host, with_key(method, path), Some(body)).await
}

/// Asks again and again until the answer is as wanted; the answer comes from memory.
pub(crate) async fn until(host: &DeviceHost, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..3_000 {
        let answer = get(host, path).await;
        if wanted(&answer) {
            return answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("GET {path} stays at {}", get(host, path).await);
}

pub(crate) async fn put_state(host: &DeviceHost, state: &str) {
    let (status, answer) = send(host, "PUT", &format!("{APP}/state"), json!({"state": state})).await;
    assert_eq!(status, 200, "{answer}");
}

/// Opens the app, which asks for permission, allows it, and goes home.
pub(crate) async fn allow(host: &DeviceHost) {
    put_state(host, "foreground").await;
    until(host, "/v1/devices/iphone/prompt", |answer| answer["prompt"]["app"] == "com.example.news").await;
    let answered = send(host, "POST", "/v1/devices/iphone/prompt/answer", json!({"allow": true})).await;
    assert_eq!(answered.0, 204, "{}", answered.1);
    put_state(host, "background").await;
}

/// What happened after the event of this number, up to now.
pub(crate) async fn events_after(host: &DeviceHost, after: u64) -> Vec<Value> {
    let last = get(host, "/v1/events/mark").await["mark"].as_u64().expect("it is a number");
    let mut stream = TcpStream::connect(host.addresses()[0]).await.expect("it listens");
    let head = format!(
        "GET /v1/events?after={after} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {KEY}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("it is taken");
    let mut lines = BufReader::new(stream).lines();
    let mut events: Vec<Value> = Vec::new();
    while events.last().map_or(after, |told| told["no"].as_u64().unwrap_or(after)) < last {
        let read = tokio::time::timeout(std::time::Duration::from_secs(20), lines.next_line()).await;
        let line = read.expect("it says something").expect("it goes on").expect("it isn't closed");
        let told = line.strip_prefix("data: ").map(|told| serde_json::from_str(told).expect("it is JSON"));
        // That some were missed is no event of a device.
        events.extend(told.filter(|told: &Value| told["kind"].is_string()));
    }
    let document = get(host, "/openapi.json").await;
    events.iter().for_each(|told| is_described(&document, told));
    events
}

/// The members that a schema names, and those of them that it wants; what it flattens, and refers to, among them.
fn members<'a>(document: &'a Value, schema: &'a Value, names: &mut (Vec<&'a str>, Vec<&'a str>)) {
    if let Some(name) = schema["$ref"].as_str() {
        let at = name.trim_start_matches('#');
        return members(document, document.pointer(at).expect("it is there"), names);
    }
    let all = schema["properties"].as_object().into_iter().flatten();
    names.0.extend(all.map(|(name, _)| name.as_str()));
    names.1.extend(schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
    for part in schema["allOf"].as_array().into_iter().flatten() {
        members(document, part, names);
    }
}

/// An event's `detail` has the members of its kind, and no others.
fn is_described(document: &Value, told: &Value) {
    let forms = document["components"]["schemas"]["Happened"]["oneOf"].as_array().expect("it has forms");
    let is_it = |form: &&Value| form["properties"]["kind"]["enum"][0] == told["kind"];
    let form = forms.iter().find(is_it).unwrap_or_else(|| panic!("no form for {told}"));
    let mut names = (Vec::new(), Vec::new());
    members(document, &form["properties"]["detail"], &mut names);
    if told["kind"] == "screen" {
        return;
    }
    let detail = told["detail"].as_object().expect("it is an object");
    for name in detail.keys() {
        assert!(names.0.contains(&name.as_str()), "{name} isn't described: {told}");
    }
    for name in names.1 {
        assert!(detail.contains_key(name), "{name} isn't there: {told}");
    }
}
