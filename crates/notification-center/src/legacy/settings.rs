//! *UIUserNotificationSettings*: the types and categories that an app registers, and what of them is in force.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::LegacyCall;
use crate::app::{App, OpenPrompt, Turn};
use crate::authorization::Asked;
use crate::{
    Action, ActionOptions, AlertStyle, AuthorizationOptions, Category, CategoryError, NotificationSetting,
    Text, TextInput,
};

/// As many actions an alert shows.
const IN_ALERT: usize = 4;
/// As many are shown elsewhere (*UIUserNotificationActionContextMinimal*).
const MINIMAL: usize = 2;
/// How many registrations wait for the user; more are answered with them once.
const MAX_WAITING: u8 = 64;

/// *UIUserNotificationType*, one bit of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserNotificationType {
    Badge,
    Sound,
    Alert,
}

/// *UIUserNotificationSettings*.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UserNotificationSettings {
    /// Empty is *UIUserNotificationTypeNone*: of the current settings, that the user refused.
    pub types: BTreeSet<UserNotificationType>,
    pub categories: Vec<LegacyCategory>,
}

/// *UIUserNotificationCategory*.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LegacyCategory {
    pub identifier: String,
    /// *UIUserNotificationActionContextDefault*: an alert shows the first four.
    pub default_actions: Vec<LegacyAction>,
    /// *UIUserNotificationActionContextMinimal*: two; if there are none, the first two of the others.
    pub minimal_actions: Vec<LegacyAction>,
}

/// *UIUserNotificationAction*.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LegacyAction {
    pub identifier: String,
    pub title: String,
    pub activation_mode: LegacyActivationMode,
    /// Has no effect on an action that brings the app to the front, which unlocks the screen by itself.
    pub authentication_required: bool,
    pub destructive: bool,
    pub behavior: LegacyActionBehavior,
}

/// *UIUserNotificationActivationMode*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LegacyActivationMode {
    #[default]
    Foreground,
    Background,
}

/// *UIUserNotificationActionBehavior*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LegacyActionBehavior {
    #[default]
    Default,
    TextInput,
}

/// What the app registered last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Registered {
    pub(super) settings: UserNotificationSettings,
    /// So many registrations wait for the user's answer.
    pub(super) waiting: u8,
}

impl Registered {
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whoever waits for the user's answer is gone.
    pub(crate) fn forget_waiting(&mut self) {
        self.waiting = 0;
    }
}

impl UserNotificationSettings {
    /// Whether it may be registered.
    pub fn check(&self) -> Result<(), CategoryError> {
        // The default context must fit whole, also what isn't shown of it.
        let whole = |category: &LegacyCategory| Category {
            identifier: category.identifier.clone(),
            actions: category.default_actions.iter().map(LegacyAction::action).collect(),
            minimal_actions: category.minimal_actions.iter().map(LegacyAction::action).collect(),
            ..Category::default()
        };
        Category::check(&self.categories.iter().map(whole).collect::<Vec<_>>())
    }

    fn options(&self) -> AuthorizationOptions {
        self.types.iter().fold(AuthorizationOptions::NONE, |options, one| {
            options.and(match one {
                UserNotificationType::Badge => AuthorizationOptions::BADGE,
                UserNotificationType::Sound => AuthorizationOptions::SOUND,
                UserNotificationType::Alert => AuthorizationOptions::ALERT,
            })
        })
    }
}

impl LegacyCategory {
    fn category(&self) -> Category {
        let minimal =
            if self.minimal_actions.is_empty() { &self.default_actions } else { &self.minimal_actions };
        let actions =
            |actions: &[LegacyAction], most| actions.iter().take(most).map(LegacyAction::action).collect();
        Category {
            identifier: self.identifier.clone(),
            actions: actions(&self.default_actions, IN_ALERT),
            minimal_actions: actions(minimal, MINIMAL),
            ..Category::default()
        }
    }
}

impl LegacyAction {
    fn action(&self) -> Action {
        let foreground = self.activation_mode == LegacyActivationMode::Foreground;
        Action {
            identifier: self.identifier.clone(),
            title: Text::Plain(self.title.clone()),
            options: ActionOptions {
                authentication_required: self.authentication_required && !foreground,
                destructive: self.destructive,
                foreground,
            },
            icon: None,
            text_input: (self.behavior == LegacyActionBehavior::TextInput).then(TextInput::default),
        }
    }
}

impl App {
    /// The first call asks the user, each overwrites the types and categories before; what the user allows is always told.
    pub(super) fn register(&mut self, settings: UserNotificationSettings, turn: &mut Turn<'_>) {
        if settings.check().is_err() {
            return;
        }
        let options = settings.options();
        self.categories_set(settings.categories.iter().map(LegacyCategory::category).collect(), turn);
        self.legacy.settings = settings;
        if let Some(prompt) = self.prompt.as_mut().filter(|_| !options.is_empty()) {
            prompt.options = prompt.options.and(options);
            return self.legacy.waiting = self.legacy.waiting.saturating_add(1).min(MAX_WAITING);
        }
        match self.permission.register(options) {
            Asked::Granted(_) => self.tell_registered(turn),
            Asked::Prompt => {
                self.legacy.waiting = 1;
                self.prompt = Some(OpenPrompt { options, requests: Vec::new(), shown: false });
            }
        }
    }

    /// The user answered the prompt: those who registered are told. Where nobody else asked, what was registered last is
    /// what is asked for.
    pub(crate) fn registrations_answered(&mut self, alone: bool, turn: &mut Turn<'_>) {
        if alone {
            self.permission.asks_for_only(self.legacy.settings.options());
        }
        for _ in 0..std::mem::take(&mut self.legacy.waiting) {
            self.tell_registered(turn);
        }
    }

    fn tell_registered(&self, turn: &mut Turn<'_>) {
        let settings = self.user_notification_settings();
        self.call_legacy(LegacyCall::DidRegisterUserNotificationSettings { settings }, turn);
    }

    pub(super) fn user_notification_settings(&self) -> UserNotificationSettings {
        let settings = self.permission.settings(&self.profile);
        let enabled = |setting| setting == NotificationSetting::Enabled;
        let alert = enabled(settings.alert_setting) && settings.alert_style != AlertStyle::None;
        let types = [
            (enabled(settings.badge_setting), UserNotificationType::Badge),
            (enabled(settings.sound_setting), UserNotificationType::Sound),
            (alert, UserNotificationType::Alert),
        ];
        let types = types.into_iter().filter(|(on, _)| *on).map(|(_, one)| one).collect();
        UserNotificationSettings { types, categories: self.legacy.settings.categories.clone() }
    }
}
