//! A web page that wants something of the APIs on its reader's machine: from another origin, through a name that its DNS
//! server points at this machine, and with everything it could have guessed. It gets nothing from any of them.

use std::time::Duration;

use homing_testkit::endpoints::Endpoints;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::home::Home;

/// Method and path of something worth having, for each API, with the key that opens it.
struct Prey {
    what: &'static str,
    url: String,
    key: Option<String>,
    method: &'static str,
    path: &'static str,
}

fn prey(endpoints: &Endpoints) -> Vec<Prey> {
    let one = |what, url: &Option<String>, key: &Option<String>, method, path| {
        let url = url.clone().unwrap().trim_start_matches("http://").to_owned();
        Prey { what, url, key: key.clone(), method, path }
    };
    let (provider, provider_key) = (&endpoints.provider_api, &endpoints.provider_api_key);
    let (device, device_key) = (&endpoints.device_api, &endpoints.device_api_key);
    let admin = (&Some(endpoints.gateway_admin.clone()), &Some(endpoints.gateway_admin_key.clone()));
    let console = &endpoints.console;
    vec![
        one("provider", provider, provider_key, "GET", "/v1/apps"),
        one("provider", provider, provider_key, "POST", "/v1/apps/com.example.news/pushes"),
        one("provider", provider, provider_key, "GET", "/v1/apps/com.example.news/events"),
        one("device", device, device_key, "GET", "/v1/devices"),
        one("device", device, device_key, "POST", "/v1/devices/iphone-development/prompt/answer"),
        one("device", device, device_key, "GET", "/v1/events"),
        one("push service", admin.0, admin.1, "GET", "/v1/traces?apns_id=x"),
        one("push service", admin.0, admin.1, "GET", "/v1/apps"),
        one("console", console, &None, "GET", "/session"),
        one("console", console, &None, "POST", "/session"),
        one("console", console, &None, "POST", "/links"),
        one("console", console, &None, "GET", "/api/provider/v1/apps"),
        one("console", console, &None, "GET", "/api/device/v1/devices"),
        one("console", console, &None, "POST", "/api/gateway/v1/status"),
    ]
}

/// What a page can make a browser send.
fn approaches(prey: &Prey) -> Vec<(&'static str, String)> {
    let own = prey.url.as_str();
    let rebound = format!("evil.example:{}", own.rsplit_once(':').unwrap().1);
    let ask = |method: &str, host: &str, more: &str| {
        let Prey { path, .. } = prey;
        let body = if method == "POST" { "{}" } else { "" };
        let length = body.len();
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\
             connection: close\r\n{more}\r\n{body}"
        )
    };
    let key = prey.key.as_ref().map(|key| format!("authorization: Bearer {key}\r\n")).unwrap_or_default();
    let method = prey.method;
    let foreign = "origin: https://evil.example\r\nsec-fetch-site: cross-site\r\nsec-fetch-mode: cors\r\n";
    let preflight = "origin: https://evil.example\r\naccess-control-request-method: POST\r\n\
                     access-control-request-headers: authorization\r\naccess-control-request-private-network: true\r\n";
    vec![
        ("fetch from another origin", ask(method, own, foreign)),
        ("even with the key", ask(method, own, &format!("{foreign}{key}"))),
        ("from a sandboxed frame", ask(method, own, &format!("origin: null\r\n{key}"))),
        ("from another port", ask(method, own, &format!("origin: http://localhost:1\r\n{key}"))),
        ("its own name led here", ask(method, &rebound, &format!("origin: http://{rebound}\r\n{key}"))),
        ("its own name, without Origin", ask(method, &rebound, &key)),
        ("a preflight", ask("OPTIONS", own, preflight)),
        ("a form", ask("POST", own, "origin: https://evil.example\r\nsec-fetch-mode: navigate\r\n")),
        (
            "a WebSocket",
            ask(
                "GET",
                own,
                &format!(
                    "{foreign}upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                ),
            ),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_web_page_gets_nothing_from_any_local_api() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 52).await;
    let before = home.homing.endpoints().clone();
    let mut tried = 0;
    for prey in prey(&before) {
        for (approach, request) in approaches(&prey) {
            let answer = exchange(&prey.url, &request).await;
            let head = answer.split("\r\n\r\n").next().unwrap().to_ascii_lowercase();
            let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
            let which = format!("{}: {} {}, {approach}", prey.what, prey.method, prey.path);
            assert!((400..500).contains(&status), "{which}: {answer}");
            assert!(!head.contains("access-control-allow"), "{which}: {head}");
            assert!(!head.contains("set-cookie"), "{which}: {head}");
            tried += 1;
        }
    }
    assert_eq!(tried, 14 * 9);
    // Nothing happened behind the refusals.
    let pushes = home.provider_api().get("/v1/apps/com.example.news/pushes").await.unwrap();
    assert_eq!(pushes["pushes"].as_array().unwrap().len(), 0, "{pushes}");
    home.homing.stop().await.unwrap();
}

async fn exchange(at: &str, request: &str) -> String {
    let answered = async {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    };
    tokio::time::timeout(Duration::from_secs(60), answered).await.expect("it answers and closes")
}
