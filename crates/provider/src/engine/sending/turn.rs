//! A lane's turn with the writer: what was tried is settled, what is overdue is given up, what is due gets its place again,
//! and the next notifications are claimed. It runs in the writer's order, so that the gate knows every change after it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use homing_apns::{ApnsId, DeliveryOptions, DeviceTokenHex, Expiration, Priority};
use homing_apns_client::Request;
use homing_trace::{Environment, UnixMillis};
use rusqlite::{Connection, Row, params};

use super::settle::{Settled, give_up, settle};
use crate::engine::apps::{self, Answer};
use crate::engine::changes::Changes;
use crate::engine::content::with_homing;
use crate::engine::installations::standing;
use crate::engine::ledger::{Of, Tally};
use crate::engine::names::user_tag;
use crate::engine::standings::Standings;
use crate::store::{Scope, StoreError};

/// Rows given up or put in place again in one turn: other writers wait meanwhile.
const MOST: usize = 500;

/// A notification that this lane sends, and nobody else.
#[derive(Clone, Debug)]
pub(super) struct Claimed {
    pub(super) of: Of,
    pub(super) installation_no: i64,
    pub(super) user: Option<String>,
    tagged: bool,
    /// Tries before.
    pub(super) attempts: u32,
    /// What the last of them came to.
    pub(super) last_reason: Option<String>,
    pub(super) push: Arc<Message>,
    token: DeviceTokenHex,
    apns_id: ApnsId,
}

/// What the notifications of a push have in common.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) environment: Environment,
    pub(super) deadline: UnixMillis,
    bundle_id: String,
    push_id: String,
    payload: String,
    options: DeliveryOptions,
}

impl Message {
    /// The app's and the push's.
    pub(super) fn names(&self) -> (&str, &str) {
        (&self.bundle_id, &self.push_id)
    }
}

impl Claimed {
    /// The same at every try.
    pub(super) fn request(&self) -> Request {
        let Message { bundle_id, push_id, payload, options, .. } = self.push.as_ref();
        let tag = self.user.as_deref().filter(|_| self.tagged).map(|user| user_tag(bundle_id, user));
        Request {
            token: self.token,
            options: DeliveryOptions { apns_id: Some(self.apns_id), ..options.clone() },
            payload: with_homing(payload, push_id, tag.as_deref()).into(),
        }
    }
}

/// What a turn is about.
pub(super) struct Asked {
    pub(super) lane: i64,
    pub(super) settled: Arc<Vec<Settled>>,
    /// Claimed before and not settled yet.
    pub(super) held: HashSet<i64>,
    /// How many more may be claimed.
    pub(super) room: usize,
    /// Where what is new begins in the order of sending.
    pub(super) place: i64,
    pub(super) standings: Standings,
    pub(super) changes: Changes,
}

/// What a turn gave.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) claimed: Vec<Claimed>,
    /// The place after the last claimed one.
    pub(super) place: i64,
    /// When there is something to do again, should nothing happen before.
    pub(super) next: Option<UnixMillis>,
}

impl Asked {
    pub(super) fn take(self, scope: &mut Scope<'_>) -> Answer<Given> {
        let mut tally = Tally::default();
        for settled in self.settled.iter() {
            settle(scope, settled, &mut tally, &self.standings)?;
        }
        let more = self.give_up_overdue(scope, &mut tally)?;
        let changed = tally.write(scope.connection, scope.now)?;
        self.changes.tell_after(scope, changed)?;
        self.put_in_place(scope)?;
        let mut given = self.claim(scope)?;
        given.next = if more { Some(scope.now) } else { self.next(scope)? };
        Ok(given)
    }

    /// Whether there is more than was done.
    fn give_up_overdue(&self, scope: &Scope<'_>, tally: &mut Tally) -> Answer<bool> {
        let overdue: Vec<(i64, i64, Option<String>)> = scope
            .connection
            .prepare_cached(
                "SELECT n.push_no, notification_no, reason FROM pushes AS p JOIN notifications AS n USING (push_no)
                 WHERE p.lane = ?1 AND finished_at IS NULL AND deadline_at <= ?2
                     AND (turn IS NOT NULL OR due_at IS NOT NULL) LIMIT ?3",
            )?
            .query_map(params![self.lane, scope.now.0, MOST + self.held.len()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        let mut given_up = 0;
        for (push_no, notification_no, reason) in overdue {
            if !self.held.contains(&notification_no) {
                let of = Of { push_no, notification_no };
                give_up(scope.connection, of, reason.as_deref(), scope.now, tally)?;
                given_up += 1;
            }
        }
        Ok(given_up >= MOST)
    }

    fn put_in_place(&self, scope: &Scope<'_>) -> Answer<()> {
        scope
            .connection
            .prepare_cached(
                "UPDATE notifications SET turn = ?3, due_at = NULL WHERE notification_no IN
                     (SELECT notification_no FROM notifications WHERE lane = ?1 AND due_at <= ?2 LIMIT ?4)",
            )?
            .execute(params![self.lane, scope.now.0, self.place, MOST])?;
        Ok(())
    }

    fn claim(&self, scope: &mut Scope<'_>) -> Answer<Given> {
        let mut given = Given { place: self.place, ..Given::default() };
        if self.room == 0 {
            return Ok(given);
        }
        let mut messages = HashMap::new();
        let connection = scope.connection;
        let mut select = connection.prepare_cached(
            "SELECT push_no, notification_no, installation_no, user, attempts, token, apns_id, turn, reason, tagged
             FROM notifications WHERE lane = ?1 AND turn IS NOT NULL ORDER BY turn, notification_no LIMIT ?2",
        )?;
        let mut rows = select.query(params![self.lane, self.room + self.held.len()])?;
        while let Some(row) = rows.next()? {
            let of = Of { push_no: row.get(0)?, notification_no: row.get(1)? };
            if given.claimed.len() == self.room || self.held.contains(&of.notification_no) {
                continue;
            }
            let push = match messages.get(&of.push_no) {
                Some(message) => Arc::clone(message),
                None => {
                    let message = Arc::new(message(connection, of.push_no)?);
                    messages.insert(of.push_no, Arc::clone(&message));
                    message
                }
            };
            given.place = given.place.max(row.get::<_, i64>(7)? + 1);
            given.claimed.push(claimed(row, of, push)?);
        }
        for claimed in &given.claimed {
            let (number, standings) = (claimed.installation_no, self.standings.clone());
            let standing = standing(connection, number)?;
            scope.afterwards(move || standings.watch(number, standing));
        }
        Ok(given)
    }

    fn next(&self, scope: &Scope<'_>) -> Answer<Option<UnixMillis>> {
        let soonest: Option<i64> = scope
            .connection
            .prepare_cached(
                "SELECT min(at) FROM (
                     SELECT min(due_at) AS at FROM notifications WHERE lane = ?1 AND due_at IS NOT NULL
                     UNION ALL SELECT min(deadline_at) FROM pushes
                         WHERE lane = ?1 AND finished_at IS NULL AND deadline_at > ?2)",
            )?
            .query_row(params![self.lane, scope.now.0], |row| row.get(0))?;
        Ok(soonest.map(UnixMillis))
    }
}

/// The first place that is not settled: where a lane begins after a start.
pub(in crate::engine) fn first_place(connection: &Connection, lane: i64) -> Result<i64, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT coalesce(min(turn), 0) FROM notifications WHERE lane = ?1 AND turn IS NOT NULL",
    )?;
    Ok(select.query_row([lane], |row| row.get(0))?)
}

fn claimed(row: &Row<'_>, of: Of, push: Arc<Message>) -> Answer<Claimed> {
    let (token, apns_id): (Vec<u8>, [u8; 16]) = (row.get(5)?, row.get(6)?);
    let unreadable =
        |_| StoreError::Damaged { detail: format!("notification {} can't be read", of.notification_no) };
    Ok(Claimed {
        of,
        installation_no: row.get(2)?,
        user: row.get(3)?,
        tagged: row.get(9)?,
        attempts: row.get(4)?,
        last_reason: row.get(8)?,
        push,
        token: crate::engine::names::hex(&token).parse().map_err(unreadable)?,
        apns_id: uuid::Uuid::from_bytes(apns_id).to_string().parse().map_err(unreadable)?,
    })
}

fn message(connection: &Connection, push_no: i64) -> Answer<Message> {
    let mut select = connection.prepare_cached(
        "SELECT bundle_id, environment, deadline_at, push_id, payload, topic, push_type, priority, expiration,
             collapse_id
         FROM pushes JOIN apps USING (app_no) WHERE push_no = ?1",
    )?;
    let message = select.query_row([push_no], |row| {
        let text = |column: usize| row.get::<_, Option<String>>(column);
        let options = DeliveryOptions {
            apns_id: None,
            topic: text(5)?.and_then(|topic| topic.parse().ok()),
            push_type: text(6)?.and_then(|push_type| push_type.parse().ok()),
            priority: row.get::<_, Option<u8>>(7)?.and_then(Priority::from_number),
            expiration: Expiration::from_seconds(row.get(8)?),
            collapse_id: text(9)?.and_then(|id| id.parse().ok()),
        };
        let environment = apps::environment(row, 1)?;
        let (deadline, push_id) = (UnixMillis(row.get(2)?), row.get(3)?);
        Ok(Message { environment, deadline, bundle_id: row.get(0)?, push_id, payload: row.get(4)?, options })
    })?;
    Ok(message)
}
