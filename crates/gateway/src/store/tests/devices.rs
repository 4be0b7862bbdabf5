//! Enrolment: who is admitted, until when, how many, how fast; and what ends with a device.

use std::time::Duration;

use super::*;
use crate::centre::{Centre, EnrolmentKeySpec};

const TEAM: &str = "ABCDE12345";
const KEY: &str = "an enrolment key of the demo";

async fn centre(bench: &Bench, change: impl FnOnce(&mut EnrolmentKeySpec)) -> Centre {
    let centre = Centre::open(bench.store.clone()).await.expect("it is read");
    centre.create_team(TEAM, "Demo").await.expect("it is new");
    centre.create_app(TEAM, "com.example.news").await.expect("it is new");
    let mut spec = EnrolmentKeySpec {
        team: TEAM.to_owned(),
        apps: vec!["com.example.news".to_owned()],
        environments: vec![Environment::Development],
        quota: 100,
        per_minute: 100,
        expires_at: None,
    };
    change(&mut spec);
    centre.put_enrolment_key(KEY, spec).await.expect("it is new");
    centre
}

#[tokio::test]
async fn a_device_is_known_by_its_secret_and_may_what_its_key_lists() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let _centre = centre(&bench, |_| ()).await;
    let device = bench.store.enrol(KEY).await.expect("the key admits");
    assert_eq!(device.secret.len(), 64);
    let rights = bench.store.authenticate(device.device, &device.secret).await.expect("it is read");
    let rights = rights.expect("it is its secret");
    assert_eq!(&*rights.team, TEAM);
    assert_eq!(*rights.apps, ["com.example.news".into()]);
    assert_eq!(*rights.environments, [Environment::Development]);
    for secret in ["", "wrong", &device.secret[1..], &device.secret.to_ascii_uppercase()] {
        let rights = bench.store.authenticate(device.device, secret).await.expect("it is read");
        assert_eq!(rights, None, "{secret}");
    }
    assert_eq!(bench.store.authenticate(!device.device, &device.secret).await.expect("it is read"), None);
    assert!(!format!("{device:?}").contains(device.secret.as_str()));
    let (device, secret) = (device.device, device.secret.clone());
    drop((bench, _centre));
    let bench = Bench::open(dir.path());
    assert!(bench.store.authenticate(device, &secret).await.expect("it is read").is_some());
}

#[tokio::test]
async fn an_unknown_or_expired_key_admits_nobody() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let until = bench.clock.now().plus_millis(60_000);
    let _centre = centre(&bench, |spec| spec.expires_at = Some(until)).await;
    bench.store.enrol(KEY).await.expect("the key admits");
    assert!(matches!(bench.store.enrol("another key").await, Err(EnrolError::BadKey)));
    bench.clock.advance(Duration::from_secs(60)).expect("nothing is written");
    assert!(matches!(bench.store.enrol(KEY).await, Err(EnrolError::BadKey)));
}

#[tokio::test]
async fn a_key_admits_its_quota_and_again_when_one_has_gone() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let _centre = centre(&bench, |spec| spec.quota = 2).await;
    let first = bench.store.enrol(KEY).await.expect("the key admits");
    bench.store.enrol(KEY).await.expect("the key admits");
    assert!(matches!(bench.store.enrol(KEY).await, Err(EnrolError::QuotaReached { quota: 2 })));
    assert!(bench.store.remove_device(first.device).await.expect("it is written"));
    assert!(!bench.store.remove_device(first.device).await.expect("it is read"));
    bench.store.enrol(KEY).await.expect("there is room again");
    assert_eq!(bench.store.device_count().await.expect("it is read"), 2);
}

#[tokio::test]
async fn a_key_admits_so_many_in_a_minute_and_says_when_to_come_again() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let _centre = centre(&bench, |spec| spec.per_minute = 1).await;
    bench.store.enrol(KEY).await.expect("the key admits");
    let Err(EnrolError::TooFast { retry_after_secs }) = bench.store.enrol(KEY).await else {
        panic!("one a minute is allowed")
    };
    assert!((1..=60).contains(&retry_after_secs));
    bench.clock.advance(Duration::from_secs(u64::from(retry_after_secs))).expect("nothing is written");
    bench.store.enrol(KEY).await.expect("the minute is over");
}

#[tokio::test]
async fn everything_a_device_held_ends_with_it() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let _centre = centre(&bench, |_| ()).await;
    let device = bench.store.enrol(KEY).await.expect("the key admits").device;
    let whose = bench.subscribe(device).await;
    stored(bench.away(whose.registration, "waiting"));
    assert!(bench.store.remove_device(device).await.expect("it is written"));
    assert!(matches!(bench.away(whose.registration, "late"), Appended::Unregistered { .. }));
    let again = bench.store.subscribe(device, Environment::Development, 1, None).await;
    assert!(matches!(again, Err(StoreError::NotEnrolled)), "{again:?}");
    assert_eq!(bench.stages_of("waiting").await, [Stage::Accepted, Stage::Stored, Stage::Discarded]);
}
