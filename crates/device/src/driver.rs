//! Apps that are driven through the HTTP API: what is answered in their name, and what they were told. So an app's side
//! can be tried without a process. What an answer leads to is decided by the notification center.

use std::collections::VecDeque;

use homing_local::content_extension::ContentExtensionResponseOption;
use homing_local::{
    DeviceEvent, FetchResult, LegacyMethods, NotificationContent, NotificationRequest, PresentationOption,
};
use homing_trace::UnixMillis;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::translate;

/// The newest calls that are remembered of an app.
const CALLS_KEPT: usize = 256;

/// An app without a process: whose delegates have which methods, and what these answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Driver {
    /// `willPresent`: the options, `"by-hand"` to answer each call, or absent for a delegate without the method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) will_present: Option<WillPresentAnswer>,
    /// The delegate of UserNotifications has `didReceive`, and calls its completion handler at once; `"by-hand"` leaves that to
    /// you. Absent: it has, unless `legacy` says that the app is one of iOS 9. An app with `will_present` or `did_receive` has such
    /// a delegate, which takes the place of iOS 9's callbacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) did_receive: Option<DidReceiveAnswer>,
    /// `didReceiveRemoteNotification`: the result, `"by-hand"`, or absent for a delegate without the method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fetch: Option<FetchAnswer>,
    /// The methods of iOS 9 that the app has: what they are called with is among the app's calls, with `"event": "legacy"`.
    #[serde(default, skip_serializing_if = "LegacyMethods::is_none")]
    pub(crate) legacy: LegacyMethods,
    /// Whether the delegate is set while the app is launched. If not, what waits for it is lost as soon as launching
    /// has finished.
    #[serde(default = "yes")]
    pub(crate) delegate_at_launch: bool,
}

fn yes() -> bool {
    true
}

impl Driver {
    pub(crate) fn has_did_receive(&self) -> bool {
        match self.did_receive {
            Some(DidReceiveAnswer::Has(has)) => has,
            Some(DidReceiveAnswer::ByHand(_)) => true,
            None => self.legacy.is_none(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum WillPresentAnswer {
    Options(Vec<PresentationOption>),
    ByHand(ByHand),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum FetchAnswer {
    Result(FetchResult),
    ByHand(ByHand),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged, expecting = "didReceive is true, false or \"by-hand\"")]
pub(crate) enum DidReceiveAnswer {
    Has(bool),
    ByHand(ByHand),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ByHand {
    ByHand,
}

/// What the app was told, oldest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ToldView {
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: UnixMillis,
    /// It waits for an answer, and its time isn't over: POST …/calls/{completion}.
    pub(crate) open: bool,
    /// The event as an app gets it: `event` names it, `completion` numbers what is to be answered.
    pub(crate) event: DeviceEvent,
}

/// What came of a request for permission: what its completion handler gets.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ReplyView {
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: UnixMillis,
    /// The number that POST …/authorization gave the call.
    pub(crate) request: u64,
    pub(crate) granted: bool,
}

/// The completion handler that is called by hand: `options` for `will-present`, `result` for
/// `did-receive-remote-notification`, nothing for `did-receive` and iOS 9's `handle-action`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallAnswer {
    #[serde(default)]
    pub(crate) options: Option<Vec<PresentationOption>>,
    #[serde(default)]
    pub(crate) result: Option<FetchResult>,
}

/// What the service extension of an app does with each notification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "behaviour", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Extension {
    /// Calls the content handler with the content so changed.
    Answer {
        #[serde(default)]
        #[schema(value_type = Object)]
        changes: Map<String, Value>,
    },
    /// Does so only when it is told that its time is over.
    BestAttempt {
        #[serde(default)]
        #[schema(value_type = Object)]
        changes: Map<String, Value>,
    },
    Crash {},
    /// Waits to be answered through the API, and never answers if nobody does.
    ByHand {},
}

/// The answer to one call of the service extension: the content so changed, or a crash.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExtensionAnswer {
    /// The members of the content to be replaced; `null` takes one away.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub(crate) changes: Map<String, Value>,
    #[serde(default)]
    pub(crate) crash: bool,
}

/// A notification that the service extension works on.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ExtensionCallView {
    pub(crate) call: u64,
    pub(crate) request: NotificationRequest,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) deadline: UnixMillis,
    /// `serviceExtensionTimeWillExpire` was called.
    pub(crate) expiring: bool,
}

/// How an app is driven, and what it was told since.
#[derive(Debug, Default)]
pub(crate) struct Driven {
    /// What its content extension answers to actions, as long as the device runs; `None` leaves it to its process.
    pub(crate) content: Option<ContentExtensionResponseOption>,
    pub(crate) driver: Option<Driver>,
    pub(crate) extension: Option<Extension>,
    /// Its time in background was over.
    pub(crate) suspended: bool,
    told: VecDeque<ToldView>,
    replies: VecDeque<ReplyView>,
}

impl Driven {
    pub(crate) fn new(driver: Option<Driver>, extension: Option<Extension>) -> Self {
        Self { driver, extension, ..Self::default() }
    }

    /// `is_open` says whether a completion handler still counts.
    pub(crate) fn told(&self, is_open: impl Fn(u64) -> bool) -> Vec<ToldView> {
        let view = |told: &ToldView| ToldView {
            open: completion(&told.event).is_some_and(&is_open),
            ..told.clone()
        };
        self.told.iter().map(view).collect()
    }

    pub(crate) fn tell(&mut self, at: UnixMillis, event: DeviceEvent) {
        if self.told.len() >= CALLS_KEPT {
            self.told.pop_front();
        }
        self.told.push_back(ToldView { at, open: false, event });
    }

    /// What came of its requests for permission, oldest first.
    pub(crate) fn replies(&self) -> impl Iterator<Item = &ReplyView> {
        self.replies.iter()
    }

    pub(crate) fn reply(&mut self, at: UnixMillis, request: u64, granted: bool) {
        if self.replies.len() >= CALLS_KEPT {
            self.replies.pop_front();
        }
        self.replies.push_back(ReplyView { at, request, granted });
    }

    /// The call of this number.
    pub(crate) fn call(&self, wanted: u64) -> Option<&DeviceEvent> {
        let mut calls = self.told.iter().map(|told| &told.event);
        calls.rfind(|event| completion(event) == Some(wanted))
    }
}

fn completion(event: &DeviceEvent) -> Option<u64> {
    match event {
        DeviceEvent::WillPresent { completion, .. }
        | DeviceEvent::DidReceive { completion, .. }
        | DeviceEvent::DidReceiveRemoteNotification { completion, .. } => Some(*completion),
        DeviceEvent::Legacy { callback } => callback.completion(),
        DeviceEvent::DidRegister { .. }
        | DeviceEvent::DidFailToRegister { .. }
        | DeviceEvent::OpenSettings { .. }
        | DeviceEvent::Launched { .. }
        | DeviceEvent::Touched { .. }
        | DeviceEvent::StateChanged { .. } => None,
    }
}

/// The content with these members replaced; `null` takes one away. Changes that nest too deeply to be kept are none.
pub(crate) fn changed(
    content: &NotificationContent,
    changes: &Map<String, Value>,
) -> Result<NotificationContent, serde_json::Error> {
    if changes.values().any(homing_notification_center::is_too_deep) {
        return Err(serde::de::Error::custom("it nests more than 64 levels deep"));
    }
    let mut json = serde_json::to_value(content)?;
    if let Some(members) = json.as_object_mut() {
        for (key, value) in changes {
            if value.is_null() {
                members.remove(key);
            } else {
                members.insert(key.clone(), value.clone());
            }
        }
    }
    let content = serde_json::from_value(json)?;
    translate::check_badge(&content).map_err(|error| serde::de::Error::custom(error.message))?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changes_replace_members_and_null_takes_them_away() {
        let content = NotificationContent {
            title: "t".into(),
            body: "b".into(),
            badge: Some(3),
            ..NotificationContent::default()
        };
        let changes = json!({"title": "T", "badge": null}).as_object().expect("it is an object").clone();
        let expected = NotificationContent { title: "T".into(), badge: None, ..content.clone() };
        assert_eq!(changed(&content, &changes).expect("it is a content"), expected);
        let unknown = json!({"titel": "T"}).as_object().expect("it is an object").clone();
        assert!(changed(&content, &unknown).is_err(), "a misspelt member is told");
        let nested = |levels| (0..levels).fold(json!(1), |inner, _| json!({ "a": inner }));
        let deep =
            |levels| json!({"user_info": nested(levels)}).as_object().expect("it is an object").clone();
        assert!(changed(&content, &deep(64)).is_ok());
        assert!(changed(&content, &deep(65)).is_err(), "deeper than is kept");
    }

    #[test]
    fn an_answer_is_a_list_or_a_word() {
        let driver: Driver = serde_json::from_value(json!({"will_present": ["banner"], "fetch": "by-hand"}))
            .expect("it is one");
        let options = vec![PresentationOption::Banner];
        assert_eq!(driver.will_present, Some(WillPresentAnswer::Options(options)));
        assert_eq!(driver.fetch, Some(FetchAnswer::ByHand(ByHand::ByHand)));
        assert!(driver.has_did_receive() && driver.delegate_at_launch);
        let of_ios_9 = json!({"legacy": {"did_receive_local_notification": true}});
        let driver: Driver = serde_json::from_value(of_ios_9).expect("it is one");
        assert!(!driver.has_did_receive());
    }
}
