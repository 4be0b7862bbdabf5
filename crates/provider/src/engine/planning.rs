//! Plans a push: from its audience to one row per notification, written with the push in one transaction. Whom it
//! reaches is decided by `plan`, what it says by `content`.

use std::collections::HashSet;

use homing_apns::DeviceTokenHex;
use homing_trace::Environment;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::Engine;
use super::app::Policy;
use super::apps::{self, Answer};
use super::content::Message;
use super::error::EngineError;
use super::installations::{check_tag, check_user, parse_token};
use super::lanes::lane_no;
use super::logouts;
use super::names;
use super::plan::{self, Candidate, Named, Unreached};
use super::push::{Audience, Created, Idempotency, NewPush, PushState};
use crate::store::Scope;

/// Notifications of one push.
const MAX_NOTIFICATIONS: usize = 100_000;
/// Of one user's installations so many get a push, the latest logins: anybody with an identity token can tell tokens that
/// don't exist.
const MAX_OF_USER: usize = 100;
/// How long a request may be repeated.
pub(super) const REPEATABLE_MS: i64 = 24 * 60 * 60 * 1000;
const MAX_KEY: usize = 255;
/// Of a long audience so many names are kept to be shown.
const SHOWN: usize = 100;

impl Engine {
    /// Plans a push; durable when this answers. Nobody reachable is no error: nothing is planned, and it says why.
    pub async fn create_push(
        &self,
        bundle_id: &str,
        push: NewPush,
        idempotency: Option<Idempotency>,
    ) -> Answer<Created> {
        if idempotency.as_ref().is_some_and(|idempotency| !(1..=MAX_KEY).contains(&idempotency.key.len())) {
            return Err(EngineError::invalid("Idempotency-Key", format!("it has 1 to {MAX_KEY} bytes")));
        }
        let wish = Wish {
            bundle_id: bundle_id.to_owned(),
            names: Names::of(&push.audience)?,
            push,
            push_id: names::push_id(self.clock().now(), &super::random()),
            idempotency,
        };
        let (lanes, changes) = (self.lanes().clone(), self.changes().clone());
        self.store()
            .write(move |scope| {
                let app_no = apps::app_no(scope.connection, &wish.bundle_id)?;
                if let Some(created) = wish.replay(scope, app_no)? {
                    return Ok(created);
                }
                let environment = wish.push.environment;
                let lane = lane_no(app_no, environment);
                let turn = lanes.place(lane);
                let created = wish.plan(scope, app_no, turn)?;
                wish.remember(scope, app_no, &created)?;
                let (bundle_id, push_id) = (wish.bundle_id, created.push_id.clone());
                scope.afterwards(move || {
                    changes.tell(&bundle_id, &push_id);
                    lanes.wake(lane);
                });
                Ok(created)
            })
            .await
    }
}

/// What a push is to be made of.
struct Wish {
    bundle_id: String,
    names: Names,
    push: NewPush,
    push_id: String,
    idempotency: Option<Idempotency>,
}

/// The audience, each name once.
enum Names {
    Users(Vec<String>),
    Tokens(Vec<DeviceTokenHex>),
    Tag(String),
}

impl Names {
    fn of(audience: &Audience) -> Answer<Self> {
        let many = |count: usize| {
            if (1..=Audience::MAX).contains(&count) {
                return Ok(());
            }
            Err(EngineError::invalid("audience", format!("name 1 to {} users or tokens", Audience::MAX)))
        };
        let users = |users: &[String]| {
            many(users.len())?;
            users.iter().try_for_each(|user| check_user("audience", user))?;
            let mut seen = HashSet::new();
            Ok(Self::Users(users.iter().filter(|user| seen.insert(*user)).cloned().collect()))
        };
        let tokens = |tokens: &[String]| {
            many(tokens.len())?;
            let tokens = tokens.iter().map(|token| parse_token(token)).collect::<Answer<Vec<_>>>()?;
            let mut seen = HashSet::new();
            Ok(Self::Tokens(tokens.into_iter().filter(|token| seen.insert(*token)).collect()))
        };
        match audience {
            Audience::User(user) => users(std::slice::from_ref(user)),
            Audience::Users(list) => users(list),
            Audience::Token(token) => tokens(std::slice::from_ref(token)),
            Audience::Tokens(list) => tokens(list),
            Audience::Tag(tag) => check_tag("audience", tag).map(|()| Self::Tag(tag.clone())),
        }
    }
}

impl Wish {
    /// The answer to an earlier request under the same key, if there was one.
    fn replay(&self, scope: &Scope<'_>, app_no: i64) -> Answer<Option<Created>> {
        let Some(Idempotency { server_key, key, body_digest }) = &self.idempotency else { return Ok(None) };
        let known = scope
            .connection
            .prepare_cached(
                "SELECT body_digest, push_id, planned, why FROM idempotency
                 WHERE server_key = ?1 AND app_no = ?2 AND key = ?3 AND created_at > ?4",
            )?
            .query_row(params![server_key, app_no, key, scope.now.0 - REPEATABLE_MS], |row| {
                let created = created(row.get(1)?, row.get(2)?, row.get(3)?);
                Ok((row.get::<_, [u8; 32]>(0)?, Created { replayed: true, ..created }))
            })
            .optional()?;
        match known {
            Some((digest, _)) if digest != *body_digest => Err(EngineError::KeyReused),
            known => Ok(known.map(|(_, created)| created)),
        }
    }

    fn remember(&self, scope: &Scope<'_>, app_no: i64, created: &Created) -> Answer<()> {
        let Some(Idempotency { server_key, key, body_digest }) = &self.idempotency else { return Ok(()) };
        scope
            .connection
            .prepare_cached("INSERT OR REPLACE INTO idempotency VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
            .execute(params![
                server_key,
                app_no,
                key,
                body_digest,
                created.push_id,
                created.planned,
                created.why,
                scope.now.0
            ])?;
        Ok(())
    }

    fn plan(&self, scope: &Scope<'_>, app_no: i64, turn: i64) -> Answer<Created> {
        let (connection, environment) = (scope.connection, self.push.environment);
        let message = Message::of(&self.push, &self.bundle_id, &self.push_id, scope.now)?;
        check_credential(connection, app_no, &self.bundle_id, environment)?;
        let policy = match self.push.policy {
            Some(policy) => policy,
            None => connection
                .prepare_cached("SELECT policy FROM apps WHERE app_no = ?1")?
                .query_row([app_no], |row| apps::policy(row, 0))?,
        };
        let (reached, why) = self.reached(connection, app_no, policy)?;
        let push_no = self.insert_push(scope, app_no, &message, (policy, reached.len(), why.as_deref()))?;
        let lane = lane_no(app_no, environment);
        for (candidate, turn) in reached.iter().zip(turn..) {
            insert_notification(connection, (push_no, &self.push_id), (app_no, lane), candidate, turn)?;
        }
        Ok(created(self.push_id.clone(), reached.len() as u64, why))
    }

    fn reached(
        &self,
        connection: &Connection,
        app_no: i64,
        policy: Policy,
    ) -> Answer<(Vec<Candidate>, Option<String>)> {
        let environment = self.push.environment;
        let (mut reached, mut unreached, mut left_out) = (Vec::new(), Vec::new(), 0);
        let (named, asked) = match &self.names {
            Names::Users(users) => {
                for user in users {
                    match user_candidates(connection, app_no, user, environment, policy)? {
                        Ok(mut candidates) => {
                            left_out += candidates.len().saturating_sub(MAX_OF_USER);
                            candidates.truncate(MAX_OF_USER);
                            reached.extend(candidates);
                        }
                        Err(reason) => unreached.push((user.clone(), reason)),
                    }
                    check_size(reached.len())?;
                }
                (Named::Users, users.len())
            }
            Names::Tokens(tokens) => {
                for token in tokens {
                    let candidate = named_token(connection, app_no, token, environment)?;
                    match plan::of_token(candidate, environment) {
                        Ok(candidate) => reached.push(candidate),
                        Err(reason) => unreached.push((token.to_string(), reason)),
                    }
                }
                (Named::Tokens, tokens.len())
            }
            Names::Tag(tag) => {
                let reached = tagged(connection, app_no, tag, environment)?;
                check_size(reached.len())?;
                let why = reached.is_empty().then(|| plan::why_no_tag(tag, environment));
                return Ok((reached, why));
            }
        };
        let why =
            [plan::why(named, asked, &unreached, environment), plan::why_left_out(left_out, MAX_OF_USER)];
        let why: Vec<String> = why.into_iter().flatten().collect();
        Ok((reached, (!why.is_empty()).then(|| why.join(" "))))
    }

    fn insert_push(
        &self,
        scope: &Scope<'_>,
        app_no: i64,
        message: &Message,
        (policy, planned, why): (Policy, usize, Option<&str>),
    ) -> Answer<i64> {
        let environment = self.push.environment;
        let mut insert = scope.connection.prepare_cached(
            "INSERT INTO pushes (push_id, app_no, environment, lane, created_at, deadline_at, finished_at, audience,
                 policy, payload, push_type, priority, expiration, collapse_id, topic, why, planned)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        )?;
        insert.execute(params![
            self.push_id,
            app_no,
            environment.as_str(),
            lane_no(app_no, environment),
            scope.now.0,
            message.deadline.0,
            (planned == 0).then_some(scope.now.0),
            shown(&self.push.audience),
            policy.as_str(),
            serde_json::Value::Object(message.payload.clone()).to_string(),
            message.push_type.as_str(),
            message.priority.map(|priority| priority.number()),
            message.expiration.seconds(),
            message.collapse_id.as_ref().map(|id| id.as_str()),
            message.topic.as_str(),
            why,
            planned
        ])?;
        Ok(scope.connection.last_insert_rowid())
    }
}

fn check_size(reached: usize) -> Answer<()> {
    if reached > MAX_NOTIFICATIONS {
        let too_many = format!("it reaches more than {MAX_NOTIFICATIONS} installations: split it");
        return Err(EngineError::invalid("audience", too_many));
    }
    Ok(())
}

fn created(push_id: String, planned: u64, why: Option<String>) -> Created {
    let state = if planned == 0 { PushState::Finished } else { PushState::Sending };
    Created { push_id, state, planned, why, replayed: false }
}

/// What is kept of the audience: the first names and how many there were.
fn shown(audience: &Audience) -> String {
    use super::push::AudienceView;
    let view = match audience {
        Audience::Users(users) => AudienceView::cut(users, SHOWN, Audience::Users),
        Audience::Tokens(tokens) => AudienceView::cut(tokens, SHOWN, Audience::Tokens),
        Audience::User(_) | Audience::Token(_) | Audience::Tag(_) => {
            AudienceView { audience: audience.clone(), more: None }
        }
    };
    serde_json::to_string(&view).unwrap_or_default()
}

fn check_credential(
    connection: &Connection,
    app_no: i64,
    bundle_id: &str,
    environment: Environment,
) -> Answer<()> {
    let there = connection
        .prepare_cached("SELECT 1 FROM credentials WHERE app_no = ?1 AND environment = ?2")?
        .exists(params![app_no, environment.as_str()])?;
    if there {
        return Ok(());
    }
    Err(EngineError::Conflict(format!(
        "{bundle_id} has no credential for {environment}, so that nothing can be sent: give it one with PUT \
         /v1/apps/{bundle_id}/credentials/{environment}; where the push service becomes another one, the credential \
         must be given again"
    )))
}

fn user_candidates(
    connection: &Connection,
    app_no: i64,
    user: &str,
    environment: Environment,
    policy: Policy,
) -> rusqlite::Result<Result<Vec<Candidate>, Unreached>> {
    let candidates = connection
        .prepare_cached(
            "SELECT installation_no, token, user, environment, retired_reason IS NULL, tagged FROM installations
             WHERE app_no = ?1 AND user = ?2 ORDER BY login_no DESC",
        )?
        .query_map(params![app_no, user], candidate)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let known = || {
        connection
            .prepare_cached("SELECT 1 FROM users WHERE app_no = ?1 AND user = ?2")?
            .exists(params![app_no, user])
    };
    let known = candidates.is_empty() && known()?;
    Ok(plan::of_user(candidates, known, environment, policy))
}

/// One more than a push may reach, if there are as many.
fn tagged(
    connection: &Connection,
    app_no: i64,
    tag: &str,
    environment: Environment,
) -> rusqlite::Result<Vec<Candidate>> {
    connection
        .prepare_cached(
            "SELECT installation_no, token, user, environment, retired_reason IS NULL, tagged
             FROM tags JOIN installations USING (installation_no)
             WHERE tags.app_no = ?1 AND tag = ?2 AND environment = ?3 AND retired_reason IS NULL LIMIT ?4",
        )?
        .query_map(params![app_no, tag, environment.as_str(), MAX_NOTIFICATIONS + 1], candidate)?
        .collect()
}

/// A token that nobody told is of the environment of the push at hand. What the push service of the other one said against
/// it says nothing of this one.
fn named_token(
    connection: &Connection,
    app_no: i64,
    token: &DeviceTokenHex,
    environment: Environment,
) -> rusqlite::Result<Candidate> {
    connection
        .prepare_cached(
            "UPDATE installations SET environment = ?3, retired_reason = NULL, refused_reason = NULL, refused_at = NULL
             WHERE app_no = ?1 AND token = ?2 AND registered_at = 0 AND environment <> ?3",
        )?
        .execute(params![app_no, token.as_bytes(), environment.as_str()])?;
    let known = connection
        .prepare_cached(
            "SELECT installation_no, token, user, environment, retired_reason IS NULL, tagged FROM installations
             WHERE app_no = ?1 AND token = ?2",
        )?
        .query_row(params![app_no, token.as_bytes()], candidate)
        .optional()?;
    known.map_or_else(|| first_named(connection, app_no, token, environment), Ok)
}

fn candidate(row: &rusqlite::Row<'_>) -> rusqlite::Result<Candidate> {
    let environment = apps::environment(row, 3)?;
    let (installation_no, token) = (row.get(0)?, row.get(1)?);
    let (user, live, tagged) = (row.get(2)?, row.get(4)?, row.get(5)?);
    Ok(Candidate { installation_no, token, user, tagged, environment, live })
}

/// A token that nobody told is sent to all the same; whatever the push service says against it then counts, however old.
fn first_named(
    connection: &Connection,
    app_no: i64,
    token: &DeviceTokenHex,
    environment: Environment,
) -> rusqlite::Result<Candidate> {
    let logout_epoch = logouts::take(connection, app_no, token)?;
    connection
        .prepare_cached(
            "INSERT INTO installations (app_no, token, environment, registered_at, logout_epoch)
             VALUES (?1, ?2, ?3, 0, ?4)",
        )?
        .execute(params![app_no, token.as_bytes(), environment.as_str(), logout_epoch])?;
    Ok(Candidate {
        installation_no: connection.last_insert_rowid(),
        token: token.as_bytes().to_vec(),
        user: None,
        tagged: false,
        environment,
        live: true,
    })
}

fn insert_notification(
    connection: &Connection,
    (push_no, push_id): (i64, &str),
    (app_no, lane): (i64, i64),
    candidate: &Candidate,
    turn: i64,
) -> rusqlite::Result<()> {
    let apns_id = names::apns_id(push_id, &candidate.token);
    let Candidate { installation_no, token, user, tagged, .. } = candidate;
    connection
        .prepare_cached(
            "INSERT INTO notifications
                 (push_no, app_no, lane, installation_no, apns_id, token, user, tagged, state, turn)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'planned', ?9)",
        )?
        .execute(params![push_no, app_no, lane, installation_no, apns_id, token, user, tagged, turn])
        .map(drop)
}
