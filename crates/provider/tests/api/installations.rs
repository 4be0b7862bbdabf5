//! Installations over the API: told, bound by epochs, listed in parts, forgotten.

use serde_json::{Value, json};

use crate::hands::{APP, World, token};

fn at(digit: char) -> String {
    format!("{APP}/installations/{}", token(digit))
}

#[tokio::test]
async fn an_installation_has_the_promised_shape() {
    let world = World::start().await;
    let body = json!({"environment": "development", "user": "ann", "epoch": 3, "locale": "zh-Hans",
        "time_zone": "Asia/Shanghai", "app_version": "1.2"});
    let told = world.root("PUT", &at('A'), &body).await.expect(201);
    let keys: Vec<&String> = told.as_object().expect("it is an object").keys().collect();
    let wanted = [
        "token",
        "environment",
        "user",
        "user_tag",
        "epoch",
        "bound_at",
        "registered_at",
        "locale",
        "time_zone",
        "app_version",
        "tags",
        "state",
    ];
    assert_eq!(keys, wanted.map(str::to_owned).iter().collect::<Vec<_>>());
    assert_eq!(told["token"], token('a'), "in lower case");
    assert_eq!((&told["epoch"], &told["state"]), (&json!(3), &json!("live")));
    world.root("PUT", &at('a'), &body).await.expect(200);
    assert_eq!(
        world.get(&at('a')).await["user_tag"],
        Value::Null,
        "no app told it: notifications carry none"
    );
    world.root("DELETE", &at('a'), &Value::Null).await.expect(204);
    assert_eq!(world.root("GET", &at('a'), &Value::Null).await.status, 404);
    world.stop().await;
}

#[tokio::test]
async fn epochs_decide_who_is_bound() {
    let world = World::start().await;
    let bind = async |user: &str, epoch: u64| {
        let body = json!({"environment": "development", "user": user, "epoch": epoch});
        world.root("PUT", &at('a'), &body).await
    };
    bind("ann", 5).await.expect(201);
    bind("ann", 5).await.expect(200);
    for (user, epoch) in [("ann", 4), ("bob", 4)] {
        let answer = bind(user, epoch).await;
        assert_eq!(answer.status, 409, "{user} {epoch}: {}", answer.body);
        assert_eq!(answer.body["epoch"], 5, "{}", answer.body);
    }
    assert_eq!(bind("bob", 5).await.expect(200)["user"], "bob", "the same number: the last to log in");
    bind("ann", 5).await.expect(200);
    let log_out = async |user: &str, epoch: u64| {
        world.root("DELETE", &format!("{}/user?user={user}&epoch={epoch}", at('a')), &Value::Null).await
    };
    let answer = log_out("ann", 4).await;
    assert_eq!((answer.status, &answer.body["epoch"]), (409, &json!(5)), "{}", answer.body);
    log_out("bob", 6).await.expect(204);
    assert_eq!(world.get(&at('a')).await["user"], "ann", "only that user is unbound");
    log_out("ann", 7).await.expect(204);
    assert_eq!(world.get(&at('a')).await["user"], Value::Null);
    bind("bob", 8).await.expect(200);
    assert_eq!(world.get(&at('a')).await["user"], "bob");
    // Of a token that nobody has told, too.
    let unknown =
        async |query: &str| world.root("DELETE", &format!("{}/user?{query}", at('b')), &Value::Null).await;
    assert_eq!(unknown("user=ann").await.status, 404);
    unknown("user=ann&epoch=6").await.expect(204);
    let late = json!({"environment": "development", "user": "ann", "epoch": 5});
    let answer = world.root("PUT", &at('b'), &late).await;
    assert_eq!((answer.status, &answer.body["epoch"]), (409, &json!(6)), "{}", answer.body);
    world.stop().await;
}

#[tokio::test]
async fn lists_come_in_parts() {
    let world = World::start().await;
    for (digit, user) in [('a', "ann"), ('b', "ann"), ('c', "bob")] {
        world.log_in(&token(digit), user).await;
    }
    for (list, item) in [("installations", "token"), ("users", "user")] {
        let whole = world.get(&format!("{APP}/{list}")).await;
        assert!(whole.get("next").is_none(), "{whole}");
        let (mut path, mut found) = (format!("{APP}/{list}?limit=1"), Vec::new());
        loop {
            let part = world.get(&path).await;
            let items = part[list].as_array().expect("it is a list");
            assert_eq!(items.len(), 1, "{part}");
            found.push(items[0][item].clone());
            let Some(next) = part["next"].as_str() else { break };
            path = format!("{APP}/{list}?limit=1&after={next}");
        }
        let all: Vec<Value> =
            whole[list].as_array().expect("it is a list").iter().map(|it| it[item].clone()).collect();
        assert_eq!(found, all);
    }
    let of_ann = world.get(&format!("{APP}/installations?user=ann")).await;
    assert_eq!(of_ann["installations"].as_array().map(Vec::len), Some(2), "{of_ann}");
    let users = world.get(&format!("{APP}/users")).await;
    assert_eq!((&users["users"][0]["user"], &users["users"][0]["installations"]), (&json!("ann"), &json!(2)));
    world.stop().await;
}
