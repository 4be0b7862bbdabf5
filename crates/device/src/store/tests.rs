//! The device's file, by itself.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn open(dir: &tempfile::TempDir) -> Store {
    Store::open(&dir.path().join("iphone.db"), "iphone").expect("it opens")
}

#[test]
fn only_the_owner_reads_the_file() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    drop(open(&dir));
    let mode = std::fs::metadata(dir.path().join("iphone.db")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_newer_file_is_refused_untouched() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("iphone.db");
    let db = Connection::open(&path).expect("it opens");
    db.pragma_update(None, "user_version", 99).expect("it is written");
    drop(db);
    assert!(matches!(Store::open(&path, "iphone"), Err(StoreError::Newer { found: 99, .. })));
}

#[test]
fn the_same_seq_arrives_once() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let store = open(&dir);
    let now = UnixMillis(1_000);
    assert!(store.is_first_arrival(7, now).expect("it is kept"));
    assert!(!store.is_first_arrival(7, now).expect("it is kept"));
    assert!(store.is_first_arrival(u64::MAX, now).expect("it is kept"));
    store.forget_arrivals(now.plus_millis(SEEN_KEPT_MILLIS + 1)).expect("they are removed");
    assert!(store.is_first_arrival(7, now).expect("it is kept"));
}

#[test]
fn a_state_written_whole_begins_the_journal_anew() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let store = open(&dir);
    store.write_journal(UnixMillis(5), "{}").expect("it is written");
    assert_eq!(store.journal().expect("it is read"), [(UnixMillis(5), "{}".to_owned())]);
    store.save_center(b"{}").expect("it is written");
    assert!(store.journal().expect("it is read").is_empty());
    assert_eq!(store.center().expect("it is read").as_deref(), Some(&b"{}"[..]));
}

#[test]
fn what_was_rolled_back_is_not_there_and_what_was_committed_survives() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let store = open(&dir);
    store.begin().expect("it begins");
    store.owe_receipt("development", "com.example.news", b"1").expect("it is written");
    store.roll_back();
    store.begin().expect("it begins");
    store.owe_receipt("development", "com.example.news", b"2").expect("it is written");
    store.commit().expect("it is committed");
    drop(store);
    let store = open(&dir);
    let owed = store.owed_receipts(0, 10).expect("they are read");
    assert_eq!(owed.iter().map(|receipt| receipt.body.as_slice()).collect::<Vec<_>>(), [b"2"]);
    store.receipt_taken(owed[0].no).expect("it is removed");
    assert!(store.owed_receipts(0, 10).expect("they are read").is_empty());
}
