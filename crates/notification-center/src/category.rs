//! Categories: which actions an app offers on its notifications, and what the user's choice of one leads to. How they
//! look is left to the device.

use std::collections::BTreeSet;

use homing_trace::{Reason, Stage};
use serde::{Deserialize, Serialize};

use crate::app::{App, Turn};
use crate::output::UserInfo;
use crate::{
    AlertStyle, AppProfile, AppState, Center, Delivered, LaunchOptions, MoveCause, Output, Response, Surface,
    Text, Trigger,
};

/// The most bytes of JSON that an app's categories may have together.
const MAX_CATEGORIES: usize = 64 * 1_024;
/// Where there is room, as many actions are offered; the others never (*UNNotificationCategory*).
const MAX_OFFERED: usize = 10;
/// How many of an app's actions wait for the screen to be unlocked; beyond that, the oldest is forgotten.
const MAX_DEFERRED: usize = 64;

/// *UNNotificationCategory*.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Category {
    pub identifier: String,
    /// In the order in which they are shown.
    pub actions: Vec<Action>,
    /// Of the iOS 9 API: those that are offered in place of the others, except in an alert that stays.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub minimal_actions: Vec<Action>,
    pub options: CategoryOptions,
    /// Shown in place of the body where previews are hidden; `%u` is the number of notifications in the group.
    pub hidden_previews_body_placeholder: Option<Text>,
    /// The summary of a group: `%u` is the sum of the summary argument counts, `%@` the summary arguments.
    pub category_summary_format: Option<Text>,
}

/// *UNNotificationCategoryOptions*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CategoryOptions {
    /// The app is told when the user clears the notification.
    pub custom_dismiss_action: bool,
    pub allow_in_car_play: bool,
    pub hidden_previews_show_title: bool,
    pub hidden_previews_show_subtitle: bool,
    pub allow_announcement: bool,
}

/// *UNNotificationAction*; with `text_input`, *UNTextInputNotificationAction*.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Action {
    pub identifier: String,
    pub title: Text,
    pub options: ActionOptions,
    /// The name of an icon.
    pub icon: Option<String>,
    pub text_input: Option<TextInput>,
}

/// *UNNotificationActionOptions*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ActionOptions {
    /// Waits until the screen is unlocked.
    pub authentication_required: bool,
    pub destructive: bool,
    /// Brings the app to the front, which unlocks the screen.
    pub foreground: bool,
}

/// What a text action asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TextInput {
    pub button_title: Text,
    pub placeholder: Text,
}

/// Why a set of categories isn't taken. UserNotifications takes or crashes; here it is told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CategoryError {
    #[error("a category has no identifier: give each one of its own")]
    NoCategoryIdentifier,
    #[error("an action of the category {0:?} has no identifier, or one of Apple's: give each one of its own")]
    ActionIdentifier(String),
    #[error("two categories have the identifier {0:?}, or two actions of one: give each one of its own")]
    Twice(String),
    #[error("the categories have {len} bytes of JSON, at most {max} are taken")]
    TooLarge { len: usize, max: usize },
}

/// Why the user can't choose an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAction {
    /// The notification isn't on the screen.
    NotShown,
    /// It offers these.
    NotOffered(Vec<String>),
}

/// What the user chose, ready to be told to the app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Choice {
    pub(crate) action: String,
    /// What they wrote, for a text action.
    pub(crate) text: Option<String>,
    /// It brings the app to the front.
    foreground: bool,
}

/// What the user chose while the screen was locked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deferred {
    identifier: String,
    /// Of the notification that it was chosen of, should a newer one take its place.
    #[serde(default)]
    order: u64,
    action: String,
    text: Option<Text>,
}

impl Action {
    /// Whether these may be offered together; `of` names what offers them.
    pub fn check(of: &str, actions: &[Self]) -> Result<(), CategoryError> {
        let len = serde_json::to_vec(actions).map_or(usize::MAX, |json| json.len());
        if len > MAX_CATEGORIES {
            return Err(CategoryError::TooLarge { len, max: MAX_CATEGORIES });
        }
        check_actions(of, actions)
    }

    /// With its texts looked up.
    fn resolved(mut self, app: &AppProfile, locale: &str) -> Self {
        self.title = self.title.resolved(app, locale);
        if let Some(input) = &mut self.text_input {
            input.button_title = input.button_title.resolved(app, locale);
            input.placeholder = input.placeholder.resolved(app, locale);
        }
        self
    }
}

impl Category {
    /// Whether a set may be handed in.
    pub fn check(categories: &[Self]) -> Result<(), CategoryError> {
        let len = serde_json::to_vec(categories).map_or(usize::MAX, |json| json.len());
        if len > MAX_CATEGORIES {
            return Err(CategoryError::TooLarge { len, max: MAX_CATEGORIES });
        }
        let mut known = BTreeSet::new();
        for category in categories {
            if category.identifier.is_empty() {
                return Err(CategoryError::NoCategoryIdentifier);
            }
            if !known.insert(&category.identifier) {
                return Err(CategoryError::Twice(category.identifier.clone()));
            }
            check_actions(&category.identifier, &category.actions)?;
            check_actions(&category.identifier, &category.minimal_actions)?;
        }
        Ok(())
    }

    /// The actions that can be chosen, in order.
    fn offered(&self, style: AlertStyle) -> &[Action] {
        if self.minimal_actions.is_empty() || style == AlertStyle::Alert {
            return &self.actions[..self.actions.len().min(MAX_OFFERED)];
        }
        &self.minimal_actions
    }

    /// With its texts looked up, but the two formats, which need what they count.
    pub(crate) fn resolved(mut self, app: &AppProfile, locale: &str) -> Self {
        for action in self.actions.iter_mut().chain(&mut self.minimal_actions) {
            *action = std::mem::take(action).resolved(app, locale);
        }
        self
    }
}

fn check_actions(category: &str, actions: &[Action]) -> Result<(), CategoryError> {
    let mut known = BTreeSet::new();
    for Action { identifier, .. } in actions {
        if identifier.is_empty()
            || identifier == Response::DEFAULT_ACTION
            || identifier == Response::DISMISS_ACTION
        {
            return Err(CategoryError::ActionIdentifier(category.to_owned()));
        }
        if !known.insert(identifier) {
            return Err(CategoryError::Twice(identifier.clone()));
        }
    }
    Ok(())
}

/// Questions, which change nothing.
impl Center {
    /// `getNotificationCategories`.
    pub fn categories(&self, bundle: &str) -> &[Category] {
        self.apps.get(bundle).map_or(&[], |app| &app.categories)
    }

    /// The category of a notification, its texts in the language of the device. `None` if the app has no such.
    pub fn category_of(&self, bundle: &str, delivered: &Delivered) -> Option<Category> {
        let app = self.apps.get(bundle)?;
        Some(app.category_of(delivered)?.clone().resolved(&app.profile, self.locale()))
    }

    /// The actions that a notification offers, in order, their texts in the language of the device.
    pub fn offered(&self, bundle: &str, delivered: &Delivered) -> Vec<Action> {
        let Some(app) = self.apps.get(bundle) else { return Vec::new() };
        let offered = app.offered(delivered).iter().cloned();
        offered.map(|action| action.resolved(&app.profile, self.locale())).collect()
    }

    /// The action, if the user can choose it now.
    pub fn offers(&self, bundle: &str, identifier: &str, action: &str) -> Result<&Action, NoAction> {
        let mut on_screen = self.on_screen(bundle);
        let delivered =
            on_screen.find(|delivered| delivered.identifier() == identifier).ok_or(NoAction::NotShown)?;
        let offered = self.apps.get(bundle).map_or(&[][..], |app| app.offered(delivered));
        offered.iter().find(|offered| offered.identifier == action).ok_or_else(|| {
            NoAction::NotOffered(offered.iter().map(|offered| offered.identifier.clone()).collect())
        })
    }

    /// Whether a choice waits for the screen to be unlocked.
    pub fn is_deferred(&self, bundle: &str, identifier: &str) -> bool {
        self.apps.get(bundle).is_some_and(|app| {
            let mut waiting = app.deferred.iter().filter(|deferred| deferred.identifier == identifier);
            waiting.any(|deferred| app.is_there(deferred))
        })
    }
}

impl App {
    pub(crate) fn category_of(&self, delivered: &Delivered) -> Option<&Category> {
        let wanted = &delivered.notification.request.content.category_identifier;
        self.categories.iter().find(|category| category.identifier == *wanted)
    }

    fn alert_style(&self) -> AlertStyle {
        self.permission.settings(&self.profile).alert_style
    }

    fn offered(&self, delivered: &Delivered) -> &[Action] {
        if let Some(actions) = self.offered_by_extension(delivered) {
            return &actions[..actions.len().min(MAX_OFFERED)];
        }
        self.category_of(delivered).map_or(&[][..], |category| category.offered(self.alert_style()))
    }

    /// The user chose an action. One that wants them to be known waits while the screen is locked, and the
    /// notification stays; what brings the app to the front unlocks by itself.
    pub(crate) fn acted(
        &mut self,
        identifier: String,
        action: String,
        text: Option<Text>,
        turn: &mut Turn<'_>,
    ) {
        let Some(chosen) = self.chosen(&identifier, &action) else { return };
        let ActionOptions { authentication_required, foreground, .. } = chosen.options;
        let takes_text = chosen.text_input.is_some();
        let order = self.on_screen(&identifier).map_or(0, |delivered| delivered.order);
        if turn.locked && authentication_required && !foreground {
            self.deferred.retain(|deferred| deferred.identifier != identifier);
            if self.deferred.len() >= MAX_DEFERRED {
                self.deferred.remove(0);
            }
            self.deferred.push(Deferred { identifier, order, action, text });
            return;
        }
        let text = takes_text.then(|| text.unwrap_or_default().as_str().to_owned());
        if let Some(choice) = self.ask_extension(&identifier, Choice { action, text, foreground }, turn) {
            self.act(&identifier, choice, turn);
        }
    }

    /// Tells the app what the user chose.
    pub(crate) fn act(&mut self, identifier: &str, choice: Choice, turn: &mut Turn<'_>) {
        let Choice { action, text, foreground } = choice;
        let said = (Stage::Action, Some(Reason::from_peer(&action)));
        let Some(delivered) = self.acted_on(identifier, said, turn) else { return };
        let to = if foreground { AppState::Foreground } else { AppState::Background };
        self.respond((action, text), delivered, to, turn);
    }

    /// Whether the notification that it was chosen of is still on the screen.
    fn is_there(&self, deferred: &Deferred) -> bool {
        self.on_screen(&deferred.identifier).is_some_and(|delivered| delivered.order == deferred.order)
    }

    fn chosen(&self, identifier: &str, action: &str) -> Option<&Action> {
        self.offered(self.on_screen(identifier)?).iter().find(|offered| offered.identifier == action)
    }

    /// What waited for the screen to be unlocked.
    pub(crate) fn unlocked(&mut self, turn: &mut Turn<'_>) {
        for deferred in std::mem::take(&mut self.deferred) {
            if self.is_there(&deferred) {
                self.acted(deferred.identifier, deferred.action, deferred.text, turn);
            }
        }
        // What was on the lock screen is history: it is in Notification Center, or nowhere.
        self.leave_surface(&|_| true, |surface| surface == Surface::LockScreen, turn);
    }

    /// Tells the app, which is started in background if it doesn't run: also one that was force-quit, since it is the
    /// user who wants it.
    pub(crate) fn respond(
        &mut self,
        (action_identifier, user_text): (String, Option<String>),
        Delivered { notification, .. }: Delivered,
        to: AppState,
        turn: &mut Turn<'_>,
    ) {
        let launching = !self.state.is_running();
        if to == AppState::Foreground || launching {
            let launch = match &notification.request.trigger {
                Some(Trigger::Push) => {
                    let payload = notification.request.content.user_info.clone();
                    LaunchOptions::RemoteNotification(UserInfo(payload))
                }
                Some(
                    Trigger::TimeInterval { .. }
                    | Trigger::Calendar { .. }
                    | Trigger::Location { .. }
                    | Trigger::Legacy { .. },
                )
                | None => LaunchOptions::LocalNotification(Box::new(notification.clone())),
            };
            self.move_with(to, MoveCause::Response, launch, turn);
        }
        let response = Response { action_identifier, notification, user_text };
        self.call_did_receive(response, launching, turn);
    }

    /// Clears the notification. The app is told if its category wants that.
    pub(crate) fn dismissed(&mut self, identifier: &str, turn: &mut Turn<'_>) {
        let Some(delivered) = self.acted_on(identifier, (Stage::Dismissed, None), turn) else { return };
        if self.category_of(&delivered).is_some_and(|category| category.options.custom_dismiss_action) {
            let action = Response::DISMISS_ACTION.to_owned();
            self.respond((action, None), delivered, AppState::Background, turn);
        }
    }

    /// The whole set, in place of the one before.
    pub(crate) fn categories_set(&mut self, categories: Vec<Category>, turn: &mut Turn<'_>) {
        if Category::check(&categories).is_ok() {
            self.categories = categories;
            turn.out.push(Output::CategoriesChanged { bundle: self.bundle() });
        }
    }
}
