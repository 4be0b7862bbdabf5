//! Which topic a push type may go to, with which kind of credential, and which push type a request means that names none.

use crate::{PushType, Reason, Topic};

/// What topics of device management begin with: the UID of an MDM push certificate, which is no bundle ID.
const MDM_PREFIX: &str = "com.apple.mgmt.";

/// What speaks for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// A provider token, signed by a key.
    Key,
    Certificate,
}

/// The push type that a topic alone tells: by its suffix, or `mdm`.
pub fn push_type_of_topic(topic: &Topic) -> Option<PushType> {
    match topic.as_str().starts_with(MDM_PREFIX) {
        true => Some(PushType::Mdm),
        false => PushType::of_topic(topic.as_str()),
    }
}

/// Whether Apple offers a push type to this kind of credential (*Sending notification requests to APNs*: a certificate covers
/// some types only, `location` wants a token, `mdm` its certificate); else [`Reason::Forbidden`]. Apple names no reason. A
/// certificate that doesn't list the type's topic is refused for its topic, whatever this says.
pub const fn check_credential(push_type: PushType, by: CredentialKind) -> Result<(), Reason> {
    match (push_type, by) {
        (
            PushType::Controls
            | PushType::LiveActivity
            | PushType::Location
            | PushType::PushToTalk
            | PushType::Widgets,
            CredentialKind::Certificate,
        )
        | (PushType::Mdm, CredentialKind::Key) => Err(Reason::Forbidden),
        (
            PushType::Alert
            | PushType::Background
            | PushType::Complication
            | PushType::FileProvider
            | PushType::Voip,
            CredentialKind::Key | CredentialKind::Certificate,
        )
        | (
            PushType::Controls
            | PushType::LiveActivity
            | PushType::Location
            | PushType::PushToTalk
            | PushType::Widgets,
            CredentialKind::Key,
        )
        | (PushType::Mdm, CredentialKind::Certificate) => Ok(()),
    }
}

/// Whether a push type may go to a topic. Apple documents the suffixes (*Sending notification requests to APNs*) but not
/// the reasons; we decided by what is reported from the field:
///
/// - the topic ends in another push type's suffix (`alert` to `com.example.app.voip`): the push type contradicts the topic,
///   [`Reason::InvalidPushType`];
/// - the push type needs a suffix that the topic lacks (`voip` to `com.example.app`): [`Reason::BadTopic`]; so does `mdm` to
///   anything but the UID of an MDM push certificate.
pub fn check_topic(push_type: PushType, topic: &Topic) -> Result<(), Reason> {
    match push_type_of_topic(topic) {
        Some(of_topic) if of_topic == push_type => Ok(()),
        Some(_) => Err(Reason::InvalidPushType),
        None if matches!(push_type, PushType::Alert | PushType::Background) => Ok(()),
        None => Err(Reason::BadTopic),
    }
}

/// What a request without `apns-push-type` means, as Apple's service did before the header existed: what the topic tells;
/// else `background` when `aps` holds `content-available` and nothing to show; else `alert`.
pub fn infer_push_type(topic: &Topic, payload: &[u8]) -> PushType {
    if let Some(of_topic) = push_type_of_topic(topic) {
        return of_topic;
    }
    if contains(payload, b"\"content-available\"") && is_only_content_available(payload) {
        PushType::Background
    } else {
        PushType::Alert
    }
}

/// Spares the parsing of almost every payload.
fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

fn is_only_content_available(payload: &[u8]) -> bool {
    let Ok(serde_json::Value::Object(payload)) = serde_json::from_slice(payload) else { return false };
    let Some(aps) = payload.get("aps").and_then(serde_json::Value::as_object) else { return false };
    let asked = aps.get("content-available").and_then(serde_json::Value::as_i64) == Some(1);
    asked && !["alert", "badge", "sound"].iter().any(|shown| aps.contains_key(*shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(text: &str) -> Topic {
        text.parse().expect("the test's topics are topics")
    }

    #[test]
    fn every_push_type_goes_to_its_own_topic_only() {
        let kind = |push_type| if push_type == PushType::Background { PushType::Alert } else { push_type };
        for of_topic in PushType::ALL {
            let topic = topic(&if of_topic == PushType::Mdm {
                "com.apple.mgmt.External.0b2f".to_owned()
            } else {
                format!("com.example.app{}", of_topic.topic_suffix())
            });
            for push_type in PushType::ALL {
                let expected = match (kind(push_type), kind(of_topic)) {
                    (ours, theirs) if ours == theirs => Ok(()),
                    (_, PushType::Alert) => Err(Reason::BadTopic),
                    (_, _) => Err(Reason::InvalidPushType),
                };
                assert_eq!(check_topic(push_type, &topic), expected, "{push_type} to {topic}");
            }
        }
    }

    #[test]
    fn a_missing_push_type_is_told_from_topic_and_payload() {
        let app = topic("com.example.app");
        assert_eq!(infer_push_type(&app, br#"{"aps":{"alert":"Hi"}}"#), PushType::Alert);
        assert_eq!(infer_push_type(&app, br#"{"aps":{"content-available":1},"x":1}"#), PushType::Background);
        assert_eq!(infer_push_type(&app, br#"{"aps":{"content-available":1,"badge":3}}"#), PushType::Alert);
        assert_eq!(infer_push_type(&app, br#"{"aps":{"content-available":0}}"#), PushType::Alert);
        assert_eq!(infer_push_type(&app, br#""content-available""#), PushType::Alert);
        assert_eq!(infer_push_type(&topic("com.example.app.voip"), b"{}"), PushType::Voip);
    }
}
