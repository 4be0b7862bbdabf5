//! The number on an app's icon (*UNUserNotificationCenter.setBadgeCount*).

use crate::app::{App, Turn};
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
        if self.badge != badge {
            self.badge = badge;
            if !turn.conditions.hides_badges() {
                turn.out.push(Output::SetBadge { bundle: self.bundle(), badge });
            }
        }
    }
}
