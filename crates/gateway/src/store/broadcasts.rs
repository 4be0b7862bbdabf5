//! Broadcasts in the log's file: each is a row from its acceptance on, of which a channel's policy keeps the most recent
//! with its payload. What became of it is counted over all its receivers, not told of each. When one is sent is decided by
//! the provider port, to whom by the hub.

use bytes::Bytes;
use homing_apns::{ChannelId, Expiration, Priority, StoragePolicy};
use homing_trace::{Event, Reason, Stage, Trace, UnixMillis};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::Store;
use super::channels::{self, Channel, ChannelsOf};
use super::error::StoreError;
use super::hot::TraceQuery;
use super::label;
use super::log::TRACE_MILLIS;
use super::row::{environment_number, environment_of, signed, unsigned};
use super::tally::Tallies;
use super::writer::Scope;

/// All tables of channels, and which apps have them.
pub(super) const SCHEMA: &str = "
ALTER TABLE apps ADD COLUMN broadcast INTEGER NOT NULL DEFAULT 0;
CREATE TABLE channels(
    no INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL, topic_no INTEGER NOT NULL, environment INTEGER NOT NULL,
    policy INTEGER NOT NULL, created_at INTEGER NOT NULL);
CREATE UNIQUE INDEX channels_by_id ON channels(topic_no, environment, id);
CREATE TABLE broadcasts(
    seq INTEGER PRIMARY KEY, channel_no INTEGER NOT NULL, channel_id BLOB NOT NULL, topic_no INTEGER NOT NULL,
    environment INTEGER NOT NULL, request_id BLOB NOT NULL, label_key INTEGER NOT NULL, priority INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL, stored_at INTEGER, expires_at INTEGER, payload BLOB,
    stage INTEGER, reason TEXT, at INTEGER,
    sent INTEGER NOT NULL DEFAULT 0, acknowledged INTEGER NOT NULL DEFAULT 0, refused INTEGER NOT NULL DEFAULT 0,
    sent_at INTEGER);
CREATE INDEX broadcasts_by_label ON broadcasts(label_key);
CREATE UNIQUE INDEX broadcasts_stored ON broadcasts(channel_no) WHERE payload IS NOT NULL;
CREATE INDEX broadcasts_expiring ON broadcasts(expires_at) WHERE payload IS NOT NULL;
";

/// What a tester's rule did to one that was taken.
pub(super) const INJECTED: &str = "ALTER TABLE broadcasts ADD COLUMN injected TEXT;";

/// How long a channel's most recent message is kept (*Setting up broadcast push notifications*).
pub(crate) const KEPT_MILLIS: i64 = 8 * 60 * 60 * 1000;

/// Rows swept in one step.
const SWEEP_ROWS: u32 = 256;

/// A broadcast on its way into the file.
#[derive(Clone, Debug)]
pub(crate) struct NewBroadcast {
    pub(crate) of: ChannelsOf,
    pub(crate) id: ChannelId,
    pub(crate) request_id: Box<str>,
    pub(crate) priority: Priority,
    pub(crate) expiration: Expiration,
    pub(crate) accepted_at: UnixMillis,
    pub(crate) payload: Bytes,
    pub(crate) injected: Option<Reason>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broadcasted {
    /// It has its number; `expires_at` is `None` when it is for those only who are there now.
    Accepted {
        channel: Channel,
        seq: u64,
        expires_at: Option<UnixMillis>,
    },
    NotRegistered,
    /// A channel that stores nothing takes no expiration.
    BadExpiration,
    /// More than the channel's publishing budget.
    TooMany,
    /// No number could be given.
    Overloaded,
}

/// The message that a channel keeps.
#[derive(Clone, Debug)]
pub(crate) struct StoredBroadcast {
    pub(crate) seq: u64,
    pub(crate) request_id: Box<str>,
    pub(crate) priority: Priority,
    pub(crate) expires_at: UnixMillis,
    pub(crate) payload: Bytes,
}

impl NewBroadcast {
    fn write(self, scope: &Scope<'_>, store: &Tallies) -> rusqlite::Result<Broadcasted> {
        let Some(channel) = channels::find(scope.connection, self.of, &self.id)? else {
            return Ok(Broadcasted::NotRegistered);
        };
        let expires_at = match (channel.policy, self.expiration) {
            (StoragePolicy::Nothing, Expiration::At(_)) => return Ok(Broadcasted::BadExpiration),
            (StoragePolicy::Nothing, Expiration::Once | Expiration::Default)
            | (StoragePolicy::MostRecent, Expiration::Once) => None,
            (StoragePolicy::MostRecent, Expiration::Default) => {
                Some(self.accepted_at.plus_millis(KEPT_MILLIS))
            }
            (StoragePolicy::MostRecent, Expiration::At(seconds)) => {
                Some(UnixMillis::from_secs(seconds).min(self.accepted_at.plus_millis(KEPT_MILLIS)))
            }
        };
        if !store.may_broadcast(channel, scope.now) {
            return Ok(Broadcasted::TooMany);
        }
        let Ok(seq) = store.seqs.next() else { return Ok(Broadcasted::Overloaded) };
        let is_over = expires_at.is_some_and(|at| at <= scope.now);
        if expires_at.is_some() && !is_over {
            end(scope.connection, channel.no, &(Stage::Replaced, None, scope.now))?;
        }
        self.insert(scope, channel, (seq, expires_at, is_over))?;
        Ok(Broadcasted::Accepted { channel, seq, expires_at })
    }

    fn insert(
        &self,
        scope: &Scope<'_>,
        channel: Channel,
        (seq, expires_at, is_over): (u64, Option<UnixMillis>, bool),
    ) -> rusqlite::Result<()> {
        let mut request_id = Vec::with_capacity(17);
        label::pack(&self.request_id, &mut request_id);
        let payload = expires_at.filter(|_| !is_over).map(|_| &self.payload[..]);
        let (stage, at) = if is_over { (Some(Stage::Expired as u8), expires_at) } else { (None, None) };
        scope
            .connection
            .prepare_cached(
                "INSERT INTO broadcasts(seq, channel_no, channel_id, topic_no, environment, request_id, label_key, \
                 priority, accepted_at, stored_at, expires_at, payload, stage, at, injected) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            )?
            .execute(params![
                signed(seq),
                channel.no,
                self.id.as_bytes(),
                self.of.topic_no,
                environment_number(self.of.environment),
                request_id,
                signed(label::key(&self.request_id)),
                self.priority.number(),
                self.accepted_at.0,
                expires_at.map(|_| scope.now.0.max(self.accepted_at.0)),
                expires_at.map(|at| at.0),
                payload,
                stage,
                at.map(|at| at.0),
                self.injected.as_ref().map(Reason::as_str),
            ])
            .map(|_| ())
    }
}

/// The channel's message ends, if it has one: its payload goes, its row stays for the trace.
fn end(
    connection: &Connection,
    channel_no: u32,
    (stage, reason, at): &(Stage, Option<Reason>, UnixMillis),
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE broadcasts SET payload = NULL, stage = ?2, reason = ?3, at = ?4 \
             WHERE channel_no = ?1 AND payload IS NOT NULL",
        )?
        .execute(params![channel_no, *stage as u8, reason.as_ref().map(Reason::as_str), at.0])
        .map(|_| ())
}

/// What a deleted channel had kept.
pub(super) fn end_stored(connection: &Connection, channel_no: u32, now: UnixMillis) -> rusqlite::Result<()> {
    end(connection, channel_no, &(Stage::Discarded, Some(Reason::CHANNEL_DELETED), now))
}

fn stored(
    connection: &Connection,
    channel_no: u32,
    now: UnixMillis,
) -> rusqlite::Result<Option<StoredBroadcast>> {
    connection
        .prepare_cached(
            "SELECT seq, request_id, priority, expires_at, payload FROM broadcasts \
             WHERE channel_no = ?1 AND payload IS NOT NULL AND expires_at > ?2",
        )?
        .query_row(params![channel_no, now.0], |row| {
            Ok(StoredBroadcast {
                seq: unsigned(row.get(0)?),
                request_id: label::unpack(row.get_ref(1)?.as_blob()?).unwrap_or_default().into(),
                priority: Priority::from_number(row.get(2)?).unwrap_or_default(),
                expires_at: UnixMillis(row.get(3)?),
                payload: Bytes::from(row.get::<_, Vec<u8>>(4)?),
            })
        })
        .optional()
}

/// Bounded work for quiet moments: what is over loses its payload, what is old goes.
pub(super) fn sweep(connection: &Connection, now: UnixMillis) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE broadcasts SET payload = NULL, stage = ?1, at = expires_at WHERE seq IN \
             (SELECT seq FROM broadcasts WHERE payload IS NOT NULL AND expires_at <= ?2 LIMIT ?3)",
        )?
        .execute(params![Stage::Expired as u8, now.0, SWEEP_ROWS])?;
    // Numbers rise with time, so the oldest rows come first.
    connection
        .prepare_cached(
            "DELETE FROM broadcasts WHERE seq IN (SELECT seq FROM broadcasts ORDER BY seq LIMIT ?2) \
             AND payload IS NULL AND accepted_at < ?1",
        )?
        .execute(params![now.plus_millis(-TRACE_MILLIS).0, SWEEP_ROWS])?;
    Ok(())
}

/// The traces of all broadcasts that are asked for by their label or number; they are for no one device token.
pub(super) fn traces(
    connection: &Connection,
    asked: &TraceQuery,
    now: UnixMillis,
) -> rusqlite::Result<Vec<Trace>> {
    let (column, key) = match asked {
        TraceQuery::ApnsId(label) => ("label_key", label::key(label)),
        TraceQuery::Seq(seq) => ("seq", *seq),
        TraceQuery::Token { .. } => return Ok(Vec::new()),
    };
    let mut query = connection.prepare_cached(&format!(
        "SELECT b.seq, b.request_id, b.environment, t.name, b.channel_id, b.accepted_at, b.stored_at, b.stage, b.reason, \
         b.at, b.sent, b.acknowledged, b.refused, b.sent_at, b.expires_at, b.injected FROM broadcasts b \
         LEFT JOIN topics t ON t.no = b.topic_no WHERE b.{column} = ?1 ORDER BY b.seq"
    ))?;
    let mut rows = query.query([signed(key)])?;
    let mut traces = Vec::new();
    while let Some(row) = rows.next()? {
        let apns_id = label::unpack(row.get_ref(1)?.as_blob()?).unwrap_or_default();
        let is_asked_for = match asked {
            TraceQuery::ApnsId(label) => apns_id.eq_ignore_ascii_case(label),
            TraceQuery::Seq(_) | TraceQuery::Token { .. } => true,
        };
        if is_asked_for {
            traces.push(Trace {
                apns_id,
                seq: Some(unsigned(row.get(0)?)),
                topic: row.get(3)?,
                environment: environment_of(row.get(2)?),
                events: events(row, now)?,
                apns_unique_id: None,
                broadcast: Some(homing_trace::Broadcast {
                    channel: ChannelId::from_bytes(row.get_ref(4)?.as_blob()?).to_string(),
                    sent: row.get(10).map(unsigned)?,
                    acknowledged: row.get(11).map(unsigned)?,
                    refused: row.get(12).map(unsigned)?,
                }),
            });
        }
    }
    Ok(traces)
}

/// Accepted, a tester's doing, stored, first sent, and how it ended, by time.
fn events(row: &rusqlite::Row<'_>, now: UnixMillis) -> rusqlite::Result<Vec<Event>> {
    let time = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(UnixMillis));
    let event = |stage| move |at| Event { at, stage, reason: None };
    let mut events = vec![Event { at: UnixMillis(row.get(5)?), stage: Stage::Accepted, reason: None }];
    let injected = row.get::<_, Option<String>>(15)?.map(|word| Reason::from_peer(&word));
    events.extend(injected.map(|word| Event {
        at: events[0].at,
        stage: Stage::Injected,
        reason: Some(word),
    }));
    events.extend(time(6)?.map(event(Stage::Stored)));
    let stage = row.get::<_, Option<u8>>(7)?.and_then(|no| homing_trace::stage::TABLE.get(usize::from(no)));
    let end = match (stage, time(9)?) {
        (Some((stage, ..)), Some(at)) => {
            let reason = row.get::<_, Option<String>>(8)?.map(|reason| Reason::from_peer(&reason));
            Some(Event { at, stage: *stage, reason })
        }
        _ => time(14)?.filter(|at| *at <= now).map(event(Stage::Expired)),
    };
    let mut later: Vec<Event> = time(13)?.map(event(Stage::Sent)).into_iter().chain(end).collect();
    later.sort_by_key(|event| event.at);
    events.extend(later);
    Ok(events)
}

impl Store {
    /// Writes a broadcast down, and stores it where its channel's policy says so; committed before it answers.
    pub(crate) async fn broadcast(&self, broadcast: NewBroadcast) -> Result<Broadcasted, StoreError> {
        let tallies = self.tallies().clone();
        self.call(move |scope| Ok(broadcast.write(scope, &tallies)?)).await
    }

    /// The message that the channel keeps, unless its time is over.
    pub(crate) async fn stored_broadcast(
        &self,
        channel_no: u32,
    ) -> Result<Option<StoredBroadcast>, StoreError> {
        self.call(move |scope| Ok(stored(scope.connection, channel_no, scope.now)?)).await
    }
}
