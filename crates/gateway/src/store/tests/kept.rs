//! Kept notifications: appended, ended, replaced, expired, and found again after a restart.

use std::time::Duration;

use super::*;

#[tokio::test]
async fn everything_answered_is_there_after_a_restart() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let first = bench.subscribe(1).await;
    let second = bench.subscribe(2).await;
    let kept = stored(bench.away(first.registration, "one"));
    let queued = bench.queued(&second, "two");
    drop(bench);

    let bench = Bench::open(dir.path());
    let again = bench.subscribe(1).await;
    assert_eq!(again.registration, first.registration);
    assert!(!again.is_new);
    let newest = again.newest.expect("it is stored");
    assert_eq!(newest.seq, kept);
    assert_eq!(&*newest.notification.apns_id, "one");
    assert_eq!(&newest.notification.payload[..], br#"{"aps":{"alert":"one"}}"#);
    assert_eq!(bench.newest(&second).await, Some(queued));
}

#[tokio::test]
async fn a_newer_one_replaces_what_waits_for_an_absent_device() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let old = stored(bench.away(whose.registration, "old"));
    let Appended::Stored { seq, replaced } = bench.away(whose.registration, "new") else {
        panic!("it is stored")
    };
    assert_eq!(replaced, Some(old));
    assert!(seq > old);
    assert_eq!(bench.newest(&whose).await, Some(seq));
    assert_eq!(bench.stages_of("old").await, [Stage::Accepted, Stage::Stored, Stage::Replaced]);
}

#[tokio::test]
async fn an_end_ends_its_own_row_only_and_the_first_end_wins() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let other = bench.subscribe(2).await;
    let first = bench.queued(&whose, "first");
    let second = bench.queued(&whose, "second");
    bench.end(&other, second, Stage::Acknowledged, None);
    bench.end(&whose, first, Stage::Acknowledged, None);
    bench.end(&whose, first, Stage::Expired, None);
    bench.end(&whose, 1 << 40, Stage::Acknowledged, None);
    assert_eq!(bench.newest(&whose).await, Some(second));
    assert_eq!(bench.stages_of("first").await, [Stage::Accepted, Stage::Stored, Stage::Acknowledged]);
    assert_eq!(bench.stages_of("second").await, [Stage::Accepted, Stage::Stored]);
}

#[tokio::test]
async fn an_end_said_before_its_append_is_committed_takes_effect_after_it() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let notification = bench.notification(Expiration::Default, "quick");
    let seq = bench.store.seqs().next().expect("numbers are reserved");
    let place =
        Place::Queued { registration: whose.registration, registration_no: whose.registration_no, seq };
    bench.store.append(Append { core: 0, ticket: 1, place, notification }).expect("the queue has room");
    bench.end(&whose, seq, Stage::Acknowledged, None);
    assert_eq!(bench.newest(&whose).await, None);
}

#[tokio::test]
async fn only_the_newest_of_a_registration_outlives_the_process() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let seqs: Vec<u64> = (0..3).map(|at| bench.queued(&whose, &format!("burst-{at}"))).collect();
    drop(bench);
    let bench = Bench::open(dir.path());
    assert_eq!(bench.newest(&whose).await, Some(seqs[2]));
    for label in ["burst-0", "burst-1"] {
        assert_eq!(bench.stages_of(label).await, [Stage::Accepted, Stage::Stored, Stage::Replaced]);
    }
}

#[tokio::test]
async fn what_has_expired_is_not_delivered_and_says_so() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let until = Expiration::At(bench.clock.now().secs() + 60);
    let appended =
        bench.append(Place::Away { registration: whose.registration }, &bench.notification(until, "brief"));
    stored(appended);
    bench.clock.advance(Duration::from_secs(61)).expect("nothing is written");
    assert_eq!(bench.stages_of("brief").await, [Stage::Accepted, Stage::Stored, Stage::Expired]);
    assert!(bench.subscribe(1).await.newest.is_none());
    assert_eq!(bench.stages_of("brief").await, [Stage::Accepted, Stage::Stored, Stage::Expired]);
}

#[tokio::test]
async fn what_has_expired_replaces_nothing_when_it_comes_nor_after_a_crash() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let place = Place::Away { registration: whose.registration };
    let valid = stored(bench.away(whose.registration, "valid"));
    let appended = bench.append(place, &bench.notification(Expiration::At(100), "late"));
    assert!(matches!(appended, Appended::Over { .. }), "{appended:?}");
    assert_eq!(bench.stages_of("late").await, [Stage::Accepted, Stage::Expired]);
    // On its way to a connected device when the process dies.
    let seq = bench.store.seqs().next().expect("numbers are reserved");
    let queued =
        Place::Queued { registration: whose.registration, registration_no: whose.registration_no, seq };
    let brief = Expiration::At(bench.clock.now().secs() + 60);
    stored(bench.append(queued, &bench.notification(brief, "brief")));
    let clock = bench.clock.clone();
    drop(bench);

    clock.advance(Duration::from_secs(61)).expect("kept nowhere");
    let bench = Bench::open_at(dir.path(), clock);
    assert_eq!(bench.newest(&whose).await, Some(valid));
    for (label, stages) in [
        ("late", &[Stage::Accepted, Stage::Expired][..]),
        ("brief", &[Stage::Accepted, Stage::Stored, Stage::Expired]),
        ("valid", &[Stage::Accepted, Stage::Stored]),
    ] {
        assert_eq!(bench.stages_of(label).await, stages, "{label}");
    }
}

#[tokio::test]
async fn what_is_replaced_after_its_time_has_expired() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let place = Place::Away { registration: whose.registration };
    let until = bench.clock.now().secs() + 60;
    stored(bench.append(place, &bench.notification(Expiration::At(until), "brief")));
    bench.clock.advance(Duration::from_secs(61)).expect("nothing is written");
    stored(bench.away(whose.registration, "newer"));
    let traces = bench.store.trace(TraceQuery::ApnsId("brief".to_owned()), 10).await.expect("it is read");
    let last = traces[0].events.last().expect("it has events");
    assert_eq!((last.stage, last.at.secs()), (Stage::Expired, until));
}

#[tokio::test]
async fn one_that_is_tried_once_is_discarded_while_its_device_is_away() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let notification = bench.notification(Expiration::Once, "once");
    let appended = bench.append(Place::Away { registration: whose.registration }, &notification);
    assert!(matches!(appended, Appended::Over { .. }), "{appended:?}");
    assert_eq!(bench.newest(&whose).await, None);
    let traces = bench.store.trace(TraceQuery::ApnsId("ONCE".to_owned()), 10).await.expect("it is read");
    let events = &traces[0].events;
    assert_eq!(
        events.iter().map(|event| event.stage).collect::<Vec<_>>(),
        [Stage::Accepted, Stage::Discarded]
    );
    assert_eq!(events[1].reason, Some(Reason::DEVICE_AWAY));
}

#[tokio::test]
async fn an_ended_registration_is_told_from_one_that_never_was() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    stored(bench.away(whose.registration, "waiting"));
    let since = bench.store.unsubscribe(1, Environment::Development, 1, None).await.expect("it is written");
    let since = since.expect("there was one");
    assert_eq!(bench.away(whose.registration, "late"), Appended::Unregistered { since });
    let never = RegistrationKey { generation: 1, ..whose.registration };
    assert_eq!(bench.away(never, "lost"), Appended::NeverRegistered);
    assert_eq!(
        bench.store.unsubscribe(1, Environment::Development, 1, None).await.expect("it is read"),
        None
    );
    let traces = bench.store.trace(TraceQuery::ApnsId("waiting".to_owned()), 10).await.expect("it is read");
    let last = traces[0].events.last().expect("it has events");
    assert_eq!((last.stage, last.reason.clone()), (Stage::Discarded, Some(Reason::UNREGISTERED)));
    // A row that the hub had on its way meanwhile isn't kept either.
    let seq = bench.store.seqs().next().expect("numbers are reserved");
    let place =
        Place::Queued { registration: whose.registration, registration_no: whose.registration_no, seq };
    let appended = bench.append(place, &bench.notification(Expiration::Default, "crossing"));
    assert_eq!(appended, Appended::Unregistered { since });
}

#[tokio::test]
async fn registering_again_within_the_same_second_makes_another_registration() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let first = bench.subscribe(1).await;
    bench.store.unsubscribe(1, Environment::Development, 1, None).await.expect("it is written");
    let second = bench.subscribe(1).await;
    assert!(second.is_new);
    assert!(second.registration.generation > first.registration.generation);
    let instance =
        bench.store.subscribe(1, Environment::Development, 1, Some("match-7")).await.expect("it subscribes");
    assert!(instance.registration.generation > second.registration.generation);
    assert_eq!(bench.subscribe(1).await.registration, second.registration);
}

#[tokio::test]
async fn a_number_is_never_given_twice_over_a_restart() {
    let dir = dir();
    let mut last = 0;
    for _ in 0..3 {
        let bench = Bench::open(dir.path());
        for _ in 0..100 {
            let seq = bench.store.seqs().next().expect("numbers are reserved");
            assert!(seq > last);
            last = seq;
        }
    }
}

#[tokio::test]
async fn a_batch_is_answered_in_one_call() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let notification = bench.notification(Expiration::Default, "many");
    const MANY: u64 = 5_000;
    for ticket in 0..MANY {
        let seq = bench.store.seqs().next().expect("numbers are reserved");
        let place =
            Place::Queued { registration: whose.registration, registration_no: whose.registration_no, seq };
        let append = Append { core: 0, ticket, place, notification: Arc::clone(&notification) };
        bench.store.append(append).expect("the queue has room");
    }
    bench.store.flush().await.expect("it is written");
    let mut calls = 0;
    let mut tickets = Vec::new();
    while let Ok(answers) = bench.answers.try_recv() {
        calls += 1;
        tickets.extend(answers.iter().map(|answer| answer.ticket));
    }
    assert_eq!(tickets, (0..MANY).collect::<Vec<_>>());
    assert!(calls < 500, "{calls} calls for {MANY} answers");
}

#[tokio::test]
async fn an_end_finds_room_when_appends_are_refused() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let (held, writer_waits) = channel::<()>();
    let (begins, began) = channel::<()>();
    // A call that waits keeps the writer busy.
    let store = bench.store.clone();
    let busy = tokio::spawn(async move {
        store
            .call(move |_| {
                let _ = begins.send(());
                let _ = writer_waits.recv();
                Ok(())
            })
            .await
    });
    tokio::task::yield_now().await;
    // What is appended from here on isn't in its batch.
    began.recv().expect("the writer runs");
    let notification = bench.notification(Expiration::Default, "much");
    let append = || {
        let seq = bench.store.seqs().next().expect("numbers are reserved");
        let place =
            Place::Queued { registration: whose.registration, registration_no: whose.registration_no, seq };
        let append = Append { core: 0, ticket: 1, place, notification: Arc::clone(&notification) };
        bench.store.append(append).map(|()| seq)
    };
    let mut taken = Vec::new();
    while let Ok(seq) = append() {
        taken.push(seq);
    }
    assert_eq!(taken.len(), APPENDS);
    for seq in &taken {
        bench.end(&whose, *seq, Stage::Acknowledged, None);
    }
    drop(held);
    busy.await.expect("it ends").expect("it is committed");
    assert_eq!(bench.newest(&whose).await, None);
    append().expect("there is room again");
}

#[tokio::test]
async fn the_log_keeps_no_payload_of_what_has_ended() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    for at in 0..1_200 {
        let seq = bench.queued(&whose, &format!("label-{at}"));
        bench.end(&whose, seq, Stage::Acknowledged, None);
    }
    let last = bench.queued(&whose, "last");
    bench.store.flush().await.expect("it is written");
    bench.store.close();
    let log = rusqlite::Connection::open(dir.path().join(LOG_FILE)).expect("it opens");
    let rows: u32 =
        log.query_row("SELECT count(*) FROM notifications", [], |row| row.get(0)).expect("it is read");
    assert!(rows < 1_100, "{rows} rows with their payloads");
    drop(log);
    let bench = Bench::open(dir.path());
    assert_eq!(bench.newest(&whose).await, Some(last));
    assert_eq!(bench.stages_of("label-0").await, [Stage::Accepted, Stage::Stored, Stage::Acknowledged]);
    assert_eq!(bench.stages_of("label-1199").await, [Stage::Accepted, Stage::Stored, Stage::Acknowledged]);
}

#[test]
fn a_second_process_is_refused() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let config = StoreConfig { dir: dir.path().to_owned(), clock: Clock::default() };
    let error = Store::open(config, vec![]).expect_err("it is in use");
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    drop(bench);
    Bench::open(dir.path());
}

#[test]
fn a_file_of_another_version_is_refused_and_left_alone() {
    let dir = dir();
    drop(Bench::open(dir.path()));
    for name in [LOG_FILE, STAGES_FILE] {
        let path = dir.path().join(name);
        let ours = std::fs::read(&path).expect("it is written");
        let newer = rusqlite::Connection::open(&path).expect("it opens");
        newer.pragma_update(None, "user_version", 99).expect("it is written");
        drop(newer);
        let before = std::fs::read(&path).expect("it is written");
        let config = StoreConfig { dir: dir.path().to_owned(), clock: Clock::default() };
        let error = Store::open(config, vec![]).expect_err("it is newer");
        assert!(matches!(error, StoreError::NewerSchema { found: 99, .. }), "{error}");
        assert!(error.to_string().contains(name), "{error}");
        assert_eq!(std::fs::read(&path).expect("it is there"), before);
        std::fs::write(&path, &ours).expect("it is put back");
        let older = rusqlite::Connection::open(&path).expect("it opens");
        older.pragma_update(None, "user_version", 1).expect("it is written");
        drop(older);
        let config = StoreConfig { dir: dir.path().to_owned(), clock: Clock::default() };
        let error = Store::open(config, vec![]).expect_err("it is older");
        assert!(matches!(error, StoreError::OlderSchema { found: 1, .. }), "{error}");
        assert!(error.to_string().contains(name) && error.to_string().contains("--data-dir"), "{error}");
        std::fs::write(&path, ours).expect("it is put back");
    }
    Bench::open(dir.path());
}

#[test]
fn a_damaged_file_is_named() {
    let dir = dir();
    for (name, bytes) in
        [(LOG_FILE, b"not a database, but long enough".as_slice()), (STAGES_FILE, b"SQLite format 3\0")]
    {
        std::fs::write(dir.path().join(name), bytes).expect("it is written");
        let config = StoreConfig { dir: dir.path().to_owned(), clock: Clock::default() };
        let error = Store::open(config, vec![]).expect_err("it is damaged");
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains(name), "{error}");
        std::fs::remove_file(dir.path().join(name)).expect("it is removed");
    }
}

#[test]
fn the_files_are_readable_by_nobody_else() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = dir();
    let bench = Bench::open(&dir.path().join("data"));
    let mode = |path: &Path| path.metadata().expect("it exists").permissions().mode() & 0o777;
    assert_eq!(mode(bench.store.dir()), 0o700);
    for entry in std::fs::read_dir(bench.store.dir()).expect("it exists") {
        let path = entry.expect("it is listed").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}
