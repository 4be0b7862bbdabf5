//! From what a push says to the payload and headers of its notifications, checked as Apple would. Pure.

use homing_apns::{CollapseId, Expiration, Priority, Topic, check_topic, effective_priority};
use homing_payload::{Alert, Aps, InterruptionLevel, Payload, PushType, Sound, validate};
use homing_trace::UnixMillis;
use serde_json::{Map, Value, json};

use super::apps::Answer;
use super::error::EngineError;
use super::push::{Content, ExpirationWish, NewPush, PushOptions};

/// The key that is added beside `aps`: the SDK knows by it whom and which push it is from.
const HOMING: &str = "homing";
/// A user's tag has as many characters.
const TAG_LEN: usize = 16;
/// How long a push is tried whose sender says nothing.
const PATIENCE_MS: i64 = 24 * 60 * 60 * 1000;
/// How long one is tried that is to arrive now or never.
const NOW_OR_NEVER_MS: i64 = 5 * 60 * 1000;

/// What the notifications of a push have in common.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    /// Without `homing`.
    pub(super) payload: Map<String, Value>,
    pub(super) push_type: PushType,
    pub(super) priority: Option<Priority>,
    pub(super) expiration: Expiration,
    pub(super) collapse_id: Option<CollapseId>,
    pub(super) topic: Topic,
    /// From then on it isn't tried again.
    pub(super) deadline: UnixMillis,
}

impl Message {
    /// # Errors
    /// If Apple would refuse it: then nothing is to be planned.
    pub(super) fn of(push: &NewPush, bundle_id: &str, push_id: &str, now: UnixMillis) -> Answer<Self> {
        let payload = payload(push)?;
        let options = &push.options;
        let push_type =
            options.push_type.unwrap_or_else(|| Payload::from_map(payload.clone()).0.inferred_push_type());
        let (expiration, deadline) = expiration(options.expiration, now)?;
        let message = Self {
            push_type,
            priority: priority(options, push_type)?,
            expiration,
            collapse_id: collapse_id(options)?,
            topic: topic(options, bundle_id, push_type)?,
            deadline,
            payload,
        };
        message.check_payload(push_id)?;
        Ok(message)
    }

    /// The longest of the push's payloads must not be too large.
    fn check_payload(&self, push_id: &str) -> Answer<()> {
        let tag = "0".repeat(TAG_LEN);
        let text = Value::Object(self.payload.clone()).to_string();
        let bytes = with_homing(&text, push_id, Some(&tag));
        let limit = self.push_type.max_payload_len();
        if bytes.len() <= limit {
            return Ok(());
        }
        let findings = validate(bytes.as_bytes(), Some(self.push_type));
        Err(EngineError::Payload { findings, bytes: bytes.len(), limit })
    }
}

/// The payload of one notification: the push's, and whose it is. `payload` is the text of an object.
pub(super) fn with_homing(payload: &str, push_id: &str, user_tag: Option<&str>) -> String {
    let open = payload.strip_suffix('}').unwrap_or(payload);
    let comma = if open == "{" { "" } else { "," };
    let user = user_tag.map_or_else(String::new, |tag| format!(r#","user":"{tag}""#));
    format!(r#"{open}{comma}"{HOMING}":{{"push":"{push_id}"{user}}}}}"#)
}

/// The payload as it is shown: as it is sent, but for the user's tag.
pub(super) fn shown(mut payload: Map<String, Value>, push_id: &str) -> Map<String, Value> {
    payload.insert(HOMING.to_owned(), json!({ "push": push_id }));
    payload
}

fn payload(push: &NewPush) -> Answer<Map<String, Value>> {
    let payload = match (&push.content, &push.payload) {
        (Some(content), None) => built(content)?,
        (None, Some(payload)) => payload.clone(),
        (Some(_), Some(_)) => {
            return Err(EngineError::invalid("payload", "send either content or payload, not both"));
        }
        (None, None) => {
            return Err(EngineError::invalid("content", "say what to send: content, or a whole payload"));
        }
    };
    if payload.contains_key(HOMING) {
        return Err(EngineError::invalid(
            format!("payload.{HOMING}"),
            "this key is the provider's own: use another name",
        ));
    }
    Ok(payload)
}

fn built(content: &Content) -> Answer<Map<String, Value>> {
    let alert = Alert {
        title: content.title.clone(),
        subtitle: content.subtitle.clone(),
        body: content.body.clone(),
        ..Alert::default()
    };
    let shows = alert != Alert::default() || content.badge.is_some() || content.sound.is_some();
    match (content.silent, shows) {
        (true, true) => {
            return Err(EngineError::invalid(
                "content.silent",
                "a silent push shows nothing: leave out title, subtitle, body, badge and sound, or silent",
            ));
        }
        (false, false) => {
            return Err(EngineError::invalid(
                "content",
                "there is nothing to show: give it a title, a body, a badge or a sound, or say \"silent\": true",
            ));
        }
        (true, false) | (false, true) => {}
    }
    let aps = Aps {
        alert: (alert != Alert::default()).then_some(alert),
        badge: content.badge,
        sound: content.sound.as_ref().map(Sound::named),
        category: content.category.clone(),
        thread_id: content.thread_id.clone(),
        interruption_level: content.interruption_level.as_deref().map(level).transpose()?,
        relevance_score: content.relevance_score,
        content_available: content.silent,
        ..Aps::default()
    };
    let mut payload = Payload::new(aps);
    if let Some(user_info) = &content.user_info {
        payload = payload.with_custom("userInfo", user_info.clone());
    }
    Ok(payload.to_map())
}

fn level(word: &str) -> Answer<InterruptionLevel> {
    InterruptionLevel::ALL.into_iter().find(|level| level.as_str() == word).ok_or_else(|| {
        EngineError::invalid(
            "content.interruption_level",
            "write one of passive, active, time-sensitive, critical",
        )
    })
}

fn priority(options: &PushOptions, push_type: PushType) -> Answer<Option<Priority>> {
    let invalid = |problem: &str| EngineError::invalid("options.priority", problem);
    let priority = options
        .priority
        .map(|number| Priority::from_number(number).ok_or_else(|| invalid("write 10, 5 or 1")))
        .transpose()?;
    let effective = effective_priority(priority, Some(push_type))
        .map_err(|_| invalid("a background push takes 5 or 1: Apple refuses 10"))?;
    // None at all means 10 to Apple, also where that is an error.
    Ok(priority.or((effective != Priority::default()).then_some(effective)))
}

/// What the header says, and until when we try.
fn expiration(wish: Option<ExpirationWish>, now: UnixMillis) -> Answer<(Expiration, UnixMillis)> {
    let seconds = match wish {
        None => return Ok((Expiration::Default, now.plus_millis(PATIENCE_MS))),
        Some(ExpirationWish::Seconds(seconds)) => seconds,
        Some(ExpirationWish::At(at)) => at.secs(),
    };
    if seconds == 0 {
        return Ok((Expiration::Once, now.plus_millis(NOW_OR_NEVER_MS)));
    }
    if seconds <= now.secs() {
        return Err(EngineError::invalid(
            "options.expiration",
            format!("it lies in the past: it is {now} now; write 0 for now or never"),
        ));
    }
    let patience = now.plus_millis(PATIENCE_MS);
    Ok((Expiration::At(seconds), UnixMillis::from_secs(seconds).min(patience)))
}

fn collapse_id(options: &PushOptions) -> Answer<Option<CollapseId>> {
    let Some(text) = &options.collapse_id else { return Ok(None) };
    let invalid = || {
        EngineError::invalid("options.collapse_id", "it has 1 to 64 bytes of UTF-8 and no control characters")
    };
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(invalid());
    }
    text.parse().map(Some).map_err(|_| invalid())
}

fn topic(options: &PushOptions, bundle_id: &str, push_type: PushType) -> Answer<Topic> {
    let text = match &options.topic {
        None => format!("{bundle_id}{}", push_type.topic_suffix()),
        Some(topic) => topic.clone(),
    };
    let ours = text.strip_prefix(bundle_id).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let topic: Topic = text.parse().ok().filter(|_| ours).ok_or_else(|| {
        let problem = format!("a topic of this app is {bundle_id}, or that with a push type's suffix");
        EngineError::invalid("options.topic", problem)
    })?;
    check_topic(push_type, &topic).map_err(|reason| {
        let suffix = push_type.topic_suffix();
        let problem = format!(
            "Apple answers {reason}: a push of type {push_type} goes to {bundle_id}{suffix}; leave the topic out, or \
             say another push_type"
        );
        EngineError::invalid("options.topic", problem)
    })?;
    Ok(topic)
}

#[cfg(test)]
mod tests;
