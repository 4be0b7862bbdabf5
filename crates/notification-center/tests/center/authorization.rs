//! Device facts §1.1 to §1.6: who is asked when, what is granted, and what the settings say.

use super::*;

const PROVISIONAL: AuthorizationOptions = AuthorizationOptions::PROVISIONAL;

fn provisional() -> AuthorizationOptions {
    usual().and(PROVISIONAL)
}

fn status(phone: &Phone) -> AuthorizationStatus {
    phone.center.settings(NEWS).expect("it is installed").authorization_status
}

/// §1.3, row by row: before, options, outputs, status after.
#[test]
fn a_request_for_permission_follows_the_table() {
    use AuthorizationStatus::*;
    let front = state(AppState::Foreground);
    let determined = |allow| vec![front.clone(), ask(usual(), 1), answer(allow)];
    let trial = vec![front.clone(), ask(provisional(), 1)];
    let none = AuthorizationOptions::NONE;
    let table: [(&[Input], AuthorizationOptions, &[&str], AuthorizationStatus); 11] = [
        (std::slice::from_ref(&front), usual(), &["prompt 0b111"], NotDetermined),
        (std::slice::from_ref(&front), provisional(), &["result 2: true"], Provisional),
        (std::slice::from_ref(&front), none, &["result 2: false"], NotDetermined),
        (&determined(false), usual(), &["result 2: false"], Denied),
        (&determined(false), provisional(), &["result 2: false"], Denied),
        (&determined(true), usual(), &["result 2: true"], Authorized),
        (&determined(true), provisional(), &["result 2: true"], Authorized),
        (&determined(true), AuthorizationOptions::CAR_PLAY, &["result 2: true"], Authorized),
        (&trial, usual(), &["prompt 0b111"], Provisional),
        (&trial, provisional(), &["result 2: true"], Provisional),
        (&trial, none, &["result 2: true"], Provisional),
    ];
    for (row, (before, options, outputs, after)) in table.into_iter().enumerate() {
        let mut phone = Phone::after(before.iter().cloned());
        assert_eq!(phone.take(ask(options, 2)), outputs, "row {row}");
        assert_eq!(status(&phone), after, "row {row}");
    }
}

#[test]
fn the_user_is_asked_once_and_the_answer_is_remembered() {
    for (allow, after) in [(true, AuthorizationStatus::Authorized), (false, AuthorizationStatus::Denied)] {
        let mut phone = Phone::after([state(AppState::Foreground), ask(usual(), 1)]);
        assert_eq!(phone.take(answer(allow)), [format!("result 1: {allow}")]);
        assert_eq!(status(&phone), after);
        assert_eq!(phone.take(ask(usual(), 2)), [format!("result 2: {allow}")]);
        assert_eq!(phone.take(answer(!allow)), [""; 0], "there is no prompt to answer");
        assert_eq!(status(&phone), after);
    }
}

#[test]
fn requests_made_while_the_prompt_is_open_share_it() {
    let mut phone = Phone::after([state(AppState::Foreground), ask(AuthorizationOptions::ALERT, 1)]);
    assert_eq!(phone.take(ask(AuthorizationOptions::SOUND, 2)), [""; 0]);
    assert_eq!(phone.take(answer(true)), ["result 1: true", "result 2: true"]);
    let settings = phone.center.settings(NEWS).expect("it is installed");
    assert_eq!(settings.sound_setting, NotificationSetting::Enabled);
}

#[test]
fn a_prompt_waits_until_its_app_is_in_foreground() {
    let mut phone = Phone::after([state(AppState::Background)]);
    assert_eq!(phone.take(ask(usual(), 1)), [""; 0]);
    assert_eq!(phone.center.prompt(), None);
    assert_eq!(phone.take(state(AppState::Foreground)), ["app Background → Foreground", "prompt 0b111"]);
    assert_eq!(phone.center.prompt().map(|prompt| prompt.app_name), Some("News".to_owned()));
}

/// §1.3: a question stands before its app and nowhere else.
#[test]
fn section_1_3_a_prompt_leaves_the_screen_with_its_app_and_comes_back_with_it() {
    let asked = [state(AppState::Foreground), ask(usual(), 1), Input::AppInstalled(chat())];
    let mut phone = Phone::after(asked);
    assert_eq!(
        phone.take(state(AppState::Background)),
        ["app Foreground → Background", "withdraw prompt"],
        "the user went home"
    );
    assert_eq!(phone.center.prompt(), None);
    assert_eq!(phone.take(answer(true)), [""; 0], "there is no prompt to answer");
    assert_eq!(phone.take(state(AppState::Foreground)), ["app Background → Foreground", "prompt 0b111"]);
    let to_front = Input::AppStateChanged { bundle: CHAT.to_owned(), state: AppState::Foreground };
    assert_eq!(
        phone.take(to_front),
        ["app Ended → Foreground of com.example.chat", "app Foreground → Background", "withdraw prompt"],
        "one app is in foreground"
    );
    let ask_too = Input::AuthorizationRequested { bundle: CHAT.to_owned(), options: usual(), request: 2 };
    assert_eq!(phone.take(ask_too), ["prompt 0b111 of com.example.chat"], "it is the one in front");
    assert_eq!(
        phone.take(state(AppState::Foreground)),
        [
            "app Background → Foreground".to_owned(),
            "app Foreground → Background of com.example.chat".to_owned(),
            "withdraw prompt of com.example.chat".to_owned(),
            "prompt 0b111".to_owned(),
        ]
    );
    assert_eq!(phone.take(answer(true)), ["result 1: true"]);
}

#[test]
fn a_prompt_that_nobody_answered_leaves_the_question_open() {
    for end in [state(AppState::Ended), state(AppState::ForceQuit), Input::Booted] {
        let mut phone = Phone::after([state(AppState::Foreground), ask(usual(), 1)]);
        assert_eq!(phone.take(end).last().map(String::as_str), Some("withdraw prompt"));
        assert_eq!(status(&phone), AuthorizationStatus::NotDetermined);
        phone.take(state(AppState::Foreground));
        assert_eq!(phone.take(ask(usual(), 2)), ["prompt 0b111"]);
    }
}

#[test]
fn an_app_that_never_asked_has_no_settings() {
    let phone = Phone::new();
    let settings = phone.center.settings(NEWS).expect("it is installed");
    let expected = NotificationSettings { alert_style: AlertStyle::None, ..NotificationSettings::default() };
    assert_eq!(settings, expected);
}

#[test]
fn the_settings_tell_what_was_asked_for_and_what_is_on() {
    use NotificationSetting::*;
    let mut phone = Phone::after([
        state(AppState::Foreground),
        ask(AuthorizationOptions::ALERT.and(AuthorizationOptions::SOUND), 1),
        answer(true),
    ]);
    let settings = |phone: &Phone| phone.center.settings(NEWS).expect("it is installed");
    let now = settings(&phone);
    assert_eq!((now.alert_setting, now.sound_setting, now.badge_setting), (Enabled, Enabled, NotSupported));
    assert_eq!((now.notification_center_setting, now.lock_screen_setting), (Enabled, Enabled));
    assert_eq!((now.alert_style, now.show_previews_setting), (AlertStyle::Banner, ShowPreviews::Always));
    assert_eq!((now.critical_alert_setting, now.time_sensitive_setting), (NotSupported, NotSupported));

    phone.take(ask(usual(), 2));
    assert_eq!(settings(&phone).badge_setting, Enabled, "what is asked for later joins");
    phone.take(change(SettingChange::Sound { on: false }));
    phone.take(change(SettingChange::AlertStyle { style: AlertStyle::Alert }));
    phone.take(change(SettingChange::ShowPreviews { when: ShowPreviews::Never }));
    let now = settings(&phone);
    assert_eq!((now.sound_setting, now.alert_style), (Disabled, AlertStyle::Alert));
    assert_eq!(now.show_previews_setting, ShowPreviews::Never);

    phone.take(change(SettingChange::AllowNotifications { on: false }));
    let now = settings(&phone);
    assert_eq!(now.authorization_status, AuthorizationStatus::Denied);
    assert_eq!(
        (now.alert_setting, now.badge_setting, now.car_play_setting),
        (Disabled, Disabled, NotSupported)
    );
    assert_eq!(now.alert_style, AlertStyle::None);

    phone.take(change(SettingChange::AllowNotifications { on: true }));
    let now = settings(&phone);
    assert_eq!(now.authorization_status, AuthorizationStatus::Authorized);
    assert_eq!((now.alert_setting, now.sound_setting), (Enabled, Disabled), "switches keep their places");
}

#[test]
fn a_provisional_trial_is_quiet_until_the_user_keeps_it_or_turns_it_off() {
    use NotificationSetting::*;
    let trial = Phone::after([state(AppState::Foreground), ask(provisional(), 1)]);
    let settings = |phone: &Phone| phone.center.settings(NEWS).expect("it is installed");
    let now = settings(&trial);
    assert_eq!((now.alert_setting, now.sound_setting, now.badge_setting), (Disabled, Disabled, Disabled));
    assert_eq!((now.lock_screen_setting, now.notification_center_setting), (Disabled, Enabled));

    let mut kept = trial.clone();
    kept.take(change(SettingChange::KeepProminently));
    let now = settings(&kept);
    assert_eq!((now.authorization_status, now.alert_setting), (AuthorizationStatus::Authorized, Enabled));

    let mut off = trial.clone();
    off.take(change(SettingChange::AllowNotifications { on: false }));
    assert_eq!(settings(&off).authorization_status, AuthorizationStatus::Denied);
    off.take(change(SettingChange::AllowNotifications { on: true }));
    assert_eq!(settings(&off).sound_setting, Enabled, "what is allowed in Settings isn't a trial");

    let mut asked = trial;
    asked.take(ask(usual(), 2));
    asked.take(answer(true));
    assert_eq!(settings(&asked).sound_setting, Enabled);
}

/// §1.3 and §1.4: a trial is in Notification Center, whatever stands beside `provisional`.
#[test]
fn section_1_4_a_trial_without_alert_is_in_notification_center_as_well() {
    use NotificationSetting::*;
    for beside in [AuthorizationOptions::NONE, AuthorizationOptions::SOUND, AuthorizationOptions::ALERT] {
        let mut phone = Phone::after([state(AppState::Foreground), ask(PROVISIONAL.and(beside), 1)]);
        phone.take(state(AppState::Background));
        let settings = |phone: &Phone| phone.center.settings(NEWS).expect("it is installed");
        assert_eq!(settings(&phone).notification_center_setting, Enabled, "beside {beside:?}");
        assert_eq!(phone.take(add("a", None)), ["added", "present a on NotificationCenter"]);
        let quiet = ["1 suppressed: provisional", "present id-1 on NotificationCenter"];
        assert_eq!(phone.take(arrives(alert(1))), quiet, "beside {beside:?}");
        phone.take(change(SettingChange::KeepProminently));
        let alerts = if beside == AuthorizationOptions::ALERT { Enabled } else { NotSupported };
        let now = settings(&phone);
        assert_eq!((now.alert_setting, now.notification_center_setting), (alerts, Enabled));
    }
    let mut phone =
        Phone::after([state(AppState::Foreground), ask(AuthorizationOptions::BADGE, 1), answer(true)]);
    phone.take(ask(PROVISIONAL, 2));
    let settings = phone.center.settings(NEWS).expect("it is installed");
    assert_eq!(settings.notification_center_setting, NotSupported, "it is no trial any more");
}

/// §1.2 and §1.4: each switch × whether the app asked for it × what it makes of a trial.
#[test]
fn section_1_2_a_switch_that_interrupts_ends_a_trial() {
    use AuthorizationStatus::*;
    let sound = AuthorizationOptions::SOUND;
    let (alerts, badge) = (AuthorizationOptions::ALERT, AuthorizationOptions::BADGE);
    let on = true;
    let table = [
        (alerts, SettingChange::Alert { on }, Authorized, vec!["present id-1 on Banner+NotificationCenter"]),
        (
            alerts,
            SettingChange::LockScreen { on },
            Authorized,
            vec!["present id-1 on LockScreen+NotificationCenter"],
        ),
        (
            sound,
            SettingChange::Sound { on },
            Authorized,
            vec!["present id-1 on NotificationCenter", "sound default"],
        ),
        (
            badge,
            SettingChange::Badge { on },
            Authorized,
            vec!["present id-1 on NotificationCenter", "badge 3"],
        ),
        (alerts, SettingChange::Sound { on }, Provisional, vec!["present id-1 on NotificationCenter"]),
        (sound, SettingChange::Alert { on }, Provisional, vec!["present id-1 on NotificationCenter"]),
        (
            usual(),
            SettingChange::NotificationCenter { on },
            Provisional,
            vec!["present id-1 on NotificationCenter"],
        ),
        (
            usual(),
            SettingChange::Sound { on: false },
            Provisional,
            vec!["present id-1 on NotificationCenter"],
        ),
    ];
    for (asked, turned, after, shown) in table {
        let mut phone = Phone::after([state(AppState::Foreground), ask(PROVISIONAL.and(asked), 1)]);
        phone.take(state(AppState::Background));
        phone.take(change(turned));
        assert_eq!(status(&phone), after, "{turned:?}");
        let first = if after == Authorized { "1 displayed" } else { "1 suppressed: provisional" };
        let expected: Vec<_> = std::iter::once(first).chain(shown).collect();
        assert_eq!(phone.take(arrives(alert(1))), expected, "{turned:?}");
        // What is asked for later is off like the rest of a trial.
        phone.take(ask(PROVISIONAL.and(usual()), 2));
        let settings = phone.center.settings(NEWS).expect("it is installed");
        if after == Provisional {
            let quiet = NotificationSetting::Disabled;
            assert_eq!((settings.sound_setting, settings.alert_setting), (quiet, quiet), "{turned:?}");
        }
    }
}

#[test]
fn switches_that_the_user_turned_off_one_by_one_are_no_trial() {
    let off = [
        SettingChange::Alert { on: false },
        SettingChange::Sound { on: false },
        SettingChange::Badge { on: false },
        SettingChange::LockScreen { on: false },
        SettingChange::AllowNotifications { on: false },
        SettingChange::AllowNotifications { on: true },
    ];
    let mut phone = Phone::after([state(AppState::Foreground), ask(usual(), 1), answer(true)]);
    off.into_iter().for_each(|turned| drop(phone.take(change(turned))));
    let settings = phone.center.settings(NEWS).expect("it is installed");
    assert_eq!(settings.sound_setting, NotificationSetting::Disabled, "switches keep their places");
}

#[test]
fn critical_and_time_sensitive_need_their_entitlements() {
    let settings_of = |profile: AppProfile| {
        let options = usual().and(AuthorizationOptions::CRITICAL_ALERT);
        let inputs =
            [Input::AppInstalled(profile), state(AppState::Foreground), ask(options, 1), answer(true)];
        Phone::after(inputs).center.settings(NEWS).expect("it is installed")
    };
    let entitled = settings_of(AppProfile { critical: true, time_sensitive: true, ..news() });
    assert_eq!(entitled.critical_alert_setting, NotificationSetting::Enabled);
    assert_eq!(entitled.time_sensitive_setting, NotificationSetting::Enabled);
    let plain = settings_of(news());
    assert_eq!(plain.critical_alert_setting, NotificationSetting::NotSupported);
    assert_eq!(plain.time_sensitive_setting, NotificationSetting::NotSupported);
}

#[test]
fn permission_outlives_the_app_for_a_day() {
    let remove = || Input::AppRemoved { bundle: NEWS.to_owned() };
    for (away, after) in [(DAY - 1, AuthorizationStatus::Denied), (DAY, AuthorizationStatus::NotDetermined)] {
        let mut phone = Phone::after([state(AppState::Foreground), ask(usual(), 1), answer(false), remove()]);
        phone.pass(away);
        phone.take(Input::AppInstalled(news()));
        assert_eq!(status(&phone), after, "away for {away} ms");
    }
}

#[test]
fn one_app_knows_nothing_of_another() {
    let mut phone = Phone::after(allowed(AppState::Background));
    phone.take(Input::AppInstalled(chat()));
    phone.take(add("a", after(60.0)));
    phone.take(arrives(alert(1)));
    let settings = phone.center.settings(CHAT).expect("it is installed");
    assert_eq!(settings.authorization_status, AuthorizationStatus::NotDetermined);
    assert!(phone.center.pending(CHAT).is_empty() && phone.center.delivered(CHAT).next().is_none());
    assert_eq!((phone.center.badge(NEWS), phone.center.badge(CHAT)), (3, 0));
    let all = Identifiers::All;
    phone.take(Input::DeliveredRemoved { bundle: CHAT.to_owned(), identifiers: all.clone() });
    phone.take(Input::PendingRemoved { bundle: CHAT.to_owned(), identifiers: all });
    phone.take(Input::Tapped { bundle: CHAT.to_owned(), identifier: "id-1".to_owned() });
    assert_eq!((phone.listed(), phone.waiting()), (vec!["id-1".to_owned()], vec!["a".to_owned()]));
}
