//! The number on an app's icon (*UNUserNotificationCenter.setBadgeCount*).

use crate::app::{App, Turn};
use crate::conditions::Conditions;
use crate::{NotificationSetting, Output, RequestError};

impl App {
    pub(crate) fn badge_set(&mut self, count: i64, request: u64, turn: &mut Turn<'_>) {
        let may = self.permission.settings(&self.profile).badge_setting == NotificationSetting::Enabled;
        let result = match u32::try_from(count) {
            Err(_) => Err(RequestError::BadgeInputInvalid),
            Ok(_) if !may => Err(RequestError::NotificationsNotAllowed),
            Ok(badge) => {
                self.set_badge(badge, turn);
                Ok(())
            }
        };
        turn.out.push(Output::BadgeResult { bundle: self.bundle(), request, result });
    }

    pub(crate) fn set_badge(&mut self, badge: u32, turn: &mut Turn<'_>) {
        self.badge = badge;
        self.show_badge(turn);
    }

    /// The number that the icon shows. It is the app's as long as the user lets it show one.
    pub(crate) fn visible_badge(&self, conditions: &Conditions) -> u32 {
        let may = self.permission.settings(&self.profile).badge_setting == NotificationSetting::Enabled;
        if may && !conditions.hides_badges() { self.badge } else { 0 }
    }

    /// Says so, if it isn't what the icon showed before.
    pub(crate) fn show_badge(&mut self, turn: &mut Turn<'_>) {
        let visible = self.visible_badge(turn.conditions);
        if std::mem::replace(&mut self.icon, visible) != visible {
            turn.out.push(Output::SetBadge { bundle: self.bundle(), badge: visible });
        }
    }
}
