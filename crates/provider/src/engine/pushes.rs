//! What can be read of pushes and notifications, and what an app reports of one. They are planned in `planning` and
//! settled in `sending`.

use homing_apns::Reason;
use homing_trace::UnixMillis;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::{Map, Value};

use super::Engine;
use super::app::Policy;
use super::apps::{self, Answer};
use super::content::shown;
use super::error::EngineError;
use super::installation::{Page, Report, ReportedEvent};
use super::installations::{MAX_PAGE, cursor, cut, parse_token};
use super::ledger::{COLUMNS, Of, Step, Tally};
use super::names::hex;
use super::push::{
    Audience, AudienceView, Counts, History, HistoryEvent, HistoryQuery, Notification, NotificationState,
    Push, PushDetail, PushState, Reasons,
};

impl Engine {
    /// Newest first; `before` is a page's `next`.
    pub async fn pushes(&self, bundle_id: &str, limit: usize, before: Option<&str>) -> Answer<Page<Push>> {
        let before: i64 = match before {
            None => i64::MAX,
            Some(text) => text.parse().map_err(|_| cursor("before"))?,
        };
        let (bundle_id, limit) = (bundle_id.to_owned(), limit.clamp(1, MAX_PAGE));
        let page = self
            .store()
            .read(move |connection| {
                let app_no = apps::app_no(connection, &bundle_id)?;
                let sql =
                    format!("{SELECT} WHERE app_no = ?1 AND push_no < ?2 ORDER BY push_no DESC LIMIT ?3");
                let mut select = connection.prepare_cached(&sql)?;
                let rows = select.query_map(params![app_no, before, limit + 1], push_row)?;
                let mut pushes = rows.collect::<rusqlite::Result<Vec<_>>>()?;
                for (place, push) in &mut pushes {
                    push.reasons = reasons(connection, place.push_no)?;
                }
                Ok::<_, EngineError>(cut(pushes, limit, |(place, _)| place.push_no.to_string()))
            })
            .await?;
        let items = page.items.into_iter().map(|(place, push)| self.with_trouble(place, push)).collect();
        Ok(Page { items, next: page.next })
    }

    pub async fn push(&self, bundle_id: &str, push_id: &str) -> Answer<Push> {
        let (bundle_id, push_id) = (bundle_id.to_owned(), push_id.to_owned());
        let (place, push) = self
            .store()
            .read(move |connection| {
                let app_no = apps::app_no(connection, &bundle_id)?;
                read_push(connection, app_no, &push_id)
            })
            .await?;
        Ok(self.with_trouble(place, push))
    }

    /// With `limit` of its notifications after the first `skip`.
    pub async fn push_detail(
        &self,
        bundle_id: &str,
        push_id: &str,
        limit: usize,
        skip: usize,
    ) -> Answer<PushDetail> {
        let (bundle_id, push_id, limit) = (bundle_id.to_owned(), push_id.to_owned(), limit.min(MAX_PAGE));
        let (place, push, mut notifications) = self
            .store()
            .read(move |connection| {
                let app_no = apps::app_no(connection, &bundle_id)?;
                let (place, push) = read_push(connection, app_no, &push_id)?;
                let notifications =
                    notifications(connection, place.push_no, push.created_at, (limit + 1, skip))?;
                Ok::<_, EngineError>((place, push, notifications))
            })
            .await?;
        let notifications_truncated = notifications.len() > limit;
        notifications.truncate(limit);
        Ok(PushDetail { push: self.with_trouble(place, push), notifications, notifications_truncated })
    }

    /// In the order of planning; `true` if there are more.
    pub async fn notifications(
        &self,
        bundle_id: &str,
        query: HistoryQuery,
        limit: usize,
        skip: usize,
    ) -> Answer<(Vec<History>, bool)> {
        let (bundle_id, limit) = (bundle_id.to_owned(), limit.clamp(1, MAX_PAGE));
        let mut found = self
            .store()
            .read(move |connection| {
                let app_no = apps::app_no(connection, &bundle_id)?;
                histories(connection, app_no, &query, (limit + 1, skip))
            })
            .await?;
        let more = found.len() > limit;
        found.truncate(limit);
        Ok((found, more))
    }

    /// Counts what an app says of a notification of `token`, once. With `user`, only one that is for this user.
    pub async fn report(
        &self,
        bundle_id: &str,
        token: &str,
        user: Option<&str>,
        report: Report,
    ) -> Answer<()> {
        let token = parse_token(token)?;
        let (bundle_id, user, changes) =
            (bundle_id.to_owned(), user.map(str::to_owned), self.changes().clone());
        self.store()
            .write(move |scope| {
                let app_no = apps::app_no(scope.connection, &bundle_id)?;
                let push_no = push_no(scope.connection, app_no, &report.push_id)?;
                let of = scope
                    .connection
                    .prepare_cached(
                        "SELECT notification_no FROM notifications
                         WHERE app_no = ?1 AND token = ?2 AND push_no = ?3 AND (?4 IS NULL OR user = ?4)",
                    )?
                    .query_row(params![app_no, token.as_bytes(), push_no, user], |row| row.get(0))
                    .optional()?
                    .map(|notification_no| Of { push_no, notification_no })
                    .ok_or_else(|| EngineError::NotFound {
                        what: "notification of this push for the token",
                        name: token.to_string(),
                        mend: "report what the payload's homing.push names, for the token it came to",
                    })?;
                let at = report.at.map_or(scope.now, |at| at.min(scope.now));
                let mut tally = Tally::default();
                tally.record(scope.connection, of, step(report.event), None, at)?;
                let changed = tally.write(scope.connection, scope.now)?;
                Ok(changes.tell_after(scope, changed)?)
            })
            .await
    }

    /// A push that isn't finished says what keeps it from being sent, if anything does.
    fn with_trouble(&self, place: Place, mut push: Push) -> Push {
        if push.state == PushState::Sending
            && let Some(trouble) = self.lanes().trouble(place.lane)
        {
            let why = push.why.map_or_else(String::new, |why| format!("{why} "));
            push.why = Some(format!("{why}Not all is sent yet: {trouble}."));
        }
        push
    }
}

/// Where a push stands in the file.
#[derive(Clone, Copy, Debug)]
struct Place {
    push_no: i64,
    lane: i64,
}

const SELECT: &str = "SELECT push_no, lane, push_id, environment, created_at, finished_at, audience, policy, payload, why,
    planned, sent, accepted, refused, failed, withdrawn, delivered, displayed, suppressed, opened, dismissed, action
    FROM pushes";
const FIRST_COUNT: usize = 10;

pub(super) fn push_no(connection: &Connection, app_no: i64, push_id: &str) -> Answer<i64> {
    connection
        .prepare_cached("SELECT push_no FROM pushes WHERE push_id = ?1 AND app_no = ?2")?
        .query_row(params![push_id, app_no], |row| row.get(0))
        .optional()?
        .ok_or_else(|| unknown(push_id))
}

fn unknown(push_id: &str) -> EngineError {
    EngineError::NotFound {
        what: "push",
        name: push_id.to_owned(),
        mend: "GET /v1/apps/{bundle}/pushes lists those of the last 30 days",
    }
}

fn read_push(connection: &Connection, app_no: i64, push_id: &str) -> Answer<(Place, Push)> {
    let sql = format!("{SELECT} WHERE push_id = ?1 AND app_no = ?2");
    let found = connection.prepare_cached(&sql)?.query_row(params![push_id, app_no], push_row).optional()?;
    let (place, mut push) = found.ok_or_else(|| unknown(push_id))?;
    push.reasons = reasons(connection, place.push_no)?;
    Ok((place, push))
}

fn push_row(row: &Row<'_>) -> rusqlite::Result<(Place, Push)> {
    let place = Place { push_no: row.get(0)?, lane: row.get(1)? };
    let (push_id, audience, payload): (String, String, String) = (row.get(2)?, row.get(6)?, row.get(8)?);
    let nobody = AudienceView { audience: Audience::Users(Vec::new()), more: None };
    // We wrote both.
    let payload: Map<String, Value> = serde_json::from_str(&payload).unwrap_or_default();
    let finished_at = row.get::<_, Option<i64>>(5)?.map(UnixMillis);
    let policy: Policy = apps::policy(row, 7)?;
    let push = Push {
        environment: apps::environment(row, 3)?,
        state: if finished_at.is_some() { PushState::Finished } else { PushState::Sending },
        created_at: UnixMillis(row.get(4)?),
        finished_at,
        audience: serde_json::from_str(&audience).unwrap_or(nobody),
        policy,
        payload: shown(payload, &push_id),
        counts: counts(row)?,
        reasons: Reasons::default(),
        why: row.get(9)?,
        push_id,
    };
    Ok((place, push))
}

fn counts(row: &Row<'_>) -> rusqlite::Result<Counts> {
    let mut counts = [0; COLUMNS.len()];
    for (column, count) in counts.iter_mut().enumerate() {
        *count = row.get(FIRST_COUNT + column)?;
    }
    let [
        planned,
        sent,
        accepted,
        refused,
        failed,
        withdrawn,
        delivered,
        displayed,
        suppressed,
        opened,
        dismissed,
        action,
    ] = counts;
    Ok(Counts {
        planned,
        sent,
        accepted,
        refused,
        failed,
        withdrawn,
        delivered,
        displayed,
        suppressed,
        opened,
        dismissed,
        action,
    })
}

fn reasons(connection: &Connection, push_no: i64) -> rusqlite::Result<Reasons> {
    let mut reasons = Reasons::default();
    let mut select = connection.prepare_cached("SELECT step, word, count FROM reasons WHERE push_no = ?1")?;
    let mut rows = select.query([push_no])?;
    while let Some(row) = rows.next()? {
        let step: String = row.get(0)?;
        let map = match step.as_str() {
            "refused" => &mut reasons.refused,
            "failed" => &mut reasons.failed,
            "withdrawn" => &mut reasons.withdrawn,
            "suppressed" => &mut reasons.suppressed,
            _ => &mut reasons.ended,
        };
        map.insert(row.get(1)?, row.get(2)?);
    }
    Ok(reasons)
}

type Event = (Step, UnixMillis, Option<String>);

fn events(connection: &Connection, notification_no: i64) -> rusqlite::Result<Vec<Event>> {
    let mut select = connection
        .prepare_cached("SELECT step, at, reason FROM events WHERE notification_no = ?1 ORDER BY at, step")?;
    let rows = select.query_map([notification_no], |row| {
        let step = Step::from_number(row.get(0)?);
        Ok(step.map(|step| Ok((step, UnixMillis(row.get(1)?), row.get(2)?))))
    })?;
    rows.filter_map(Result::transpose).map(Result::flatten).collect()
}

fn notifications(
    connection: &Connection,
    push_no: i64,
    planned_at: UnixMillis,
    (limit, skip): (usize, usize),
) -> rusqlite::Result<Vec<Notification>> {
    let mut select = connection.prepare_cached(
        "SELECT notification_no, apns_id, token, user, state, reason FROM notifications
         WHERE push_no = ?1 ORDER BY notification_no LIMIT ?2 OFFSET ?3",
    )?;
    let rows = select.query_map(params![push_no, limit, skip], |row| {
        let events = events(connection, row.get(0)?)?;
        notification(row, &events, planned_at)
    })?;
    rows.collect()
}

fn notification(row: &Row<'_>, events: &[Event], planned_at: UnixMillis) -> rusqlite::Result<Notification> {
    let (state, reason): (String, Option<String>) = (row.get(4)?, row.get(5)?);
    let has = |step: Step| events.iter().any(|event| event.0 == step);
    let suppressed = events.iter().find(|event| event.0 == Step::Suppressed);
    let state = match state.as_str() {
        "planned" => NotificationState::Planned,
        "sending" => NotificationState::Sending,
        "accepted" => NotificationState::Accepted,
        "refused" => NotificationState::Refused,
        "withdrawn" => NotificationState::Withdrawn,
        _ => NotificationState::Failed,
    };
    let advice = match state {
        NotificationState::Refused | NotificationState::Sending | NotificationState::Failed => reason
            .as_deref()
            .map(Reason::from_word)
            .filter(|reason| state == NotificationState::Refused || !matches!(reason, Reason::Unknown(_)))
            .map(|reason| reason.advice().to_owned()),
        NotificationState::Planned | NotificationState::Accepted | NotificationState::Withdrawn => None,
    };
    Ok(Notification {
        apns_id: uuid::Uuid::from_bytes(row.get(1)?).to_string(),
        token: hex(row.get_ref(2)?.as_blob()?),
        user: row.get(3)?,
        state,
        reason,
        advice,
        delivered: has(Step::Acknowledged),
        displayed: has(Step::Displayed),
        suppressed: suppressed.map(|event| event.2.clone().unwrap_or_else(|| "suppressed".to_owned())),
        opened: has(Step::Opened),
        dismissed: has(Step::Dismissed),
        action: has(Step::Action),
        at: events.iter().map(|event| event.1).max().unwrap_or(planned_at),
    })
}

fn histories(
    connection: &Connection,
    app_no: i64,
    query: &HistoryQuery,
    (limit, skip): (usize, usize),
) -> Answer<Vec<History>> {
    let bytes: Vec<u8>;
    let (condition, wanted): (&str, &dyn rusqlite::ToSql) = match query {
        HistoryQuery::User(user) => ("n.user = ?2", user),
        HistoryQuery::ApnsId(id) => {
            let id = uuid::Uuid::try_parse(id)
                .map_err(|_| EngineError::invalid("apns_id", "it is a UUID of the form 8-4-4-4-12"))?;
            bytes = id.into_bytes().to_vec();
            ("n.apns_id = ?2", &bytes)
        }
        HistoryQuery::Token(token) => {
            bytes = parse_token(token)?.as_bytes().to_vec();
            ("n.token = ?2", &bytes)
        }
    };
    let mut select = connection.prepare_cached(&format!(
        "SELECT notification_no, n.apns_id, push_id, token, environment, n.user, created_at
         FROM notifications AS n JOIN pushes USING (push_no)
         WHERE n.app_no = ?1 AND {condition} ORDER BY notification_no LIMIT ?3 OFFSET ?4"
    ))?;
    let rows = select.query_map(params![app_no, wanted, limit, skip], |row| {
        let planned = HistoryEvent { at: UnixMillis(row.get(6)?), stage: "planned", reason: None };
        let known = events(connection, row.get(0)?)?;
        let known =
            known.into_iter().map(|(step, at, reason)| HistoryEvent { at, stage: step.as_str(), reason });
        Ok(History {
            apns_id: uuid::Uuid::from_bytes(row.get(1)?).to_string(),
            push_id: row.get(2)?,
            token: hex(row.get_ref(3)?.as_blob()?),
            environment: apps::environment(row, 4)?,
            user: row.get(5)?,
            events: std::iter::once(planned).chain(known).collect(),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

const fn step(event: ReportedEvent) -> Step {
    match event {
        ReportedEvent::Displayed => Step::Displayed,
        ReportedEvent::Opened => Step::Opened,
        ReportedEvent::Dismissed => Step::Dismissed,
        ReportedEvent::Action => Step::Action,
    }
}
