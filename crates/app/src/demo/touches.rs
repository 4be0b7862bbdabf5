//! What a user can touch on the demo's page, as it stands in JSON. What a touch does is decided by the demo.

use homing_local::Trigger;
use serde::Deserialize;
use serde_json::Value;

/// One touch.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "touch", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Touch {
    /// Signs in as one of [`super::Screen::accounts`].
    SignIn {
        /// One of them.
        user: String,
    },
    /// Signs out whoever is signed in.
    SignOut,
    /// Back to the front page.
    GoHome,
    /// Opens a page.
    Open {
        /// The page's address.
        url: String,
    },
    /// Asks for permission to send notifications.
    AskPermission,
    /// Goes from the permission reminder to Settings, or from the app's own page about permission.
    OpenSettings,
    /// Puts the permission reminder away.
    NotNow,
    /// Reminds of a page by a local notification. The same identifier again replaces it.
    Schedule { identifier: String, title: String, body: String, url: String, trigger: Trigger },
    /// Removes what waits for its trigger.
    Cancel { identifier: String },
    /// Takes what was shown out of Notification Center.
    Withdraw { identifier: String },
    /// Looks what waits, and what is shown.
    Look,
    /// What to answer to `willPresent`.
    InForeground { banner: bool },
}

impl Touch {
    /// `None` is a touch on nothing.
    pub(super) fn read(touch: &Value) -> Option<Self> {
        Self::deserialize(touch).inspect_err(|error| tracing::debug!(%error, "nothing was touched")).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_touch_stands_as_written_here() {
        let table = [
            (json!({"touch": "sign-in", "user": "ann"}), Some(Touch::SignIn { user: "ann".to_owned() })),
            (json!({"touch": "sign-out"}), Some(Touch::SignOut)),
            (json!({"touch": "go-home"}), Some(Touch::GoHome)),
            (json!({"touch": "open", "url": "u"}), Some(Touch::Open { url: "u".to_owned() })),
            (json!({"touch": "ask-permission"}), Some(Touch::AskPermission)),
            (json!({"touch": "open-settings"}), Some(Touch::OpenSettings)),
            (json!({"touch": "not-now"}), Some(Touch::NotNow)),
            (
                json!({
                    "touch": "schedule", "identifier": "i", "title": "t", "body": "b", "url": "u",
                    "trigger": {"kind": "time-interval", "seconds": 10},
                }),
                Some(Touch::Schedule {
                    identifier: "i".to_owned(),
                    title: "t".to_owned(),
                    body: "b".to_owned(),
                    url: "u".to_owned(),
                    trigger: Trigger::TimeInterval { seconds: 10.0, repeats: false },
                }),
            ),
            (
                json!({"touch": "cancel", "identifier": "i"}),
                Some(Touch::Cancel { identifier: "i".to_owned() }),
            ),
            (
                json!({"touch": "withdraw", "identifier": "i"}),
                Some(Touch::Withdraw { identifier: "i".to_owned() }),
            ),
            (json!({"touch": "look"}), Some(Touch::Look)),
            (json!({"touch": "in-foreground", "banner": true}), Some(Touch::InForeground { banner: true })),
            (json!({"touch": "sign-in"}), None),
            (json!({"touch": "swipe"}), None),
            (json!({}), None),
        ];
        for (json, touch) in table {
            assert_eq!(Touch::read(&json), touch, "{json}");
        }
    }
}
