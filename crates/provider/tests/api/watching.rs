//! Streams of pushes: the first at once, then after each change, not too often, until the end.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::hands::{APP, Ask, DEADLINE, ROOT, World, token};

/// An open stream.
struct Watching {
    _sender: hyper::client::conn::http1::SendRequest<http_body_util::Full<Bytes>>,
    body: hyper::body::Incoming,
    text: String,
}

impl Watching {
    async fn begin(world: &World, path: &str, key: &str) -> Self {
        let (sender, response) = world.begin(Ask::new("GET", path).key(key)).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { _sender: sender, body: response.into_body(), text: String::new() }
    }

    /// The next push; `None` when the stream has ended.
    async fn next(&mut self) -> Option<Value> {
        let reading = async {
            loop {
                if let Some((event, rest)) = self.text.split_once("\n\n") {
                    let (event, rest) = (event.to_owned(), rest.to_owned());
                    self.text = rest;
                    if let Some(data) = event.strip_prefix("event: push\ndata: ") {
                        return Some(serde_json::from_str(data).expect("it is JSON"));
                    }
                    continue;
                }
                let frame = self.body.frame().await?.expect("it goes on");
                if let Ok(bytes) = frame.into_data() {
                    self.text.push_str(std::str::from_utf8(&bytes).expect("it is text"));
                }
            }
        };
        tokio::time::timeout(DEADLINE, reading).await.expect("it comes in time")
    }

    async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let push = self.next().await.expect("the stream goes on");
            if wanted(&push) {
                return push;
            }
        }
    }
}

async fn push(world: &World, tokens: &[String]) -> String {
    let body =
        json!({"environment": "development", "audience": {"tokens": tokens}, "content": {"body": "hi"}});
    let made = world.root("POST", &format!("{APP}/pushes"), &body).await.expect(202);
    made["push_id"].as_str().expect("it has an id").to_owned()
}

async fn opened(world: &World, push_id: &str, token: &str) {
    let report = json!({"push_id": push_id, "event": "opened"});
    world.root("POST", &format!("{APP}/installations/{token}/reports"), &report).await.expect(204);
}

#[tokio::test]
async fn a_push_is_told_at_once_and_after_each_change() {
    let world = World::start().await;
    world.log_in(&token('a'), "ann").await;
    let push_id = push(&world, &[token('a')]).await;
    let mut watching = Watching::begin(&world, &format!("{APP}/pushes/{push_id}/events"), ROOT).await;
    let first = watching.next().await.expect("it is told");
    assert_eq!(first["push_id"], *push_id);
    assert!(first.get("notifications").is_none(), "{first}");
    let other = push(&world, &[token('a')]).await;
    opened(&world, &other, &token('a')).await;
    opened(&world, &push_id, &token('a')).await;
    let told = watching.until(|push| push["counts"]["opened"] == 1).await;
    assert_eq!(told["push_id"], *push_id, "nothing is told of others");
    world.stop().await;
    assert_eq!(watching.next().await, None, "it ends with the provider");
}

#[tokio::test]
async fn all_pushes_of_an_app_are_told_as_they_change() {
    let world = World::start().await;
    world.log_in(&token('a'), "ann").await;
    let mut watching = Watching::begin(&world, &format!("{APP}/events"), ROOT).await;
    let (first, second) = (push(&world, &[token('a')]).await, push(&world, &[token('a')]).await);
    opened(&world, &first, &token('a')).await;
    opened(&world, &second, &token('a')).await;
    let mut wanted = std::collections::BTreeSet::from([first, second]);
    while !wanted.is_empty() {
        let push = watching.until(|push| push["counts"]["opened"] == 1).await;
        wanted.remove(push["push_id"].as_str().expect("it has an id"));
    }
    world.stop().await;
}

#[tokio::test]
async fn a_burst_of_changes_is_told_ten_times_a_second_at_most() {
    const MANY: usize = 60;
    let world = World::start().await;
    let tokens: Vec<String> = (0..MANY).map(|number| format!("{number:064x}")).collect();
    for (number, token) in tokens.iter().enumerate() {
        world.log_in(token, &format!("user{number}")).await;
    }
    let push_id = push(&world, &tokens).await;
    let mut watching = Watching::begin(&world, &format!("{APP}/pushes/{push_id}/events"), ROOT).await;
    watching.next().await.expect("it is told");
    let began = Instant::now();
    let reporting = async {
        for token in &tokens {
            opened(&world, &push_id, token).await;
        }
    };
    let counting = async {
        let mut told = 1;
        while watching.next().await.expect("it goes on")["counts"]["opened"] != MANY {
            told += 1;
        }
        told
    };
    let ((), told) = tokio::join!(reporting, counting);
    // One for each tenth of a second, at its beginning, and one that may have been under way.
    let most = began.elapsed().as_millis() / Duration::from_millis(100).as_millis() + 2;
    assert!(told <= most, "{told} in {:?}", began.elapsed());
    world.stop().await;
}

#[tokio::test]
async fn a_stream_ends_when_its_key_is_removed() {
    let world = World::start().await;
    world.log_in(&token('a'), "ann").await;
    let push_id = push(&world, &[token('a')]).await;
    let key = world.key(&["read"], None).await;
    let mut watching = Watching::begin(&world, &format!("{APP}/pushes/{push_id}/events"), &key).await;
    watching.next().await.expect("it is told");
    let id = world.get("/v1/keys").await["keys"][0]["id"].as_str().expect("it has an id").to_owned();
    world.root("DELETE", &format!("/v1/keys/{id}"), &Value::Null).await.expect(204);
    opened(&world, &push_id, &token('a')).await;
    while watching.next().await.is_some() {}
    world.stop().await;
}
