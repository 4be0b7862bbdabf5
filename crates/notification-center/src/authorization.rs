//! Permission: what an app asked for, what the user said, which switches stand how (*Asking permission to use
//! notifications*). What permission does to a notification is decided by `presentation`.

use homing_trace::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::{AppProfile, Grouping};

/// *UNAuthorizationOptions*, by Apple's bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AuthorizationOptions(u16);

impl AuthorizationOptions {
    pub const NONE: Self = Self(0);
    pub const BADGE: Self = Self(1);
    pub const SOUND: Self = Self(1 << 1);
    pub const ALERT: Self = Self(1 << 2);
    pub const CAR_PLAY: Self = Self(1 << 3);
    pub const CRITICAL_ALERT: Self = Self(1 << 4);
    pub const PROVIDES_APP_NOTIFICATION_SETTINGS: Self = Self(1 << 5);
    pub const PROVISIONAL: Self = Self(1 << 6);
    pub const ANNOUNCEMENT: Self = Self(1 << 7);
    pub const TIME_SENSITIVE: Self = Self(1 << 8);
    const ALL: Self = Self(0x1ff);

    /// From Apple's raw value; bits it doesn't define are dropped.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits & Self::ALL.0)
    }

    pub const fn bits(self) -> u16 {
        self.0
    }

    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// *UNAuthorizationStatus*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthorizationStatus {
    #[default]
    NotDetermined,
    Denied,
    Authorized,
    Provisional,
    /// Of an App Clip, for [`EPHEMERAL_MILLIS`] after it was opened.
    Ephemeral,
}

/// How long an App Clip may notify after each time it was opened (*Enabling notifications in App Clips*).
pub(crate) const EPHEMERAL_MILLIS: i64 = 8 * 60 * 60 * 1_000;

/// *UNNotificationSetting*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotificationSetting {
    /// The app never asked for it.
    #[default]
    NotSupported,
    Disabled,
    Enabled,
}

/// *UNAlertStyle*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertStyle {
    #[default]
    None,
    Banner,
    /// A banner that stays until the user acts.
    Alert,
}

/// *UNShowPreviewsSetting*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShowPreviews {
    #[default]
    Always,
    WhenAuthenticated,
    Never,
}

/// *UNNotificationSettings*: a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationSettings {
    pub authorization_status: AuthorizationStatus,
    pub sound_setting: NotificationSetting,
    pub badge_setting: NotificationSetting,
    pub alert_setting: NotificationSetting,
    pub notification_center_setting: NotificationSetting,
    pub lock_screen_setting: NotificationSetting,
    pub car_play_setting: NotificationSetting,
    pub alert_style: AlertStyle,
    pub show_previews_setting: ShowPreviews,
    pub critical_alert_setting: NotificationSetting,
    pub time_sensitive_setting: NotificationSetting,
    pub announcement_setting: NotificationSetting,
    pub scheduled_delivery_setting: NotificationSetting,
    pub direct_messages_setting: NotificationSetting,
    pub provides_app_notification_settings: bool,
}

/// What the user turned on the app's page in Settings. An app that never asked has no such page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "setting", rename_all = "kebab-case")]
pub enum SettingChange {
    AllowNotifications {
        on: bool,
    },
    /// Ends a provisional trial: keep delivering, prominently.
    KeepProminently,
    Alert {
        on: bool,
    },
    Sound {
        on: bool,
    },
    Badge {
        on: bool,
    },
    NotificationCenter {
        on: bool,
    },
    LockScreen {
        on: bool,
    },
    CriticalAlert {
        on: bool,
    },
    TimeSensitive {
        on: bool,
    },
    CarPlay {
        on: bool,
    },
    /// Announce Notifications, which is off until the user turns it on.
    Announcement {
        on: bool,
    },
    DirectMessages {
        on: bool,
    },
    AlertStyle {
        style: AlertStyle,
    },
    ShowPreviews {
        when: ShowPreviews,
    },
    /// Background App Refresh: also of an app that never asked.
    BackgroundAppRefresh {
        on: bool,
    },
    Grouping {
        how: Grouping,
    },
}

/// What a request for permission comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Answered without a prompt.
    Granted(bool),
    Prompt,
}

/// All that the device knows about one app's permission. It outlives the app for a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Permission {
    pub(crate) status: AuthorizationStatus,
    /// Everything the app ever asked for while it might.
    requested: AuthorizationOptions,
    switches: Switches,
    alert_style: AlertStyle,
    show_previews: ShowPreviews,
    pub(crate) background_refresh: bool,
    /// Of an App Clip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ephemeral_until: Option<UnixMillis>,
    #[serde(default, skip_serializing_if = "is_automatic")]
    pub(crate) grouping: Grouping,
}

fn is_automatic(grouping: &Grouping) -> bool {
    *grouping == Grouping::Automatic
}

/// The switches of Settings; each has effect only as far as the app asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Switches {
    alert: bool,
    sound: bool,
    badge: bool,
    notification_center: bool,
    lock_screen: bool,
    critical_alert: bool,
    time_sensitive: bool,
    #[serde(default = "on")]
    car_play: bool,
    #[serde(default)]
    announcement: bool,
    #[serde(default = "on")]
    direct_messages: bool,
}

const fn on() -> bool {
    true
}

impl Switches {
    const PROMINENT: Self = Self {
        alert: true,
        sound: true,
        badge: true,
        notification_center: true,
        lock_screen: true,
        critical_alert: true,
        time_sensitive: true,
        car_play: true,
        announcement: false,
        direct_messages: true,
    };

    /// With all of them that interrupt on, or off: a provisional trial is in Notification Center only.
    const fn interrupting(self, on: bool) -> Self {
        Self { alert: on, sound: on, badge: on, lock_screen: on, ..self }
    }
}

impl Default for Permission {
    fn default() -> Self {
        Self {
            status: AuthorizationStatus::NotDetermined,
            requested: AuthorizationOptions::NONE,
            switches: Switches::PROMINENT,
            alert_style: AlertStyle::Banner,
            show_previews: ShowPreviews::Always,
            background_refresh: true,
            grouping: Grouping::Automatic,
            ephemeral_until: None,
        }
    }
}

impl Permission {
    /// Whether notifications of the app are delivered at all.
    pub(crate) const fn is_granted(&self) -> bool {
        match self.status {
            AuthorizationStatus::Authorized
            | AuthorizationStatus::Provisional
            | AuthorizationStatus::Ephemeral => true,
            AuthorizationStatus::NotDetermined | AuthorizationStatus::Denied => false,
        }
    }

    /// `requestAuthorization`: the table of its outcomes.
    pub(crate) fn ask(&mut self, options: AuthorizationOptions) -> Asked {
        let provisional = options.contains(AuthorizationOptions::PROVISIONAL);
        match self.status {
            AuthorizationStatus::Denied => Asked::Granted(false),
            AuthorizationStatus::Authorized => {
                self.requested = self.requested.and(options.without(AuthorizationOptions::PROVISIONAL));
                Asked::Granted(true)
            }
            AuthorizationStatus::NotDetermined if options.is_empty() => Asked::Granted(false),
            AuthorizationStatus::Provisional | AuthorizationStatus::Ephemeral if options.is_empty() => {
                Asked::Granted(true)
            }
            AuthorizationStatus::NotDetermined if provisional => {
                self.status = AuthorizationStatus::Provisional;
                self.switches = self.switches.interrupting(false);
                self.requested = self.requested.and(options);
                Asked::Granted(true)
            }
            AuthorizationStatus::Provisional | AuthorizationStatus::Ephemeral if provisional => {
                self.requested = self.requested.and(options);
                Asked::Granted(true)
            }
            AuthorizationStatus::NotDetermined
            | AuthorizationStatus::Provisional
            | AuthorizationStatus::Ephemeral => Asked::Prompt,
        }
    }

    /// `registerUserNotificationSettings`: what was asked for before is asked for no more.
    pub(crate) fn register(&mut self, types: AuthorizationOptions) -> Asked {
        match self.status {
            AuthorizationStatus::Authorized | AuthorizationStatus::Denied => {
                self.asks_for_only(types);
                Asked::Granted(self.is_granted())
            }
            AuthorizationStatus::NotDetermined
            | AuthorizationStatus::Provisional
            | AuthorizationStatus::Ephemeral
                if types.is_empty() =>
            {
                Asked::Granted(self.is_granted())
            }
            AuthorizationStatus::NotDetermined
            | AuthorizationStatus::Provisional
            | AuthorizationStatus::Ephemeral => Asked::Prompt,
        }
    }

    /// Of alert, sound and badge. What stands for alerts in a trial goes with them.
    pub(crate) fn asks_for_only(&mut self, types: AuthorizationOptions) {
        let of_legacy = AuthorizationOptions::ALERT
            .and(AuthorizationOptions::SOUND)
            .and(AuthorizationOptions::BADGE)
            .and(AuthorizationOptions::PROVISIONAL);
        self.requested = self.requested.without(of_legacy).and(types);
    }

    /// The user answered a prompt for `options`.
    pub(crate) fn answer(&mut self, options: AuthorizationOptions, allow: bool) {
        self.requested = self.requested.and(options);
        self.decide(allow);
    }

    /// The user opened an App Clip from its card, which says that it may notify for a while.
    pub(crate) fn clip_opened(&mut self, now: UnixMillis) {
        match self.status {
            AuthorizationStatus::NotDetermined | AuthorizationStatus::Ephemeral => {}
            AuthorizationStatus::Denied
            | AuthorizationStatus::Authorized
            | AuthorizationStatus::Provisional => return,
        }
        let usual =
            AuthorizationOptions::ALERT.and(AuthorizationOptions::SOUND).and(AuthorizationOptions::BADGE);
        self.status = AuthorizationStatus::Ephemeral;
        self.requested = self.requested.and(usual);
        self.ephemeral_until = Some(now.plus_millis(EPHEMERAL_MILLIS));
    }

    /// Its time is over, or the app took the place of its clip.
    pub(crate) fn clip_ended(&mut self) {
        self.ephemeral_until = None;
        if self.status == AuthorizationStatus::Ephemeral {
            *self = Self { background_refresh: self.background_refresh, ..Self::default() };
        }
    }

    fn decide(&mut self, allow: bool) {
        self.ephemeral_until = None;
        if self.status == AuthorizationStatus::Provisional {
            self.switches = self.switches.interrupting(true);
        }
        self.status = if allow { AuthorizationStatus::Authorized } else { AuthorizationStatus::Denied };
    }

    /// The user turns a switch of what interrupts. On, it ends a provisional trial, which has none for what the app
    /// never asked for.
    fn turn(
        &mut self,
        switch: impl Fn(&mut Switches) -> &mut bool,
        asked_by: AuthorizationOptions,
        on: bool,
    ) {
        if on && self.status == AuthorizationStatus::Provisional {
            if !self.requested.contains(asked_by) {
                return;
            }
            self.status = AuthorizationStatus::Authorized;
        }
        *switch(&mut self.switches) = on;
    }

    pub(crate) fn change(&mut self, change: SettingChange) {
        if let SettingChange::BackgroundAppRefresh { on } = change {
            self.background_refresh = on;
            return;
        }
        if self.status == AuthorizationStatus::NotDetermined {
            return;
        }
        match change {
            SettingChange::AllowNotifications { on } => self.decide(on),
            SettingChange::KeepProminently if self.status == AuthorizationStatus::Provisional => {
                self.decide(true)
            }
            SettingChange::KeepProminently | SettingChange::BackgroundAppRefresh { .. } => {}
            SettingChange::Alert { on } => {
                self.turn(|switches| &mut switches.alert, AuthorizationOptions::ALERT, on);
            }
            SettingChange::Sound { on } => {
                self.turn(|switches| &mut switches.sound, AuthorizationOptions::SOUND, on);
            }
            SettingChange::Badge { on } => {
                self.turn(|switches| &mut switches.badge, AuthorizationOptions::BADGE, on);
            }
            SettingChange::NotificationCenter { on } => self.switches.notification_center = on,
            SettingChange::LockScreen { on } => {
                self.turn(|switches| &mut switches.lock_screen, AuthorizationOptions::ALERT, on);
            }
            SettingChange::CriticalAlert { on } => self.switches.critical_alert = on,
            SettingChange::TimeSensitive { on } => self.switches.time_sensitive = on,
            SettingChange::CarPlay { on } => self.switches.car_play = on,
            SettingChange::Announcement { on } => self.switches.announcement = on,
            SettingChange::DirectMessages { on } => self.switches.direct_messages = on,
            SettingChange::AlertStyle { style } => self.alert_style = style,
            SettingChange::ShowPreviews { when } => self.show_previews = when,
            SettingChange::Grouping { how } => self.grouping = how,
        }
    }

    /// The snapshot an app gets.
    pub(crate) fn settings(&self, app: &AppProfile) -> NotificationSettings {
        let decided = self.status != AuthorizationStatus::NotDetermined;
        let setting = |supported: bool, on: bool| match (decided && supported, on && self.is_granted()) {
            (false, _) => NotificationSetting::NotSupported,
            (true, false) => NotificationSetting::Disabled,
            (true, true) => NotificationSetting::Enabled,
        };
        let asked = |option| self.requested.contains(option);
        let alerts = asked(AuthorizationOptions::ALERT);
        // A trial is in Notification Center, whatever else was asked for.
        let listed = alerts || asked(AuthorizationOptions::PROVISIONAL);
        let alert_setting = setting(alerts, self.switches.alert);
        NotificationSettings {
            authorization_status: self.status,
            sound_setting: setting(asked(AuthorizationOptions::SOUND), self.switches.sound),
            badge_setting: setting(asked(AuthorizationOptions::BADGE), self.switches.badge),
            alert_setting,
            notification_center_setting: setting(listed, self.switches.notification_center),
            lock_screen_setting: setting(alerts, self.switches.lock_screen),
            car_play_setting: setting(asked(AuthorizationOptions::CAR_PLAY), self.switches.car_play),
            alert_style: match alert_setting {
                NotificationSetting::Enabled => self.alert_style,
                NotificationSetting::NotSupported | NotificationSetting::Disabled => AlertStyle::None,
            },
            show_previews_setting: self.show_previews,
            critical_alert_setting: setting(
                app.critical && asked(AuthorizationOptions::CRITICAL_ALERT),
                self.switches.critical_alert,
            ),
            time_sensitive_setting: setting(app.time_sensitive, self.switches.time_sensitive),
            announcement_setting: setting(true, self.switches.announcement),
            scheduled_delivery_setting: setting(true, false),
            direct_messages_setting: setting(app.communication, self.switches.direct_messages),
            provides_app_notification_settings: asked(
                AuthorizationOptions::PROVIDES_APP_NOTIFICATION_SETTINGS,
            ),
        }
    }
}
