//! The store as the engine sees it: batches, answers, effects, readers.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().to_owned(), Clock::default()).unwrap();
    (dir, store)
}

fn add(scope: &Scope<'_>, bundle_id: &str) -> Result<(), StoreError> {
    scope
        .connection
        .execute("INSERT INTO apps (bundle_id, name, policy) VALUES (?1, '', '')", [bundle_id])
        .map(drop)
        .map_err(StoreError::from)
}

async fn count(store: &Store) -> u64 {
    let count = store.read(|connection| {
        let count = connection.query_row("SELECT count(*) FROM apps", [], |row| row.get(0));
        count.map_err(StoreError::from)
    });
    count.await.unwrap()
}

#[tokio::test]
async fn a_call_that_fails_takes_back_what_it_wrote_and_what_was_to_follow() {
    let (_dir, store) = store();
    let followed = Arc::new(AtomicUsize::new(0));
    let write = |bundle_id: &'static str, fails: bool| {
        let followed = Arc::clone(&followed);
        store.write(move |scope| {
            add(scope, bundle_id)?;
            scope.afterwards(move || {
                followed.fetch_add(1, Ordering::SeqCst);
            });
            if fails { Err(StoreError::Busy) } else { Ok(()) }
        })
    };
    let (good, bad, other) = tokio::join!(write("a", false), write("b", true), write("c", false));
    assert!(good.is_ok() && other.is_ok());
    assert!(matches!(bad, Err(StoreError::Busy)));
    assert_eq!((count(&store).await, followed.load(Ordering::SeqCst)), (2, 2));
}

#[tokio::test]
async fn what_follows_from_a_batch_has_happened_when_any_of_its_calls_is_answered() {
    let (_dir, store) = store();
    let followed = Arc::new(AtomicUsize::new(0));
    let calls = (0..200).map(|n| {
        let (store, followed) = (store.clone(), Arc::clone(&followed));
        async move {
            let effect = Arc::clone(&followed);
            let write = store.write(move |scope| {
                add(scope, &n.to_string())?;
                scope.afterwards(move || {
                    effect.fetch_add(1, Ordering::SeqCst);
                });
                Ok::<_, StoreError>(())
            });
            write.await.unwrap();
            assert!(followed.load(Ordering::SeqCst) > 0);
        }
    });
    futures_util::future::join_all(calls).await;
    assert_eq!(followed.load(Ordering::SeqCst), 200);
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_close_and_a_closed_store_says_so() {
    let (dir, store) = store();
    store.write(|scope| add(scope, "a")).await.unwrap();
    store.close();
    assert!(matches!(store.write(|scope| add(scope, "b")).await, Err(StoreError::Closed)));
    let store = Store::open(dir.path().to_owned(), Clock::default()).unwrap();
    assert_eq!(count(&store).await, 1);
}

/// Holds the writer up until the sender is used: what is called meanwhile is one batch.
async fn hold_up(store: &Store) -> std::sync::mpsc::Sender<()> {
    let (go, gone) = std::sync::mpsc::channel();
    let (begun, begins) = tokio::sync::oneshot::channel();
    let store = store.clone();
    tokio::spawn(async move {
        let held = store.write(move |_| {
            begun.send(()).unwrap();
            gone.recv().unwrap();
            Ok::<_, StoreError>(())
        });
        held.await
    });
    begins.await.unwrap();
    go
}

#[tokio::test]
async fn nothing_of_a_batch_that_sqlite_rolled_back_is_written() {
    let (_dir, store) = store();
    let followed = Arc::new(AtomicUsize::new(0));
    let go = hold_up(&store).await;
    let write = |bundle_id: &'static str| {
        let followed = Arc::clone(&followed);
        store.write(move |scope| {
            add(scope, bundle_id)?;
            scope.afterwards(move || {
                followed.fetch_add(1, Ordering::SeqCst);
            });
            Ok::<_, StoreError>(())
        })
    };
    // As SQLite does by itself when the disk is full.
    let full = store.write(|scope| {
        scope.connection.execute_batch("ROLLBACK")?;
        Err::<(), _>(StoreError::Busy)
    });
    let released = async { go.send(()).unwrap() };
    let (before, full, after, ()) = tokio::join!(write("a"), full, write("b"), released);
    for answer in [before, full, after] {
        assert!(matches!(answer, Err(StoreError::Commit { .. })), "{answer:?}");
    }
    assert_eq!((count(&store).await, followed.load(Ordering::SeqCst)), (0, 0));
    store.write(|scope| add(scope, "c")).await.unwrap();
    assert_eq!(count(&store).await, 1);
}

#[tokio::test]
async fn a_panic_in_a_call_ends_that_call_alone() {
    let (_dir, store) = store();
    let panics = store.write(|scope| -> Result<(), StoreError> {
        add(scope, "a")?;
        panic!("as a test wants it");
    });
    assert!(matches!(panics.await, Err(StoreError::Panicked)));
    store.write(|scope| add(scope, "b")).await.unwrap();
    assert_eq!(count(&store).await, 1);
}
