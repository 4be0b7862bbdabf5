//! What a notification of an iPhone is on a Linux desktop: one table for both D-Bus interfaces, as
//! `docs/decisions/0012-device-faces.md` gives it. How it is sent is left to `fdo` and `portal`.

use homing_local::{Attachment, InterruptionLevel, NotificationView, Surface, Text};

/// A notification as a desktop shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) title: String,
    /// Subtitle and body, a line each.
    pub(super) body: String,
    pub(super) level: InterruptionLevel,
    pub(super) sound: Sound,
    /// Seen as a banner only, so that the desktop's own list doesn't keep it.
    pub(super) transient: bool,
    /// What its category offers, in order; the desktop adds the tap itself.
    pub(super) buttons: Vec<Button>,
    pub(super) category: Option<&'static str>,
    /// The `file:` URL of a picture.
    pub(super) image: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sound {
    None,
    Default,
}

/// Before an app's action wherever a desktop names it: `default` and `inline-reply` are the desktop's own.
const OF_APP: &str = "of-app:";

/// The name on the desktop of an app's action.
pub(super) fn key(action: &str) -> String {
    format!("{OF_APP}{action}")
}

/// The app's action that has this name; `None` if it isn't an app's.
pub(super) fn action(key: &str) -> Option<&str> {
    key.strip_prefix(OF_APP)
}

/// A text as D-Bus takes it: a zero byte in one would have the bus send its sender away (*D-Bus Specification*, "Basic
/// types").
pub(super) fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Button {
    pub(super) action: String,
    pub(super) label: String,
    /// It wants a text: shown where the desktop can take one.
    pub(super) replies: bool,
}

impl Shape {
    /// `None` if it isn't to be seen now: it is in Notification Center alone.
    pub(super) fn of(view: &NotificationView) -> Option<Self> {
        let is_seen = |surface: &Surface| {
            matches!(surface, Surface::Banner | Surface::PersistentBanner | Surface::LockScreen)
        };
        if !view.surfaces.iter().any(is_seen) {
            return None;
        }
        let lines: Vec<&str> = [view.subtitle.as_str(), view.body.as_str()]
            .into_iter()
            .filter(|line| !line.is_empty())
            .collect();
        let buttons: Vec<Button> = view
            .actions
            .iter()
            // Its identifier comes back as it went, so that it can't be another.
            .filter(|action| !action.identifier.contains('\0'))
            .map(|action| Button {
                action: action.identifier.clone(),
                label: text(label(&action.title)),
                replies: action.text_input.is_some(),
            })
            .collect();
        let title = if view.title.is_empty() { &view.app_name } else { &view.title };
        Some(Self {
            title: text(title),
            body: text(&lines.join("\n")),
            level: view.interruption_level,
            // An app's sound file is a name: its bytes aren't on this machine.
            sound: view.sound.as_ref().map_or(Sound::None, |_| Sound::Default),
            transient: !view.surfaces.contains(&Surface::NotificationCenter),
            category: buttons.iter().any(|button| button.replies).then_some("im.received"),
            buttons,
            image: view
                .attachments
                .iter()
                .find(|attachment| is_picture(attachment))
                .map(|image| text(&image.url)),
        })
    }
}

fn is_picture(attachment: &Attachment) -> bool {
    let pictures = ["public.png", "public.jpeg", "com.compuserve.gif"];
    !attachment.options.thumbnail_hidden && pictures.contains(&attachment.type_identifier.as_str())
}

fn label(title: &Text) -> &str {
    match title {
        Text::Plain(text) => text,
        Text::Localized { loc_key, .. } => loc_key,
    }
}
