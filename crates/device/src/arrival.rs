//! What came from the push service and what became of it: one record per notification, kept with the phone's other
//! state, so that "why was nothing shown?" has an answer on the device, too. What became of it is decided by the
//! notification center.

use homing_local::{AppStateWord, Surface};
use homing_trace::{Reason, Stage, UnixMillis};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Arrivals a device remembers: the newest.
pub(crate) const KEPT: i64 = 500;
/// Longest title or body that is remembered, in bytes. A whole alert has at most 4 KiB.
const MAX_TEXT: usize = 4096;

/// One notification that came from the push service.
#[derive(Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Arrival {
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: UnixMillis,
    /// The bundle ID.
    pub(crate) app: String,
    /// Of a Live Activity that has its own token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) instance: Option<String>,
    pub(crate) apns_id: String,
    /// The push service's number for it.
    pub(crate) seq: u64,
    /// As its sender said.
    pub(crate) push_type: Option<String>,
    /// As the user would read it, in the device's language; empty without one, or if the payload can't be read.
    pub(crate) title: String,
    pub(crate) body: String,
    /// Where the app stood when it came; `null`: it wasn't here.
    pub(crate) app_state: Option<AppStateWord>,
    /// `null` while the app in foreground may still say how it wants it shown.
    pub(crate) decision: Option<Decision>,
    /// What the user did with it, oldest first.
    pub(crate) responses: Vec<ResponseMark>,
    /// What was handed over, of what is `for-framework`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(crate) payload: Option<serde_json::Value>,
}

/// What the device decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Decision {
    /// `displayed` or `suppressed`.
    #[schema(value_type = String)]
    pub(crate) stage: Stage,
    /// A stable word, of what is suppressed.
    #[schema(value_type = Option<String>)]
    pub(crate) reason: Option<Reason>,
    /// Where it was put before the user; a provisional one is in Notification Center though `suppressed`.
    pub(crate) surfaces: Vec<Surface>,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: UnixMillis,
}

/// What the user did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ResponseMark {
    /// `opened`, `dismissed` or `action`.
    #[schema(value_type = String)]
    pub(crate) stage: Stage,
    /// Which, of an `action`: its identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) action: Option<Reason>,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: UnixMillis,
}

impl std::fmt::Debug for Arrival {
    /// What people are told stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arrival")
            .field("at", &self.at)
            .field("app", &self.app)
            .field("seq", &self.seq)
            .field("decision", &self.decision)
            .finish_non_exhaustive()
    }
}

impl Arrival {
    /// Takes in what the device says about it. The first decision stays, unless it was to wait: that a provisional one
    /// was seen later is told by what the user did.
    pub(crate) fn amend(
        &mut self,
        (stage, reason): (Stage, Option<Reason>),
        surfaces: Vec<Surface>,
        at: UnixMillis,
    ) {
        match stage {
            Stage::Displayed | Stage::Suppressed => {
                let waits = |decision: &Decision| {
                    let reason = decision.reason.as_ref();
                    reason.is_some_and(|reason| [Reason::THROTTLED, Reason::SUMMARY].contains(reason))
                };
                if self.decision.as_ref().is_none_or(waits) {
                    self.decision = Some(Decision { stage, reason, surfaces, at });
                }
            }
            Stage::Opened | Stage::Dismissed | Stage::Action => {
                self.responses.push(ResponseMark { stage, action: reason, at })
            }
            // The push service's words.
            Stage::Accepted
            | Stage::Refused
            | Stage::Stored
            | Stage::Replaced
            | Stage::Expired
            | Stage::Discarded
            | Stage::Sent
            | Stage::Acknowledged
            | Stage::Injected => {}
        }
    }

    /// What the device made of it, in one plain sentence. `is_held`: it is still on the screen, or waits.
    pub(crate) fn why(&self, is_held: bool) -> String {
        let Some(decision) = &self.decision else {
            return match self.app_state {
                Some(AppStateWord::Foreground) => {
                    "The app is open: its service extension works on it, or the app was asked how to show it and hasn't \
                     answered yet."
                }
                Some(AppStateWord::Background | AppStateWord::Ended | AppStateWord::ForceQuit) | None => {
                    "The app's service extension works on it; it is shown when that is done, or its time is over."
                }
            }
            .to_owned();
        };
        let Some(reason) = &decision.reason else { return shown(&decision.surfaces) };
        let is_over = over(reason).filter(|_| !is_held);
        is_over.unwrap_or_else(|| suppressed(reason)).to_owned()
    }
}

/// A text as it is kept: not longer than [`MAX_TEXT`].
pub(crate) fn kept(text: &str) -> String {
    let end = (0..=text.len().min(MAX_TEXT)).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    text[..end].to_owned()
}

fn shown(surfaces: &[Surface]) -> String {
    let words: Vec<_> = surfaces.iter().map(|surface| word(*surface)).collect();
    match words.split_last() {
        None => "The user was told.".to_owned(),
        Some((only, [])) => format!("The user was told: {only}."),
        Some((last, first)) => format!("The user was told: {} and {last}.", first.join(", ")),
    }
}

const fn word(surface: Surface) -> &'static str {
    match surface {
        Surface::Banner => "a banner",
        Surface::PersistentBanner => "a banner that stays",
        Surface::LockScreen => "the lock screen",
        Surface::NotificationCenter => "the notification list",
        Surface::Sound => "a sound",
        Surface::Badge => "the badge",
    }
}

fn suppressed(reason: &Reason) -> &'static str {
    let because = [
        (Reason::NOT_PERMITTED, "The user hasn't allowed this app to show notifications."),
        (Reason::FOREGROUND, "The app was open, and didn't say that it was to be shown."),
        (
            Reason::PROVISIONAL,
            "The app has provisional permission only: it waits quietly in the notification list.",
        ),
        (
            Reason::FOCUS,
            "A Focus is on that doesn't let it through: it waits quietly in the notification list.",
        ),
        (Reason::SUMMARY, "It waits for the scheduled summary."),
        (Reason::DUPLICATE, "The device had this very notification already."),
        (
            Reason::SUPERSEDED,
            "A newer notification took its place while it waited: for the app's answer, its service extension, the \
             scheduled summary, or its turn to wake the app.",
        ),
        (
            Reason::SILENT,
            "It is for the app, not for the user: the app was told if it may run, nothing is shown.",
        ),
        (
            Reason::THROTTLED,
            "It is for the app, which has had as many of these as it may: the newest is kept until it may have another.",
        ),
        (Reason::UNKNOWN_APP, "The app it is for isn't on this device."),
        (Reason::EXPIRED, "Its time had passed when it came."),
        (Reason::NOT_DISPLAYABLE, "It has no text, sound or badge, so there is nothing to show."),
        (
            Reason::FOR_FRAMEWORK,
            "It isn't for the notification centre: it was handed to the framework of its push type.",
        ),
        (Reason::UNREADABLE, "Its payload isn't a JSON object, or nests more than 64 levels deep."),
        (Reason::ANOTHER_USER, "It is for another user than the one who is signed in to the app."),
        (Reason::FILTERED, "The app's service extension dropped it."),
        (Reason::MUTED, "It is a sound alone, and the device is muted."),
        (Reason::NOT_REGISTERED, "The app has unregistered from remote notifications."),
    ];
    because.iter().find(|(known, _)| known == reason).map_or("The device didn't show it.", |(_, words)| words)
}

/// Of what waited, once it doesn't any more.
fn over(reason: &Reason) -> Option<&'static str> {
    let because = [
        (
            Reason::PROVISIONAL,
            "The app has provisional permission only: it waited quietly in the notification list until it was opened,              cleared or withdrawn.",
        ),
        (
            Reason::FOCUS,
            "A Focus was on that didn't let it through: its text, if it has one, waited quietly in the notification list              until it was opened, cleared or withdrawn.",
        ),
        (
            Reason::SUMMARY,
            "Its app's notifications wait for the scheduled summary: it was withdrawn before that came, or has no text to              stand there.",
        ),
        (Reason::THROTTLED, "It is for the app, which has had as many of these as it may, and wasn't kept."),
    ];
    because.iter().find(|(known, _)| known == reason).map(|(_, words)| *words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrival() -> Arrival {
        Arrival {
            at: UnixMillis(1),
            app: "com.example.news".to_owned(),
            instance: None,
            apns_id: "a".to_owned(),
            seq: 1,
            push_type: None,
            title: "Hello".to_owned(),
            body: String::new(),
            app_state: Some(AppStateWord::Foreground),
            decision: None,
            responses: Vec::new(),
            payload: None,
        }
    }

    #[test]
    fn the_first_decision_stays_and_what_the_user_did_is_added() {
        let mut arrival = arrival();
        assert!(arrival.why(false).contains("hasn't answered"));
        let in_background = Arrival { app_state: Some(AppStateWord::Background), ..arrival.clone() };
        assert!(!in_background.why(false).contains("is open"), "{}", in_background.why(false));
        let list = vec![Surface::NotificationCenter];
        arrival.amend((Stage::Suppressed, Some(Reason::PROVISIONAL)), list, UnixMillis(2));
        arrival.amend((Stage::Displayed, None), Vec::new(), UnixMillis(3));
        arrival.amend((Stage::Opened, None), Vec::new(), UnixMillis(3));
        assert!(arrival.why(true).contains("it waits quietly"), "{}", arrival.why(true));
        assert!(arrival.why(false).contains("it waited quietly"), "{}", arrival.why(false));
        assert_eq!(
            arrival.responses,
            [ResponseMark { stage: Stage::Opened, action: None, at: UnixMillis(3) }]
        );
    }

    #[test]
    fn where_it_was_shown_is_a_sentence() {
        let mut arrival = arrival();
        let surfaces = vec![Surface::Banner, Surface::LockScreen, Surface::Sound];
        arrival.amend((Stage::Displayed, None), surfaces, UnixMillis(2));
        assert_eq!(arrival.why(true), "The user was told: a banner, the lock screen and a sound.");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(kept("short"), "short");
        assert_eq!(kept(&"道".repeat(2000)).len(), 4095);
    }
}
