//! Server keys: shown once, limited, removed.

use serde_json::{Value, json};

use crate::hands::{Ask, BUNDLE, OTHER, World, provider};

#[tokio::test]
async fn a_key_is_shown_once_and_opens_until_it_is_removed() {
    let world = World::start().await;
    let wish = json!({"name": "orders", "scopes": ["read"], "apps": [BUNDLE]});
    let made = world.root("POST", "/v1/keys", &wish).await.expect(201);
    let secret = made["key"].as_str().expect("it is shown").to_owned();
    assert_eq!((made["name"].as_str(), &made["scopes"]), (Some("orders"), &json!(["read"])));
    assert!(world.ask(Ask::new("GET", "/v1/status").key(&secret)).await.status == 200);
    let listed = world.get("/v1/keys").await;
    assert!(!listed.to_string().contains(&secret), "{listed}");
    assert_eq!(listed["keys"][0]["id"], made["id"]);
    let path = format!("/v1/keys/{}", made["id"].as_str().expect("it has an id"));
    world.root("DELETE", &path, &Value::Null).await.expect(204);
    assert_eq!(world.ask(Ask::new("GET", "/v1/status").key(&secret)).await.status, 401);
    assert_eq!(world.root("DELETE", &path, &Value::Null).await.status, 404);
    world.stop().await;
}

#[tokio::test]
async fn a_key_gives_no_more_than_it_has() {
    let world = World::start().await;
    let limited = world.key(&["admin", "read"], Some(&[BUNDLE])).await;
    let make = async |wish: Value| world.ask(Ask::new("POST", "/v1/keys").key(&limited).json(&wish)).await;
    for (wish, hint) in [
        (json!({"name": "a", "scopes": ["push"], "apps": [BUNDLE]}), "`push`"),
        (json!({"name": "a", "scopes": ["read"]}), BUNDLE),
        (json!({"name": "a", "scopes": ["read"], "apps": [BUNDLE, OTHER]}), BUNDLE),
    ] {
        let answer = make(wish).await;
        assert_eq!(answer.status, 403, "{}", answer.body);
        assert!(answer.detail().contains(hint), "{}", answer.body);
    }
    make(json!({"name": "a", "scopes": ["read"], "apps": [BUNDLE]})).await.expect(201);
    // It sees and removes only keys for its own apps.
    world.key(&["push"], None).await;
    let all = world.get("/v1/keys").await;
    let unlimited = all["keys"].as_array().expect("it is a list").iter().find(|key| key["apps"].is_null());
    let id = unlimited.expect("there is one")["id"].as_str().expect("it has an id");
    let seen = world.ask(Ask::new("GET", "/v1/keys").key(&limited)).await.expect(200);
    assert!(!seen.to_string().contains(id), "{seen}");
    assert_eq!(seen["keys"].as_array().map(Vec::len), Some(2), "{seen}");
    let removing = Ask::new("DELETE", format!("/v1/keys/{id}")).key(&limited);
    assert_eq!(world.ask(removing).await.status, 404);
    world.stop().await;
}

#[tokio::test]
async fn keys_outlive_the_process_and_no_secret_is_on_disk() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let first = provider(dir.path()).await;
    let wish = homing_provider::engine::NewServerKey {
        name: "a".to_owned(),
        scopes: vec![homing_provider::engine::Scope::Read],
        apps: None,
    };
    let made = first.engine().create_key(wish).await.expect("it is made");
    first.shutdown().await;
    let again = provider(dir.path()).await;
    assert_eq!(again.engine().key_of(&made.secret).map(|key| key.id.clone()), Some(made.key.id));
    again.shutdown().await;
    for entry in std::fs::read_dir(dir.path()).expect("it is there") {
        let path = entry.expect("it is there").path();
        if path.is_file() {
            let bytes = std::fs::read(&path).expect("it can be read");
            let found = bytes.windows(made.secret.len()).any(|window| window == made.secret.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
}
