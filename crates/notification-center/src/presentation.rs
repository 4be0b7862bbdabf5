//! Whether and how a notification is shown: permission, an app in foreground, the lock, the user's switches,
//! replacement by identifier, sound and badge. The same for remote and local ones.

use homing_trace::{Reason, Stage, UnixMillis};

use crate::app::{App, Presenting, Turn};
use crate::{
    AlertStyle, AppProfile, AppState, AuthorizationStatus, Delivered, Identifiers, InterruptionLevel,
    Notification, NotificationContent, NotificationSetting, NotificationSettings, Output, Person,
    PlayedSound, PresentationOptions, RemoteMark, SettingChange, Shown, Surface,
};

/// How long an app may take to answer `willPresent`. Apple doesn't say.
pub(crate) const WILL_PRESENT_MILLIS: i64 = 5_000;
/// How many answers an app may owe; beyond that, the oldest counts as not given.
const MAX_PRESENTING: usize = 256;
/// How long a temporary banner stays.
pub(crate) const BANNER_MILLIS: i64 = 5_000;
/// How many notifications of one app are in Notification Center; beyond that, the oldest leaves.
const MAX_DELIVERED: usize = 1_024;
/// How many of its banners are on the screen without being in Notification Center.
const MAX_TRANSIENT: usize = 64;

const ENABLED: NotificationSetting = NotificationSetting::Enabled;

/// What of a notification reaches the user.
#[derive(Debug, Default)]
struct Showing {
    surfaces: Vec<Surface>,
    sound: Option<PlayedSound>,
    badge: Option<u32>,
}

impl Showing {
    fn is_nothing(&self) -> bool {
        self.surfaces.is_empty() && self.sound.is_none() && self.badge.is_none()
    }

    /// Nothing tells the user; who looks into Notification Center finds it.
    fn is_quiet(&self) -> bool {
        self.sound.is_none() && self.badge.is_none() && self.surfaces == [Surface::NotificationCenter]
    }
}

impl App {
    /// Brings a notification to the user, or to the app that is in front of the user.
    pub(crate) fn deliver(
        &mut self,
        mut notification: Notification,
        remote: Option<RemoteMark>,
        turn: &mut Turn<'_>,
    ) {
        let in_foreground = self.state == AppState::Foreground;
        let permitted = self.permission.is_granted();
        // What an app of iOS 9 gets in front needs no permission to be shown; what it makes itself does.
        if in_foreground && (permitted || remote.is_some()) {
            self.tell_in_front(&notification, remote.as_ref(), turn);
        }
        let suppressed = |reason, turn: &mut Turn<'_>| {
            turn.receipt(&self.profile.bundle_id, remote.as_ref(), Stage::Suppressed, Some(reason));
        };
        if !permitted {
            return suppressed(Reason::NOT_PERMITTED, turn);
        }
        if in_foreground && !self.process.delegate.is_some_and(|delegate| delegate.will_present) {
            return suppressed(Reason::FOREGROUND, turn);
        }
        let content = &mut notification.request.content;
        *content = std::mem::take(content).resolved(&self.profile, turn.locale);
        content.interruption_level =
            effective_level(content.interruption_level, &self.permission.settings(&self.profile));
        self.supersede(&notification.request.identifier, turn);
        if in_foreground {
            self.ask_app(notification, remote, turn);
        } else {
            self.interrupt(notification, remote, turn);
        }
    }

    /// The user may not want to be interrupted now. A provisional trial never does.
    fn interrupt(&mut self, notification: Notification, remote: Option<RemoteMark>, turn: &mut Turn<'_>) {
        let (bundle, content) = (&self.profile.bundle_id, &notification.request.content);
        // A critical sound is one at every level.
        let sound = sound(content, &self.profile, &self.permission.settings(&self.profile));
        let level = match sound {
            Some(PlayedSound { critical: true, .. }) => InterruptionLevel::Critical,
            Some(_) | None => content.interruption_level,
        };
        let quiet = self.permission.status == AuthorizationStatus::Provisional;
        let conditions = turn.conditions;
        if !quiet && conditions.summary.as_ref().is_some_and(|summary| summary.holds(bundle, level)) {
            if content.has_text() {
                self.collect(notification, remote, turn);
            } else {
                self.present(notification, remote, Manner::BesideSummary, turn);
            }
        } else if !quiet
            && let Some(focus) = &conditions.focus
            && !focus.lets_through(bundle, level, self.sender_of(content))
        {
            self.present(notification, remote, Manner::Silenced, turn);
        } else {
            self.present(notification, remote, Manner::Usual, turn);
        }
    }

    /// Who writes or calls, if the user takes the app's notifications as messages of people.
    fn sender_of<'a>(&self, content: &'a NotificationContent) -> Option<&'a Person> {
        let direct = self.permission.settings(&self.profile).direct_messages_setting;
        let communication = content.communication.as_ref()?;
        communication.sender.as_ref().filter(|_| direct == NotificationSetting::Enabled)
    }

    /// A newer notification of the same identifier takes the place of one that is still with the extension, or whose
    /// `willPresent` is still open.
    pub(crate) fn supersede(&mut self, identifier: &str, turn: &mut Turn<'_>) {
        let is_older = |older: &Notification| older.request.identifier == identifier;
        self.give_up_extending(is_older, Reason::SUPERSEDED, turn);
        self.give_up_collected(is_older, &Reason::SUPERSEDED, turn);
        let is_same = |presenting: &mut Presenting| presenting.notification.request.identifier == identifier;
        for older in self.process.presenting.extract_if(.., is_same) {
            let reason = Some(Reason::SUPERSEDED);
            turn.receipt(&self.profile.bundle_id, older.remote.as_ref(), Stage::Suppressed, reason);
        }
    }

    fn ask_app(&mut self, notification: Notification, remote: Option<RemoteMark>, turn: &mut Turn<'_>) {
        if self.process.presenting.len() >= MAX_PRESENTING {
            let oldest = self.process.presenting.remove(0);
            self.not_presented(&oldest, turn);
        }
        let completion = turn.completion();
        let deadline = turn.now.plus_millis(WILL_PRESENT_MILLIS);
        turn.out.push(Output::CallWillPresent {
            bundle: self.bundle(),
            completion,
            notification: Box::new(notification.clone()),
            deadline,
        });
        self.process.presenting.push(Presenting { completion, notification, remote, deadline });
    }

    /// The app answered `willPresent`. An answer that came too late has no effect.
    pub(crate) fn will_present_answered(
        &mut self,
        completion: u64,
        options: PresentationOptions,
        turn: &mut Turn<'_>,
    ) {
        let found = self.process.presenting.iter().position(|presenting| presenting.completion == completion);
        if let Some(at) = found {
            let presenting = self.process.presenting.remove(at);
            self.present(presenting.notification, presenting.remote, Manner::Asked(options), turn);
        }
    }

    /// Shows what the settings allow.
    pub(crate) fn present(
        &mut self,
        notification: Notification,
        remote: Option<RemoteMark>,
        manner: Manner,
        turn: &mut Turn<'_>,
    ) {
        let content = &notification.request.content;
        let settings = self.permission.settings(&self.profile);
        let place = Place { manner, locked: turn.locked, muted: turn.conditions.muted };
        let showing = show(content, &self.profile, &settings, place);
        if showing.is_nothing() {
            let reason = self.why_nothing(content, &settings, place);
            turn.receipt(&self.profile.bundle_id, remote.as_ref(), Stage::Suppressed, Some(reason));
            return;
        }
        let provisional = self.permission.status == AuthorizationStatus::Provisional && showing.is_quiet();
        let (stage, reason) = match manner {
            Manner::Silenced => (Stage::Suppressed, Some(Reason::FOCUS)),
            Manner::Usual | Manner::Asked(_) | Manner::Summarised | Manner::BesideSummary if provisional => {
                (Stage::Suppressed, Some(Reason::PROVISIONAL))
            }
            Manner::Usual | Manner::Asked(_) | Manner::Summarised | Manner::BesideSummary => {
                (Stage::Displayed, None)
            }
        };
        let shown = Shown {
            surfaces: showing.surfaces.clone(),
            sound: showing.sound.is_some(),
            badge: showing.badge.is_some(),
        };
        turn.shown_receipt(&self.profile.bundle_id, remote.as_ref(), (stage, reason), shown);
        let Showing { surfaces, sound, badge } = showing;
        let lights_screen = manner == Manner::Usual
            && stage == Stage::Displayed
            && notification.request.content.interruption_level != InterruptionLevel::Passive
            && surfaces.iter().any(|surface| *surface != Surface::NotificationCenter);
        self.put_on_screen(
            Delivered {
                gone_at: gone_at(&surfaces, turn.now),
                order: turn.order(),
                notification,
                remote,
                surfaces,
                sound: sound.clone(),
                badge,
                displayed: stage == Stage::Displayed,
                lights_screen,
            },
            turn,
        );
        if let Some(sound) = sound {
            turn.out.push(Output::PlaySound { bundle: self.bundle(), sound });
        }
        if let Some(badge) = badge {
            self.set_badge(badge, turn);
        }
    }

    /// Why the user neither sees nor hears anything of it.
    fn why_nothing(
        &self,
        content: &NotificationContent,
        settings: &NotificationSettings,
        place: Place,
    ) -> Reason {
        let shows = |settings: &NotificationSettings, place| {
            !show(content, &self.profile, settings, place).is_nothing()
        };
        let unmuted = Place { muted: false, ..place };
        let usual = Place { manner: Manner::Usual, ..unmuted };
        if !shows(&ALL_ENABLED, usual) {
            return Reason::NOT_DISPLAYABLE;
        }
        match place.manner {
            Manner::Silenced if shows(settings, usual) => Reason::FOCUS,
            Manner::BesideSummary if shows(settings, usual) => Reason::SUMMARY,
            Manner::Silenced | Manner::BesideSummary => Reason::NOT_PERMITTED,
            Manner::Usual | Manner::Asked(_) | Manner::Summarised => {
                if shows(settings, unmuted) {
                    Reason::MUTED
                } else if shows(&ALL_ENABLED, unmuted) {
                    Reason::NOT_PERMITTED
                } else {
                    Reason::FOREGROUND
                }
            }
        }
    }

    /// In place of what had the same identifier. What is on no surface takes nothing's place.
    fn put_on_screen(&mut self, delivered: Delivered, turn: &mut Turn<'_>) {
        if delivered.surfaces.is_empty() {
            return;
        }
        self.take_delivered(delivered.identifier());
        turn.out.push(Output::Present { bundle: self.bundle(), delivered: Box::new(delivered.clone()) });
        self.tell_extension(&delivered, turn);
        let (list, max) = if delivered.is_listed() {
            (&mut self.delivered, MAX_DELIVERED)
        } else {
            (&mut self.transient, MAX_TRANSIENT)
        };
        list.push(delivered);
        if list.len() > max {
            let oldest = list.remove(0).notification.request.identifier;
            turn.out.push(Output::Removed { bundle: self.bundle(), identifiers: vec![oldest] });
        }
    }

    pub(crate) fn setting_changed(&mut self, change: SettingChange, turn: &mut Turn<'_>) {
        self.permission.change(change);
        self.leave_switched_off(turn);
    }

    /// Nothing stands where the user has switched the app off.
    pub(crate) fn leave_switched_off(&mut self, turn: &mut Turn<'_>) {
        let settings = self.permission.settings(&self.profile);
        let is_off = |surface| {
            ENABLED
                != match surface {
                    Surface::Banner | Surface::PersistentBanner => settings.alert_setting,
                    Surface::LockScreen => settings.lock_screen_setting,
                    Surface::NotificationCenter => settings.notification_center_setting,
                }
        };
        self.leave_surface(&|_| true, is_off, turn);
    }

    /// Takes a notification off the screen, wherever it is.
    pub(crate) fn take_delivered(&mut self, identifier: &str) -> Option<Delivered> {
        [&mut self.delivered, &mut self.transient].into_iter().find_map(|list| {
            let at = list.iter().position(|delivered| delivered.identifier() == identifier)?;
            Some(list.remove(at))
        })
    }

    /// The app withdraws notifications, also those that wait for the summary.
    pub(crate) fn remove_delivered(&mut self, identifiers: &Identifiers, turn: &mut Turn<'_>) {
        self.collected.retain(|collected| !identifiers.contains(&collected.notification.request.identifier));
        let mut gone = Vec::new();
        for list in [&mut self.delivered, &mut self.transient] {
            let withdrawn = list.extract_if(.., |delivered| identifiers.contains(delivered.identifier()));
            gone.extend(withdrawn.map(|delivered| delivered.notification.request.identifier));
        }
        if !gone.is_empty() {
            turn.out.push(Output::Removed { bundle: self.bundle(), identifiers: gone });
        }
    }
}

/// What the user would see and hear with nothing switched off.
const ALL_ENABLED: NotificationSettings = NotificationSettings {
    authorization_status: AuthorizationStatus::Authorized,
    sound_setting: ENABLED,
    badge_setting: ENABLED,
    alert_setting: ENABLED,
    notification_center_setting: ENABLED,
    lock_screen_setting: ENABLED,
    car_play_setting: ENABLED,
    alert_style: AlertStyle::Banner,
    show_previews_setting: crate::ShowPreviews::Always,
    critical_alert_setting: ENABLED,
    time_sensitive_setting: ENABLED,
    announcement_setting: ENABLED,
    scheduled_delivery_setting: ENABLED,
    direct_messages_setting: ENABLED,
    provides_app_notification_settings: false,
};

/// How a notification comes to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As the system does it.
    Usual,
    /// As the app in foreground wants it.
    Asked(PresentationOptions),
    /// Behind a Focus: it lights nothing and plays nothing.
    Silenced,
    /// With the scheduled summary, its badge having been set already.
    Summarised,
    /// While its app's notifications wait for the summary, of one without a text, which has no place in it.
    BesideSummary,
}

/// Where a notification meets the user.
#[derive(Clone, Copy, Debug)]
struct Place {
    manner: Manner,
    muted: bool,
    /// What would be a banner is on the lock screen then.
    locked: bool,
}

/// The switches always have the last word.
fn show(
    content: &NotificationContent,
    app: &AppProfile,
    settings: &NotificationSettings,
    Place { manner, muted, locked }: Place,
) -> Showing {
    let options = match manner {
        Manner::Usual => PresentationOptions::ALL,
        Manner::Asked(options) => options,
        Manner::Silenced => PresentationOptions::LIST.and(PresentationOptions::BADGE),
        Manner::Summarised => PresentationOptions::LIST,
        Manner::BesideSummary => PresentationOptions::BADGE,
    };
    let by_system = match manner {
        Manner::Usual | Manner::Summarised => true,
        Manner::Asked(_) | Manner::Silenced | Manner::BesideSummary => false,
    };
    let passive = content.interruption_level == InterruptionLevel::Passive;
    let mut surfaces = Vec::new();
    if content.has_text() {
        if options.banner() && settings.alert_setting == ENABLED && !locked && !(by_system && passive) {
            match settings.alert_style {
                AlertStyle::None => {}
                AlertStyle::Banner => surfaces.push(Surface::Banner),
                AlertStyle::Alert => surfaces.push(Surface::PersistentBanner),
            }
        }
        if (by_system || locked && options.banner()) && settings.lock_screen_setting == ENABLED {
            surfaces.push(Surface::LockScreen);
        }
        if options.list() && settings.notification_center_setting == ENABLED {
            surfaces.push(Surface::NotificationCenter);
        }
    }
    Showing {
        surfaces,
        sound: sound(content, app, settings).filter(|sound| options.sound() && (sound.critical || !muted)),
        badge: content.badge.filter(|_| options.badge() && settings.badge_setting == ENABLED),
    }
}

/// The sound to play (*UNNotificationSound*): a name that isn't in the bundle, or too long a sound, is the default one.
fn sound(
    content: &NotificationContent,
    app: &AppProfile,
    settings: &NotificationSettings,
) -> Option<PlayedSound> {
    let may_be_critical = settings.critical_alert_setting == ENABLED;
    let is_critical = may_be_critical && content.sound.as_ref().is_some_and(|sound| sound.critical);
    let at_critical_level = may_be_critical && content.interruption_level == InterruptionLevel::Critical;
    let Some(sound) = content.sound.as_ref().filter(|sound| is_critical || !sound.name.is_empty()) else {
        return at_critical_level.then_some(PlayedSound { file: None, critical: true, volume: None });
    };
    let critical = is_critical || at_critical_level;
    let heard = settings.sound_setting == ENABLED && content.interruption_level != InterruptionLevel::Passive;
    (critical || heard).then(|| PlayedSound {
        file: app.can_play(&sound.name).then(|| sound.name.clone()),
        critical,
        volume: sound.volume.filter(|_| critical).map(|volume| volume.clamp(0.0, 1.0)),
    })
}

/// The level it has after what entitlement and user allow.
fn effective_level(level: InterruptionLevel, settings: &NotificationSettings) -> InterruptionLevel {
    let time_sensitive = settings.time_sensitive_setting == ENABLED;
    match level {
        InterruptionLevel::Critical if settings.critical_alert_setting == ENABLED => level,
        InterruptionLevel::Critical | InterruptionLevel::TimeSensitive if time_sensitive => {
            InterruptionLevel::TimeSensitive
        }
        InterruptionLevel::Critical | InterruptionLevel::TimeSensitive => InterruptionLevel::Active,
        InterruptionLevel::Active | InterruptionLevel::Passive => level,
    }
}

/// Of a temporary banner: when it goes.
fn gone_at(surfaces: &[Surface], now: UnixMillis) -> Option<UnixMillis> {
    surfaces.contains(&Surface::Banner).then(|| now.plus_millis(BANNER_MILLIS))
}
