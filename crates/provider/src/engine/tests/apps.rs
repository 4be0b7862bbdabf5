//! Apps: that no request which fails or is dropped leaves one halfway, and what a change or the end of one takes along.

use std::net::{SocketAddr, TcpListener};

use futures_util::FutureExt as _;

use super::*;
use crate::{AppSpec, IdentityKeySpec, Provider, ProviderConfig};

fn service(port: u16) -> PushService {
    PushService { host: "localhost".to_owned(), port, ca_pem: None }
}

fn sent_to(service: PushService) -> AppChanges {
    AppChanges { push_services: Some([(HERE, service)].into()), ..AppChanges::default() }
}

#[tokio::test]
async fn an_app_that_could_not_be_deleted_is_sent_to_as_before() {
    let house = House::start().await.with_credential().await;
    house.log_in(&token(1), "ann").await;
    let trigger = "CREATE TRIGGER never BEFORE DELETE ON apps BEGIN SELECT RAISE(ABORT, 'never'); END";
    let store = house.engine.store();
    store.write(|scope| Ok::<_, StoreError>(scope.connection.execute_batch(trigger)?)).await.unwrap();
    house.engine.delete_app(BUNDLE).await.unwrap_err();
    let push = house.push(json!({ "user": "ann" })).await.unwrap();
    let push = house.until(&push.push_id, |push| push.why.is_some()).await;
    assert!(push.why.as_ref().is_some_and(|why| why.contains("can't connect")), "{push:?}");
    house.engine.shutdown().await;
}

#[tokio::test]
async fn what_is_asked_of_an_app_is_done_whole_though_the_asker_goes_away() {
    let house = House::start().await;
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    house.engine.put_app(BUNDLE, sent_to(service(closed.port()))).await.unwrap();
    house.log_in(&token(1), "ann").await;
    assert!(house.engine.put_credential(BUNDLE, HERE, key()).now_or_never().is_none());
    // Now what was begun is in the writer's queue, before the push.
    tokio::task::yield_now().await;
    let push = house.push(json!({ "user": "ann" })).await.unwrap();
    let tried = |push: &Push| push.why.as_ref().is_some_and(|why| why.contains("can't connect"));
    house.until(&push.push_id, tried).await;
    assert!(house.engine.delete_app(BUNDLE).now_or_never().is_none());
    let gone = async { while house.engine.app(BUNDLE).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(30), gone).await.expect("it is deleted");
    assert_eq!(house.engine.lanes().trouble(lanes::lane_no(1, HERE)), None, "no lane is left");
    house.engine.shutdown().await;
}

#[tokio::test]
async fn of_two_who_delete_an_app_at_once_one_finds_none() {
    let house = House::start().await.with_credential().await;
    let both = tokio::join!(house.engine.delete_app(BUNDLE), house.engine.delete_app(BUNDLE));
    let ((Ok(()), Err(error)) | (Err(error), Ok(()))) = both else { panic!("{both:?}") };
    assert!(matches!(error, EngineError::NotFound { .. }), "{error}");
    house.engine.shutdown().await;
}

#[tokio::test]
async fn a_push_service_that_moves_drops_the_credential_of_its_environment() {
    let house = House::start().await.with_credential().await;
    house.engine.put_credential(BUNDLE, Environment::Production, key()).await.unwrap();
    let known = house.engine.app(BUNDLE).await.unwrap().push_services;
    let same = AppChanges { push_services: Some(known.clone()), ..AppChanges::default() };
    assert_eq!(house.engine.put_app(BUNDLE, same).await.unwrap().0.credentials.len(), 2);
    let here = &known[&HERE];
    let moves = [
        Some(PushService { port: here.port.wrapping_add(1).max(1), ..here.clone() }),
        Some(PushService { host: "elsewhere.example".to_owned(), ..here.clone() }),
        Some(PushService { ca_pem: Some("another".to_owned()), ..here.clone() }),
        None,
    ];
    for moved in moves {
        let services = moved.into_iter().map(|service| (HERE, service)).collect();
        let changes = AppChanges { push_services: Some(services), ..AppChanges::default() };
        let (app, _) = house.engine.put_app(BUNDLE, changes).await.unwrap();
        assert_eq!(app.credentials.keys().collect::<Vec<_>>(), [&Environment::Production], "{app:?}");
        let error = house.push(json!({ "token": token(1) })).await.unwrap_err().to_string();
        assert!(error.contains("given again"), "{error}");
        house.engine.put_credential(BUNDLE, HERE, key()).await.unwrap();
    }
    house.engine.shutdown().await;
}

#[tokio::test]
async fn a_policy_that_was_never_said_is_the_last_device() {
    let house = House::start().await;
    let (app, new) = house.engine.put_app("com.example.other", AppChanges::default()).await.unwrap();
    assert!(new && app.policy == Policy::LastDevice);
    house.engine.shutdown().await;
}

#[tokio::test]
async fn a_large_app_is_unknown_at_once_and_its_rows_go_in_parts() {
    let house = House::start().await.with_credential().await;
    // The test sweeps.
    house.engine.0.sweeping.lock().unwrap().take().expect("it runs").abort();
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2100)
        INSERT INTO installations (app_no, token, environment, registered_at)
        SELECT app_no, CAST('token ' || i AS BLOB), 'development', 1 FROM n, apps";
    let store = house.engine.store();
    store.write(move |scope| Ok::<_, StoreError>(scope.connection.execute_batch(rows)?)).await.unwrap();
    house.log_in(&token(1), "ann").await;
    let push = house.push(json!({ "user": "ann" })).await.unwrap();
    house.engine.delete_app(BUNDLE).await.unwrap();
    assert!(house.engine.push(BUNDLE, &push.push_id).await.is_err());
    let status = house.engine.status(&root(&house)).await.unwrap();
    assert_eq!((status.apps, status.installations, status.pushes_sending), (0, 0, 0));
    // Made again, it is another one while the first one's rows go.
    house.engine.put_app(BUNDLE, AppChanges::default()).await.unwrap();
    house.log_in(&token(2), "bob").await;
    let mut before = house.rows("installations").await;
    assert_eq!(before, 2_102);
    while house.engine.store().write(|scope| sweep::sweep(scope)).await.unwrap() {
        let left = house.rows("installations").await;
        assert!(before <= left + 1_000, "{before} {left}");
        before = left;
    }
    assert_eq!((before, house.rows("deleted_apps").await), (1, 0));
    assert_eq!(house.engine.status(&root(&house)).await.unwrap().installations, 1);
    house.engine.shutdown().await;
}

#[tokio::test]
async fn a_limited_key_is_told_the_size_of_its_apps() {
    let house = House::start().await;
    house.log_in(&token(1), "ann").await;
    house.engine.put_app("com.example.other", AppChanges::default()).await.unwrap();
    let wish = json!({ "name": "n", "scopes": ["read"], "apps": ["com.example.other"] });
    let limited = house.engine.create_key(serde_json::from_value(wish).unwrap()).await.unwrap().key;
    let of = async |key: &ServerKey| {
        let status = house.engine.status(key).await.unwrap();
        (status.apps, status.installations)
    };
    assert_eq!((of(&root(&house)).await, of(&limited).await), ((2, 1), (1, 0)));
    house.engine.shutdown().await;
}

/// Counts connections.
fn doorman() -> (u16, Arc<std::sync::atomic::AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, count) =
        (listener.local_addr().unwrap().port(), Arc::<std::sync::atomic::AtomicUsize>::default());
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for _ in listener.incoming() {
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
    });
    (port, count)
}

#[tokio::test]
async fn a_start_sets_its_apps_up_before_anything_is_sent_to() {
    let dir = tempfile::tempdir().unwrap();
    let start = async |port: u16, policy: Option<Policy>| {
        let environments = Environment::ALL.map(|environment| (environment, service(port)));
        let config = ProviderConfig {
            data_dir: dir.path().join("provider"),
            clock: Clock::default(),
            api: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
            api_key: "root".to_owned(),
            apps: vec![AppSpec {
                bundle_id: BUNDLE.to_owned(),
                name: "News".to_owned(),
                policy,
                push_services: environments.into(),
                credentials: Environment::ALL.map(|environment| (environment, key())).into(),
                identity_keys: vec![IdentityKeySpec {
                    kid: "k".to_owned(),
                    public_key_pem: SigningKey::from_scalar(&[7; 32])
                        .unwrap()
                        .verifying_key()
                        .to_pem()
                        .unwrap(),
                }],
            }],
            hosts: Vec::new(),
        };
        Provider::start(config).await.unwrap()
    };
    let (first, second) = (doorman(), doorman());
    let provider = start(first.0, Some(Policy::AllDevices)).await;
    provider.shutdown().await;
    // Whoever stands before this one has been counted when this one is let go.
    let mut last = std::net::TcpStream::connect(("127.0.0.1", first.0)).unwrap();
    assert_eq!(std::io::Read::read(&mut last, &mut [0]).unwrap(), 0);
    // The push service has moved, the policy isn't said: the credentials come along, and the policy stays.
    let before = first.1.load(std::sync::atomic::Ordering::SeqCst);
    let provider = start(second.0, None).await;
    let app = provider.engine().app(BUNDLE).await.unwrap();
    assert_eq!((app.credentials.len(), app.policy), (2, Policy::AllDevices));
    assert_eq!(app.push_services[&HERE].port, second.0);
    provider.shutdown().await;
    assert_eq!(first.1.load(std::sync::atomic::Ordering::SeqCst), before, "nobody tried the old place");
}
