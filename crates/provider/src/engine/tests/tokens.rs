//! Tokens before and beside their telling: what is remembered of one that nobody told, whose tag is carried, and how many
//! count.

use super::*;

fn at(epoch: u64, user: &str) -> Registration {
    Registration { epoch: Some(epoch), ..registration(Some(user)) }
}

fn app(user: &str) -> Teller {
    Teller::App(user.to_owned())
}

#[tokio::test]
async fn a_login_that_comes_after_its_logout_binds_nobody_though_the_token_is_new() {
    let house = House::start().await.with_credential().await;
    let engine = &house.engine;
    let error = engine.log_out(BUNDLE, &token(1), "ann", None).await.unwrap_err();
    assert!(matches!(error, EngineError::NotFound { .. }), "{error}");
    for number in [1, 2] {
        engine.log_out(BUNDLE, &token(number), "ann", Some(6)).await.unwrap();
        engine.log_out(BUNDLE, &token(number), "ann", Some(5)).await.unwrap();
    }
    assert!(engine.installation(BUNDLE, &token(1)).await.is_err(), "there is nothing to send to");
    // A push may be the first to name it.
    house.push(json!({ "token": token(2) })).await.unwrap();
    for number in [1, 2] {
        for _ in 0..2 {
            let late = engine.register(BUNDLE, &token(number), at(4, "ann"), app("ann")).await.unwrap_err();
            assert!(matches!(late, EngineError::StaleEpoch { known: 6, .. }), "{late}");
        }
        let (told, _) =
            engine.register(BUNDLE, &token(number), registration(None), app("ann")).await.unwrap();
        assert_eq!((told.user, told.epoch), (None, Some(6)));
        let late = engine.register(BUNDLE, &token(number), at(5, "ann"), app("ann")).await.unwrap_err();
        assert!(matches!(late, EngineError::StaleEpoch { known: 6, .. }), "{late}");
        let (again, _) = engine.register(BUNDLE, &token(number), at(7, "ann"), app("ann")).await.unwrap();
        assert_eq!(again.user.as_deref(), Some("ann"));
    }
    assert_eq!(house.rows("logouts").await, 0);
    house.engine.shutdown().await;
}

#[tokio::test]
async fn logouts_of_tokens_that_never_come_are_few_and_forgotten() {
    let house = House::start().await;
    for number in 0..150 {
        house.engine.log_out(BUNDLE, &token(number), "ann", Some(1)).await.unwrap();
    }
    assert_eq!(house.rows("logouts").await, 100);
    house.clock.advance(Duration::from_secs(31 * 24 * 3600)).unwrap();
    house.sweep().await;
    assert_eq!(house.rows("logouts").await, 0);
    house.engine.shutdown().await;
}

#[tokio::test]
async fn a_token_that_only_pushes_have_named_is_of_the_last_ones_environment() {
    let house = House::start().await.with_credential().await;
    house.engine.put_credential(BUNDLE, Environment::Production, key()).await.unwrap();
    // So that nothing goes to Apple.
    house.engine.stop_all_lanes().await;
    let push = async |environment: &str| {
        let push = json!({ "environment": environment, "audience": { "token": token(1) }, "content": { "body": "x" } });
        house.engine.create_push(BUNDLE, serde_json::from_value(push).unwrap(), None).await.unwrap()
    };
    for environment in ["production", "development", "production"] {
        let created = push(environment).await;
        assert_eq!((created.planned, created.why), (1, None), "{environment}");
        let known = house.engine.installation(BUNDLE, &token(1)).await.unwrap();
        assert_eq!(known.environment.as_str(), environment);
    }
    // What waits in either environment may still go.
    let number = house.engine.store().read(|connection| {
        Ok::<i64, StoreError>(connection.query_row(
            "SELECT installation_no FROM installations",
            [],
            |row| row.get(0),
        )?)
    });
    let number = number.await.unwrap();
    let standing = house
        .engine
        .store()
        .read(move |connection| Ok::<_, StoreError>(installations::standing(connection, number)?));
    let standing = standing.await.unwrap();
    let standings = house.engine.standings();
    standings.watch(number, standing);
    for environment in Environment::ALL {
        assert!(standings.admit(number, None, environment).is_ok(), "{environment}");
    }
    house.engine.register(BUNDLE, &token(1), registration(None), Teller::Server).await.unwrap();
    let created = push("production").await;
    assert_eq!(created.planned, 0, "who tells it, knows");
    assert!(standings.admit(number, None, Environment::Production).is_err());
    house.engine.shutdown().await;
}

#[tokio::test]
async fn the_tag_stays_as_long_as_the_user_does() {
    let house = House::start().await;
    let tag = async |user: &str, teller: Teller| {
        house.engine.register(BUNDLE, &token(1), registration(Some(user)), teller).await.unwrap().0.user_tag
    };
    assert_eq!(tag("ann", Teller::Server).await, None, "no app knows of it");
    let anns = tag("ann", app("ann")).await;
    assert!(anns.is_some());
    assert_eq!(tag("ann", Teller::Server).await, anns);
    assert_eq!(tag("bob", Teller::Server).await, None);
    // The server was faster with the same login.
    let both = async |teller: Teller| {
        house.engine.register(BUNDLE, &token(2), at(3, "ann"), teller).await.unwrap().0.user_tag
    };
    assert_eq!(both(Teller::Server).await, None);
    assert_eq!(both(app("ann")).await, anns);
    house.engine.shutdown().await;
}

#[tokio::test]
async fn of_a_users_many_installations_the_latest_logins_get_a_push_and_why_counts_the_others() {
    let house = House::start().await.with_credential().await;
    for number in 0..130 {
        house
            .engine
            .register(BUNDLE, &token(number), registration(Some("ann")), Teller::Server)
            .await
            .unwrap();
    }
    house.log_in(&token(500), "bob").await;
    let push = house.push(json!({ "users": ["ann", "bob", "eve"] })).await.unwrap();
    assert_eq!(push.planned, 101);
    let why = push.why.unwrap();
    assert!(why.contains("1 never logged in") && why.contains("30 installations are left out"), "{why}");
    let detail = house.engine.push_detail(BUNDLE, &push.push_id, 1_000, 0).await.unwrap();
    let anns = detail.notifications.iter().filter(|one| one.user.as_deref() == Some("ann"));
    assert!(anns.map(|one| one.token.clone()).eq((30..130).rev().map(token)));
    house.engine.shutdown().await;
}

#[tokio::test]
async fn nobody_tells_tokens_without_end_with_an_identity_token() {
    let house = House::start().await;
    let most = u32::try_from(installations::MAX_MADE).unwrap();
    // With or without a login, and though it is ended again.
    let told = (0..most).map(|number| {
        let user = number.is_multiple_of(2).then_some("eve");
        house.engine.register(
            BUNDLE,
            Box::leak(token(number).into_boxed_str()),
            registration(user),
            app("eve"),
        )
    });
    for told in futures_util::future::join_all(told).await {
        told.unwrap();
    }
    house.engine.log_out(BUNDLE, &token(0), "eve", None).await.unwrap();
    for user in [None, Some("eve")] {
        let error =
            house.engine.register(BUNDLE, &token(most), registration(user), app("eve")).await.unwrap_err();
        assert!(matches!(error, EngineError::TooMany(_)), "{error}");
    }
    assert_eq!(house.engine.status(&root(&house)).await.unwrap().installations, u64::from(most));
    // What she has goes on, and so do others and the server.
    house.log_in(&token(0), "eve").await;
    house.log_in(&token(most), "ann").await;
    house.engine.register(BUNDLE, &token(most + 1), registration(Some("eve")), Teller::Server).await.unwrap();
    house.engine.shutdown().await;
}

#[tokio::test]
async fn a_tag_reaches_the_live_installations_that_have_it() {
    let house = House::start().await.with_credential().await;
    let tell = async |number: u32, told: serde_json::Value| {
        let registration = serde_json::from_value(told).unwrap();
        house.engine.register(BUNDLE, &token(number), registration, Teller::Server).await
    };
    let told =
        tell(1, json!({"environment": "development", "tags": ["sports", "news", "sports"]})).await.unwrap();
    assert_eq!(told.0.tags, ["news", "sports"]);
    tell(2, json!({"environment": "development", "user": "ann", "tags": ["sports"]})).await.unwrap();
    tell(3, json!({"environment": "production", "tags": ["sports"]})).await.unwrap();
    tell(4, json!({"environment": "development", "tags": []})).await.unwrap();
    // Told again without tags, they stay.
    assert_eq!(tell(1, json!({"environment": "development"})).await.unwrap().0.tags, ["news", "sports"]);

    let planned = async |tag: &str| house.push(json!({ "tag": tag })).await.unwrap();
    assert_eq!(planned("sports").await.planned, 2);
    let nobody = planned("weather").await;
    assert_eq!(nobody.planned, 0);
    let why = nobody.why.unwrap();
    assert!(why.contains("\"weather\"") && why.contains("development"), "{why}");
    let shown = house.engine.push(BUNDLE, &nobody.push_id).await.unwrap();
    assert_eq!(serde_json::to_value(&shown.audience).unwrap(), json!({"tag": "weather"}));

    tell(1, json!({"environment": "development", "tags": ["news"]})).await.unwrap();
    house.engine.forget(BUNDLE, &token(2)).await.unwrap();
    assert_eq!(planned("sports").await.planned, 0);
    assert_eq!(house.rows("tags").await, 2, "one each of the first and the third");
    for wrong in [
        json!([""]),
        json!(["x".repeat(65)]),
        json!(["a\nb"]),
        json!((0..101).map(|n| n.to_string()).collect::<Vec<_>>()),
    ] {
        let error = tell(1, json!({"environment": "development", "tags": wrong})).await.unwrap_err();
        assert!(matches!(&error, EngineError::Invalid { field, .. } if field == "tags"), "{error}");
    }
    assert!(house.push(json!({"tag": ""})).await.is_err());
    house.engine.shutdown().await;
}
