//! The developer centre over a real store.

use homing_apns::jwt::SigningKey;
use homing_clock::Clock;
use homing_trace::Environment;

use super::*;
use crate::store::StoreConfig;

fn store(dir: &std::path::Path) -> Store {
    Store::open(StoreConfig { dir: dir.to_owned(), clock: Clock::default() }, vec![])
        .expect("the store opens")
}

#[tokio::test]
async fn an_app_has_a_number_for_each_of_its_topics_and_keeps_them_over_a_restart() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let opened = store(dir.path());
    let centre = Centre::open(opened.clone()).await.expect("it is read");
    centre.create_team("ABCDE12345", "Demo").await.expect("it is new");
    centre.create_app("ABCDE12345", "com.example.news").await.expect("it is new");
    let before = centre.directory();
    let voip = before.topic("com.example.news.voip").expect("an app has all topics").clone();
    assert_eq!(before.topic_name(voip.topic_no), Some("com.example.news.voip"));
    assert_eq!(&*voip.bundle_id, "com.example.news");
    centre.create_app("ABCDE12345", "com.example.news").await.expect("the same again is no change");
    assert!(Arc::ptr_eq(&before, &centre.directory()));
    opened.close();
    drop((centre, opened));

    let centre = Centre::open(store(dir.path())).await.expect("it is read");
    assert_eq!(centre.directory().topic("com.example.news.voip"), Some(&voip));
    assert_eq!(centre.directory().apps().count(), 1);
}

#[tokio::test]
async fn nothing_of_another_team_is_given_away() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let centre = Centre::open(store(dir.path())).await.expect("it is read");
    for team in ["AAAAAAAAAA", "BBBBBBBBBB"] {
        centre.create_team(team, team).await.expect("it is new");
    }
    centre.create_app("AAAAAAAAAA", "com.example").await.expect("it is new");
    let taken = centre.create_app("BBBBBBBBBB", "com.example").await;
    assert!(matches!(taken, Err(CentreError::Taken { .. })), "{taken:?}");
    let overlapping = centre.create_app("BBBBBBBBBB", "com.example.voip").await;
    assert!(overlapping.expect_err("its topic is the other app's").to_string().contains("com.example.voip"));
    assert!(centre.directory().app("com.example.voip").is_none());
    let spec = EnrolmentKeySpec {
        team: "BBBBBBBBBB".to_owned(),
        apps: vec!["com.example".to_owned()],
        environments: vec![Environment::Development],
        quota: 1,
        per_minute: 1,
        expires_at: None,
    };
    let foreign = centre.put_enrolment_key("0123456789abcdef", spec).await;
    assert!(matches!(foreign, Err(CentreError::Taken { .. })), "{foreign:?}");
}

#[tokio::test]
async fn a_provider_key_verifies_what_its_private_half_signs() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let centre = Centre::open(store(dir.path())).await.expect("it is read");
    centre.create_team("ABCDE12345", "Demo").await.expect("it is new");
    let made = centre.create_provider_key("ABCDE12345", Some("KEY1234567")).await.expect("it is new");
    let signing = SigningKey::from_p8(&made.p8_pem).expect("it is a p8");
    let directory = centre.directory();
    let known = directory.provider_key("KEY1234567").expect("it is known");
    assert_eq!(known.verifying, signing.verifying_key());
    centre.put_provider_key("ABCDE12345", "KEY1234567", &signing.verifying_key()).await.expect("no change");
    let again = centre.create_provider_key("ABCDE12345", Some("KEY1234567")).await;
    assert!(matches!(again, Err(CentreError::AnotherKey(_))), "{again:?}");
    let unnamed = centre.create_provider_key("ABCDE12345", None).await.expect("it is new");
    assert_eq!(unnamed.key_id.len(), 10);
    assert!(!format!("{made:?}").contains("PRIVATE"));
}

#[tokio::test]
async fn a_removed_app_stands_in_no_list_and_what_was_for_it_alone_is_revoked() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let centre = Centre::open(store(dir.path())).await.expect("it is read");
    centre.create_team("ABCDE12345", "Demo").await.expect("it is new");
    let apps = ["com.a", "com.b", "com.c"];
    for app in apps {
        centre.create_app("ABCDE12345", app).await.expect("it is new");
    }
    let owned = |apps: &[&str]| apps.iter().map(|app| (*app).to_owned()).collect::<Vec<_>>();
    for (key_id, apps) in [("KEYALONE00", &["com.b"][..]), ("KEYAMONG00", &apps), ("KEYOTHER00", &["com.c"])]
    {
        let spec = ProviderKeySpec {
            team: "ABCDE12345".to_owned(),
            key_id: Some(key_id.to_owned()),
            environments: vec![Environment::Production],
            apps: Some(owned(apps)),
            related_to: None,
        };
        centre.create_key(spec).await.expect("it is new");
        let spec = EnrolmentKeySpec {
            team: "ABCDE12345".to_owned(),
            apps: owned(apps),
            environments: vec![Environment::Production],
            quota: 1,
            per_minute: 1,
            expires_at: None,
        };
        centre.put_enrolment_key(&format!("an enrolment key of {key_id}"), spec).await.expect("it is new");
    }
    centre.create_provider_key("ABCDE12345", Some("KEYOFTEAM0")).await.expect("it is new");
    centre.remove_app("com.b").await.expect("it was there");
    // Made again, it is another.
    centre.create_app("ABCDE12345", "com.b").await.expect("it is new");
    let directory = centre.directory();
    let lists = directory.provider_keys().map(|key| (&*key.key_id, key.apps.clone()));
    assert_eq!(
        lists.collect::<Vec<_>>(),
        [
            ("KEYAMONG00", Some(vec!["com.a".into(), "com.c".into()])),
            ("KEYOFTEAM0", None),
            ("KEYOTHER00", Some(vec!["com.c".into()])),
        ]
    );
    let keys = centre.enrolment_keys().await.expect("they are read");
    let left = keys.into_iter().map(|key| (key.allows.apps, key.allows.expires_at.is_some()));
    assert_eq!(
        left.collect::<Vec<_>>(),
        [(owned(&[]), true), (owned(&["com.a", "com.c"]), false), (owned(&["com.c"]), false)]
    );
}

#[tokio::test]
async fn malformed_names_are_refused_with_what_is_wanted() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let centre = Centre::open(store(dir.path())).await.expect("it is read");
    for id in ["", "abcde12345", "ABCDE1234", "ABCDE123456"] {
        assert!(matches!(centre.create_team(id, "x").await, Err(CentreError::Malformed { .. })), "{id}");
    }
    centre.create_team("ABCDE12345", "Demo").await.expect("it is new");
    for bundle_id in ["", "com..x", ".com", "com/x", "com.x#", "com.x+"] {
        let refused = centre.create_app("ABCDE12345", bundle_id).await;
        assert!(matches!(refused, Err(CentreError::Malformed { .. })), "{bundle_id}");
    }
    for suffixed in ["com.x.voip", "com.x.push-type.liveactivity", "com.x.complication"] {
        let refused = centre.create_app("ABCDE12345", suffixed).await.expect_err("its topics are another's");
        assert!(refused.to_string().contains("suffix of a push type"), "{refused}");
    }
    let mdm = "com.apple.mgmt.External.0b2f";
    centre.create_app("ABCDE12345", mdm).await.expect("it is new");
    assert_eq!(centre.directory().app(mdm).expect("it is made").topics, [mdm.into()]);
    let missing = centre.create_app("ZZZZZZZZZZ", "com.example").await;
    assert!(matches!(missing, Err(CentreError::Missing { .. })), "{missing:?}");
}
