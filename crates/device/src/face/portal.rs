//! A notification on `org.freedesktop.portal.Notification`, version 2: for a device that runs in a sandbox, where the
//! portal is all there is.

use std::collections::HashMap;

use homing_local::InterruptionLevel;
use zbus::{OwnedVariant, Proxy, Variant};

use super::desktop::{FaceError, Touch, within};
use super::shape::{self, Shape, Sound};

const SERVICE: &str = "org.freedesktop.portal.Desktop";
const PATH: &str = "/org/freedesktop/portal/desktop";
const INTERFACE: &str = "org.freedesktop.portal.Notification";
/// From which on there are sounds, hints and replies.
const VERSION: u32 = 2;

#[derive(Debug)]
pub(super) struct Portal {
    pub(super) proxy: Proxy<'static>,
}

impl Portal {
    pub(super) async fn find(connection: &zbus::Connection) -> Result<Self, FaceError> {
        let proxy = Proxy::new(connection, SERVICE, PATH, INTERFACE).await?;
        let version: u32 = within(proxy.get_property("version")).await?;
        if version < VERSION {
            return Err(FaceError::OldPortal(version));
        }
        Ok(Self { proxy })
    }

    /// Shows it in place of what has the same name.
    pub(super) async fn show(&self, name: &str, shape: &Shape) -> Result<(), FaceError> {
        within(self.proxy.call("AddNotification", &(name, notification(shape)))).await
    }

    pub(super) async fn close(&self, name: &str) -> Result<(), FaceError> {
        within(self.proxy.call("RemoveNotification", &(name,))).await
    }
}

fn notification(shape: &Shape) -> HashMap<&'static str, Variant<'_>> {
    let priority = match shape.level {
        InterruptionLevel::Passive => "low",
        InterruptionLevel::Active => "normal",
        InterruptionLevel::TimeSensitive => "high",
        InterruptionLevel::Critical => "urgent",
    };
    let sound = match shape.sound {
        Sound::None => "silent",
        Sound::Default => "default",
    };
    let mut display = vec!["show-as-new"];
    if shape.transient {
        display.push("transient");
    }
    let mut told = HashMap::from([
        ("title", Variant::from(shape.title.as_str())),
        ("body", Variant::from(shape.body.as_str())),
        ("priority", Variant::from(priority)),
        ("sound", Variant::from(sound)),
        ("default-action", Variant::from("default")),
        ("display-hint", Variant::from(display)),
    ]);
    if let Some(category) = shape.category {
        told.insert("category", Variant::from(category));
    }
    if !shape.buttons.is_empty() {
        let buttons = shape.buttons.iter().map(|button| {
            let mut told = HashMap::from([
                ("label", Variant::from(button.label.as_str())),
                ("action", Variant::from(shape::key(&button.action))),
            ]);
            if button.replies {
                told.insert("purpose", Variant::from("im.reply-with-text"));
            }
            told
        });
        told.insert("buttons", Variant::from(buttons.collect::<Vec<_>>()));
    }
    told
}

/// What a signal means: for which notification, and what its user did. That one was cleared isn't told by portals.
pub(super) fn meaning(signal: &zbus::Message) -> Option<(String, Touch)> {
    if signal.header().member()?.as_str() != "ActionInvoked" {
        return None;
    }
    let body = signal.body();
    let (name, key, parameter): (String, String, Vec<OwnedVariant>) = body.deserialize().ok()?;
    let reply = parameter.into_iter().find_map(|one| String::try_from(one).ok());
    let touch = match (shape::action(&key), reply) {
        (Some(action), Some(text)) => Touch::ActionWith(action.to_owned(), text),
        (Some(action), None) => Touch::Action(action.to_owned()),
        (None, _) if key == "default" => Touch::Tap,
        (None, _) => return None,
    };
    Some((name, touch))
}
