//! The stream of receipts: complete, in order, resumable by any cursor, and with all that the log knows after a crash.

use std::collections::BTreeMap;
use std::time::Duration;

use homing_apns::receipts::ReceiptEvent;

use super::*;

const GENEROUS: Duration = Duration::from_secs(20);

/// A row of what was told: number, stage, label.
type Row = (u64, Stage, String);

fn topics() -> Arc<Topics> {
    Arc::new(Topics::from([(1, "com.example.news".into())]))
}

impl Bench {
    fn feed(&self, after: Option<&str>) -> ReceiptFeed {
        self.store.receipts(Environment::Development, after).expect("the cursor is one")
    }

    /// Everything that is told after the cursor by now.
    async fn told(&self, after: Option<&str>) -> Vec<(String, ReceiptEvent)> {
        self.store.flush().await.expect("it is written");
        read(&mut self.feed(after)).await
    }

    async fn rows(&self) -> Vec<Row> {
        self.told(None).await.into_iter().map(|(_, event)| row(event)).collect()
    }

    fn reached(&self, whose: &Subscribed, seq: u64, stage: Stage) {
        let (registration, at) = (whose.registration, self.clock.now());
        let event = StageEvent::Reached { seq, registration, stage, reason: None, at };
        self.store.record(event).expect("there is room");
    }

    /// One that is tried once, sent and acknowledged.
    fn once(&self, whose: &Subscribed, label: &str) -> u64 {
        let seq = self.store.seqs().next().expect("numbers are reserved");
        let notification = self.notification(Expiration::Once, label);
        let accepted = StageEvent::Accepted { seq, registration: whose.registration, notification };
        self.store.record(accepted).expect("there is room");
        self.reached(whose, seq, Stage::Sent);
        seq
    }
}

async fn read(feed: &mut ReceiptFeed) -> Vec<(String, ReceiptEvent)> {
    let mut told = Vec::new();
    loop {
        let page = feed.page(&topics()).await.expect("it is read");
        told.extend(page.events);
        if !page.is_full {
            return told;
        }
    }
}

fn row(event: ReceiptEvent) -> Row {
    assert_eq!((event.topic.as_str(), event.environment), ("com.example.news", Environment::Development));
    (event.seq, event.stage, event.apns_id)
}

fn say(seq: u64, stage: Stage, label: &str) -> Row {
    (seq, stage, label.to_owned())
}

#[tokio::test]
async fn every_end_and_every_word_of_the_device_is_told_with_its_label() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let queued = bench.queued(&whose, "Queued");
    bench.reached(&whose, queued, Stage::Sent);
    bench.end(&whose, queued, Stage::Acknowledged, None);
    // Only the first end is one.
    bench.end(&whose, queued, Stage::Expired, None);
    let old = stored(bench.away(whose.registration, "old"));
    let new = stored(bench.away(whose.registration, "new"));
    let refused = bench.notification(Expiration::Once, "once");
    let Appended::Over { seq: once } =
        bench.append(Place::Away { registration: whose.registration }, &refused)
    else {
        panic!("its device is away")
    };
    bench.store.unsubscribe(1, Environment::Development, 1, None).await.expect("it is committed");
    bench.store.flush().await.expect("it is written");
    bench.reached(&whose, queued, Stage::Displayed);
    bench.reached(&whose, queued, Stage::Opened);
    let expected = [
        say(queued, Stage::Acknowledged, "Queued"),
        say(old, Stage::Replaced, "old"),
        say(once, Stage::Discarded, "once"),
        say(new, Stage::Discarded, "new"),
        say(queued, Stage::Displayed, "Queued"),
        say(queued, Stage::Opened, "Queued"),
    ];
    let mut rows = bench.rows().await;
    // What one batch said together may stand in either order.
    rows[..4].sort_by_key(|row| row.0);
    let mut sorted = expected.clone();
    sorted[..4].sort_by_key(|row| row.0);
    assert_eq!(rows, sorted);
    let reasons: Vec<_> = bench.told(None).await.into_iter().filter_map(|(_, event)| event.reason).collect();
    assert!(reasons.contains(&Reason::DEVICE_AWAY) && reasons.contains(&Reason::UNREGISTERED), "{reasons:?}");
}

#[tokio::test]
async fn whoever_follows_other_topics_or_another_environment_hears_nothing() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let seq = bench.once(&whose, "mine");
    bench.reached(&whose, seq, Stage::Acknowledged);
    assert_eq!(bench.rows().await.len(), 1);
    let mut production = bench.store.receipts(Environment::Production, None).expect("no cursor is bad");
    assert!(read(&mut production).await.is_empty());
    let others = Arc::new(Topics::from([(2, "com.example.other".into())]));
    assert!(bench.feed(None).page(&others).await.expect("it is read").events.is_empty());
}

#[tokio::test]
async fn every_cursor_goes_on_with_exactly_what_followed_also_after_a_restart() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    for block in 0..3 {
        for at in 0..200 {
            let seq = bench.once(&whose, &format!("{block}-{at}"));
            bench.reached(&whose, seq, Stage::Acknowledged);
        }
        bench.store.flush().await.expect("it is written");
    }
    let all = bench.told(None).await;
    assert_eq!(all.len(), 600);
    drop(bench);
    let bench = Bench::open(dir.path());
    for (at, (cursor, _)) in all.iter().enumerate().step_by(37).chain([(599, &all[599])]) {
        assert!(homing_apns::receipts::is_cursor(cursor), "{cursor}");
        assert_eq!(bench.told(Some(cursor)).await, all[at + 1..], "{cursor}");
    }
    // What comes now follows the last cursor.
    let seq = bench.once(&whose, "later");
    bench.reached(&whose, seq, Stage::Acknowledged);
    let later = bench.told(Some(&all[599].0)).await;
    assert_eq!(
        later.into_iter().map(|(_, event)| row(event)).collect::<Vec<_>>(),
        [say(seq, Stage::Acknowledged, "later")]
    );
}

#[tokio::test]
async fn a_cursor_of_another_file_or_of_the_future_starts_at_the_oldest_and_nonsense_is_refused() {
    let (dir, other) = (dir(), dir());
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let seq = bench.once(&whose, "one");
    bench.reached(&whose, seq, Stage::Acknowledged);
    let told = bench.told(None).await;
    let parts: Vec<&str> = told[0].0.split('-').collect();
    assert!(bench.told(Some(&told[0].0)).await.is_empty());
    let foreign =
        format!("{:x}-{}-{}", u64::from_str_radix(parts[0], 16).expect("it is hex") ^ 1, parts[1], parts[2]);
    let future = format!("{}-{}-{}", parts[0], u64::MAX, parts[2]);
    for cursor in [foreign, future] {
        assert_eq!(bench.told(Some(&cursor)).await, told, "{cursor}");
    }
    drop(Bench::open(other.path()));
    let record = format!("{}-{}-4294967296", parts[0], parts[1]);
    for nonsense in ["x", "1", "1-2", "1-2-3-4", "1-2-", "--", "+1-2-3", "g-1-1", "1-2-3a", &record] {
        assert_eq!(
            bench.store.receipts(Environment::Development, Some(nonsense)).err(),
            Some(BadCursor),
            "{nonsense}"
        );
    }
}

#[tokio::test]
async fn whoever_waits_is_woken_by_what_is_written() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let mut feed = bench.feed(None);
    assert!(read(&mut feed).await.is_empty());
    let seq = bench.queued(&whose, "live");
    bench.end(&whose, seq, Stage::Acknowledged, None);
    let live = async {
        loop {
            feed.more().await.expect("the store is open");
            let told = read(&mut feed).await;
            if !told.is_empty() {
                return told;
            }
        }
    };
    let told = tokio::time::timeout(GENEROUS, live).await.expect("it is told");
    assert_eq!(told.len(), 1);
}

#[tokio::test]
async fn what_expires_unseen_is_told_when_the_sweep_ends_it() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let until = Expiration::At(bench.clock.now().secs() + 60);
    let place = Place::Away { registration: whose.registration };
    let seq = stored(bench.append(place, &bench.notification(until, "brief")));
    bench.clock.advance(Duration::from_secs(200)).expect("nothing is written");
    let mut feed = bench.feed(None);
    let swept = async {
        loop {
            let told = read(&mut feed).await;
            if !told.is_empty() {
                return told;
            }
            feed.more().await.expect("the store is open");
        }
    };
    let told = tokio::time::timeout(GENEROUS, swept).await.expect("it is told");
    assert_eq!(row(told[0].1.clone()), say(seq, Stage::Expired, "brief"));
    assert_eq!(told[0].1.at.secs(), until.seconds().expect("it has a time"));
}

#[tokio::test]
async fn labels_are_found_days_later_also_of_what_was_tried_once_or_has_gone_from_the_log() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let (once, kept) = (bench.once(&whose, "once"), bench.queued(&whose, "kept"));
    bench.end(&whose, kept, Stage::Acknowledged, None);
    bench.store.flush().await.expect("it is written");
    for day in 0..4 {
        bench.clock.advance(Duration::from_secs(24 * 60 * 60)).expect("nothing is written");
        for seq in [once, kept] {
            bench.reached(&whose, seq, Stage::Opened);
        }
        bench.once(&whose, &format!("noise {day}"));
        bench.store.flush().await.expect("it is written");
    }
    let gone = bench.store.call(move |scope| {
        let swept = ["DELETE FROM ended", "DELETE FROM ends", "DELETE FROM notifications"];
        for swept in swept {
            scope.connection.execute(swept, [])?;
        }
        Ok(())
    });
    gone.await.expect("it is committed");
    let mut opened = BTreeMap::new();
    for (_, event) in bench.told(None).await {
        if event.stage == Stage::Opened {
            *opened.entry(event.apns_id).or_insert(0) += 1;
        }
    }
    assert_eq!(opened, BTreeMap::from([("kept".to_owned(), 4), ("once".to_owned(), 4)]));
}

#[tokio::test]
async fn what_is_older_than_a_week_has_gone_and_its_cursor_starts_at_what_is_left() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let old = bench.once(&whose, "old");
    bench.reached(&whose, old, Stage::Acknowledged);
    let told = bench.told(None).await;
    bench.clock.advance(Duration::from_secs(9 * 24 * 60 * 60)).expect("nothing is written");
    let new = bench.once(&whose, "new");
    bench.reached(&whose, new, Stage::Acknowledged);
    for cursor in [None, Some(told[0].0.as_str())] {
        let rows: Vec<Row> = bench.told(cursor).await.into_iter().map(|(_, event)| row(event)).collect();
        assert_eq!(rows, [say(new, Stage::Acknowledged, "new")]);
    }
}

/// Copies the store's files as a crash leaves them.
fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("it exists") {
        let path = entry.expect("it is listed").path();
        std::fs::copy(&path, to.join(path.file_name().expect("it is a file"))).expect("it is copied");
    }
}

#[tokio::test]
async fn after_a_kill_no_end_is_missing_that_the_log_knows() {
    const MANY: usize = 1_500;
    let (dir, crashed) = (dir(), dir());
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let other = bench.subscribe(2).await;
    let before = bench.queued(&whose, "before");
    bench.end(&whose, before, Stage::Acknowledged, None);
    let told = bench.told(None).await;
    // From here on the second writer gets nowhere.
    let held = rusqlite::Connection::open(dir.path().join(STAGES_FILE)).expect("it opens");
    held.execute_batch("BEGIN IMMEDIATE").expect("nobody writes");
    let mut expected = BTreeMap::new();
    for at in 0..MANY {
        let seq = bench.queued(&whose, &format!("{at}"));
        bench.end(&whose, seq, Stage::Acknowledged, None);
        expected.insert(seq, Stage::Acknowledged);
    }
    expected.insert(stored(bench.away(other.registration, "old")), Stage::Replaced);
    stored(bench.away(other.registration, "new"));
    // Of what waits for a connected device only the newest outlives the process.
    expected.insert(bench.queued(&whose, "unacknowledged"), Stage::Replaced);
    bench.queued(&whose, "newest");
    bench.store.call(|_| Ok(())).await.expect("it is committed");
    copy(dir.path(), crashed.path());
    held.execute_batch("ROLLBACK").expect("it ends");
    drop(bench);

    let bench = Bench::open(crashed.path());
    let again = bench.told(Some(&told[0].0)).await;
    let mut rows: BTreeMap<u64, Stage> = again.iter().map(|(_, event)| (event.seq, event.stage)).collect();
    // Told before the crash; that it was folded in time depends on a moment of quiet.
    rows.remove(&before);
    assert_eq!(rows, expected);
    // Once handed over they may be moved out of the way, and aren't told again.
    let count = again.len();
    drop(bench);
    let bench = Bench::open(crashed.path());
    assert_eq!(bench.told(Some(&told[0].0)).await.len(), count);
}
