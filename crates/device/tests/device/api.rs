//! The API's manners: whom it refuses, how it says no, what it streams.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::hands::{APP, KEY, get, put_state, request, send, start};
use crate::push_service::PushService;

fn with(headers: &[(&str, &str)]) -> http::request::Builder {
    let request = http::Request::builder().uri("/v1/devices");
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

#[tokio::test]
async fn strangers_and_web_pages_are_refused() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    let bearer = format!("Bearer {KEY}");
    let key = ("authorization", bearer.as_str());
    let cases: [(u16, &[(&str, &str)]); 7] = [
        (200, &[("host", "localhost"), key]),
        (200, &[("host", "127.0.0.1:8482"), ("origin", "http://127.0.0.1:8482"), key]),
        (401, &[("host", "localhost")]),
        (401, &[("host", "localhost"), ("authorization", "Bearer wrong")]),
        (421, &[("host", "evil.example"), key]),
        (403, &[("host", "localhost:8482"), ("origin", "https://evil.example"), key]),
        (403, &[("host", "localhost:8482"), ("origin", "null"), key]),
    ];
    for (wanted, headers) in cases {
        let (status, answer) = request(&host, with(headers), None).await;
        assert_eq!(status, wanted, "{headers:?}: {answer}");
        assert!(status == 200 || answer["detail"].is_string(), "{answer}");
    }
    host.shutdown().await;
}

#[tokio::test]
async fn a_no_says_what_would_help() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    let cases = [
        (404, "GET", "/v1/devices/nobody".to_owned(), json!({}), "GET /v1/devices"),
        (404, "GET", "/v1/nothing".to_owned(), json!({}), "/openapi.json"),
        (405, "DELETE", "/v1/clock".to_owned(), json!({}), "/openapi.json"),
        (404, "GET", "/v1/devices/iphone/apps/com.example.other".to_owned(), json!({}), "/apps"),
        (409, "POST", "/v1/devices/iphone/prompt/answer".to_owned(), json!({"allow": true}), "foreground"),
        (400, "POST", "/v1/devices/iphone/prompt/answer".to_owned(), json!({"alow": true}), "alow"),
        (422, "PUT", format!("{APP}/badge"), json!({"count": -1}), "badge"),
        (
            422,
            "POST",
            format!("{APP}/requests"),
            json!({"identifier": "", "content": {"title": "x"}}),
            "identifier",
        ),
    ];
    for (wanted, method, path, body, hint) in cases {
        let (status, answer) = send(&host, method, &path, body).await;
        assert_eq!(status, wanted, "{method} {path}: {answer}");
        assert!(answer["detail"].as_str().is_some_and(|detail| detail.contains(hint)), "{path}: {answer}");
    }
    let (status, _) = send(&host, "PUT", &format!("{APP}/badge"), Value::String("x".repeat(300_000))).await;
    assert_eq!(status, 413);
    host.shutdown().await;
}

#[tokio::test]
async fn everything_there_is_stands_in_the_document() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    let document = get(&host, "/openapi.json").await;
    let paths = document["paths"].as_object().expect("it has paths");
    assert!(paths.len() >= 27, "{}", paths.len());
    assert!(paths.contains_key("/v1/devices/{device}/apps/{app}/state"));
    assert_eq!(document["components"]["securitySchemes"]["key"]["scheme"], "bearer");
    host.shutdown().await;
}

#[tokio::test]
async fn what_happens_is_streamed() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    let mut events = Events::of(&host).await;
    send(&host, "PUT", &format!("{APP}/state"), json!({"state": "foreground"})).await;
    let text = events.until("event: app-moved").await;
    assert!(text.contains(r#""to":"foreground""#), "{text}");
    host.shutdown().await;
    events.end().await;
}

#[tokio::test]
async fn what_a_user_decides_and_what_an_app_shows_is_streamed() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    let mut events = Events::of(&host).await;
    assert_eq!(get(&host, APP).await["background_refresh"], true);
    let off = json!({"setting": "background-app-refresh", "on": false});
    assert_eq!(send(&host, "PUT", &format!("{APP}/settings"), off).await.0, 200);
    events.until("event: changed").await;
    assert_eq!(get(&host, APP).await["background_refresh"], false);

    send(&host, "PUT", "/v1/devices/iphone/network", json!({"online": false})).await;
    events.until("event: changed").await;
    assert_eq!(get(&host, "/v1/devices/iphone").await["online"], false);

    put_state(&host, "foreground").await;
    events.until("event: prompt-shown").await;
    send(&host, "POST", "/v1/devices/iphone/prompt/answer", json!({"allow": true})).await;
    events.until("event: changed").await;
    assert_eq!(get(&host, APP).await["authorization_status"], "authorized");

    let open = json!({"touch": "open", "url": "https://news.example/1"});
    send(&host, "POST", &format!("{APP}/page/touch"), open).await;
    while get(&host, &format!("{APP}/page")).await["url"] != "https://news.example/1" {
        events.until("event: screen").await;
    }
    host.shutdown().await;
    events.end().await;
}

/// The event stream of the device.
struct Events {
    stream: tokio::net::TcpStream,
    /// Read and not looked at yet.
    text: String,
}

impl Events {
    async fn of(host: &homing_device::DeviceHost) -> Self {
        let mut stream = tokio::net::TcpStream::connect(host.addresses()[0]).await.expect("it listens");
        let head = format!(
            "GET /v1/devices/iphone/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {KEY}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.expect("it is taken");
        let mut events = Self { stream, text: String::new() };
        events.until("text/event-stream").await;
        events
    }

    /// Everything up to the end of the event with these words.
    async fn until(&mut self, words: &str) -> String {
        loop {
            let end = |at: usize| {
                let ends = ["\n\n", "\r\n\r\n"];
                ends.iter().find_map(|end| Some(at + self.text[at..].find(end)? + end.len()))
            };
            if let Some(end) = self.text.find(words).and_then(end) {
                let rest = self.text.split_off(end);
                return std::mem::replace(&mut self.text, rest);
            }
            assert!(self.read().await, "{}", self.text);
        }
    }

    /// The stream is closed in good order.
    async fn end(&mut self) {
        while self.read().await {}
    }

    async fn read(&mut self) -> bool {
        let mut read = vec![0; 4096];
        let reading = tokio::time::timeout(std::time::Duration::from_secs(20), self.stream.read(&mut read));
        let count = reading.await.expect("it says something").expect("it goes on");
        self.text.push_str(&String::from_utf8_lossy(&read[..count]));
        count > 0
    }
}
