//! The notification content extension: while the user has a notification open, it draws it, gets what comes for it, and
//! is asked first about the actions (*UNNotificationContentExtension*). How it draws is its own affair.

use std::collections::BTreeSet;

use homing_trace::{Reason, Stage, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::app::{App, Turn};
use crate::category::Choice;
use crate::{Action, Center, Delivered, Output, Response};

/// How long it may take over an action. Apple doesn't say.
pub(crate) const ANSWER_MILLIS: i64 = 10_000;

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
    /// *notificationActions*, once the extension has set them: offered in place of the category's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    actions: Option<Vec<Action>>,
    /// The action it was asked about.
    asked: Option<Asked>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Asked {
    call: u64,
    choice: Choice,
    deadline: UnixMillis,
}

impl Center {
    /// The notification of an app that is open in its content extension.
    pub fn open_in_extension(&self, bundle: &str) -> Option<&str> {
        self.apps.get(bundle)?.open.as_ref().map(|open| open.identifier.as_str())
    }

    /// Whether the content extension of an app was asked about an action, and has time to answer.
    pub fn asks_content_extension(&self, bundle: &str) -> bool {
        self.apps.get(bundle).is_some_and(|app| app.content_extension_due().is_some())
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

    pub(crate) fn on_screen(&self, identifier: &str) -> Option<&Delivered> {
        let mut on_screen = self.delivered.iter().chain(&self.transient);
        on_screen.find(|delivered| delivered.identifier() == identifier)
    }

    /// The user opens a notification without opening its app, which closes another. Without an extension there is
    /// nothing to tell.
    pub(crate) fn expanded(&mut self, identifier: String, turn: &mut Turn<'_>) {
        self.closed(turn);
        let Some(delivered) = self.on_screen(&identifier) else { return };
        if self.content_extension_of(delivered).is_some() {
            let notification = Box::new(delivered.notification.clone());
            let bundle = self.bundle();
            turn.out.push(Output::ContentExtensionReceives { bundle, notification, opened: true });
            self.open = Some(Open { identifier, actions: None, asked: None });
        }
    }

    /// Nothing is open any more. What the extension was asked about goes to the app: the user has chosen it.
    pub(crate) fn closed(&mut self, turn: &mut Turn<'_>) {
        let Some(Open { identifier, asked, .. }) = self.open.take() else { return };
        if let Some(Asked { choice, .. }) = asked {
            self.act(&identifier, choice, turn);
        }
    }

    /// What left the screen, or has no extension any more, is open no more.
    pub(crate) fn close_what_is_gone(&mut self, turn: &mut Turn<'_>) {
        let Some(open) = &self.open else { return };
        let delivered = self.on_screen(&open.identifier);
        if delivered.and_then(|delivered| self.content_extension_of(delivered)).is_none() {
            self.closed(turn);
        }
    }

    /// The extension ended: who opened the notification sees it as the device draws it, and what the extension didn't
    /// answer goes to the app.
    pub(crate) fn content_extension_ended(&mut self, turn: &mut Turn<'_>) {
        match &mut self.open {
            Some(Open { asked: None, actions, .. }) => {
                if actions.take().is_some() {
                    turn.out.push(Output::CategoriesChanged { bundle: self.bundle() });
                }
            }
            Some(Open { asked: Some(_), .. }) | None => self.closed(turn),
        }
    }

    /// When the extension must have answered.
    pub(crate) fn content_extension_due(&self) -> Option<UnixMillis> {
        self.open.as_ref()?.asked.as_ref().map(|asked| asked.deadline)
    }

    pub(crate) fn content_extension_deadline(&mut self) -> Option<&mut UnixMillis> {
        self.open.as_mut()?.asked.as_mut().map(|asked| &mut asked.deadline)
    }

    /// *notificationActions* was set. Without effect unless an app could offer them.
    pub(crate) fn extension_set_actions(&mut self, actions: Vec<Action>, turn: &mut Turn<'_>) {
        let bundle = self.bundle();
        let Some(open) = &mut self.open else { return };
        if Action::check(&open.identifier, &actions).is_ok() {
            open.actions = Some(actions);
            turn.out.push(Output::CategoriesChanged { bundle });
        }
    }

    /// The actions that the extension offers on this notification in place of its category's.
    pub(crate) fn offered_by_extension(&self, delivered: &Delivered) -> Option<&[Action]> {
        let open = self.open.as_ref().filter(|open| open.identifier == delivered.identifier())?;
        open.actions.as_deref()
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
            let (bundle, notification) = (self.bundle(), Box::new(delivered.notification.clone()));
            turn.out.push(Output::ContentExtensionReceives { bundle, notification, opened: false });
        }
    }

    /// Asks the extension first about an action of what is open; gives it back if there is nothing to ask. As long as
    /// it is asked, another choice has no effect.
    pub(crate) fn ask_extension(
        &mut self,
        identifier: &str,
        choice: Choice,
        turn: &mut Turn<'_>,
    ) -> Option<Choice> {
        if self.open.as_ref().is_none_or(|open| open.identifier != identifier) {
            return Some(choice);
        }
        let Some(notification) = self.on_screen(identifier).map(|one| one.notification.clone()) else {
            return Some(choice);
        };
        let bundle = self.bundle();
        let open = self.open.as_mut().filter(|open| open.asked.is_none())?;
        let (call, deadline) = (turn.completion(), turn.now.plus_millis(ANSWER_MILLIS));
        let (action_identifier, user_text) = (choice.action.clone(), choice.text.clone());
        let response = Box::new(Response { action_identifier, notification, user_text });
        turn.out.push(Output::ContentExtensionResponds { bundle, call, response, deadline });
        open.asked = Some(Asked { call, choice, deadline });
        None
    }

    /// What the extension wants done about an action. An answer to another question has no effect.
    pub(crate) fn extension_chose(&mut self, call: u64, option: ContentExtensionOption, turn: &mut Turn<'_>) {
        let Some(open) = &mut self.open else { return };
        let Some(Asked { choice, .. }) = open.asked.take_if(|asked| asked.call == call) else { return };
        let identifier = open.identifier.clone();
        match option {
            ContentExtensionOption::DoNotDismiss => {}
            ContentExtensionOption::Dismiss => {
                self.open = None;
                let said = (Stage::Action, Some(Reason::from_peer(&choice.action)));
                self.acted_on(&identifier, said, turn);
            }
            ContentExtensionOption::DismissAndForwardAction => {
                self.open = None;
                self.act(&identifier, choice, turn);
            }
        }
    }
}
