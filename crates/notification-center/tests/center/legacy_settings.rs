//! Device facts §1.7 and §6.3: *UIUserNotificationSettings*, and the number on the icon by the iOS 9 API.

use super::*;

const BADGE: UserNotificationType = UserNotificationType::Badge;
const SOUND: UserNotificationType = UserNotificationType::Sound;
const ALERT: UserNotificationType = UserNotificationType::Alert;

fn register(types: &[UserNotificationType]) -> Input {
    let settings = UserNotificationSettings {
        types: types.iter().copied().collect(),
        ..UserNotificationSettings::default()
    };
    legacy(LegacyInput::RegisterUserNotificationSettings { settings })
}

fn in_front() -> Phone {
    Phone::after([state(AppState::Foreground), launched()])
}

fn types(phone: &Phone) -> Vec<UserNotificationType> {
    let settings = phone.center.user_notification_settings(NEWS).expect("it is installed");
    settings.types.into_iter().collect()
}

const ALL: [UserNotificationType; 3] = [BADGE, SOUND, ALERT];

#[test]
fn the_first_registration_asks_once_and_what_the_user_allows_is_always_told() {
    for (allow, told) in [(true, "didRegister {Badge, Sound, Alert}"), (false, "didRegister {}")] {
        let mut phone = in_front();
        assert_eq!(types(&phone), []);
        assert_eq!(phone.take(register(&ALL)), ["categories", "prompt 0b111"]);
        assert_eq!(phone.take(answer(allow)), [told]);
        assert_eq!(phone.take(register(&ALL)), ["categories", told], "it isn't asked again, and told again");
        assert_eq!(types(&phone).is_empty(), !allow, "no types: refused");
    }
}

#[test]
fn registering_nothing_asks_nothing() {
    let mut phone = in_front();
    assert_eq!(phone.take(register(&[])), ["categories", "didRegister {}"]);
    let status = phone.center.settings(NEWS).expect("it is installed").authorization_status;
    assert_eq!(status, AuthorizationStatus::NotDetermined);
}

#[test]
fn a_later_registration_overwrites_types_and_categories() {
    let mut phone = in_front();
    phone.take(register(&ALL));
    phone.take(answer(true));
    assert_eq!(phone.take(register(&[BADGE])), ["categories", "didRegister {Badge}"]);
    phone.take(state(AppState::Background));
    assert_eq!(
        phone.take(arrives(alert(1))),
        ["1 displayed", "badge 3"],
        "neither alert nor sound is registered any more"
    );
    assert_eq!(phone.take(register(&ALL)), ["categories", "didRegister {Badge, Sound, Alert}"]);
}

#[test]
fn two_registrations_share_the_prompt_and_the_later_one_holds() {
    let mut phone = in_front();
    phone.take(register(&ALL));
    assert_eq!(phone.take(register(&[SOUND])), ["categories"]);
    assert_eq!(phone.take(answer(true)), ["didRegister {Sound}", "didRegister {Sound}"]);

    let mut with_newer = in_front();
    with_newer.take(register(&[SOUND]));
    with_newer.take(ask(usual(), 1));
    assert_eq!(with_newer.take(answer(true)), ["didRegister {Badge, Sound, Alert}", "result 1: true"]);

    let mut ended = in_front();
    ended.take(register(&ALL));
    ended.take(state(AppState::Ended));
    ended.take(state(AppState::Foreground));
    ended.take(ask(usual(), 1));
    assert_eq!(ended.take(answer(true)), ["result 1: true"], "who asked before is gone");
}

#[test]
fn the_types_in_force_are_what_the_user_left_switched_on() {
    type Row<'a> = (SettingChange, &'a [UserNotificationType]);
    let table: [Row<'_>; 5] = [
        (SettingChange::Sound { on: false }, &[BADGE, ALERT]),
        (SettingChange::Badge { on: false }, &[SOUND, ALERT]),
        (SettingChange::Alert { on: false }, &[BADGE, SOUND]),
        (SettingChange::AlertStyle { style: AlertStyle::None }, &[BADGE, SOUND]),
        (SettingChange::AllowNotifications { on: false }, &[]),
    ];
    for (switch, expected) in table {
        let mut phone = in_front();
        phone.take(register(&ALL));
        phone.take(answer(true));
        phone.take(change(switch));
        assert_eq!(types(&phone), expected, "{switch:?}");
    }
}

#[test]
fn a_category_offers_four_actions_in_an_alert_and_two_elsewhere() {
    let action = |identifier: &str| json!({"identifier": identifier, "activation_mode": "background"});
    let mut whole = json!({"identifier": "c", "default_actions": [
        {"identifier": "a", "authentication_required": true},
        {"identifier": "b", "activation_mode": "background", "authentication_required": true, "destructive": true},
        {"identifier": "c", "activation_mode": "background", "behavior": "text-input"},
        action("d"), action("e"),
    ]});
    let offered = |category: &serde_json::Value, style| {
        let mut phone = in_front();
        let settings = json!({"types": ["alert"], "categories": [category]});
        let settings: UserNotificationSettings = serde_json::from_value(settings).expect("they are settings");
        phone.take(legacy(LegacyInput::RegisterUserNotificationSettings { settings: settings.clone() }));
        phone.take(answer(true));
        assert_eq!(
            phone.center.user_notification_settings(NEWS).expect("it is installed"),
            settings,
            "the app gets them back as they were"
        );
        phone.take(change(SettingChange::AlertStyle { style }));
        phone.take(state(AppState::Background));
        phone.take(arrives(push(1, json!({"aps": {"alert": "n", "category": "c"}}))));
        let shown = phone.center.delivered(NEWS).next().expect("it is shown");
        phone.center.offered(NEWS, shown)
    };
    let names = |actions: &[Action]| {
        actions.iter().map(|action| action.identifier.clone()).collect::<Vec<_>>().join(" ")
    };
    let in_alert = offered(&whole, AlertStyle::Alert);
    assert_eq!(names(&in_alert), "a b c d");
    assert!(in_alert[0].options.foreground, "the default");
    assert!(!in_alert[0].options.authentication_required, "coming to the front asks for it anyhow");
    assert!(in_alert[1].options.authentication_required && in_alert[1].options.destructive);
    assert!(in_alert[2].text_input.is_some());
    assert_eq!(names(&offered(&whole, AlertStyle::Banner)), "a b");
    whole["minimal_actions"] = json!([action("d"), action("a"), action("b")]);
    assert_eq!(names(&offered(&whole, AlertStyle::Banner)), "d a");
}

/// §6.3: 0 hides it and clears what is shown, but only if there was a number, and only by this API.
#[test]
fn zero_on_the_icon_clears_what_the_app_has_shown_if_there_was_a_number() {
    let set = |count| legacy(LegacyInput::SetApplicationIconBadgeNumber { count, request: 9 });
    let mut phone = Phone::after(allowed(AppState::Background));
    phone.take(arrives(push(1, json!({"aps": {"alert": "n"}}))));
    assert_eq!(phone.take(set(0)), ["badge result: Ok(())"], "there was none");
    assert_eq!(phone.listed(), ["id-1"]);
    assert_eq!(phone.take(set(2)), ["badge 2", "badge result: Ok(())"]);
    assert_eq!(phone.listed(), ["id-1"]);
    assert_eq!(phone.take(set(0)), ["badge 0", "badge result: Ok(())", "removed id-1"]);
    assert_eq!(phone.take(set(-1)), ["badge result: Err(BadgeInputInvalid)"]);

    phone.take(arrives(alert(2)));
    let newer = Input::BadgeSet { bundle: NEWS.to_owned(), count: 0, request: 9 };
    assert_eq!(phone.take(newer), ["badge 0", "badge result: Ok(())"]);
    assert_eq!(phone.listed(), ["id-2"], "setBadgeCount(0) only hides it");

    let mut never_asked = Phone::new();
    assert_eq!(never_asked.take(set(1)), ["badge result: Err(NotificationsNotAllowed)"]);
}
