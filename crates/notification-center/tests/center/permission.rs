//! Device facts §1.2, §1.4 and §1.5: the five statuses and what each does, as tables.

use super::*;

const SHOWN: &str = "on Banner+LockScreen+NotificationCenter";

fn clip() -> AppProfile {
    AppProfile { app_clip: true, critical: true, ..news() }
}

fn entitled() -> AppProfile {
    AppProfile { critical: true, time_sensitive: true, communication: true, ..news() }
}

fn everything() -> AuthorizationOptions {
    AuthorizationOptions::from_bits(!AuthorizationOptions::PROVISIONAL.bits())
}

fn status(phone: &Phone) -> AuthorizationStatus {
    settings(phone).authorization_status
}

fn settings(phone: &Phone) -> NotificationSettings {
    phone.center.settings(NEWS).expect("it is installed")
}

/// The app in background with a delegate and this status.
fn with_status(status: AuthorizationStatus, then: AppState) -> Phone {
    let front = [state(AppState::Foreground), delegate(), launched()];
    let options = usual().and(AuthorizationOptions::CRITICAL_ALERT);
    let asked = match status {
        AuthorizationStatus::NotDetermined => vec![],
        AuthorizationStatus::Denied => vec![ask(options, 1), answer(false)],
        AuthorizationStatus::Authorized => vec![ask(options, 1), answer(true)],
        AuthorizationStatus::Provisional => vec![ask(options.and(AuthorizationOptions::PROVISIONAL), 1)],
        AuthorizationStatus::Ephemeral => vec![],
    };
    let profile = if status == AuthorizationStatus::Ephemeral { clip() } else { entitled() };
    let mut phone = Phone::after([Input::AppInstalled(profile)].into_iter().chain(front).chain(asked));
    phone.take(state(then));
    assert_eq!(super::permission::status(&phone), status);
    phone
}

const STATUSES: [AuthorizationStatus; 5] = [
    AuthorizationStatus::NotDetermined,
    AuthorizationStatus::Denied,
    AuthorizationStatus::Provisional,
    AuthorizationStatus::Authorized,
    AuthorizationStatus::Ephemeral,
];

/// One row of §1.4: what happens to an app of each status, in the order of [`STATUSES`].
#[track_caller]
fn row(then: AppState, input: &Input, cells: [&[&str]; 5]) {
    for (status, cell) in STATUSES.into_iter().zip(cells) {
        assert_eq!(with_status(status, then).take(input.clone()), cell, "{status:?}: {input:?}");
    }
}

#[test]
fn section_1_4_token_registration_works_in_every_status() {
    for status in STATUSES {
        let mut phone = with_status(status, AppState::Background);
        let registered =
            |registered| Input::RegisteredForRemoteNotifications { bundle: NEWS.to_owned(), registered };
        phone.take(registered(false));
        phone.take(registered(true));
        assert!(phone.center.is_registered(NEWS), "{status:?}");
    }
}

/// §2.1: *isRegisteredForRemoteNotifications* × status × Background App Refresh.
#[test]
fn section_2_1_registration_reflects_the_system_s_switches() {
    for status in STATUSES {
        let mut phone = with_status(status, AppState::Background);
        assert!(phone.center.is_registered(NEWS), "{status:?}: a silent one can reach it");
        phone.take(change(SettingChange::BackgroundAppRefresh { on: false }));
        let nothing = [AuthorizationStatus::NotDetermined, AuthorizationStatus::Denied];
        assert_eq!(phone.center.is_registered(NEWS), !nothing.contains(&status), "{status:?}");
        phone.take(Input::RegisteredForRemoteNotifications { bundle: NEWS.to_owned(), registered: false });
        phone.take(change(SettingChange::BackgroundAppRefresh { on: true }));
        assert!(!phone.center.is_registered(NEWS), "{status:?}: the app's own word");
    }
}

/// §3.7 and §6.1: nothing stands where its switch is off, and it doesn't come back with it.
#[test]
fn section_6_1_a_surface_that_is_switched_off_is_empty() {
    type Turn = fn(bool) -> SettingChange;
    let table: [(Turn, &[Surface], &[&str]); 5] = [
        (|on| SettingChange::AllowNotifications { on }, &[], &["removed id-1"]),
        (|on| SettingChange::Alert { on }, &[Surface::LockScreen, Surface::NotificationCenter], &[]),
        (|on| SettingChange::LockScreen { on }, &[Surface::Banner, Surface::NotificationCenter], &[]),
        (|on| SettingChange::NotificationCenter { on }, &[Surface::Banner, Surface::LockScreen], &[]),
        (
            |on| SettingChange::Sound { on },
            &[Surface::Banner, Surface::LockScreen, Surface::NotificationCenter],
            &[],
        ),
    ];
    for (turn, left, said) in table {
        let mut phone = with_status(AuthorizationStatus::Authorized, AppState::Background);
        phone.take(arrives(push(1, json!({"aps": {"alert": "n"}}))));
        assert_eq!(phone.take(change(turn(false))), said, "{:?}", turn(false));
        phone.take(change(turn(true)));
        let surfaces: Vec<_> =
            phone.center.on_screen(NEWS).flat_map(|shown| shown.surfaces.iter().copied()).collect();
        assert_eq!(surfaces, left, "{:?}", turn(false));
        let is_listed = left.contains(&Surface::NotificationCenter);
        assert_eq!(phone.center.delivered(NEWS).count(), usize::from(is_listed), "{:?}", turn(false));
    }
    let mut later = with_status(AuthorizationStatus::Authorized, AppState::Background);
    later.take(arrives(push(1, json!({"aps": {"alert": "n"}}))));
    later.take(change(SettingChange::LockScreen { on: false }));
    later.pass(MINUTE);
    let gone = later.take(change(SettingChange::NotificationCenter { on: false }));
    assert_eq!(gone, ["removed id-1"], "its banner had gone long ago");
}

/// §6.1 and §6.3: the badge needs its switch, also the one that stands there.
#[test]
fn section_6_3_an_icon_shows_no_badge_that_the_user_switched_off() {
    for (off, on) in [
        (SettingChange::Badge { on: false }, SettingChange::Badge { on: true }),
        (SettingChange::AllowNotifications { on: false }, SettingChange::AllowNotifications { on: true }),
    ] {
        let mut phone = with_status(AuthorizationStatus::Authorized, AppState::Background);
        phone.take(Input::BadgeSet { bundle: NEWS.to_owned(), count: 4, request: 1 });
        assert_eq!(phone.take(change(off)), ["badge 0"], "{off:?}");
        assert_eq!((phone.center.visible_badge(NEWS), phone.center.badge(NEWS)), (0, 4), "{off:?}");
        assert_eq!(phone.take(change(on)), ["badge 4"], "{on:?}");
        assert_eq!(phone.center.visible_badge(NEWS), 4);
    }
    let mut clip = with_status(AuthorizationStatus::Ephemeral, AppState::Background);
    clip.take(Input::BadgeSet { bundle: NEWS.to_owned(), count: 4, request: 1 });
    assert_eq!(clip.pass(8 * HOUR), ["badge 0"], "its time is over");
}

#[test]
fn section_1_4_local_add() {
    let refused: &[&str] = &["not added: NotificationsNotAllowed"];
    let input = add("a", after(60.0));
    row(AppState::Background, &input, [refused, refused, &["added"], &["added"], &["added"]]);
}

#[test]
fn section_1_4_pending_requests_fire_into_nothing_while_denied_and_resume() {
    let mut phone = with_status(AuthorizationStatus::Authorized, AppState::Background);
    phone.take(add("beat", every(60.0)));
    phone.take(change(SettingChange::AllowNotifications { on: false }));
    assert_eq!(phone.pass(10 * MINUTE), [""; 0]);
    assert_eq!(phone.waiting(), ["beat"]);
    phone.take(change(SettingChange::AllowNotifications { on: true }));
    assert_eq!(phone.pass(MINUTE), [format!("present beat {SHOWN}")]);
}

#[test]
fn section_1_4_remote_alert() {
    let refused: &[&str] = &["1 suppressed: not-permitted"];
    let shown = format!("present id-1 {SHOWN}");
    let as_set = ["1 displayed", &shown, "sound default", "badge 3"];
    let quiet: &[&str] = &["1 suppressed: provisional", "present id-1 on NotificationCenter"];
    let cells = [refused, refused, quiet, &as_set, &as_set];
    row(AppState::Background, &arrives(alert(1)), cells);
}

#[test]
fn section_1_4_content_available_wakes_in_every_status() {
    let silent = arrives(push(1, json!({"aps": {"content-available": 1}})));
    for status in STATUSES {
        let mut phone = with_status(status, AppState::Ended);
        let said = phone.take(silent.clone());
        assert!(said[0].starts_with("app Ended → Background"), "{status:?}: {said:?}");
        let mut phone = with_status(status, AppState::Ended);
        phone.take(change(SettingChange::BackgroundAppRefresh { on: false }));
        assert_eq!(phone.take(silent.clone()), ["1 suppressed: silent"], "{status:?}");
    }
}

#[test]
fn section_1_4_will_present_in_foreground() {
    let refused: &[&str] = &["1 suppressed: not-permitted"];
    let called: &[&str] = &["willPresent 1: id-1"];
    row(AppState::Foreground, &arrives(alert(1)), [refused, refused, called, called, called]);
}

#[test]
fn section_1_4_badge_by_api() {
    let input = Input::BadgeSet { bundle: NEWS.to_owned(), count: 5, request: 1 };
    let refused: &[&str] = &["badge result: Err(NotificationsNotAllowed)"];
    let set: &[&str] = &["badge 5", "badge result: Ok(())"];
    row(AppState::Background, &input, [refused, refused, refused, set, set]);
    let mut phone = with_status(AuthorizationStatus::Authorized, AppState::Background);
    phone.take(change(SettingChange::Badge { on: false }));
    assert_eq!(phone.take(input), refused);
}

#[test]
fn section_1_4_critical_alert() {
    let critical = push(1, json!({"aps": {"alert": "n", "sound": {"critical": 1, "name": "default"}}}));
    for status in STATUSES {
        let mut phone = with_status(status, AppState::Background);
        phone.take(change(SettingChange::Sound { on: false }));
        let heard = phone.take(arrives(critical.clone())).contains(&"critical sound default".to_owned());
        let enabled = settings(&phone).critical_alert_setting == NotificationSetting::Enabled;
        assert_eq!(heard, enabled, "{status:?}");
        let asked_and_prominent = [AuthorizationStatus::Authorized, AuthorizationStatus::Provisional];
        assert_eq!(enabled, asked_and_prominent.contains(&status), "{status:?}");
    }
}

#[test]
fn section_1_2_an_app_clip_may_notify_for_eight_hours_after_it_was_opened() {
    let mut phone = Phone::after([Input::AppInstalled(clip())]);
    assert_eq!(status(&phone), AuthorizationStatus::NotDetermined);
    phone.take(state(AppState::Foreground));
    assert_eq!(status(&phone), AuthorizationStatus::Ephemeral);
    phone.take(state(AppState::Background));
    phone.pass(7 * HOUR);
    phone.take(state(AppState::Foreground));
    phone.take(state(AppState::Background));
    phone.pass(8 * HOUR - 1);
    assert_eq!(status(&phone), AuthorizationStatus::Ephemeral, "counted from the last time");
    phone.pass(1);
    assert_eq!(status(&phone), AuthorizationStatus::NotDetermined);
    assert_eq!(settings(&phone), NotificationSettings::default());
    assert_eq!(phone.take(add("a", None)), ["not added: NotificationsNotAllowed"]);
}

#[test]
fn section_1_2_an_app_clip_may_ask_for_longer() {
    for (allow, after) in [(true, AuthorizationStatus::Authorized), (false, AuthorizationStatus::Denied)] {
        let mut phone = Phone::after([Input::AppInstalled(clip()), state(AppState::Foreground)]);
        assert_eq!(phone.take(ask(AuthorizationOptions::NONE, 1)), ["result 1: true"]);
        assert_eq!(phone.take(ask(AuthorizationOptions::PROVISIONAL, 2)), ["result 2: true"]);
        assert_eq!(status(&phone), AuthorizationStatus::Ephemeral);
        assert_eq!(phone.take(ask(usual(), 3)), ["prompt 0b111"]);
        phone.take(answer(allow));
        phone.pass(DAY);
        phone.take(state(AppState::Background));
        phone.take(state(AppState::Foreground));
        assert_eq!(status(&phone), after, "the user has said");
    }
}

#[test]
fn section_1_2_the_app_that_takes_the_place_of_its_clip_has_to_ask() {
    let mut phone = Phone::after([Input::AppInstalled(clip()), state(AppState::Foreground)]);
    phone.take(Input::AppInstalled(news()));
    assert_eq!(status(&phone), AuthorizationStatus::NotDetermined);
    let mut phone = Phone::after([Input::AppInstalled(clip()), state(AppState::Foreground)]);
    phone.take(Input::AppRemoved { bundle: NEWS.to_owned() });
    phone.take(Input::AppInstalled(news()));
    assert_eq!(status(&phone), AuthorizationStatus::NotDetermined);
}

/// Which of the fields each switch turns, and that it turns no other.
#[test]
fn section_1_5_each_switch_turns_its_field() {
    type Turn = fn(bool) -> SettingChange;
    type Field = fn(&NotificationSettings) -> NotificationSetting;
    let table: [(Turn, Field); 10] = [
        (|on| SettingChange::Alert { on }, |settings| settings.alert_setting),
        (|on| SettingChange::Sound { on }, |settings| settings.sound_setting),
        (|on| SettingChange::Badge { on }, |settings| settings.badge_setting),
        (|on| SettingChange::NotificationCenter { on }, |settings| settings.notification_center_setting),
        (|on| SettingChange::LockScreen { on }, |settings| settings.lock_screen_setting),
        (|on| SettingChange::CarPlay { on }, |settings| settings.car_play_setting),
        (|on| SettingChange::CriticalAlert { on }, |settings| settings.critical_alert_setting),
        (|on| SettingChange::TimeSensitive { on }, |settings| settings.time_sensitive_setting),
        (|on| SettingChange::Announcement { on }, |settings| settings.announcement_setting),
        (|on| SettingChange::DirectMessages { on }, |settings| settings.direct_messages_setting),
    ];
    let front = [Input::AppInstalled(entitled()), state(AppState::Foreground)];
    let mut phone = Phone::after(front.into_iter().chain([ask(everything(), 1), answer(true)]));
    for (turn, field) in table {
        phone.take(change(turn(true)));
        let on = settings(&phone);
        assert_eq!(field(&on), NotificationSetting::Enabled);
        phone.take(change(turn(false)));
        let off = settings(&phone);
        assert_eq!(field(&off), NotificationSetting::Disabled);
        let changed = table.iter().filter(|(_, field)| field(&on) != field(&off)).count();
        assert_eq!(changed, 1);
        phone.take(change(turn(true)));
    }
    assert!(settings(&phone).provides_app_notification_settings);
    phone.take(change(SettingChange::AllowNotifications { on: false }));
    let now = settings(&phone);
    assert!(table.iter().all(|(_, field)| field(&now) == NotificationSetting::Disabled), "{now:?}");
}

#[test]
fn section_1_5_what_was_not_asked_for_or_entitled_is_not_supported() {
    let mut phone =
        Phone::after([state(AppState::Foreground), ask(AuthorizationOptions::BADGE, 1), answer(true)]);
    phone.take(change(SettingChange::DirectMessages { on: true }));
    let now = settings(&phone);
    for setting in [
        now.alert_setting,
        now.sound_setting,
        now.car_play_setting,
        now.critical_alert_setting,
        now.time_sensitive_setting,
        now.direct_messages_setting,
    ] {
        assert_eq!(setting, NotificationSetting::NotSupported);
    }
    assert_eq!(now.badge_setting, NotificationSetting::Enabled);
    assert_eq!(now.announcement_setting, NotificationSetting::Disabled);
    assert_eq!(now.scheduled_delivery_setting, NotificationSetting::Disabled);
    assert!(!now.provides_app_notification_settings);
}

#[test]
fn section_1_5_scheduled_delivery_is_what_the_summary_says() {
    let mut phone = with_status(AuthorizationStatus::Authorized, AppState::Background);
    let summary = |apps: &[&str]| {
        let apps = apps.iter().map(|&app| app.to_owned()).collect();
        Input::DeviceSet(DeviceSetting::Summary { summary: Some(Summary { times: [480].into(), apps }) })
    };
    phone.take(summary(&[NEWS]));
    assert_eq!(settings(&phone).scheduled_delivery_setting, NotificationSetting::Enabled);
    phone.take(summary(&[CHAT]));
    assert_eq!(settings(&phone).scheduled_delivery_setting, NotificationSetting::Disabled);
}

#[test]
fn section_1_1_the_button_for_the_app_s_own_settings_opens_the_app() {
    let open = |identifier: Option<&str>| Input::OfApp {
        bundle: NEWS.to_owned(),
        what: AppInput::SettingsOpened { identifier: identifier.map(str::to_owned) },
    };
    let mut phone = Phone::after(allowed(AppState::Background));
    assert_eq!(phone.take(open(None)), [""; 0], "it never asked for the button");
    phone.take(ask(AuthorizationOptions::PROVIDES_APP_NOTIFICATION_SETTINGS, 2));
    phone.take(arrives(alert(1)));
    assert_eq!(phone.take(open(Some("id-1"))), ["app Background → Foreground", "openSettings for id-1"]);
    assert_eq!(phone.listed(), ["id-1"], "it stays");
    assert_eq!(phone.take(open(None)), ["openSettings"]);
    phone.take(state(AppState::Ended));
    assert_eq!(phone.take(open(None)), ["app Ended → Foreground"]);
    assert_eq!(phone.take(delegate()), ["openSettings"], "it waits for the delegate");
}
