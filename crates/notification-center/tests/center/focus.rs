//! Device facts §6.5: interruption levels × what the user doesn't want to be interrupted by.

use std::collections::BTreeSet;

use super::*;

const ANYWHERE: &str = "present id-1 on Banner+LockScreen+NotificationCenter";
const LISTED: &str = "present id-1 on NotificationCenter";

fn entitled() -> AppProfile {
    AppProfile { time_sensitive: true, critical: true, ..news() }
}

/// In background, with everything allowed and entitled.
fn before() -> Vec<Input> {
    let mut inputs = vec![Input::AppInstalled(entitled())];
    inputs.extend([state(AppState::Foreground), delegate(), launched()]);
    inputs.extend([ask(usual().and(AuthorizationOptions::CRITICAL_ALERT), 1), answer(true)]);
    inputs.push(state(AppState::Background));
    inputs
}

fn at(level: &str) -> Input {
    arrives(push(
        1,
        json!({"aps": {"alert": "n", "sound": "default", "badge": 3, "interruption-level": level}}),
    ))
}

fn focus(allowed: &[&str], time_sensitive: bool, hides_badges: bool) -> Input {
    let allowed_apps: BTreeSet<String> = allowed.iter().map(|&bundle| bundle.to_owned()).collect();
    let focus = Focus { allowed_apps, time_sensitive, hides_badges, ..work() };
    set(DeviceSetting::Focus { focus: Some(focus) })
}

fn work() -> Focus {
    Focus {
        name: "Work".to_owned(),
        allowed_apps: BTreeSet::new(),
        allowed_people: BTreeSet::new(),
        time_sensitive: true,
        hides_badges: false,
    }
}

fn summary() -> Input {
    let summary = Summary { times: [8 * 60].into(), apps: [NEWS.to_owned()].into() };
    set(DeviceSetting::Summary { summary: Some(summary) })
}

fn muted() -> Input {
    set(DeviceSetting::Muted { on: true })
}

/// §6.5: level × nothing, Focus, Focus without the time-sensitive ones, summary, mute switch.
#[test]
fn levels_pass_focus_summary_and_mute_switch_as_the_table_says() {
    struct Row<'a> {
        level: &'a str,
        plain: &'a [&'a str],
        focus: &'a [&'a str],
        strict_focus: &'a [&'a str],
        summary: &'a [&'a str],
        muted: &'a [&'a str],
    }
    let loud = &["1 displayed", ANYWHERE, "sound default", "badge 3"];
    let quiet = &["1 displayed", ANYWHERE, "badge 3"];
    let dark = &["1 displayed", "present id-1 on LockScreen+NotificationCenter", "badge 3"];
    let silenced = &["1 suppressed: focus", LISTED, "badge 3"];
    let collected = &["1 suppressed: summary", "badge 3"];
    let critical = &["1 displayed", ANYWHERE, "critical sound default", "badge 3"];
    let table = [
        Row {
            level: "passive",
            plain: dark,
            focus: silenced,
            strict_focus: silenced,
            summary: collected,
            muted: dark,
        },
        Row {
            level: "active",
            plain: loud,
            focus: silenced,
            strict_focus: silenced,
            summary: collected,
            muted: quiet,
        },
        Row {
            level: "time-sensitive",
            plain: loud,
            focus: loud,
            strict_focus: silenced,
            summary: loud,
            muted: quiet,
        },
        Row {
            level: "critical",
            plain: critical,
            focus: critical,
            strict_focus: critical,
            summary: critical,
            muted: critical,
        },
    ];
    for Row { level, plain, focus: in_focus, strict_focus, summary: in_summary, muted: when_muted } in table {
        let conditions = [
            (None, plain),
            (Some(focus(&[], true, false)), in_focus),
            (Some(focus(&[], false, false)), strict_focus),
            (Some(summary()), in_summary),
            (Some(muted()), when_muted),
        ];
        for (condition, expected) in conditions {
            let mut inputs = before();
            inputs.extend(condition);
            check(&inputs, at(level), expected);
        }
    }
}

/// §6.2: a critical sound plays past everything, at every level.
#[test]
fn section_6_2_a_critical_sound_passes_focus_summary_and_mute_switch() {
    for level in ["passive", "active", "time-sensitive"] {
        for condition in [focus(&[], false, false), summary(), muted()] {
            let mut phone = Phone::after([before(), vec![condition.clone()]].concat());
            let sound = json!({"critical": 1, "name": "chime.caf", "volume": 0.3});
            let aps = json!({"alert": "n", "sound": sound, "interruption-level": level});
            let said = phone.take(arrives(push(1, json!({"aps": aps}))));
            assert_eq!(said[0], "1 displayed", "{level}: {condition:?}");
            assert_eq!(said.last().map(String::as_str), Some("critical sound chime.caf"), "{level}");
        }
    }
    let sound = json!({"critical": 1, "name": "chime.caf"});
    let aps = json!({"alert": "n", "sound": sound});
    let plain = [allowed(AppState::Background), vec![focus(&[], false, false)]].concat();
    check(&plain, arrives(push(1, json!({"aps": aps}))), &["1 suppressed: focus", LISTED]);
}

/// §6.5: a Focus is the reason only where the user would have been told without it.
#[test]
fn section_6_5_what_the_user_switched_off_is_no_focus() {
    let badge = || arrives(push(1, json!({"aps": {"badge": 1}})));
    let off = [focus(&[], true, false), change(SettingChange::Badge { on: false })];
    check(&[before(), off.to_vec()].concat(), badge(), &["1 suppressed: not-permitted"]);
    let unlisted = [focus(&[], true, false), change(SettingChange::NotificationCenter { on: false })];
    check(&[before(), unlisted.to_vec()].concat(), at("active"), &["1 suppressed: focus", "badge 3"]);
}

#[test]
fn an_allowed_app_passes_the_focus_and_another_doesnt() {
    let loud = ["1 displayed", ANYWHERE, "sound default", "badge 3"];
    check(&[before(), vec![focus(&[NEWS], false, false)]].concat(), at("active"), &loud);
    check(
        &[before(), vec![focus(&[CHAT], false, false)]].concat(),
        at("active"),
        &["1 suppressed: focus", LISTED, "badge 3"],
    );
    let ended = [focus(&[], false, false), set(DeviceSetting::Focus { focus: None })];
    check(&[before(), ended.to_vec()].concat(), at("active"), &loud);
}

/// §6.5: "Communication pushes may pass Focus allow-lists by person." The sender is said by the service extension, or by the app
/// of a local notification.
#[test]
fn a_message_of_an_allowed_person_passes_the_focus() {
    let entitled =
        || Input::AppInstalled(AppProfile { communication: true, service_extension: true, ..news() });
    let person = |display_name: &str, handle: &str| Person {
        display_name: display_name.to_owned(),
        handle: handle.to_owned(),
    };
    let (passes, silenced) =
        (vec!["1 displayed", ANYWHERE, "badge 3"], vec!["1 suppressed: focus", LISTED, "badge 3"]);
    let direct = |on| change(SettingChange::DirectMessages { on });
    let table = [
        // By the address; a stranger may bear an allowed name, and who has no address has only the name.
        ("ann@example.com", person("Ann", "ann@example.com"), None, &passes),
        ("ann@example.com", person("Ann", "eve@example.com"), None, &silenced),
        ("Ann", person("Ann", "eve@example.com"), None, &silenced),
        ("Ann", person("Ann", ""), None, &passes),
        ("Ann", person("Bob", ""), None, &silenced),
        // The user doesn't take the app's notifications as messages of people.
        ("Ann", person("Ann", ""), Some(direct(false)), &silenced),
    ];
    for (allowed, sender, then, expected) in table {
        let focus = Focus { allowed_people: BTreeSet::from([allowed.to_owned()]), ..work() };
        let mut inputs = vec![entitled(), state(AppState::Foreground), delegate(), launched()];
        inputs.extend([ask(usual(), 1), answer(true), state(AppState::Background)]);
        inputs.push(set(DeviceSetting::Focus { focus: Some(focus) }));
        inputs.extend(then);
        let aps = json!({"aps": {"alert": "Noon?", "badge": 3, "mutable-content": 1}});
        inputs.push(arrives(push(1, aps)));
        let communication = Communication {
            intent: CommunicationIntent::SendMessage,
            sender: Some(sender),
            conversation_identifier: String::new(),
            group_name: String::new(),
        };
        let content =
            NotificationContent { communication: Some(communication), badge: Some(3), ..content("Noon?") };
        let content = Box::new(content);
        check(&inputs, of_app(AppInput::ServiceExtensionAnswered { call: 1, content }), expected);
    }
}

#[test]
fn levels_without_entitlement_or_switched_off_are_as_active() {
    let mut plain = allowed(AppState::Background);
    plain.push(focus(&[], true, false));
    for level in ["time-sensitive", "critical"] {
        check(&plain, at(level), &["1 suppressed: focus", LISTED, "badge 3"]);
    }
    let mut off = before();
    off.extend([focus(&[], true, false), change(SettingChange::TimeSensitive { on: false })]);
    check(&off, at("time-sensitive"), &["1 suppressed: focus", LISTED, "badge 3"]);
    off.push(change(SettingChange::CriticalAlert { on: false }));
    check(&off, at("critical"), &["1 suppressed: focus", LISTED, "badge 3"]);
}

#[test]
fn what_a_focus_silenced_is_seen_once_the_user_opens_it() {
    let mut inputs = before();
    inputs.extend([focus(&[], true, false), at("active")]);
    let outputs =
        ["removed id-1", "1 displayed", "1 opened", "app Background → Foreground", "didReceive 1: id-1"];
    check(&inputs, tap("id-1"), &outputs);
}

#[test]
fn a_focus_leaves_the_app_in_foreground_its_say() {
    let mut inputs = before();
    inputs.extend([focus(&[], true, false), state(AppState::Foreground)]);
    check(&inputs, at("active"), &["willPresent 1: id-1"]);
}

#[test]
fn a_focus_may_hide_badges_which_come_back_after_it() {
    let mut phone = Phone::after([before(), vec![at("active")]].concat());
    assert_eq!(phone.take(focus(&[], true, true)), ["badge 0"]);
    assert_eq!(phone.center.badge(NEWS), 3, "the app's number is the app's");
    let badge = Input::BadgeSet { bundle: NEWS.to_owned(), count: 5, request: 1 };
    assert_eq!(phone.take(badge), ["badge result: Ok(())"]);
    assert_eq!(phone.take(set(DeviceSetting::Focus { focus: None })), ["badge 5"]);
}

#[test]
fn a_sound_alone_is_muted_or_silenced() {
    let sound = || arrives(push(1, json!({"aps": {"sound": "default"}})));
    check(&[before(), vec![muted()]].concat(), sound(), &["1 suppressed: muted"]);
    check(&[before(), vec![focus(&[], true, false)]].concat(), sound(), &["1 suppressed: focus"]);
    let no_sound = vec![muted(), change(SettingChange::Sound { on: false })];
    check(&[before(), no_sound].concat(), sound(), &["1 suppressed: not-permitted"]);
}

#[test]
fn a_trial_is_quiet_already() {
    let trial = [ask(usual().and(AuthorizationOptions::PROVISIONAL), 1), focus(&[], true, false), summary()];
    check(&trial, at("active"), &["1 suppressed: provisional", LISTED]);
}

#[test]
fn a_focus_or_summary_that_names_too_much_changes_nothing() {
    let many: BTreeSet<String> = (0..2_000).map(|number| format!("com.example.a{number}")).collect();
    let mut phone = Phone::after(before());
    let long = BTreeSet::from(["a".repeat(300)]);
    for focus in [
        Focus { allowed_apps: many.clone(), ..work() },
        Focus { allowed_people: many.clone(), ..work() },
        Focus { allowed_people: long, ..work() },
    ] {
        assert!(focus.check().is_err());
        phone.take(set(DeviceSetting::Focus { focus: Some(focus) }));
        assert_eq!(phone.center.focus(), None);
    }
    for (times, apps) in [(vec![1440], BTreeSet::new()), (vec![], BTreeSet::new()), (vec![1], many)] {
        let summary = Summary { times: times.into_iter().collect(), apps };
        assert!(summary.check().is_err());
        phone.take(set(DeviceSetting::Summary { summary: Some(summary) }));
        assert_eq!(phone.center.summary(), None);
    }
}
