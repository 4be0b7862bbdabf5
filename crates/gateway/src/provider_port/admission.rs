//! Whether a request is admitted. Apple publishes no order of its checks; here authentication comes before all that a
//! stranger could learn from, and the payload's size before all that a token could tell. Each failed check has Apple's
//! reason.

mod channels;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use homing_apns::legacy::LegacyNotification;
use homing_apns::{
    CertificateTopics, CollapseId, CredentialKind, DeviceTokenHex, Expiration, Leniencies, Leniency,
    Priority, PushType, Reason, RequestHeaders, Topic, jwt,
};
use homing_clock::Clock;
use homing_trace::{Environment, UnixMillis};
use http::{HeaderValue, Method, Uri};
use tokio::sync::watch;
use tokio::time::Instant;

pub(super) use channels::{Action, ChannelHead};

use super::ProviderPort;
use super::binding::Binding;
use super::noted::{Lenient, Noted};
use super::tls::Shown;
use super::verdicts::{Verdict, Verdicts};
use crate::centre::{Certificate, Directory, ProviderKey};
use crate::notification::{Notification, RegistrationKey};
use crate::store::{Refused, Topics};
use crate::testers::{Credential, without_tokens};

/// The moment a batch of requests is handled at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// On the clock of this Homing.
    pub(crate) at: UnixMillis,
    /// Real time in seconds: provider tokens live on it.
    pub(super) real: i64,
    pub(super) instant: Instant,
}

impl Moment {
    pub(crate) fn now(clock: &Clock) -> Self {
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            at: clock.now(),
            real: i64::try_from(real.as_secs()).unwrap_or(i64::MAX),
            instant: Instant::now(),
        }
    }
}

/// What is known of a request when it is refused, for the trace.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// `None` before authentication.
    pub(crate) team: Option<Arc<str>>,
    pub(crate) topic: Option<Topic>,
}

impl Known {
    /// The refusal as the trace has it.
    pub(crate) fn refused(
        &self,
        apns_id: Box<str>,
        environment: Environment,
        token: Option<&str>,
        reason: impl Into<Option<homing_trace::Reason>>,
        at: UnixMillis,
    ) -> Refused {
        Refused {
            apns_id,
            team: self.team.as_deref().map(Into::into),
            topic: self.topic.as_ref().map(|topic| without_tokens(topic.as_str()).into()),
            environment: Some(environment),
            token: token.map(Into::into),
            injected: None,
            reason: reason.into(),
            at,
        }
    }
}

impl From<Head> for Known {
    fn from(head: Head) -> Self {
        Self { team: Some(head.team), topic: Some(head.topic) }
    }
}

/// A refusal.
#[derive(Debug)]
pub(crate) struct Refusing {
    pub(crate) reason: Reason,
    pub(crate) known: Known,
}

impl From<Reason> for Refusing {
    fn from(reason: Reason) -> Self {
        Self { reason, known: Known::default() }
    }
}

/// A request whose head is in order; its body is still to come.
#[derive(Debug)]
pub(crate) struct Head {
    team: Arc<str>,
    topic: Topic,
    topic_no: u32,
    push_type: Option<PushType>,
    priority: Option<Priority>,
    expiration: Expiration,
    collapse_id: Option<CollapseId>,
    /// What its client calls itself, where its body may turn out to be taken by leniency.
    client: Option<HeaderValue>,
}

impl Head {
    /// Whether it has priority 10, said or by default, and its body will say whether it is silent.
    const fn may_be_silent_at_ten(&self) -> bool {
        self.push_type.is_none() && matches!(self.priority, None | Some(Priority::Ten))
    }
}

/// The certificate of a connection.
#[derive(Debug)]
struct Certified {
    topics: CertificateTopics,
    certificate: Arc<Certificate>,
}

/// Whom a request comes from: its team, and what is known of its token unless a certificate speaks for it.
struct Sender {
    team: Arc<str>,
    verdict: Option<Arc<Verdict>>,
    /// What its token departs in from the documented form.
    leniencies: Leniencies,
}

impl Sender {
    fn certified(by: &Certified) -> Self {
        Self { team: Arc::clone(&by.certificate.team), verdict: None, leniencies: Leniencies::NONE }
    }

    fn key(&self) -> Option<&Arc<ProviderKey>> {
        self.verdict.as_ref().map(|verdict| &verdict.key)
    }

    const fn kind(&self) -> CredentialKind {
        match self.verdict {
            Some(_) => CredentialKind::Key,
            None => CredentialKind::Certificate,
        }
    }
}

/// The last `authorization`, what came of it, and whether the connection has taken it.
struct Last {
    value: HeaderValue,
    /// This connection's own, like its team: what cores share, they count in turns.
    verdict: Result<Arc<Verdict>, Reason>,
    team: Arc<str>,
    leniencies: Leniencies,
    is_taken: bool,
}

impl Last {
    fn judged(authorization: &HeaderValue, verdicts: &Verdicts, directory: &Directory) -> Self {
        let verdict = verdicts.judge(authorization.as_bytes(), directory);
        Self {
            value: authorization.clone(),
            team: verdict.as_ref().map_or_else(|_| Arc::default(), |verdict| (*verdict.key.team).into()),
            verdict: verdict.map(|verdict| Arc::new(Verdict::clone(&verdict))),
            leniencies: jwt::scheme_leniencies(authorization.as_bytes()),
            is_taken: false,
        }
    }
}

/// Whether both are the same, in a time that tells only how long they are.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let differing = one.iter().zip(other).fold(0, |differing, (one, other)| differing | (one ^ other));
    one.len() == other.len() && std::hint::black_box(differing) == 0
}

/// Who follows what becomes of notifications: a team, or a key or a certificate of it.
#[derive(Debug)]
pub(super) struct Follower {
    team: Arc<str>,
    key: Option<Arc<ProviderKey>>,
    topics: Option<CertificateTopics>,
}

impl Follower {
    /// The topics that are theirs as the developer centre knows them now.
    pub(super) fn topics(&self, directory: &Directory) -> Topics {
        let apps = directory.apps().filter(|app| app.team == self.team);
        let entries = apps.flat_map(|app| &app.topics).filter_map(|name| directory.topic(name));
        let key = self.key.as_ref().map(|key| directory.provider_key(&key.key_id));
        let allowed = entries.filter(|entry| key.is_none_or(|key| key.is_some_and(|key| key.allows(entry))));
        let named = allowed.filter(|entry| match &self.topics {
            Some(topics) => entry.name.parse().is_ok_and(|topic| topics.allows_topic(&topic)),
            None => true,
        });
        named.map(|entry| (entry.topic_no, Arc::clone(&entry.name))).collect()
    }
}

/// The checks of one connection, and what it has proved so far.
pub(crate) struct Admission {
    port: Arc<ProviderPort>,
    environment: Environment,
    directory: Arc<Directory>,
    certified: Option<Certified>,
    bound: Option<Binding>,
    /// Set once, for good.
    revoked: Option<Reason>,
    last: Option<Last>,
    /// What the connection itself departs in from the documented form.
    leniencies: Leniencies,
    noted: Noted,
}

impl Admission {
    /// A certificate that the developer centre doesn't know, or not any more, is [`Reason::BadCertificate`].
    pub(crate) fn new(
        port: Arc<ProviderPort>,
        environment: Environment,
        shown: Option<Shown>,
    ) -> Result<Self, Reason> {
        let directory = port.centre.directory();
        let certified = match shown {
            Some(Shown { fingerprint, topics }) => {
                let certificate = directory.certificate(&fingerprint).ok_or(Reason::BadCertificate)?;
                Some(Certified { topics, certificate: Arc::clone(certificate) })
            }
            None => None,
        };
        Ok(Self {
            port,
            environment,
            directory,
            certified,
            bound: None,
            revoked: None,
            last: None,
            leniencies: Leniencies::NONE,
            noted: Noted::default(),
        })
    }

    /// Says that the client has not offered HTTP/2 before it spoke it.
    pub(super) const fn without_alpn(&mut self) {
        self.leniencies.add(Leniency::NoAlpn);
    }

    /// Whether it is known who speaks on this connection.
    pub(super) const fn is_authenticated(&self) -> bool {
        self.certified.is_some() || self.bound.is_some()
    }

    pub(crate) const fn environment(&self) -> Environment {
        self.environment
    }

    /// Who speaks for a request with these headers, whether it is in order or not.
    pub(crate) fn credential(&self, headers: &RequestHeaders<'_>) -> Option<Credential> {
        match &self.certified {
            Some(Certified { certificate, .. }) => {
                Some(Credential::Certificate { certificate_id: certificate.id.to_string() })
            }
            None => Credential::in_headers(headers),
        }
    }

    /// Hears when the developer centre has changed.
    pub(crate) fn changes(&self) -> watch::Receiver<Arc<Directory>> {
        self.port.centre.changes()
    }

    /// Takes over what the developer centre has changed meanwhile.
    pub(crate) fn refresh(&mut self) {
        let directory = self.port.centre.directory();
        if !Arc::ptr_eq(&directory, &self.directory) {
            self.directory = directory;
            self.last = None;
            self.revoked = self.revoked.take().or_else(|| self.has_revoked());
        }
    }

    /// Why the connection must end: its certificate, or a key that was used on it, has been revoked; or its certificate has
    /// expired.
    pub(crate) fn dismissed(&self, now: Moment) -> Option<Reason> {
        let has_expired = |it: &Certified| it.certificate.expires_at.secs() <= now.real;
        let expired = self.certified.as_ref().is_some_and(has_expired);
        self.revoked.clone().or(expired.then_some(Reason::BadCertificate))
    }

    fn has_revoked(&self) -> Option<Reason> {
        if let Some(Certified { certificate, .. }) = &self.certified {
            let stands = self.directory.certificate(&certificate.fingerprint).is_some();
            return (!stands).then_some(Reason::BadCertificate);
        }
        let mut used = self.bound.iter().flat_map(Binding::keys);
        let stands = |key: &Arc<ProviderKey>| {
            self.directory.provider_key(&key.key_id).is_some_and(|known| known.is_same_key(key))
        };
        (!used.all(stands)).then_some(Reason::InvalidProviderToken)
    }

    /// Checks all of a request but its body and its token.
    pub(super) fn check_head(
        &mut self,
        method: &Method,
        uri: &Uri,
        headers: &RequestHeaders<'_>,
        now: Moment,
    ) -> Result<Head, Refusing> {
        if method != Method::POST {
            return Err(Reason::MethodNotAllowed.into());
        }
        homing_apns::device_token_in_path(uri.path())?;
        headers.check_form()?;
        let sender = self.authenticate(headers, now)?;
        let used = self.leniencies_of(&sender, uri).and(headers.leniencies());
        let used = used.with_if(Leniency::QueryInPath, uri.query().is_some());
        let head = self.check_options(headers, &sender, used)?;
        self.note(&head.team, Some((&head.topic, head.topic_no)), used, headers.user_agent, now);
        Ok(head)
    }

    /// What the connection, the provider token and the way the host is said depart in.
    fn leniencies_of(&self, sender: &Sender, uri: &Uri) -> Leniencies {
        let used = self.leniencies.and(sender.leniencies);
        used.with_if(Leniency::HostWithoutAuthority, uri.authority().is_none())
    }

    fn note(
        &mut self,
        team: &str,
        topic: Option<(&Topic, u32)>,
        used: Leniencies,
        client: Option<&HeaderValue>,
        now: Moment,
    ) {
        if used.is_empty() {
            return;
        }
        let client = client.and_then(|client| client.to_str().ok());
        let lenient = Lenient { team, topic, used, client, at: now.at };
        self.noted.note(&lenient, &self.directory, &self.port.advice);
    }

    /// Refuses what isn't documented, where nothing else is taken.
    fn check_strictly(&self, used: Leniencies) -> Result<(), Reason> {
        let refused = used.strict_reason().filter(|_| self.port.rules.strict);
        refused.map_or(Ok(()), Err)
    }

    /// Checks a request for receipts; answers whose they are. What its query says comes after.
    pub(super) fn check_receipts(
        &mut self,
        method: &Method,
        uri: &Uri,
        headers: &RequestHeaders<'_>,
        now: Moment,
    ) -> Result<Follower, Reason> {
        if method != Method::GET {
            return Err(Reason::MethodNotAllowed);
        }
        headers.check_form()?;
        let sender = self.authenticate(headers, now)?;
        let used = self.leniencies_of(&sender, uri);
        self.check_strictly(used)?;
        self.note(&sender.team, None, used, headers.user_agent, now);
        let key = sender.key().cloned();
        let topics = self.certified.as_ref().map(|certified| certified.topics.clone());
        Ok(Follower { team: sender.team, key, topics })
    }

    fn authenticate(&mut self, headers: &RequestHeaders<'_>, now: Moment) -> Result<Sender, Reason> {
        if let Some(reason) = self.dismissed(now) {
            return Err(reason);
        }
        if let Some(certified) = &self.certified {
            return Ok(Sender::certified(certified));
        }
        let authorization = headers.authorization.ok_or(Reason::MissingProviderToken)?;
        let last = match &mut self.last {
            Some(last) if is_same(last.value.as_bytes(), authorization.as_bytes()) => last,
            last => last.insert(Last::judged(authorization, &self.port.verdicts, &self.directory)),
        };
        let verdict = last.verdict.as_ref().map_err(Clone::clone)?;
        let key = &verdict.key;
        if !key.serves(self.environment) {
            return Err(match self.port.rules.documented_spelling {
                true => Reason::BadEnvironmentKeyIdInToken,
                false => Reason::BadEnvironmentKeyInToken,
            });
        }
        if let Some(bound) = &self.bound {
            bound.check_key(key)?;
        }
        verdict.check_age(now.real)?;
        if !last.is_taken {
            let newest_topic_no = self.directory.newest_topic_no();
            let bound = self.bound.get_or_insert_with(|| Binding::new(key, newest_topic_no));
            bound.take(verdict, &self.port.rules, now.real)?;
            last.is_taken = true;
        }
        let leniencies = last.leniencies.and(verdict.leniencies);
        Ok(Sender { team: Arc::clone(&last.team), verdict: Some(Arc::clone(verdict)), leniencies })
    }

    fn check_options(
        &self,
        headers: &RequestHeaders<'_>,
        sender: &Sender,
        used: Leniencies,
    ) -> Result<Head, Refusing> {
        let refusing = |reason, topic: Option<&Topic>| {
            let known = Known { team: Some(Arc::clone(&sender.team)), topic: topic.cloned() };
            Refusing { reason, known }
        };
        let without_topic = |reason| refusing(reason, None);
        self.check_strictly(used).map_err(without_topic)?;
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
            let topic_no = self.allowed_topic_no(&topic, sender)?;
            if let Some(push_type) = push_type.or_else(|| homing_apns::push_type_of_topic(&topic)) {
                homing_apns::check_credential(push_type, sender.kind())?;
            }
            let priority = headers.priority()?;
            homing_apns::effective_priority(priority, push_type)?;
            Ok((push_type, topic_no, priority, headers.expiration()?, headers.collapse_id()?))
        })();
        let (push_type, topic_no, priority, expiration, collapse_id) =
            checked.map_err(|reason| refusing(reason, Some(&topic)))?;
        let team = Arc::clone(&sender.team);
        let mut head =
            Head { team, topic, topic_no, push_type, priority, expiration, collapse_id, client: None };
        head.client = headers.user_agent.filter(|_| head.may_be_silent_at_ten()).cloned();
        Ok(head)
    }

    /// The topic of whoever can't name one: their certificate's own, also when it has several.
    fn own_topic(&self) -> Result<(&Certified, &Topic, u32), Refusing> {
        let certified = self.certified.as_ref().ok_or(Reason::BadCertificate)?;
        let refusing = |reason| Refusing { reason, known: self.known() };
        let topic = certified.topics.uid.as_ref().ok_or(Reason::MissingTopic).map_err(refusing)?;
        let topic_no = self.allowed_topic_no(topic, &Sender::certified(certified)).map_err(refusing)?;
        Ok((certified, topic, topic_no))
    }

    /// What is known of a request that a certificate's holder makes before it says anything.
    pub(crate) fn known(&self) -> Known {
        let certified = self.certified.as_ref();
        Known {
            team: certified.map(|certified| Arc::clone(&certified.certificate.team)),
            topic: certified.and_then(|certified| certified.topics.uid.clone()),
        }
    }

    /// The number of the topic whose ended registrations a certificate may read.
    pub(crate) fn check_feedback(&self) -> Result<u32, Reason> {
        self.own_topic().map(|(_, _, topic_no)| topic_no).map_err(|refusing| refusing.reason)
    }

    /// Checks all of a legacy notification but its token. It names neither topic nor push type: the one is its
    /// certificate's, the other is told from both.
    pub(crate) fn check_legacy(&self, sent: &LegacyNotification) -> Result<Head, Refusing> {
        let (certified, topic, topic_no) = self.own_topic()?;
        let (team, topic) = (Arc::clone(&certified.certificate.team), topic.clone());
        let push_type = homing_apns::infer_push_type(&topic, &sent.payload);
        // Apple says that 10 with nothing but `content-available` is an error here (*Binary Provider API*).
        if let Err(reason) = homing_apns::effective_priority(sent.priority, Some(push_type)) {
            return Err(Refusing { reason, known: Known { team: Some(team), topic: Some(topic) } });
        }
        let (priority, expiration) = (sent.priority, sent.expiration);
        Ok(Head {
            team,
            topic,
            topic_no,
            push_type: Some(push_type),
            priority,
            expiration,
            collapse_id: None,
            client: None,
        })
    }

    /// The topic's number, when the team owns it, the certificate, if there is one, names it, and the key, if there is one,
    /// is for it.
    fn allowed_topic_no(&self, topic: &Topic, sender: &Sender) -> Result<u32, Reason> {
        if self.certified.as_ref().is_some_and(|certified| !certified.topics.allows_topic(topic)) {
            return Err(Reason::TopicDisallowed);
        }
        match self.directory.topic(topic.as_str()) {
            Some(entry)
                if entry.team == sender.team
                    && sender.key().is_none_or(|key| key.allows(entry))
                    && self.bound.as_ref().is_none_or(|bound| bound.knew(entry.topic_no)) =>
            {
                Ok(entry.topic_no)
            }
            Some(_) | None => Err(Reason::TopicDisallowed),
        }
    }

    /// Checks the body, of which at most the first bytes up to the greatest limit are given, and the token, and makes
    /// the notification.
    pub(crate) fn check_body(
        &mut self,
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
        // A push type we inferred contradicts no priority the sender chose.
        if push_type == PushType::Background && head.may_be_silent_at_ten() {
            let used = Leniencies::NONE.with_if(Leniency::SilentAtTen, true);
            self.check_strictly(used)?;
            self.note(&head.team, Some((&head.topic, head.topic_no)), used, head.client.as_ref(), now);
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
pub(crate) struct Body {
    pub(super) start: Vec<u8>,
    /// All bytes that came, kept or not.
    pub(super) len: usize,
}

/// A body that came as a whole.
impl From<Vec<u8>> for Body {
    fn from(start: Vec<u8>) -> Self {
        let len = start.len();
        Self { start, len }
    }
}

impl Body {
    /// What of it is kept.
    pub(super) fn start(&self) -> &[u8] {
        &self.start
    }

    /// Keeps the first `most` bytes. They are copied, since what `h2` hands out pins its whole read buffer.
    pub(super) fn take(&mut self, chunk: &[u8], most: usize) {
        let kept = &chunk[..chunk.len().min(most - self.start.len())];
        self.start.reserve_exact(kept.len());
        self.start.extend_from_slice(kept);
        self.len = self.len.saturating_add(chunk.len());
    }
}
