//! The permission reminder of the article's third chapter: at each launch, look whether the app may send notifications;
//! who was never asked is asked by the system's prompt, who refused is told, and led to Settings if they like. As people
//! who are asked at every launch leave, it asks only now and then; when it last did stands in the app's container.

use std::path::{Path, PathBuf};

use homing_local::{AuthorizationOption, AuthorizationStatus, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::application::Application;
use crate::center::{AppError, NotificationCenter};

/// Name of the file in the container.
const FILE: &str = "permission-reminder.json";

/// How often to remind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReminderPolicy {
    /// Days between two reminders.
    pub days_between: u32,
    /// How often at most, over the life of the installation.
    pub at_most: u32,
}

impl Default for ReminderPolicy {
    fn default() -> Self {
        Self { days_between: 7, at_most: 5 }
    }
}

impl ReminderPolicy {
    /// Between two reminders.
    fn millis(self) -> i64 {
        i64::from(self.days_between) * 24 * 3_600_000
    }
}

/// What an app is to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Advice {
    /// Notifications are allowed, prominently or on trial.
    Nothing,
    /// The user was never asked: [`PermissionReminder::ask`].
    Ask,
    /// The user refused. Tell them what they miss; if they want, [`PermissionReminder::open_settings`].
    Remind,
    /// The user refused, and was reminded not long ago, or often enough.
    LeaveAlone,
}

/// How often the user was reminded, and when they may be again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ReminderHistory {
    /// How often, over the life of the installation.
    pub times: u32,
    /// The policy's.
    pub at_most: u32,
    /// `None`: at any time, or never again after `at_most` times.
    pub not_before: Option<UnixMillis>,
}

/// Why there is no advice.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says itself what it is")]
pub enum ReminderError {
    #[error(transparent)]
    Device(#[from] AppError),
    #[error("when the user was last reminded can't be kept in {path}: {source}")]
    Container { path: PathBuf, source: std::io::Error },
}

/// Reminds the user of an app.
#[derive(Clone, Debug)]
pub struct PermissionReminder {
    center: NotificationCenter,
    application: Application,
    path: PathBuf,
    policy: ReminderPolicy,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Reminded {
    times: u32,
    last: Option<UnixMillis>,
}

impl PermissionReminder {
    /// `container` is the app's ([`crate::Environment::container`]).
    pub fn new(
        center: NotificationCenter,
        application: Application,
        container: &Path,
        policy: ReminderPolicy,
    ) -> Self {
        Self { center, application, path: container.join(FILE), policy }
    }

    /// Looks at *UNNotificationSettings.authorizationStatus* and says what to do; that the user is reminded now is noted before it is said. `now` is the
    /// time on the device.
    pub async fn at_launch(&self, now: UnixMillis) -> Result<Advice, ReminderError> {
        let status = self.center.notification_settings().await?.authorization_status;
        let mut reminded = self.read();
        let advice = advise(status, reminded, self.policy, now);
        if advice == Advice::Remind {
            reminded = Reminded { times: reminded.times.saturating_add(1), last: Some(now) };
            let json = serde_json::to_vec(&reminded).unwrap_or_default();
            std::fs::write(&self.path, json)
                .map_err(|source| ReminderError::Container { path: self.path.clone(), source })?;
        }
        Ok(advice)
    }

    /// What was noted so far.
    pub fn history(&self) -> ReminderHistory {
        let Reminded { times, last } = self.read();
        let at_most = self.policy.at_most;
        let not_before = last.filter(|_| times < at_most).map(|last| last.plus_millis(self.policy.millis()));
        ReminderHistory { times, at_most, not_before }
    }

    /// The system's prompt (*requestAuthorization(options:completionHandler:)*), for alerts, sounds and badges: `true` if
    /// the user allowed it.
    pub async fn ask(&self) -> Result<bool, ReminderError> {
        let options = [AuthorizationOption::Alert, AuthorizationOption::Sound, AuthorizationOption::Badge];
        Ok(self.center.request_authorization(&options).await?)
    }

    /// The user wants to change it: the app's page in Settings (*UIApplication.openSettingsURLString*).
    pub async fn open_settings(&self) -> Result<(), ReminderError> {
        Ok(self.application.open_settings().await?)
    }

    /// A file that is missing or damaged says that nobody was reminded.
    fn read(&self) -> Reminded {
        let json = std::fs::read(&self.path).unwrap_or_default();
        serde_json::from_slice(&json).unwrap_or_default()
    }
}

fn advise(
    status: AuthorizationStatus,
    reminded: Reminded,
    policy: ReminderPolicy,
    now: UnixMillis,
) -> Advice {
    if status == AuthorizationStatus::NotDetermined {
        return Advice::Ask;
    }
    if status != AuthorizationStatus::Denied {
        return Advice::Nothing;
    }
    let between = policy.millis();
    // A clock that was set back doesn't silence it for ever.
    let recently = reminded.last.is_some_and(|last| (0..between).contains(&now.millis_since(last)));
    if recently || reminded.times >= policy.at_most { Advice::LeaveAlone } else { Advice::Remind }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_refused_is_reminded_now_and_then_and_not_for_ever() {
        use AuthorizationStatus::*;
        let policy = ReminderPolicy { days_between: 7, at_most: 3 };
        let day = |days: i64| UnixMillis(1_000_000_000_000 + days * 24 * 3_600_000);
        let reminded = |times, last: i64| Reminded { times, last: Some(day(last)) };
        for (status, before, today, advice) in [
            (NotDetermined, Reminded::default(), 0, Advice::Ask),
            (Authorized, Reminded::default(), 0, Advice::Nothing),
            (Provisional, Reminded::default(), 0, Advice::Nothing),
            (Denied, Reminded::default(), 0, Advice::Remind),
            (Denied, reminded(1, 0), 0, Advice::LeaveAlone),
            (Denied, reminded(1, 0), 6, Advice::LeaveAlone),
            (Denied, reminded(1, 0), 7, Advice::Remind),
            (Denied, reminded(1, 0), -1, Advice::Remind),
            (Denied, reminded(3, 0), 100, Advice::LeaveAlone),
            (Authorized, reminded(3, 0), 100, Advice::Nothing),
        ] {
            assert_eq!(
                advise(status, before, policy, day(today)),
                advice,
                "{status:?} {before:?} day {today}"
            );
        }
    }
}
