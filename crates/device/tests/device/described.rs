//! The description of the API against the API: whatever is sent, the answer's status stands in it.

use serde_json::{Value, json};

use crate::hands::{APP, KEY, allow, events_after, get, put_state, request, send, start, until};
use crate::hello;
use crate::push_service::PushService;

const METHODS: [&str; 4] = ["get", "put", "post", "delete"];

/// With everything in `{…}` filled in; `device` is that of the path.
fn address(path: &str, device: &str) -> String {
    let filled = path.replace("{device}", device).replace("{app}", "com.example.news");
    let parts = filled.split('/').map(|part| if part.starts_with('{') { "7" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

fn head(method: &str, address: &str, key: Option<&str>) -> http::request::Builder {
    let head = http::Request::builder().method(method).uri(address).header("host", "localhost");
    key.iter().fold(head, |head, key| head.header("authorization", format!("Bearer {key}")))
}

#[tokio::test]
async fn whatever_is_sent_the_answer_is_described() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    let document = get(&host, "/openapi.json").await;
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().expect("it has paths") {
        for (method, operation) in item.as_object().expect("it has operations") {
            if !METHODS.contains(&method.as_str()) {
                continue;
            }
            let method = method.to_uppercase();
            let there = address(path, "iphone");
            let mut answers = vec![request(&host, head(&method, &there, None), None).await];
            assert_eq!(answers[0].0, 401, "{method} {path}");
            if path.contains("{device}") {
                let nowhere = head(&method, &address(path, "nobody"), Some(KEY));
                let body = operation["requestBody"].is_object().then(|| json!({}));
                answers.push(request(&host, nowhere, body).await);
            }
            if operation["requestBody"]["content"]["application/json"].is_object() {
                for body in [json!({"nonsense": 1}), json!([]), Value::String("x".repeat(300_000))] {
                    answers.push(request(&host, head(&method, &there, Some(KEY)), Some(body)).await);
                }
                assert_eq!(answers.last().map(|(status, _)| *status), Some(413), "{method} {path}");
            } else if method == "GET" && !path.ends_with("events") {
                answers.push(request(&host, head(&method, &there, Some(KEY)), None).await);
            }
            for (status, answer) in answers {
                let described = &operation["responses"][status.to_string()];
                assert!(described.is_object(), "{method} {path} answers {status}: {answer}");
                if status >= 400 {
                    let schema = &described["content"]["application/problem+json"]["schema"]["$ref"];
                    assert!(schema.is_string(), "{method} {path} {status}: {described}");
                    assert!(answer["detail"].is_string(), "{method} {path} {status}: {answer}");
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 200, "{tried}");
    host.shutdown().await;
}

#[tokio::test]
async fn every_schema_that_is_named_is_there_and_forms_that_refuse_what_is_misspelt_say_so() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    let document = get(&host, "/openapi.json").await;
    let text = document.to_string();
    assert!(
        !text.contains("[`"),
        "a name of the source: {:?}",
        text.split_once("[`").map(|(_, rest)| &rest[..60])
    );
    for named in text.split("#/components/schemas/").skip(1) {
        let name = named.split('"').next().unwrap_or_default();
        assert!(document["components"]["schemas"][name].is_object(), "{name}");
    }
    for (schema, member) in [("Trigger", "seconds"), ("Text", "loc_key")] {
        let forms = document["components"]["schemas"][schema]["oneOf"].as_array().expect("it has forms");
        let form = forms.iter().find(|form| form["properties"][member].is_object()).expect("it is one");
        assert_eq!(form["additionalProperties"], false, "{schema}: {form}");
    }
    let refused = &document["components"]["schemas"]["RefusedCall"].to_string();
    assert!(refused.contains("NamedError"), "{refused}");
    assert!(document["components"]["schemas"]["Problem"].to_string().contains("\"field\""));
    let event = &document["components"]["schemas"]["ToldView"]["properties"]["event"];
    assert!(event.to_string().contains("DeviceEvent"), "{event}");
    host.shutdown().await;
}

/// `events_after` holds each event to the description.
#[tokio::test]
async fn what_the_events_say_stands_in_the_description_kind_by_kind() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    allow(&host).await;
    put_state(&host, "foreground").await;
    service.publish(1, &hello(1, "a"));
    service.until("it is told", |seen| seen.receipts.len() == 1).await;
    put_state(&host, "background").await;
    service.publish(2, &hello(2, "b"));
    until(&host, "/v1/devices/iphone/notifications", |shown| shown["notifications"][0]["apns_id"] == "b")
        .await;
    let tapped = json!({"app": "com.example.news", "identifier": "b"});
    assert_eq!(send(&host, "POST", "/v1/devices/iphone/notifications/tap", tapped).await.0, 204);
    let by_hand = json!({"behaviour": "answer", "changes": {}});
    assert_eq!(send(&host, "PUT", &format!("{APP}/service-extension"), by_hand).await.0, 204);
    let settings = json!({"types": ["alert"]});
    send(&host, "PUT", &format!("{APP}/driver"), json!({"legacy": {"did_receive_local_notification": true}}))
        .await;
    send(&host, "POST", &format!("{APP}/legacy/user-notification-settings"), settings).await;
    send(&host, "PUT", "/v1/devices/iphone/lock", json!({"locked": true})).await;
    send(&host, "PUT", "/v1/devices/iphone/time-zone", json!({"time_zone": "Asia/Shanghai"})).await;
    send(&host, "PUT", &format!("{APP}/registrations/voip"), json!({})).await;
    send(&host, "DELETE", &format!("{APP}/registrations/voip"), json!({})).await;
    assert_eq!(send(&host, "POST", "/v1/devices/iphone/restart", json!({})).await.0, 200);
    assert_eq!(send(&host, "DELETE", APP, json!({})).await.0, 204);
    let events = events_after(&host, 0).await;
    let mut kinds: Vec<&str> = events.iter().filter_map(|told| told["kind"].as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in [
        "app-moved",
        "arrived",
        "badge",
        "changed",
        "did-receive",
        "installed",
        "link",
        "lock",
        "presented",
        "prompt-shown",
        "receipt",
        "removed",
        "restarted",
        "sound",
        "token",
        "will-present",
    ] {
        assert!(kinds.contains(&kind), "{kind} among {kinds:?}");
    }
    host.shutdown().await;
}
