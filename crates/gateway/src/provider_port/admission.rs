//! Whether a request is admitted. Apple publishes no order of its checks; here authentication comes before all that a
//! stranger could learn from, and the payload's size before all that a token could tell. Each failed check has Apple's
//! reason.

use std::sync::Arc;

use bytes::Bytes;
use homing_apns::{
    CertificateTopics, CollapseId, DeviceTokenHex, Expiration, Priority, PushType, Reason, RequestHeaders,
    Topic,
};
use homing_trace::{Environment, UnixMillis};
use http::{HeaderValue, Method};
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;

use super::ProviderPort;
use super::verdicts::Verdict;
use crate::centre::Directory;
use crate::notification::{Notification, RegistrationKey};
use crate::store::Topics;

/// The moment a batch of requests is handled at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// On the clock of this Homing.
    pub(super) at: UnixMillis,
    /// Real time in seconds: provider tokens live on it.
    pub(super) real: i64,
    pub(super) instant: Instant,
}

/// What is known of a request when it is refused, for the trace.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// `None` before authentication.
    pub(super) team: Option<Arc<str>>,
    pub(super) topic: Option<Topic>,
}

impl From<Head> for Known {
    fn from(head: Head) -> Self {
        Self { team: Some(head.team), topic: Some(head.topic) }
    }
}

/// A refusal.
#[derive(Debug)]
pub(super) struct Refusing {
    pub(super) reason: Reason,
    pub(super) known: Known,
}

impl From<Reason> for Refusing {
    fn from(reason: Reason) -> Self {
        Self { reason, known: Known::default() }
    }
}

/// A request whose head is in order; its body is still to come.
#[derive(Debug)]
pub(super) struct Head {
    team: Arc<str>,
    topic: Topic,
    topic_no: u32,
    push_type: Option<PushType>,
    priority: Option<Priority>,
    expiration: Expiration,
    collapse_id: Option<CollapseId>,
}

/// The certificate of a connection and the team it speaks for.
#[derive(Debug)]
struct Certified {
    topics: CertificateTopics,
    team: Arc<str>,
}

/// Who follows what becomes of notifications: a team, or a certificate of it.
#[derive(Debug)]
pub(super) struct Follower {
    team: Arc<str>,
    topics: Option<CertificateTopics>,
}

impl Follower {
    /// The topics that are theirs as the developer centre knows them now.
    pub(super) fn topics(&self, directory: &Directory) -> Topics {
        let apps = directory.apps().filter(|app| app.team == self.team);
        let entries = apps.flat_map(|app| &app.topics).filter_map(|name| directory.topic(name));
        let named = entries.filter(|entry| match &self.topics {
            Some(topics) => entry.name.parse().is_ok_and(|topic| topics.allows_topic(&topic)),
            None => true,
        });
        named.map(|entry| (entry.topic_no, Arc::clone(&entry.name))).collect()
    }
}

/// The checks of one connection, and what it has proved so far.
pub(super) struct Admission {
    port: Arc<ProviderPort>,
    environment: Environment,
    directory: Arc<Directory>,
    certified: Option<Certified>,
    /// The team of the first token that was in order: the connection serves no other.
    bound_to: Option<Arc<str>>,
    /// The last `authorization` and what came of it.
    last: Option<(HeaderValue, Result<Arc<Verdict>, Reason>)>,
}

impl Admission {
    /// A certificate of a team we don't know is [`Reason::BadCertificate`].
    pub(super) fn new(
        port: Arc<ProviderPort>,
        environment: Environment,
        certificate: Option<CertificateTopics>,
    ) -> Result<Self, Reason> {
        let directory = port.centre.directory();
        let certified = match certificate {
            Some(topics) => {
                let named = topics.uid.iter().chain(topics.topics.iter().map(|listed| &listed.topic));
                let team = named
                    .filter_map(|topic| directory.topic(topic.as_str()))
                    .map(|entry| Arc::clone(&entry.team));
                let team = team.take(1).next().ok_or(Reason::BadCertificate)?;
                Some(Certified { topics, team })
            }
            None => None,
        };
        Ok(Self { port, environment, directory, certified, bound_to: None, last: None })
    }

    pub(super) const fn environment(&self) -> Environment {
        self.environment
    }

    /// Takes over what the developer centre has changed meanwhile.
    pub(super) fn refresh(&mut self) {
        let directory = self.port.centre.directory();
        if !Arc::ptr_eq(&directory, &self.directory) {
            self.directory = directory;
            self.last = None;
        }
    }

    /// Checks all of a request but its body and its token.
    pub(super) fn check_head(
        &mut self,
        method: &Method,
        path: &str,
        headers: &RequestHeaders<'_>,
        now: Moment,
    ) -> Result<Head, Refusing> {
        if method != Method::POST {
            return Err(Reason::MethodNotAllowed.into());
        }
        homing_apns::device_token_in_path(path)?;
        headers.check_duplicates()?;
        let team = self.authenticate(headers, now)?;
        self.check_options(headers, &team)
    }

    /// Checks a request for receipts; answers whose they are. What its query says comes after.
    pub(super) fn check_receipts(
        &mut self,
        method: &Method,
        headers: &RequestHeaders<'_>,
        now: Moment,
    ) -> Result<Follower, Reason> {
        if method != Method::GET {
            return Err(Reason::MethodNotAllowed);
        }
        headers.check_duplicates()?;
        let team = self.authenticate(headers, now)?;
        let topics = self.certified.as_ref().map(|certified| certified.topics.clone());
        Ok(Follower { team, topics })
    }

    fn authenticate(&mut self, headers: &RequestHeaders<'_>, now: Moment) -> Result<Arc<str>, Reason> {
        if let Some(certified) = &self.certified {
            return Ok(Arc::clone(&certified.team));
        }
        let authorization = headers.authorization.ok_or(Reason::MissingProviderToken)?;
        let verdict = match &self.last {
            Some((last, verdict)) if bool::from(last.as_bytes().ct_eq(authorization.as_bytes())) => {
                verdict.clone()
            }
            Some(_) | None => {
                let verdict = self.port.verdicts.judge(authorization.as_bytes(), &self.directory);
                self.last = Some((authorization.clone(), verdict.clone()));
                verdict
            }
        }?;
        if self.bound_to.as_ref().is_some_and(|team| **team != *verdict.team) {
            return Err(Reason::InvalidProviderToken);
        }
        verdict.check_age(now.real)?;
        Ok(Arc::clone(self.bound_to.get_or_insert(Arc::clone(&verdict.team))))
    }

    fn check_options(&self, headers: &RequestHeaders<'_>, team: &Arc<str>) -> Result<Head, Refusing> {
        let refusing = |reason, topic: Option<&Topic>| {
            let known = Known { team: Some(Arc::clone(team)), topic: topic.cloned() };
            Refusing { reason, known }
        };
        let without_topic = |reason| refusing(reason, None);
        headers.apns_id().map_err(without_topic)?;
        let default =
            || self.certified.as_ref().and_then(|certified| certified.topics.default_topic().cloned());
        let topic = headers.topic().map_err(without_topic)?.or_else(default);
        let topic = topic.ok_or(Reason::MissingTopic).map_err(without_topic)?;
        let checked = (|| {
            let push_type = headers.push_type()?;
            if let Some(push_type) = push_type {
                homing_apns::check_topic(push_type, &topic)?;
            }
            let topic_no = self.allowed_topic_no(&topic, team)?;
            let priority = headers.priority()?;
            homing_apns::effective_priority(priority, push_type)?;
            Ok((push_type, topic_no, priority, headers.expiration()?, headers.collapse_id()?))
        })();
        let (push_type, topic_no, priority, expiration, collapse_id) =
            checked.map_err(|reason| refusing(reason, Some(&topic)))?;
        let team = Arc::clone(team);
        Ok(Head { team, topic, topic_no, push_type, priority, expiration, collapse_id })
    }

    /// The topic's number, when the team owns it and the certificate, if there is one, names it.
    fn allowed_topic_no(&self, topic: &Topic, team: &Arc<str>) -> Result<u32, Reason> {
        if self.certified.as_ref().is_some_and(|certified| !certified.topics.allows_topic(topic)) {
            return Err(Reason::TopicDisallowed);
        }
        match self.directory.topic(topic.as_str()) {
            Some(entry) if *entry.team == **team => Ok(entry.topic_no),
            Some(_) | None => Err(Reason::TopicDisallowed),
        }
    }

    /// Checks the body, of which at most the first bytes up to the greatest limit are given, and the token, and makes
    /// the notification.
    pub(super) fn check_body(
        &self,
        head: &Head,
        token: &str,
        body: Body,
        apns_id: &str,
        now: Moment,
    ) -> Result<(RegistrationKey, Notification), Reason> {
        if body.len == 0 {
            return Err(Reason::PayloadEmpty);
        }
        let push_type =
            head.push_type.unwrap_or_else(|| homing_apns::infer_push_type(&head.topic, &body.start));
        if body.len > push_type.max_payload_len() {
            return Err(Reason::PayloadTooLarge);
        }
        let token = DeviceTokenHex::parse(token.as_bytes())?;
        let registration = self.port.sealer.open(token.as_bytes()).ok_or(Reason::BadDeviceToken)?;
        if registration.environment != self.environment {
            return Err(Reason::BadDeviceToken);
        }
        if registration.topic_no != head.topic_no {
            return Err(Reason::DeviceTokenNotForTopic);
        }
        let notification = Notification {
            apns_id: apns_id.into(),
            push_type,
            // A push type we inferred contradicts no priority the sender chose.
            priority: match head.priority {
                Some(priority) => priority,
                None => homing_apns::effective_priority(None, Some(push_type))?,
            },
            collapse_id: head.collapse_id.clone(),
            expiration: head.expiration,
            accepted_at: now.at,
            payload: Bytes::from(body.start),
        };
        Ok((registration, notification))
    }
}

/// What has come of a request's body.
#[derive(Debug, Default)]
pub(super) struct Body {
    start: Vec<u8>,
    /// All bytes that came, kept or not.
    pub(super) len: usize,
}

impl Body {
    /// Keeps the first `most` bytes. They are copied, since what `h2` hands out pins its whole read buffer.
    pub(super) fn take(&mut self, chunk: &[u8], most: usize) {
        let kept = &chunk[..chunk.len().min(most - self.start.len())];
        self.start.reserve_exact(kept.len());
        self.start.extend_from_slice(kept);
        self.len = self.len.saturating_add(chunk.len());
    }
}
