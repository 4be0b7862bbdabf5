//! Log files as each version made them: those that are read lose nothing and are of today's version then; those that are
//! too old are refused and left as they are.

use homing_apns::{ChannelId, StoragePolicy};

use super::*;

const NOTIFICATION: &str = "9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10";
const BROADCAST: &str = "1d2c3b4a-5968-4776-8594-a3b2c1d0e0f1";

/// Each version with the SQL that its files were made by.
const VERSIONS: [(i64, &str); 5] = [
    (1, include_str!("versions/1.sql")),
    (2, include_str!("versions/2.sql")),
    (3, include_str!("versions/3.sql")),
    (4, include_str!("versions/4.sql")),
    (5, include_str!("versions/5.sql")),
];

fn write(dir: &Path, sql: &str) {
    std::fs::create_dir_all(dir).expect("it is made");
    let file = rusqlite::Connection::open(dir.join(LOG_FILE)).expect("it opens");
    file.execute_batch(sql).expect("the tables of its version");
}

fn version_of(dir: &Path) -> i64 {
    let file = rusqlite::Connection::open(dir.join(LOG_FILE)).expect("it opens");
    file.pragma_query_value(None, "user_version", |row| row.get(0)).expect("it is read")
}

#[tokio::test]
async fn a_log_of_each_version_since_the_third_is_read_with_all_that_it_had() {
    for (version, sql) in &VERSIONS[2..] {
        let dir = dir();
        write(dir.path(), sql);
        // The second time it is of today's version.
        for _ in 0..2 {
            let bench = Bench::open(dir.path());
            has_what_it_had(&bench, *version).await;
            bench.store.close();
            assert_eq!(version_of(dir.path()), VERSIONS[4].0, "since version {version}");
        }
    }
}

async fn has_what_it_had(bench: &Bench, version: i64) {
    let store = &bench.store;
    let known = store.registration(7, Environment::Development, 1, None).await.expect("it is read");
    let (key, registration_no) = known.expect("it lives");
    assert_eq!(
        (key.generation, registration_no),
        (1_795_313_045, 1),
        "version {version}: the token still holds"
    );
    let kept = store.newest(registration_no).await.expect("it is read").expect("it is stored");
    assert_eq!((kept.seq, &kept.notification.payload[..]), (41, &br#"{"aps":{"alert":"kept"}}"#[..]));
    assert_eq!((&*kept.notification.apns_id, kept.notification.priority), (NOTIFICATION, Priority::Ten));
    assert_eq!(bench.stages_of(NOTIFICATION).await, [Stage::Accepted, Stage::Stored]);
    assert!(store.seqs().next().expect("numbers are reserved") >= 65_537, "none is used again");
    let apps = store.call(|scope| {
        let query = "SELECT team, broadcast FROM apps";
        Ok(scope.connection.query_row(query, [], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?)
    });
    assert_eq!(apps.await.expect("it is read"), ("TEAM123456".to_owned(), version >= 4));
    let of = ChannelsOf { topic_no: 1, environment: Environment::Development };
    let channels = store.channels(of).await.expect("there is a table of them");
    if version < 4 {
        return assert!(channels.is_empty());
    }
    assert_eq!(channels, [ChannelId::from_bytes(b"a channel")]);
    let channel = store.channel(of, channels[0].clone()).await.expect("it is read").expect("it is there");
    assert_eq!(channel.policy, StoragePolicy::MostRecent);
    let message = store.stored_broadcast(channel.no).await.expect("it is read").expect("it is kept");
    assert_eq!((message.seq, &*message.request_id, &message.payload[..]), (42, BROADCAST, &b"{}"[..]));
    let told = bench.stages_of(BROADCAST).await;
    let expected = [Stage::Accepted, Stage::Injected, Stage::Stored];
    assert_eq!(told, if version >= 5 { &expected[..] } else { &[Stage::Accepted, Stage::Stored] });
}

#[test]
fn a_log_of_a_version_before_the_third_is_refused_and_left_alone() {
    for (version, sql) in &VERSIONS[..2] {
        let dir = dir();
        write(dir.path(), sql);
        let path = dir.path().join(LOG_FILE);
        let before = std::fs::read(&path).expect("it is there");
        let config = StoreConfig { dir: dir.path().to_owned(), clock: Clock::default() };
        let error = Store::open(config, vec![]).expect_err("it is older");
        assert!(matches!(error, StoreError::OlderSchema { found, .. } if found == *version), "{error}");
        assert_eq!(std::fs::read(&path).expect("it is there"), before);
        assert!(!dir.path().join(STAGES_FILE).exists(), "nothing else was begun");
    }
}
