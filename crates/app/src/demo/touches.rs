//! What a user can touch on the demo's page, as it stands in JSON. What a touch does is decided by the demo.

use serde::Deserialize;
use serde_json::Value;

/// One touch.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "touch", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Touch {
    /// Signs in as one of [`super::Screen::accounts`].
    SignIn {
        user: String,
    },
    SignOut,
    /// Back to the front page.
    GoHome,
    Open {
        url: String,
    },
    /// Asks for permission to send notifications.
    AskPermission,
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
            (json!({"touch": "sign-in"}), None),
            (json!({"touch": "swipe"}), None),
            (json!({}), None),
        ];
        for (json, touch) in table {
            assert_eq!(Touch::read(&json), touch, "{json}");
        }
    }
}
