//! The store through its public methods: what is answered is safe, what ends ends once, and what is traced is told in
//! order.

mod channels;
mod devices;
mod kept;
mod receipts;
mod traced;
mod versions;

use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use bytes::Bytes;
use homing_apns::{Expiration, Priority, PushType};
use homing_trace::{Reason, Stage};

use super::*;
use crate::notification::{Notification, RegistrationKey};

/// One core's answers.
struct Sink(Mutex<Sender<Vec<Answer>>>);

impl AnswerSink for Sink {
    fn take(&self, answers: Vec<Answer>) {
        // The test may be over.
        let _ = lock(&self.0).send(answers);
    }
}

/// A store with one core.
struct Bench {
    store: Store,
    clock: Clock,
    answers: Receiver<Vec<Answer>>,
}

impl Bench {
    fn open(dir: &Path) -> Self {
        Self::open_at(dir, Clock::default())
    }

    fn open_at(dir: &Path, clock: Clock) -> Self {
        let (sink, answers) = channel();
        let config = StoreConfig { dir: dir.to_owned(), clock: clock.clone() };
        let store = Store::open(config, vec![Arc::new(Sink(Mutex::new(sink)))]).expect("the store opens");
        Self { store, clock, answers }
    }

    async fn subscribe(&self, device: u64) -> Subscribed {
        let known = self.store.call(move |scope| {
            let query = "INSERT OR IGNORE INTO devices VALUES (?1, x'', 0, 0)";
            Ok(scope.connection.execute(query, [row::signed(device)])?)
        });
        known.await.expect("it is written");
        self.store.subscribe(device, Environment::Development, 1, None).await.expect("it subscribes")
    }

    fn notification(&self, expiration: Expiration, label: &str) -> Arc<Notification> {
        Arc::new(Notification {
            apns_id: label.into(),
            push_type: PushType::Alert,
            priority: Priority::Ten,
            collapse_id: None,
            expiration,
            accepted_at: self.clock.now(),
            payload: Bytes::from(format!(r#"{{"aps":{{"alert":"{label}"}}}}"#)),
        })
    }

    /// Appends and waits for the answer.
    fn append(&self, place: Place, notification: &Arc<Notification>) -> Appended {
        let notification = Arc::clone(notification);
        self.store.append(Append { core: 0, ticket: 7, place, notification }).expect("the queue has room");
        let answers = self.answers.recv().expect("the writer answers");
        assert_eq!(answers.len(), 1);
        assert_eq!(answers[0].ticket, 7);
        answers[0].result
    }

    fn away(&self, registration: RegistrationKey, label: &str) -> Appended {
        self.append(Place::Away { registration }, &self.notification(Expiration::Default, label))
    }

    fn queued(&self, whose: &Subscribed, label: &str) -> u64 {
        let seq = self.store.seqs().next().expect("numbers are reserved");
        let place =
            Place::Queued { registration: whose.registration, registration_no: whose.registration_no, seq };
        let appended = self.append(place, &self.notification(Expiration::Default, label));
        assert_eq!(appended, Appended::Stored { seq, replaced: None });
        seq
    }

    fn end(&self, whose: &Subscribed, seq: u64, stage: Stage, reason: Option<Reason>) {
        let at = self.clock.now();
        let Subscribed { registration, registration_no, .. } = *whose;
        let end = End { seq, registration, registration_no, stage, reason, at };
        self.store.end(end).expect("the queue has room");
    }

    async fn newest(&self, whose: &Subscribed) -> Option<u64> {
        self.store.newest(whose.registration_no).await.expect("it is read").map(|stored| stored.seq)
    }

    /// The stages of each trace found.
    async fn stages(&self, query: TraceQuery) -> Vec<Vec<Stage>> {
        let traces = self.store.trace(query, 100).await.expect("it is read");
        traces.iter().map(|trace| trace.events.iter().map(|event| event.stage).collect()).collect()
    }

    async fn stages_of(&self, label: &str) -> Vec<Stage> {
        let mut traces = self.stages(TraceQuery::ApnsId(label.to_owned())).await;
        assert_eq!(traces.len(), 1, "{label}");
        traces.remove(0)
    }
}

fn stored(appended: Appended) -> u64 {
    let Appended::Stored { seq, .. } = appended else { panic!("it should be stored: {appended:?}") };
    seq
}

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}
