//! The engine on a real store, without a push service: what it plans, keeps, gives up and forgets.

mod apps;
mod tokens;

use std::time::Duration;

use homing_apns::jwt::SigningKey;
use homing_trace::Environment;
use serde_json::{Value, json};

use super::*;

pub(super) const BUNDLE: &str = "com.example.news";
pub(super) const HERE: Environment = Environment::Development;

pub(super) struct House {
    pub(super) engine: Engine,
    clock: Clock,
    dir: tempfile::TempDir,
}

impl House {
    pub(super) async fn start() -> Self {
        let (dir, clock) = (tempfile::tempdir().unwrap(), Clock::default());
        let engine = engine(&dir, &clock).await;
        let all = AppChanges { policy: Some(Policy::AllDevices), ..AppChanges::default() };
        engine.put_app(BUNDLE, all).await.unwrap();
        Self { engine, clock, dir }
    }

    async fn restart(self) -> Self {
        let Self { engine, clock, dir } = self;
        engine.shutdown().await;
        Self { engine: self::engine(&dir, &clock).await, clock, dir }
    }

    /// With a credential, and a push service that isn't there.
    async fn with_credential(self) -> Self {
        // Bound and not listened on, it refuses every connection as long as it lives.
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let nowhere = PushService { host: "localhost".to_owned(), port: closed.port(), ca_pem: None };
        let changes = AppChanges { push_services: Some([(HERE, nowhere)].into()), ..AppChanges::default() };
        self.engine.put_app(BUNDLE, changes).await.unwrap();
        self.engine.put_credential(BUNDLE, HERE, key()).await.unwrap();
        self
    }

    pub(super) async fn log_in(&self, token: &str, user: &str) {
        self.engine
            .register(BUNDLE, token, registration(Some(user)), Teller::App(user.to_owned()))
            .await
            .unwrap();
    }

    pub(super) async fn push(&self, audience: Value) -> Result<Created, EngineError> {
        let push = json!({ "environment": "development", "audience": audience, "content": { "body": "x" } });
        self.engine.create_push(BUNDLE, serde_json::from_value(push).unwrap(), None).await
    }

    async fn finished(&self, push_id: &str) -> Push {
        self.until(push_id, |push| push.state == PushState::Finished).await
    }

    async fn until(&self, push_id: &str, wanted: impl Fn(&Push) -> bool) -> Push {
        let mut changes = self.engine.watch(BUNDLE, Some(push_id)).await.unwrap();
        loop {
            let push = self.engine.push(BUNDLE, push_id).await.unwrap();
            if wanted(&push) {
                return push;
            }
            let change = tokio::time::timeout(Duration::from_secs(30), changes.next()).await;
            change.expect("it comes to its end").expect("the engine runs");
        }
    }

    async fn sweep(&self) {
        while self.engine.store().write(|scope| sweep::sweep(scope)).await.unwrap() {}
    }

    async fn rows(&self, table: &'static str) -> u64 {
        let count = self.engine.store().read(move |connection| {
            let sql = format!("SELECT count(*) FROM {table}");
            Ok::<_, StoreError>(connection.query_row(&sql, [], |row| row.get(0))?)
        });
        count.await.unwrap()
    }
}

async fn engine(dir: &tempfile::TempDir, clock: &Clock) -> Engine {
    let data_dir = dir.path().join("provider");
    Engine::start(EngineConfig { data_dir, clock: clock.clone(), root_key: "root".to_owned().into() })
        .await
        .unwrap()
}

pub(super) fn key() -> Credential {
    let p8 = SigningKey::from_scalar(&[7; 32]).unwrap().to_p8().unwrap();
    Credential::Key { key_id: "KEY4567890".to_owned(), team_id: "TEAM567890".to_owned(), p8 }
}

fn root(house: &House) -> Arc<ServerKey> {
    house.engine.key_of("root").expect("it was started with it")
}

fn registration(user: Option<&str>) -> Registration {
    serde_json::from_value(json!({ "environment": "development", "user": user })).unwrap()
}

pub(super) fn token(number: u32) -> String {
    format!("{number:064x}")
}

#[tokio::test]
async fn without_a_credential_nothing_is_planned_and_it_says_what_to_do() {
    let house = House::start().await;
    house.log_in(&token(1), "ann").await;
    let error = house.push(json!({ "user": "ann" })).await.unwrap_err();
    assert!(
        matches!(&error, EngineError::Conflict(what) if what.contains("/credentials/development")),
        "{error}"
    );
    let error =
        house.engine.put_credential(BUNDLE, HERE, Credential::Certificate { pem: "x".to_owned().into() });
    assert!(matches!(error.await, Err(EngineError::Invalid { field, .. }) if field == "certificate"));
    let house = house.with_credential().await;
    let app = house.engine.app(BUNDLE).await.unwrap();
    let shown = serde_json::to_value(&app.credentials).unwrap();
    let expected =
        json!({ "development": { "kind": "key", "key_id": "KEY4567890", "team_id": "TEAM567890" } });
    assert_eq!(shown, expected);
    assert_eq!(house.push(json!({ "user": "ann" })).await.unwrap().planned, 1);
    house.engine.shutdown().await;
}

#[tokio::test]
async fn what_cannot_be_sent_says_so_and_is_given_up_at_its_deadline_also_after_a_restart() {
    let house = House::start().await.with_credential().await;
    for number in 0..700 {
        house.log_in(&token(number), &format!("user{}", number / 100)).await;
    }
    let users: Vec<String> = (0..7).map(|number| format!("user{number}")).collect();
    let push = house.push(json!({ "users": users })).await.unwrap();
    assert_eq!(push.planned, 700);
    let house = house.restart().await;
    let shown = house.until(&push.push_id, |push| push.why.is_some()).await;
    assert!(shown.why.as_ref().is_some_and(|why| why.contains("can't connect")), "{shown:?}");
    house.clock.advance(Duration::from_secs(24 * 3600)).unwrap();
    let push = house.finished(&push.push_id).await;
    assert_eq!((push.counts.failed, push.counts.sent), (700, 0));
    assert_eq!(push.reasons.failed, [("not-sent-in-time".to_owned(), 700)].into());
    house.engine.shutdown().await;
}

#[tokio::test]
async fn keys_open_what_they_were_made_for_until_they_are_deleted() {
    let house = House::start().await;
    let wish = json!({ "name": "backend", "scopes": ["push", "read"], "apps": [BUNDLE] });
    let created = house.engine.create_key(serde_json::from_value(wish).unwrap()).await.unwrap();
    assert!(!format!("{created:?}").contains(created.secret.as_str()));
    let house = house.restart().await;
    let key = house.engine.key_of(&created.secret).expect("it was made");
    assert_eq!((&*key, house.engine.keys()), (&created.key, vec![created.key.clone()]));
    assert!(key.allows(Scope::Push) && !key.allows(Scope::Admin));
    assert!(key.allows_app(BUNDLE) && !key.allows_app("org.example.rival"));
    let root = house.engine.key_of("root").expect("it was started with it");
    assert!(root.id == "root" && root.allows(Scope::Admin) && root.allows_app("org.example.rival"));
    assert!(house.engine.key_of("").is_none() && house.engine.key_of("Root").is_none());
    house.engine.delete_key(&created.key.id).await.unwrap();
    assert!(house.engine.key_of(&created.secret).is_none());
    assert!(house.engine.delete_key("root").await.is_err());
    for wish in [json!({ "name": "", "scopes": ["read"] }), json!({ "name": "x", "scopes": [] })] {
        assert!(house.engine.create_key(serde_json::from_value(wish).unwrap()).await.is_err());
    }
    house.engine.shutdown().await;
}

#[tokio::test]
async fn lists_come_in_parts_that_join_without_gap() {
    let house = House::start().await;
    for number in 0..7 {
        house.log_in(&token(number), &format!("user{}", number / 2)).await;
    }
    house.engine.log_out(BUNDLE, &token(6), "user3", None).await.unwrap();
    let (mut names, mut after) = (Vec::new(), None);
    loop {
        let page = house.engine.users(BUNDLE, 3, after.as_deref()).await.unwrap();
        names.extend(page.items.iter().map(|user| (user.user.clone(), user.installations)));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let expected =
        [("user0", 2), ("user1", 2), ("user2", 2), ("user3", 0)].map(|(name, n)| (name.to_owned(), n));
    assert_eq!(names, expected);
    let first = house.engine.installations(BUNDLE, None, 4, None).await.unwrap();
    let rest = house.engine.installations(BUNDLE, None, 4, first.next.as_deref()).await.unwrap();
    let tokens: Vec<String> = first.items.iter().chain(&rest.items).map(|i| i.token.clone()).collect();
    assert_eq!((tokens, rest.next), ((0..7).map(token).collect(), None));
    let of_one = house.engine.installations(BUNDLE, Some("user1"), 10, None).await.unwrap();
    assert_eq!(of_one.items.len(), 2);
    assert!(house.engine.installations(BUNDLE, None, 4, Some("x")).await.is_err());
    house.engine.shutdown().await;
}

#[tokio::test]
async fn what_has_had_its_time_is_forgotten_and_what_has_not_stays() {
    let house = House::start().await.with_credential().await;
    house.log_in(&token(1), "ann").await;
    let idempotency =
        Idempotency { server_key: "root".to_owned(), key: "k".to_owned(), body_digest: [0; 32] };
    let push =
        json!({ "environment": "development", "audience": { "user": "ann" }, "content": { "body": "x" } });
    let push = serde_json::from_value(push).unwrap();
    let old = house.engine.create_push(BUNDLE, push, Some(idempotency)).await.unwrap();
    house.clock.advance(Duration::from_secs(24 * 3600)).unwrap();
    house.finished(&old.push_id).await;
    house.clock.advance(Duration::from_secs(29 * 24 * 3600)).unwrap();
    let new = house.push(json!({ "user": "ann" })).await.unwrap();
    house.clock.advance(Duration::from_secs(2 * 24 * 3600)).unwrap();
    house.finished(&new.push_id).await;
    house.sweep().await;
    assert!(matches!(house.engine.push(BUNDLE, &old.push_id).await, Err(EngineError::NotFound { .. })));
    assert!(house.engine.push(BUNDLE, &new.push_id).await.is_ok());
    let left =
        (house.rows("notifications").await, house.rows("events").await, house.rows("idempotency").await);
    assert_eq!(left, (1, 1, 0));
    house.engine.shutdown().await;
}

#[tokio::test]
async fn of_a_deleted_app_nothing_is_left() {
    let house = House::start().await.with_credential().await;
    house.log_in(&token(1), "ann").await;
    house.push(json!({ "user": "ann" })).await.unwrap();
    house.engine.delete_app(BUNDLE).await.unwrap();
    assert!(matches!(house.engine.app(BUNDLE).await, Err(EngineError::NotFound { .. })));
    let gone = async { while house.rows("deleted_apps").await > 0 {} };
    tokio::time::timeout(Duration::from_secs(30), gone).await.expect("it is swept at once");
    for table in [
        "apps",
        "push_services",
        "credentials",
        "users",
        "installations",
        "pushes",
        "notifications",
        "reasons",
        "events",
        "logouts",
        "deleted_apps",
    ] {
        assert_eq!(house.rows(table).await, 0, "{table}");
    }
    // Made again it is another one.
    assert!(house.engine.put_app(BUNDLE, AppChanges::default()).await.unwrap().1);
    assert_eq!(house.engine.status(&root(&house)).await.unwrap().installations, 0);
    house.engine.shutdown().await;
}

#[tokio::test]
async fn a_watcher_hears_of_its_push_and_of_the_end() {
    let house = House::start().await.with_credential().await;
    house.log_in(&token(1), "ann").await;
    // Which tell of their trouble, too.
    house.engine.stop_all_lanes().await;
    let mut all = house.engine.watch(BUNDLE, None).await.unwrap();
    let first = house.push(json!({ "user": "ann" })).await.unwrap();
    let mut one = house.engine.watch(BUNDLE, Some(&first.push_id)).await.unwrap();
    let second = house.push(json!({ "user": "ann" })).await.unwrap();
    assert_eq!(all.next().await, Some(PushChange::Changed(first.push_id.clone())));
    assert_eq!(all.next().await, Some(PushChange::Changed(second.push_id)));
    assert!(house.engine.watch(BUNDLE, Some("nope")).await.is_err());
    let report = Report { push_id: first.push_id.clone(), event: ReportedEvent::Opened, at: None };
    house.engine.report(BUNDLE, &token(1), None, report).await.unwrap();
    assert_eq!(one.next().await, Some(PushChange::Changed(first.push_id)));
    house.engine.shutdown().await;
    assert_eq!(one.next().await, None);
}
