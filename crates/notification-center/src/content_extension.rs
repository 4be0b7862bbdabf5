//! The notification content extension: while the user has a notification open, it draws it, gets what comes for it, and
//! is asked first about the actions (*UNNotificationContentExtension*). How it draws is its own affair.

use std::collections::BTreeSet;

use homing_trace::{Reason, Stage};
use serde::{Deserialize, Serialize};

use crate::app::{App, Turn};
use crate::{Center, Delivered, Output, Text};

/// What the extension declares (`NSExtensionAttributes`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContentExtension {
    /// `UNNotificationExtensionCategory`.
    pub categories: BTreeSet<String>,
    /// Height by width, before it has drawn.
    pub initial_content_size_ratio: f64,
    /// The notification's own texts aren't shown beside it.
    pub default_content_hidden: bool,
    pub overrides_default_title: bool,
    pub user_interaction_enabled: bool,
}

/// *UNNotificationContentExtensionResponseOption*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContentExtensionOption {
    /// The notification stays open.
    DoNotDismiss,
    /// It leaves the screen, and the app isn't told.
    Dismiss,
    /// It leaves the screen, and the app is told.
    DismissAndForwardAction,
}

/// The notification that the user has open, with the extension's eyes on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Open {
    pub(crate) identifier: String,
    /// The action it was asked about.
    asked: Option<Asked>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Asked {
    call: u64,
    action: String,
    text: Option<Text>,
}

impl Center {
    /// The notification of an app that is open in its content extension.
    pub fn open_in_extension(&self, bundle: &str) -> Option<&str> {
        let app = self.apps.get(bundle)?;
        let open = app.open.as_ref().filter(|open| app.on_screen(&open.identifier).is_some())?;
        Some(open.identifier.as_str())
    }

    /// The content extension that draws a notification.
    pub fn content_extension(&self, bundle: &str, delivered: &Delivered) -> Option<&ContentExtension> {
        self.apps.get(bundle)?.content_extension_of(delivered)
    }
}

impl App {
    fn content_extension_of(&self, delivered: &Delivered) -> Option<&ContentExtension> {
        let category = &delivered.notification.request.content.category_identifier;
        self.profile.content_extensions.iter().find(|extension| extension.categories.contains(category))
    }

    fn on_screen(&self, identifier: &str) -> Option<&Delivered> {
        let mut on_screen = self.delivered.iter().chain(&self.transient);
        on_screen.find(|delivered| delivered.identifier() == identifier)
    }

    /// The user opens a notification without opening its app. Without an extension there is nothing to tell.
    pub(crate) fn expanded(&mut self, identifier: String, turn: &mut Turn<'_>) {
        let Some(delivered) = self.on_screen(&identifier) else { return };
        if self.content_extension_of(delivered).is_some() {
            let notification = Box::new(delivered.notification.clone());
            turn.out.push(Output::ContentExtensionReceives { bundle: self.bundle(), notification });
            self.open = Some(Open { identifier, asked: None });
        }
    }

    pub(crate) fn closed(&mut self) {
        self.open = None;
    }

    /// A notification was put on the screen: the extension gets it if it belongs to the open one.
    pub(crate) fn tell_extension(&mut self, delivered: &Delivered, turn: &mut Turn<'_>) {
        let Some(open) = self.open.as_ref().and_then(|open| self.on_screen(&open.identifier)) else {
            return;
        };
        let related = |one: &Delivered| {
            let content = &one.notification.request.content;
            (content.category_identifier.clone(), content.thread_identifier.clone())
        };
        if related(open) == related(delivered) {
            let notification = Box::new(delivered.notification.clone());
            turn.out.push(Output::ContentExtensionReceives { bundle: self.bundle(), notification });
        }
    }

    /// Whether the extension is asked first about an action of this notification.
    pub(crate) fn ask_extension(
        &mut self,
        identifier: &str,
        action: &str,
        text: Option<&Text>,
        turn: &mut Turn<'_>,
    ) -> bool {
        let bundle = self.bundle();
        let Some(open) = self.open.as_mut().filter(|open| open.identifier == identifier) else {
            return false;
        };
        let call = turn.completion();
        open.asked = Some(Asked { call, action: action.to_owned(), text: text.cloned() });
        turn.out.push(Output::ContentExtensionResponds {
            bundle,
            call,
            identifier: identifier.to_owned(),
            action: action.to_owned(),
            text: text.cloned(),
        });
        true
    }

    /// What the extension wants done about an action. An answer to another question has no effect.
    pub(crate) fn extension_chose(&mut self, call: u64, option: ContentExtensionOption, turn: &mut Turn<'_>) {
        let Some(open) = &mut self.open else { return };
        let Some(Asked { action, text, .. }) = open.asked.take_if(|asked| asked.call == call) else { return };
        let identifier = open.identifier.clone();
        match option {
            ContentExtensionOption::DoNotDismiss => {}
            ContentExtensionOption::Dismiss => {
                self.open = None;
                let said = (Stage::Action, Some(Reason::from_peer(&action)));
                self.acted_on(&identifier, said, turn);
            }
            ContentExtensionOption::DismissAndForwardAction => {
                self.open = None;
                self.acted(identifier, action, text, turn);
            }
        }
    }
}
