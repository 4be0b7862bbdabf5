//! A notification on `org.freedesktop.Notifications` (*Desktop Notifications Specification*): the call that shows it, and
//! what the server's signals mean.

use std::collections::HashMap;

use homing_local::InterruptionLevel;
use zbus::{Proxy, Variant};

use super::desktop::{FaceError, Touch, within};
use super::shape::{self, Button, Shape, Sound};

pub(super) const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// A notification server, and what it can do.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) proxy: Proxy<'static>,
    capabilities: Vec<String>,
}

impl Server {
    pub(super) async fn find(connection: &zbus::Connection) -> Result<Self, FaceError> {
        let proxy = Proxy::new(connection, SERVICE, PATH, SERVICE).await?;
        let capabilities = within(proxy.call("GetCapabilities", &())).await?;
        Ok(Self { proxy, capabilities })
    }

    /// Another server may be able to do other things.
    pub(super) async fn ask_again(&mut self) -> Result<(), FaceError> {
        self.capabilities = within(self.proxy.call("GetCapabilities", &())).await?;
        Ok(())
    }

    fn can(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|one| one == capability)
    }

    /// Shows it in place of `replaced`, 0 for none; answers its number.
    pub(super) async fn show(
        &self,
        app: (&str, &str),
        shape: &Shape,
        replaced: u32,
    ) -> Result<u32, FaceError> {
        let (bundle, name) = app;
        let call = Call::of(shape, |capability| self.can(capability));
        let mut hints: HashMap<&str, Variant<'_>> = HashMap::new();
        hints.insert("urgency", Variant::from(call.urgency));
        hints.insert("desktop-entry", Variant::from(bundle));
        for (hint, text) in &call.texts {
            hints.insert(hint, Variant::from(*text));
        }
        if let Some(image) = &shape.image {
            hints.insert("image-path", Variant::from(image.as_str()));
        }
        for hint in &call.flags {
            hints.insert(hint, Variant::from(true));
        }
        let actions: Vec<&str> = call.actions.iter().map(String::as_str).collect();
        let body =
            (name, replaced, "", shape.title.as_str(), call.body.as_str(), actions, hints, call.expires);
        within(self.proxy.call("Notify", &body)).await
    }

    pub(super) async fn close(&self, id: u32) -> Result<(), FaceError> {
        within(self.proxy.call("CloseNotification", &(id,))).await
    }
}

/// What `Notify` is called with, besides names.
#[derive(Debug, PartialEq, Eq)]
struct Call {
    body: String,
    urgency: u8,
    /// Milliseconds; -1 is as the server likes, 0 never.
    expires: i32,
    texts: Vec<(&'static str, &'static str)>,
    flags: Vec<&'static str>,
    /// Key, label, key, label.
    actions: Vec<String>,
}

impl Call {
    fn of(shape: &Shape, can: impl Fn(&str) -> bool) -> Self {
        let (urgency, expires) = match shape.level {
            InterruptionLevel::Passive => (0, -1),
            InterruptionLevel::Active => (1, -1),
            // It breaks through: it stays until somebody acts.
            InterruptionLevel::TimeSensitive => (1, 0),
            InterruptionLevel::Critical => (2, 0),
        };
        let mut texts: Vec<_> = shape.category.map(|category| ("category", category)).into_iter().collect();
        let mut flags = Vec::new();
        match shape.sound {
            Sound::None => flags.push("suppress-sound"),
            Sound::Default => texts.push(("sound-name", "message-new-instant")),
        }
        if shape.transient {
            flags.push("transient");
        }
        let mut actions = Vec::new();
        if can("actions") {
            actions.extend(["default".to_owned(), String::new()]);
            for Button { action, label, replies } in &shape.buttons {
                match (replies, can("inline-reply")) {
                    (true, true) => actions.extend(["inline-reply".to_owned(), label.clone()]),
                    // Without a place to write, there is nothing to choose.
                    (true, false) => {}
                    (false, _) => actions.extend([shape::key(action), label.clone()]),
                }
            }
        }
        let body = if can("body-markup") { escaped(&shape.body) } else { shape.body.clone() };
        Self { body, urgency, expires, texts, flags, actions }
    }
}

/// A text isn't markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What a signal means: for which notification, and what its user did. Those that mean nothing here are left out.
pub(super) fn meaning(signal: &zbus::Message) -> Option<(u32, Touch)> {
    let (header, body) = (signal.header(), signal.body());
    match header.member()?.as_str() {
        "ActionInvoked" => {
            let (id, key): (u32, String) = body.deserialize().ok()?;
            match shape::action(&key) {
                Some(action) => Some((id, Touch::Action(action.to_owned()))),
                None => (key == "default").then_some((id, Touch::Tap)),
            }
        }
        "NotificationReplied" => {
            let (id, text): (u32, String) = body.deserialize().ok()?;
            Some((id, Touch::Reply(text)))
        }
        "NotificationClosed" => {
            let (id, reason): (u32, u32) = body.deserialize().ok()?;
            // 1 expired: it is in Notification Center still. 2 the user cleared it. 3 we closed it. 4 nobody knows.
            Some((id, if reason == 2 { Touch::Dismiss } else { Touch::Gone }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape() -> Shape {
        Shape {
            title: "Hello".to_owned(),
            body: "a < b".to_owned(),
            level: InterruptionLevel::Active,
            sound: Sound::Default,
            transient: false,
            buttons: Vec::new(),
            category: None,
            image: None,
        }
    }

    #[test]
    fn section_8_3_urgency_sound_and_lists() {
        let levels = [
            (InterruptionLevel::Passive, 0, -1),
            (InterruptionLevel::Active, 1, -1),
            (InterruptionLevel::TimeSensitive, 1, 0),
            (InterruptionLevel::Critical, 2, 0),
        ];
        for (level, urgency, expires) in levels {
            let call = Call::of(&Shape { level, ..shape() }, |_| true);
            assert_eq!((call.urgency, call.expires), (urgency, expires), "{level:?}");
        }
        let call = Call::of(&shape(), |_| true);
        assert_eq!(call.texts, [("sound-name", "message-new-instant")]);
        assert_eq!((call.flags.len(), call.body.as_str()), (0, "a &lt; b"));
        let quiet = Shape { sound: Sound::None, transient: true, ..shape() };
        let call = Call::of(&quiet, |_| false);
        assert_eq!((call.flags, call.body.as_str()), (vec!["suppress-sound", "transient"], "a < b"));
    }

    #[test]
    fn a_text_action_is_offered_where_the_server_takes_a_text() {
        let button =
            |action: &str, replies| Button { action: action.to_owned(), label: "L".to_owned(), replies };
        let shape = Shape { buttons: vec![button("open", false), button("answer", true)], ..shape() };
        assert_eq!(
            Call::of(&shape, |_| true).actions,
            ["default", "", "of-app:open", "L", "inline-reply", "L"]
        );
        assert_eq!(Call::of(&shape, |what| what == "actions").actions, ["default", "", "of-app:open", "L"]);
        assert_eq!(Call::of(&shape, |_| false).actions, [""; 0]);
    }
}
