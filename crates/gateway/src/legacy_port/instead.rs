//! What testers asked for on the legacy interface: marks, faults, and notes for the journal. Which notification is hit is
//! decided in `crate::testers`.

use homing_apns::legacy::{Command, Identifier, LegacyNotification, Status};
use homing_apns::{Expiration, Reason, RequestHeaders};
use homing_trace::{Environment, Reason as TraceReason, UnixMillis};

use super::round::Failing;
use crate::notification::RegistrationKey;
use crate::provider_port::{Admission, Known, ProviderPort};
use crate::store::hex;
use crate::testers::{Answer, Asked, Effect, Instead, Interface, MarkKind, Noted, Unanswered};

/// A notification that is in order.
pub(super) struct About<'a> {
    pub(super) command: Command,
    pub(super) identifier: Option<Identifier>,
    pub(super) label: &'a str,
    pub(super) known: &'a Known,
    /// Hex.
    pub(super) token: &'a str,
}

/// What the journal is to say of a notification.
pub(super) fn note(
    connection: u64,
    admission: &Admission,
    sent: &LegacyNotification,
    at: UnixMillis,
) -> Box<Noted> {
    let mut asked = Asked {
        interface: "legacy",
        connection,
        environment: Some(admission.environment()),
        credential: admission.credential(&RequestHeaders::default()),
        token: Some(hex(&sent.token)),
        payload: bytes::Bytes::copy_from_slice(&sent.payload),
        ..Asked::default()
    };
    let expiry = match sent.expiration {
        Expiration::Default => None,
        Expiration::Once => Some(0),
        Expiration::At(seconds) => u32::try_from(seconds).ok(),
    };
    let said = [
        ("command", Some(sent.command as u32)),
        ("identifier", sent.identifier.map(u32::from_be_bytes)),
        ("expiry", expiry),
        ("priority", sent.priority.map(|priority| u32::from(priority.number()))),
    ];
    asked.frame.extend(said.into_iter().filter_map(|(name, value)| Some((name, value?))));
    Noted::new(asked, at)
}

/// Tells the journal what became of a notification: taken, or failed with this status if it is said, for this reason.
pub(super) fn conclude(
    port: &ProviderPort,
    noted: Option<Box<Noted>>,
    known: &Known,
    label: &str,
    failed: Option<(Option<Status>, Option<&Reason>)>,
) {
    let (Some(testers), Some(noted)) = (&port.testers, noted) else { return };
    let (status, reason) = failed.unwrap_or_default();
    let answer = Answer {
        legacy_status: status.map(|status| status as u8),
        reason: reason.map(|reason| reason.as_str().to_owned()),
        apns_id: Some(label.to_owned()),
        ..Answer::default()
    };
    let topic = known.topic.as_ref().map(homing_apns::Topic::as_str);
    testers.journal.write(*noted, known.team.as_deref(), topic, Some(answer));
}

/// Tells the journal of one that was neither taken nor failed: another failed before it, and its client sends it again.
pub(super) fn conclude_untold(port: &ProviderPort, noted: Option<Box<Noted>>, known: &Known) {
    let (Some(testers), Some(mut noted)) = (&port.testers, noted) else { return };
    let topic = known.topic.as_ref().map(homing_apns::Topic::as_str);
    noted.unanswered = Some(Unanswered::Discarded);
    testers.journal.write(*noted, known.team.as_deref(), topic, None);
}

/// Lets a notification in order have what testers asked for, mostly nothing: it fails, or it is to be discarded as one whose
/// app is gone.
pub(super) fn instead(
    port: &ProviderPort,
    environment: Environment,
    registration: &RegistrationKey,
    about: &About<'_>,
    noted: &mut Option<Box<Noted>>,
    at: UnixMillis,
) -> Result<bool, Failing> {
    let Some(testers) = &port.testers else { return Ok(false) };
    let (word, status, reason) = match testers.instead(Interface::Legacy, registration, at) {
        None => return Ok(false),
        Some(Instead::Marked(mark)) => {
            testers.marks.tell_again(registration);
            match mark.kind {
                MarkKind::Unregistered => {
                    inject(noted, mark.word());
                    return Ok(true);
                }
                MarkKind::Expired => {
                    let reason = mark.kind.reason();
                    (mark.word(), Some(Status::of(&reason)), Some(reason))
                }
            }
        }
        Some(Instead::Fault(hit)) => match hit.effect {
            Effect::LegacyStatus(status) => (hit.effect.word(), Some(status), None),
            // The others are for another interface.
            Effect::LegacyClose
            | Effect::Refuse { .. }
            | Effect::Delay(_)
            | Effect::Silence
            | Effect::Reset(_)
            | Effect::GoAway(_)
            | Effect::Drop
            | Effect::OneStream => (hit.effect.word(), None, None),
        },
    };
    inject(noted, word.clone());
    let said = reason.as_ref().map(|reason| TraceReason::from_peer(reason.as_str()));
    let mut refused = about.known.refused(about.label.into(), environment, Some(about.token), said, at);
    refused.injected = Some(word);
    port.note_refusal(refused);
    let told = status.filter(|_| about.command.is_answered());
    conclude(port, noted.take(), about.known, about.label, Some((told, reason.as_ref())));
    // A command that is never answered is closed without a word.
    let command = Some(if status.is_some() { about.command } else { Command::Simple });
    Err(Failing { command, identifier: about.identifier, status: status.unwrap_or(Status::Shutdown) })
}

fn inject(noted: &mut Option<Box<Noted>>, word: TraceReason) {
    if let Some(noted) = noted {
        noted.injected = Some(word);
    }
}
