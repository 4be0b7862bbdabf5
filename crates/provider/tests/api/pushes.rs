//! Pushes over the API: made once, shown, counted.

use serde_json::{Value, json};

use crate::hands::{APP, Ask, ROOT, World, token};

fn hello(user: &str) -> Value {
    json!({
        "environment": "development",
        "audience": {"user": user},
        "content": {"title": "Hello", "body": "World", "user_info": {"url": "https://example.com/1"}}
    })
}

fn push(body: &Value) -> Ask {
    Ask::new("POST", format!("{APP}/pushes")).key(ROOT).json(body)
}

#[tokio::test]
async fn a_push_is_planned_and_shown_with_its_notifications() {
    let world = World::start().await;
    world.log_in(&token('a'), "ann").await;
    let made = world.ask(push(&hello("ann"))).await.expect(202);
    assert_eq!((&made["state"], &made["planned"]), (&json!("sending"), &json!(1)), "{made}");
    assert!(made.get("why").is_none(), "{made}");
    let push_id = made["push_id"].as_str().expect("it has an id");
    let shown = world.get(&format!("{APP}/pushes/{push_id}")).await;
    for key in [
        "push_id",
        "environment",
        "state",
        "created_at",
        "audience",
        "policy",
        "payload",
        "counts",
        "reasons",
    ] {
        assert!(!shown[key].is_null(), "{key}: {shown}");
    }
    assert_eq!(shown["payload"]["userInfo"]["url"], "https://example.com/1", "{shown}");
    assert_eq!(shown["payload"]["homing"]["push"], push_id);
    assert_eq!(shown["counts"]["planned"], 1);
    assert_eq!(shown["notifications"][0]["token"], token('a'));
    assert_eq!(shown["notifications"][0]["user"], "ann");
    assert_eq!(shown["notifications_truncated"], false);
    let skipped = world.get(&format!("{APP}/pushes/{push_id}?skip=1")).await;
    assert_eq!(skipped["notifications"], json!([]));
    let listed = world.get(&format!("{APP}/pushes")).await;
    assert_eq!(listed["pushes"][0]["push_id"], push_id);
    assert!(listed["pushes"][0].get("notifications").is_none(), "{listed}");
    for query in ["user=ann".to_owned(), format!("token={}", token('A'))] {
        let known = world.get(&format!("{APP}/notifications?{query}")).await;
        assert_eq!(known["notifications"][0]["push_id"], push_id, "{known}");
        assert_eq!(known["notifications"][0]["events"][0]["stage"], "planned", "{known}");
        assert_eq!(known["truncated"], false);
    }
    world.stop().await;
}

#[tokio::test]
async fn a_push_that_reaches_nobody_says_why() {
    let world = World::start().await;
    let made = world.ask(push(&hello("nobody"))).await.expect(202);
    assert_eq!(made["planned"], 0, "{made}");
    assert!(made["why"].as_str().is_some_and(|why| !why.is_empty()), "{made}");
    world.stop().await;
}

#[tokio::test]
async fn the_same_request_under_a_key_makes_one_push() {
    let world = World::start().await;
    world.log_in(&token('a'), "ann").await;
    let body = hello("ann").to_string();
    let ask =
        |name: &str, body: &str| push(&Value::Null).header("idempotency-key", name).bytes(body.to_owned());
    let first = world.ask(ask("order-1", &body)).await;
    assert!(!first.headers.contains_key("idempotency-replayed"));
    let first = first.expect(202);
    let again = world.ask(ask("order-1", &body)).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.expect(202), first);
    // The same values in other bytes are another body.
    let answer = world.ask(ask("order-1", &format!("{body} "))).await;
    assert_eq!(answer.status, 422, "{}", answer.body);
    assert!(answer.detail().contains("Idempotency-Key"), "{}", answer.body);
    assert_ne!(world.ask(ask("order-2", &body)).await.expect(202)["push_id"], first["push_id"]);
    // Another key of the server has names of its own.
    let other = world.key(&["push"], None).await;
    assert_ne!(world.ask(ask("order-1", &body).key(&other)).await.expect(202)["push_id"], first["push_id"]);
    for name in ["", &"x".repeat(256)] {
        assert_eq!(world.ask(ask(name, &body)).await.status, 400);
    }
    let mut twice = ask("order-3", &body);
    twice.headers.push(("idempotency-key", "order-4".to_owned()));
    assert_eq!(world.ask(twice).await.status, 400);
    assert_eq!(world.get(&format!("{APP}/pushes")).await["pushes"].as_array().map(Vec::len), Some(3));
    world.stop().await;
}

#[tokio::test]
async fn the_same_request_sent_at_once_makes_one_push() {
    let world = World::start().await;
    world.log_in(&token('a'), "ann").await;
    let ask = || push(&hello("ann")).header("idempotency-key", "order-1");
    let answers = tokio::join!(world.ask(ask()), world.ask(ask()), world.ask(ask()), world.ask(ask()));
    let ids: std::collections::BTreeSet<String> = [answers.0, answers.1, answers.2, answers.3]
        .into_iter()
        .map(|answer| answer.expect(202)["push_id"].to_string())
        .collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    world.stop().await;
}

#[tokio::test]
async fn as_many_tokens_as_are_allowed_are_taken() {
    let world = World::start().await;
    let tokens: Vec<String> = (0..10_000).map(|number| format!("{number:0200x}")).collect();
    let body =
        json!({"environment": "development", "audience": {"tokens": tokens}, "content": {"body": "hi"}});
    let made = world.ask(push(&body)).await;
    assert_eq!(made.status, 202, "{}", made.body);
    world.stop().await;
}

#[tokio::test]
async fn a_payload_is_judged_as_it_is_written() {
    let world = World::start().await;
    let check = async |body: Value| world.root("POST", "/v1/payloads/check", &body).await.expect(200);
    let good = check(json!({"text": r#"{"aps":{"alert":"x"}}"#})).await;
    assert_eq!(good, json!({"findings": [], "bytes": 21, "limit": 4096, "ok": true}));
    let bad = check(json!({"text": r#"{"aps":{"alert":"x","badge":"3"}}"#})).await;
    assert_eq!((&bad["ok"], &bad["findings"][0]["path"]), (&json!(false), &json!("$.aps.badge")), "{bad}");
    for key in ["severity", "reason", "fix"] {
        assert!(bad["findings"][0][key].is_string(), "{bad}");
    }
    let unfinished = check(json!({"text": r#"{"aps":{"al"#})).await;
    assert_eq!(unfinished["ok"], false, "{unfinished}");
    let voip = check(json!({"text": r#"{"aps":{}}"#, "push_type": "voip"})).await;
    assert_eq!(voip["limit"], 5120, "{voip}");
    let any = world.key(&["installations"], None).await;
    let asked = Ask::new("POST", "/v1/payloads/check").key(&any).json(&json!({"text": "{}"}));
    assert_eq!(world.ask(asked).await.status, 200);
    world.stop().await;
}

#[tokio::test]
async fn the_list_of_notifications_has_as_many_as_its_description_says() {
    let world = World::start().await;
    for number in 0..100 {
        world.log_in(&format!("{number:064x}"), "ann").await;
    }
    let push = json!({"environment": "development", "audience": {"user": "ann"}, "policy": "all-devices",
        "content": {"body": "x"}});
    for _ in 0..11 {
        world.root("POST", &format!("{APP}/pushes"), &push).await.expect(202);
    }
    for (query, count, truncated) in
        [("", 1_000, true), ("&limit=10000", 1_000, true), ("&limit=7", 7, true), ("&skip=1000", 100, false)]
    {
        let list = world.get(&format!("{APP}/notifications?user=ann{query}")).await;
        assert_eq!(list["notifications"].as_array().map(Vec::len), Some(count), "{query}");
        assert_eq!(list["truncated"], truncated, "{query}");
    }
    let described = world.get("/openapi.json").await;
    let parameters = &described["paths"]["/v1/apps/{bundle}/notifications"]["get"]["parameters"];
    let limit = parameters.as_array().into_iter().flatten().find(|parameter| parameter["name"] == "limit");
    let said = limit.and_then(|limit| limit["description"].as_str()).expect("it is described");
    assert!(said.contains(": 1000 "), "{said}");
    world.stop().await;
}
