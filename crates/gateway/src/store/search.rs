//! Answers a trace: finds the notifications asked for in the second file, reads their acceptance and end from the log,
//! and puts all events into one order. Both writers have been flushed before.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use homing_trace::{Event, Reason, Speaker, Stage, Trace, UnixMillis};
use rusqlite::{Connection, OptionalExtension as _};

use super::block::{Record, Records, RefusedRecord, registration_key, seq_key, token_key};
use super::filter;
use super::hot::TraceQuery;
use super::log::NEVER_STORED;
use super::row::signed;
use super::{broadcasts, label, registrations, stages};
use crate::notification::RegistrationKey;

/// The two files, for reading.
pub(crate) struct Search {
    pub(crate) log: Connection,
    pub(crate) stages: Connection,
    pub(crate) now: UnixMillis,
}

/// What the second file says of the notifications asked for.
#[derive(Default)]
struct Found {
    kept: BTreeSet<u64>,
    once: BTreeMap<u64, (RegistrationKey, String, UnixMillis)>,
    refused: Vec<RefusedRecord>,
}

impl Search {
    /// At most `limit` traces, the oldest first.
    pub(crate) fn traces(&self, query: &TraceQuery, limit: usize) -> rusqlite::Result<Vec<Trace>> {
        let found = self.find(query)?;
        let seqs: HashSet<u64> = found.kept.iter().chain(found.once.keys()).copied().collect();
        let mut stages = self.stages_of(&seqs)?;
        let mut traces = Vec::new();
        for seq in &found.kept {
            let later = stages.remove(seq).unwrap_or_default();
            if let Some(trace) = self.kept(*seq, later)? {
                traces.push(trace);
            }
        }
        for (seq, (registration, apns_id, at)) in found.once {
            let mut events = vec![Event { at, stage: Stage::Accepted, reason: None }];
            events.extend(stages.remove(&seq).unwrap_or_default());
            let topic = self.topic_name(registration.topic_no)?;
            let environment = Some(registration.environment);
            traces.push(Trace {
                apns_id,
                seq: Some(seq),
                topic,
                environment,
                events,
                apns_unique_id: None,
                broadcast: None,
            });
        }
        traces.extend(broadcasts::traces(&self.log, query, self.now)?);
        traces.extend(found.refused.into_iter().map(refused));
        traces.sort_by_key(|trace| (trace.events.first().map(|event| event.at), trace.seq));
        traces.truncate(limit);
        Ok(traces)
    }

    fn find(&self, query: &TraceQuery) -> rusqlite::Result<Found> {
        let mut found = Found::default();
        let mut keys = Vec::new();
        let registration = match query {
            TraceQuery::ApnsId(apns_id) => {
                keys.push(label::key(apns_id));
                None
            }
            TraceQuery::Seq(seq) => {
                keys.push(seq_key(*seq));
                None
            }
            TraceQuery::Token { token, registration } => {
                keys.push(token_key(token));
                keys.extend(registration.as_ref().map(registration_key));
                *registration
            }
        };
        let is_asked_for = |of: &RegistrationKey, seq: u64, label: &str| match query {
            TraceQuery::ApnsId(apns_id) => label.eq_ignore_ascii_case(apns_id),
            TraceQuery::Seq(asked) => seq == *asked,
            TraceQuery::Token { .. } => Some(*of) == registration,
        };
        self.each_record(&keys, |record| match record {
            Record::Kept { seq, registration, apns_id } => {
                if is_asked_for(&registration, seq, &apns_id) {
                    found.kept.insert(seq);
                }
            }
            Record::Accepted { seq, registration, apns_id, at } => {
                if is_asked_for(&registration, seq, &apns_id) {
                    found.once.insert(seq, (registration, apns_id, at));
                }
            }
            Record::Refused(refused) => {
                let asked_for = match query {
                    TraceQuery::ApnsId(apns_id) => refused.apns_id.eq_ignore_ascii_case(apns_id),
                    TraceQuery::Seq(_) => false,
                    TraceQuery::Token { token, .. } => {
                        refused.token.as_ref().is_some_and(|named| named.eq_ignore_ascii_case(token))
                    }
                };
                if asked_for {
                    found.refused.push(*refused);
                }
            }
            Record::Reached { .. } => {}
        })?;
        if let TraceQuery::Seq(seq) = query
            && found.once.is_empty()
        {
            // One that is kept is found by its row.
            found.kept.insert(*seq);
        }
        Ok(found)
    }

    fn stages_of(&self, seqs: &HashSet<u64>) -> rusqlite::Result<HashMap<u64, Vec<Event>>> {
        let keys: Vec<u64> = seqs.iter().map(|seq| seq_key(*seq)).collect();
        let mut stages: HashMap<u64, Vec<Event>> = HashMap::new();
        self.each_record(&keys, |record| {
            if let Record::Reached { seq, stage, reason, at, .. } = record
                && seqs.contains(&seq)
            {
                // A device that lost its PUBACK says the same again.
                let event = Event { at, stage, reason };
                let events = stages.entry(seq).or_default();
                if stage.speaker() == Speaker::PushService || !events.contains(&event) {
                    events.push(event);
                }
            }
        })?;
        Ok(stages)
    }

    /// Reads the blocks that may hold one of the keys, oldest first.
    fn each_record(&self, keys: &[u64], mut take: impl FnMut(Record)) -> rusqlite::Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        for table in stages::days(&self.stages)?.into_keys() {
            let mut records = self.stages.prepare(&format!("SELECT records FROM {table} WHERE id = ?1"))?;
            let mut filters = self.stages.prepare(&format!("SELECT id, filter FROM {table}"))?;
            let mut rows = filters.query([])?;
            while let Some(row) = rows.next()? {
                let filter = row.get_ref(1)?.as_blob()?;
                if keys.iter().any(|key| filter::may_hold(filter, *key)) {
                    let bytes: Vec<u8> = records.query_row([row.get::<_, i64>(0)?], |row| row.get(0))?;
                    Records(&bytes).for_each(&mut take);
                }
            }
        }
        Ok(())
    }

    /// The trace of a row of the log; `None` when it has gone by age.
    fn kept(&self, seq: u64, later: Vec<Event>) -> rusqlite::Result<Option<Trace>> {
        let row = self
            .log
            .prepare_cached(
                "SELECT n.registration_no, n.apns_id, n.accepted_at, n.stored_after, e.stage, e.reason, e.at, n.expires_at \
                 FROM notifications n LEFT JOIN ends e ON e.seq = n.seq WHERE n.seq = ?1 \
                 UNION ALL SELECT registration_no, apns_id, accepted_at, stored_after, stage, reason, at, NULL \
                 FROM ended WHERE seq = ?1",
            )?
            .query_row([signed(seq)], LogRow::read)
            .optional()?;
        let Some(row) = row else { return Ok(None) };
        let registration = registrations::key_of(&self.log, row.registration_no)?;
        let topic = match &registration {
            Some(registration) => self.topic_name(registration.topic_no)?,
            None => None,
        };
        let mut events = vec![Event { at: row.accepted_at, stage: Stage::Accepted, reason: None }];
        events.extend(row.stored_at.map(|at| Event { at, stage: Stage::Stored, reason: None }));
        let end = row.end.or_else(|| {
            let expired_at = row.expires_at.filter(|expires_at| *expires_at <= self.now)?;
            Some(Event { at: expired_at, stage: Stage::Expired, reason: None })
        });
        // What was sent when its time was over has expired when it was accepted.
        let end = end.map(|end| Event { at: end.at.max(row.stored_at.unwrap_or(row.accepted_at)), ..end });
        // The log has the last word on how it ended, and says it once.
        events.extend(later.into_iter().filter(|event| !is_end(event.stage)));
        insert_end(&mut events, end);
        Ok(Some(Trace {
            apns_id: row.apns_id,
            seq: Some(seq),
            topic,
            environment: registration.map(|registration| registration.environment),
            events,
            apns_unique_id: None,
            broadcast: None,
        }))
    }

    fn topic_name(&self, topic_no: u32) -> rusqlite::Result<Option<String>> {
        self.log
            .prepare_cached("SELECT name FROM topics WHERE no = ?1")?
            .query_row([topic_no], |row| row.get(0))
            .optional()
    }

    /// Whether this notification was accepted for this registration.
    pub(crate) fn was_accepted_for(&self, registration_no: u32, seq: u64) -> rusqlite::Result<bool> {
        let in_log: Option<u32> = self
            .log
            .prepare_cached(
                "SELECT registration_no FROM notifications WHERE seq = ?1 \
                 UNION ALL SELECT registration_no FROM ended WHERE seq = ?1",
            )?
            .query_row([signed(seq)], |row| row.get(0))
            .optional()?;
        if let Some(of) = in_log {
            return Ok(of == registration_no);
        }
        let Some(key) = registrations::key_of(&self.log, registration_no)? else { return Ok(false) };
        let mut found = false;
        self.each_record(&[seq_key(seq)], |record| {
            if let Record::Accepted { seq: of, registration, .. } = record {
                found |= of == seq && registration == key;
            }
        })?;
        Ok(found)
    }
}

struct LogRow {
    registration_no: u32,
    apns_id: String,
    accepted_at: UnixMillis,
    stored_at: Option<UnixMillis>,
    end: Option<Event>,
    expires_at: Option<UnixMillis>,
}

impl LogRow {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let accepted_at = UnixMillis(row.get(2)?);
        let stage: Option<u8> = row.get(4)?;
        let end = match stage.and_then(|stage| homing_trace::stage::TABLE.get(usize::from(stage))) {
            Some((stage, ..)) => Some(Event {
                at: UnixMillis(row.get(6)?),
                stage: *stage,
                reason: row.get::<_, Option<String>>(5)?.map(|reason| Reason::from_peer(&reason)),
            }),
            None => None,
        };
        Ok(Self {
            registration_no: row.get(0)?,
            apns_id: label::unpack(row.get_ref(1)?.as_blob()?).unwrap_or_default(),
            accepted_at,
            stored_at: Some(row.get(3)?)
                .filter(|after| *after != NEVER_STORED)
                .map(|after| accepted_at.plus_millis(after)),
            end,
            expires_at: row.get::<_, Option<i64>>(7)?.map(UnixMillis),
        })
    }
}

/// Whether the log itself says this stage of a kept notification.
const fn is_end(stage: Stage) -> bool {
    match stage {
        Stage::Accepted | Stage::Replaced | Stage::Expired | Stage::Discarded | Stage::Acknowledged => true,
        // Once more, while its device saved power.
        Stage::Stored
        | Stage::Refused
        | Stage::Sent
        | Stage::Displayed
        | Stage::Suppressed
        | Stage::Opened
        | Stage::Dismissed
        | Stage::Action
        | Stage::Injected => false,
    }
}

/// The push service's own events by time, `end` after all of them that it follows; what a device says stays where it
/// arrived, since its clock is its own.
fn insert_end(events: &mut Vec<Event>, end: Option<Event>) {
    let Some(end) = end else { return };
    let follows = |event: &Event| event.stage.speaker() == Speaker::PushService && event.at <= end.at;
    let at = events.iter().rposition(follows).map_or(0, |last| last + 1);
    events.insert(at, end);
}

fn refused(record: RefusedRecord) -> Trace {
    let RefusedRecord { apns_id, topic, environment, injected, reason, at, .. } = record;
    let steps = [(Stage::Injected, injected), (Stage::Refused, reason)];
    let events = steps.into_iter().filter(|(_, reason)| reason.is_some());
    let events = events.map(|(stage, reason)| Event { at, stage, reason }).collect();
    Trace { apns_id, seq: None, topic, environment, events, apns_unique_id: None, broadcast: None }
}
