//! Device facts §1.4, §4.3, §6.1 to §6.3, §6.5 and §6.8: what permission, switches and the app in front make of a
//! notification.

use super::*;

fn presents(completion: u64, options: PresentationOptions) -> Input {
    Input::WillPresentAnswered { bundle: NEWS.to_owned(), completion, options }
}

fn trial() -> Vec<Input> {
    let options = usual().and(AuthorizationOptions::PROVISIONAL);
    vec![state(AppState::Foreground), delegate(), launched(), ask(options, 1)]
}

fn with(mut inputs: Vec<Input>, more: impl IntoIterator<Item = Input>) -> Vec<Input> {
    inputs.extend(more);
    inputs
}

/// §6.6: what is displayed is replaced by what is displayed.
#[test]
fn section_6_6_what_is_on_no_surface_takes_nothing_s_place() {
    let of = |seq, aps| {
        arrives(RemoteNotification { collapse_id: Some("q".to_owned()), ..push(seq, json!({"aps": aps})) })
    };
    let mut phone = Phone::after(with(allowed(AppState::Background), [of(1, json!({"alert": "n"}))]));
    assert_eq!(phone.take(of(2, json!({"badge": 1}))), ["2 displayed", "badge 1"]);
    assert_eq!(phone.listed(), ["q"]);
    phone.take(state(AppState::Foreground));
    for (seq, completion, options) in [(3, 1, PresentationOptions::SOUND), (4, 2, PresentationOptions::NONE)]
    {
        phone.take(of(seq, json!({"alert": "n", "sound": "default"})));
        phone.take(presents(completion, options));
        let seqs: Vec<_> =
            phone.center.on_screen(NEWS).map(|shown| shown.remote.as_ref().map(|mark| mark.seq)).collect();
        assert_eq!(seqs, [Some(1)]);
    }
    phone.take(of(5, json!({"alert": "n"})));
    phone.take(presents(3, PresentationOptions::BANNER));
    let seqs: Vec<_> =
        phone.center.on_screen(NEWS).map(|shown| shown.remote.as_ref().map(|mark| mark.seq)).collect();
    assert_eq!(seqs, [Some(5)]);
}

/// §4.7: what can't be seen or heard by anybody is nobody's refusal.
#[test]
fn section_4_7_what_comes_to_nothing_says_why() {
    let empty = AppProfile {
        localisations: std::sync::Arc::new(
            [("en".to_owned(), [("EMPTY".to_owned(), String::new())].into())].into(),
        ),
        ..news()
    };
    let nothing = [
        json!({"sound": "default", "interruption-level": "passive"}),
        json!({"alert": {"loc-key": "EMPTY"}}),
    ];
    let focus = Focus {
        name: "Work".to_owned(),
        allowed_apps: [].into(),
        allowed_people: [].into(),
        time_sensitive: true,
        hides_badges: false,
    };
    let summary = Summary { times: [480].into(), apps: [NEWS.to_owned()].into() };
    let conditions = [
        DeviceSetting::Muted { on: false },
        DeviceSetting::Muted { on: true },
        DeviceSetting::Focus { focus: Some(focus) },
        DeviceSetting::Summary { summary: Some(summary) },
    ];
    for aps in nothing {
        for condition in conditions.clone() {
            let mut before = vec![Input::AppInstalled(empty.clone())];
            before.extend(with(allowed(AppState::Background), [set(condition)]));
            check(&before, arrives(push(1, json!({"aps": aps}))), &["1 suppressed: not-displayable"]);
        }
    }
}

/// §1.4, the rows that show in outputs: situation × status.
#[test]
fn permission_decides_as_the_table_says() {
    let background = state(AppState::Background);
    let denied = vec![state(AppState::Foreground), delegate(), launched(), ask(usual(), 1), answer(false)];
    let not_determined = vec![state(AppState::Foreground), delegate(), launched()];
    let badge = || Input::BadgeSet { bundle: NEWS.to_owned(), count: 5, request: 1 };
    let silent = || arrives(push(1, json!({"aps": {"content-available": 1}})));
    let refused = "not added: NotificationsNotAllowed";
    let no_badge = "badge result: Err(NotificationsNotAllowed)";
    let list = "present id-1 on NotificationCenter";
    let woken: &[&str] = &["didReceiveRemoteNotification 1", "1 suppressed: silent"];
    let everywhere: &[&str] =
        &["1 displayed", "present id-1 on Banner+LockScreen+NotificationCenter", "sound default", "badge 3"];
    struct Row<'a> {
        before: Vec<Input>,
        add: &'a [&'a str],
        alert: &'a [&'a str],
        alert_in_foreground: &'a [&'a str],
        badge: &'a [&'a str],
    }
    let table = [
        Row {
            before: not_determined,
            add: &[refused],
            alert: &["1 suppressed: not-permitted"],
            alert_in_foreground: &["1 suppressed: not-permitted"],
            badge: &[no_badge],
        },
        Row {
            before: denied,
            add: &[refused],
            alert: &["1 suppressed: not-permitted"],
            alert_in_foreground: &["1 suppressed: not-permitted"],
            badge: &[no_badge],
        },
        Row {
            before: trial(),
            add: &["added"],
            alert: &["1 suppressed: provisional", list],
            alert_in_foreground: &["willPresent 1: id-1"],
            badge: &[no_badge],
        },
        Row {
            before: allowed(AppState::Foreground),
            add: &["added"],
            alert: everywhere,
            alert_in_foreground: &["willPresent 1: id-1"],
            badge: &["badge 5", "badge result: Ok(())"],
        },
    ];
    for row in table {
        let in_background = with(row.before.clone(), [background.clone()]);
        check(&in_background, add("a", after(60.0)), row.add);
        check(&in_background, arrives(alert(1)), row.alert);
        check(&in_background, silent(), woken);
        check(&in_background, badge(), row.badge);
        check(&row.before, arrives(alert(1)), row.alert_in_foreground);
    }
}

#[test]
fn a_pending_request_fires_into_nothing_while_denied_and_resumes_when_allowed() {
    let allow = |on| change(SettingChange::AllowNotifications { on });
    let mut phone = Phone::after(allowed(AppState::Background));
    phone.take(add("once", after(60.0)));
    phone.take(add("again", every(60.0)));
    phone.take(allow(false));
    assert_eq!(phone.pass(MINUTE), [""; 0]);
    assert_eq!(phone.waiting(), ["again"]);
    phone.take(allow(true));
    assert_eq!(phone.pass(MINUTE), ["present again on Banner+LockScreen+NotificationCenter"]);
}

/// §4.3: what the app in foreground answers, row by row.
#[test]
fn an_app_in_foreground_decides_what_is_shown() {
    use PresentationOptions as P;
    let front = allowed(AppState::Foreground);
    let asked = with(front.clone(), [arrives(alert(1))]);
    check(&front, arrives(alert(1)), &["willPresent 1: id-1"]);
    let table: [(P, &[&str]); 8] = [
        (P::NONE, &["1 suppressed: foreground"]),
        (P::BADGE, &["1 displayed", "badge 3"]),
        (P::SOUND, &["1 displayed", "sound default"]),
        (P::ALERT, &["1 displayed", "present id-1 on Banner+NotificationCenter"]),
        (P::LIST, &["1 displayed", "present id-1 on NotificationCenter"]),
        (P::BANNER, &["1 displayed", "present id-1 on Banner"]),
        (P::BANNER.and(P::SOUND), &["1 displayed", "present id-1 on Banner", "sound default"]),
        (P::ALL, &["1 displayed", "present id-1 on Banner+NotificationCenter", "sound default", "badge 3"]),
    ];
    for (options, outputs) in table {
        check(&asked, presents(1, options), outputs);
    }
}

#[test]
fn without_a_delegate_or_an_answer_nothing_is_shown_in_foreground() {
    let no_delegate = vec![state(AppState::Foreground), launched(), ask(usual(), 1), answer(true)];
    check(&no_delegate, arrives(alert(1)), &["1 suppressed: foreground"]);
    let without_method = Input::DelegateSet {
        bundle: NEWS.to_owned(),
        delegate: Delegate { did_receive: true, ..Delegate::default() },
    };
    check(&with(no_delegate, [without_method]), arrives(alert(1)), &["1 suppressed: foreground"]);

    let mut phone = Phone::after(with(allowed(AppState::Foreground), [arrives(alert(1))]));
    assert_eq!(phone.center.next_wake(), Some(START.plus_millis(5 * SECOND)));
    assert_eq!(phone.pass(5 * SECOND), ["1 suppressed: foreground"]);
    assert_eq!(phone.take(presents(1, PresentationOptions::ALL)), [""; 0], "the answer is too late");
    assert!(phone.listed().is_empty());

    for end in [state(AppState::Ended), state(AppState::ForceQuit)] {
        let mut phone = Phone::after(with(allowed(AppState::Foreground), [arrives(alert(1))]));
        let outputs = phone.take(end);
        assert!(outputs.contains(&"1 suppressed: foreground".to_owned()), "{outputs:?}");
    }
}

#[test]
fn what_the_app_was_asked_about_when_the_device_went_down_is_shown_when_it_is_up() {
    let mut phone = Phone::after(allowed(AppState::Foreground));
    assert_eq!(phone.take(arrives(alert(1))), ["willPresent 1: id-1"]);
    let json = phone.center.to_json().expect("it is written");
    phone.center = Center::from_json(&json).expect("it was written by us");
    let shown =
        ["1 displayed", "present id-1 on Banner+LockScreen+NotificationCenter", "sound default", "badge 3"];
    assert_eq!(phone.take(Input::Booted), shown);
    assert_eq!(phone.take(Input::Booted), [""; 0]);
    assert_eq!(phone.listed(), ["id-1"]);
    assert_eq!(phone.take(presents(1, PresentationOptions::ALL)), [""; 0], "an answer from before");
}

#[test]
fn the_users_switches_have_the_last_word() {
    let off = |switch: SettingChange| with(allowed(AppState::Background), [change(switch)]);
    let all = "present id-1 on Banner+LockScreen+NotificationCenter";
    let table: [(SettingChange, &[&str]); 8] = [
        (SettingChange::Sound { on: false }, &["1 displayed", all, "badge 3"]),
        (SettingChange::Badge { on: false }, &["1 displayed", all, "sound default"]),
        (
            SettingChange::Alert { on: false },
            &["1 displayed", "present id-1 on LockScreen+NotificationCenter", "sound default", "badge 3"],
        ),
        (
            SettingChange::AlertStyle { style: AlertStyle::None },
            &["1 displayed", "present id-1 on LockScreen+NotificationCenter", "sound default", "badge 3"],
        ),
        (
            SettingChange::AlertStyle { style: AlertStyle::Alert },
            &[
                "1 displayed",
                "present id-1 on PersistentBanner+LockScreen+NotificationCenter",
                "sound default",
                "badge 3",
            ],
        ),
        (
            SettingChange::LockScreen { on: false },
            &["1 displayed", "present id-1 on Banner+NotificationCenter", "sound default", "badge 3"],
        ),
        (
            SettingChange::NotificationCenter { on: false },
            &["1 displayed", "present id-1 on Banner+LockScreen", "sound default", "badge 3"],
        ),
        (SettingChange::AllowNotifications { on: false }, &["1 suppressed: not-permitted"]),
    ];
    for (switch, outputs) in table {
        check(&off(switch), arrives(alert(1)), outputs);
    }
    let no_sound =
        with(allowed(AppState::Foreground), [change(SettingChange::Sound { on: false }), arrives(alert(1))]);
    check(&no_sound, presents(1, PresentationOptions::SOUND), &["1 suppressed: not-permitted"]);
}

#[test]
fn a_newer_notification_takes_the_place_of_one_the_app_still_thinks_about() {
    let collapsed = |seq| RemoteNotification { collapse_id: Some("score".to_owned()), ..alert(seq) };
    let mut phone = Phone::after(with(allowed(AppState::Foreground), [arrives(collapsed(1))]));
    assert_eq!(phone.take(arrives(collapsed(2))), ["1 suppressed: superseded", "willPresent 2: score"]);
    assert_eq!(phone.take(presents(1, PresentationOptions::ALL)), [""; 0]);
    assert_eq!(phone.take(presents(2, PresentationOptions::LIST))[0], "2 displayed");
}

#[test]
fn a_banner_that_is_not_listed_goes_by_itself() {
    let mut phone = Phone::after(with(allowed(AppState::Foreground), [arrives(alert(1))]));
    phone.take(presents(1, PresentationOptions::BANNER));
    assert!(phone.listed().is_empty());
    assert_eq!(phone.center.on_screen(NEWS).count(), 1);
    assert_eq!(phone.pass(5 * SECOND), ["removed id-1"]);
    assert_eq!(phone.center.on_screen(NEWS).count(), 0);
}

#[test]
fn a_banner_that_is_gone_stays_gone_when_the_clock_is_put_back() {
    let on_banner = |phone: &Phone| {
        let shown = phone.center.delivered(NEWS).next().expect("it is listed");
        shown.surfaces_at(phone.now).any(|surface| surface == Surface::Banner)
    };
    let mut phone = Phone::after(with(allowed(AppState::Background), [arrives(alert(1))]));
    assert!(on_banner(&phone));
    phone.pass(-HOUR);
    assert!(on_banner(&phone), "it has its time");
    phone.pass(5 * SECOND);
    assert!(!on_banner(&phone), "and no more");
    phone.pass(-HOUR);
    assert!(!on_banner(&phone));
}

/// §6.2: the sound in the payload, and what is heard.
#[test]
fn a_sound_is_found_by_its_name_or_is_the_default_one() {
    let table = [
        (json!({"alert": "n"}), None),
        (json!({"alert": "n", "sound": ""}), None),
        (json!({"alert": "n", "sound": 7}), None),
        (json!({"alert": "n", "sound": "default"}), Some("sound default")),
        (json!({"alert": "n", "sound": "chime.caf"}), Some("sound chime.caf")),
        (json!({"alert": "n", "sound": "chime"}), Some("sound default")),
        (json!({"alert": "n", "sound": "missing.wav"}), Some("sound default")),
        (json!({"alert": "n", "sound": "symphony.caf"}), Some("sound default")),
        (json!({"alert": "n", "sound": "song.mp3"}), Some("sound default")),
        (json!({"alert": "n", "sound": "no-ending"}), Some("sound default")),
        (json!({"alert": "n", "sound": "BELL.WAV"}), Some("sound BELL.WAV")),
        (json!({"alert": "n", "sound": {"name": "chime.caf", "volume": 0.5}}), Some("sound chime.caf")),
        (json!({"alert": "n", "sound": {"critical": 1, "name": "chime.caf"}}), Some("sound chime.caf")),
        (json!({"alert": "n", "sound": "chime.caf", "interruption-level": "passive"}), None),
    ];
    let mut profile = news();
    std::sync::Arc::make_mut(&mut profile.sounds)
        .extend(["BELL.WAV", "song.mp3", "no-ending"].map(|name| (name.to_owned(), 2.0)));
    for (aps, heard) in table {
        let mut phone = Phone::after(allowed(AppState::Background));
        phone.take(Input::AppInstalled(profile.clone()));
        let outputs = phone.take(arrives(push(1, json!({"aps": aps}))));
        let sound = outputs.iter().find(|output| output.contains("sound")).map(String::as_str);
        assert_eq!(sound, heard, "{aps}");
    }
}

#[test]
fn a_critical_alert_sounds_through_everything_if_entitled_and_allowed() {
    let options = usual().and(AuthorizationOptions::CRITICAL_ALERT);
    let before = |profile: AppProfile| {
        vec![
            Input::AppInstalled(profile),
            state(AppState::Foreground),
            ask(options, 1),
            answer(true),
            change(SettingChange::Sound { on: false }),
            state(AppState::Background),
        ]
    };
    let entitled = AppProfile { critical: true, ..news() };
    let critical =
        arrives(push(1, json!({"aps": {"sound": {"critical": 1, "name": "chime.caf", "volume": 7}}})));
    check(&before(entitled.clone()), critical.clone(), &["1 displayed", "critical sound chime.caf"]);
    check(&before(news()), critical.clone(), &["1 suppressed: not-permitted"]);
    let switched_off = with(before(entitled.clone()), [change(SettingChange::CriticalAlert { on: false })]);
    check(&switched_off, critical, &["1 suppressed: not-permitted"]);

    let level = arrives(push(1, json!({"aps": {"alert": "n", "interruption-level": "critical"}})));
    let mut phone = Phone::after(before(entitled));
    assert_eq!(phone.take(level).last().map(String::as_str), Some("critical sound default"));
}

#[test]
fn the_interruption_level_is_what_entitlement_and_user_allow() {
    use InterruptionLevel::*;
    let timely = AppProfile { time_sensitive: true, ..news() };
    let table = [
        (news(), "passive", Passive),
        (news(), "active", Active),
        (news(), "time-sensitive", Active),
        (news(), "critical", Active),
        (news(), "loud", Active),
        (timely.clone(), "time-sensitive", TimeSensitive),
        (timely, "critical", TimeSensitive),
    ];
    for (profile, word, level) in table {
        let mut phone = Phone::after(with(allowed(AppState::Background), [Input::AppInstalled(profile)]));
        phone.take(arrives(push(1, json!({"aps": {"alert": "n", "interruption-level": word}}))));
        let shown = phone.center.delivered(NEWS).next().expect("it is listed");
        assert_eq!(shown.notification.request.content.interruption_level, level, "{word}");
    }
}

#[test]
fn a_passive_notification_comes_without_a_banner() {
    let passive = push(1, json!({"aps": {"alert": "n", "interruption-level": "passive", "badge": 1}}));
    let outputs = ["1 displayed", "present id-1 on LockScreen+NotificationCenter", "badge 1"];
    check(&allowed(AppState::Background), arrives(passive), &outputs);
}

/// §6.3.
#[test]
fn a_badge_is_set_hidden_or_left() {
    let badge = |seq, aps: serde_json::Value| arrives(push(seq, json!({"aps": aps})));
    let mut phone = Phone::after(allowed(AppState::Background));
    assert_eq!(phone.take(badge(1, json!({"badge": 4}))), ["1 displayed", "badge 4"]);
    phone.take(badge(2, json!({"alert": "n"})));
    assert_eq!(phone.center.badge(NEWS), 4, "absent leaves it");
    phone.take(tap("id-2"));
    assert_eq!(phone.center.badge(NEWS), 4, "a tap leaves it");
    phone.take(state(AppState::Background));
    assert_eq!(phone.take(badge(3, json!({"badge": 0}))), ["3 displayed", "badge 0"]);

    let set = |count| Input::BadgeSet { bundle: NEWS.to_owned(), count, request: 1 };
    assert_eq!(phone.take(set(-1)), ["badge result: Err(BadgeInputInvalid)"]);
    assert_eq!(phone.take(set(5_000_000_000)), ["badge result: Err(BadgeInputInvalid)"]);
    assert_eq!(phone.take(set(9)), ["badge 9", "badge result: Ok(())"]);
    phone.take(badge(4, json!({"alert": "n"})));
    assert_eq!(phone.take(set(0)), ["badge 0", "badge result: Ok(())"]);
    assert_eq!(phone.listed(), ["id-4"], "hiding the badge clears no list");
}

/// §6.8.
#[test]
fn texts_are_looked_up_when_the_notification_is_shown() {
    let text = |locale: &str, alert: serde_json::Value| {
        let mut phone = Phone::after(allowed(AppState::Background));
        phone.take(Input::LocaleChanged { locale: locale.to_owned() });
        phone.take(arrives(push(1, json!({"aps": {"alert": alert}}))));
        let shown = phone.center.delivered(NEWS).next().expect("it is listed").clone();
        shown.notification.request.content.body.as_str().to_owned()
    };
    let wrote = || json!({"loc-key": "WROTE", "loc-args": ["Ann", "2"]});
    assert_eq!(text("en-GB", wrote()), "Ann wrote 2");
    assert_eq!(text("zh_hans_CN", wrote()), "Ann写了2");
    assert_eq!(text("fr", wrote()), "Ann wrote 2");
    assert_eq!(text("zh-Hans", json!({"loc-key": "ONLY_EN"})), "English");
    assert_eq!(text("en", json!({"loc-key": "WROTE", "loc-args": ["Ann"]})), "Ann wrote ");
    assert_eq!(text("en", json!({"loc-key": "MISSING"})), "MISSING");
    assert_eq!(text("en", json!({"loc-key": "ONLY_EN", "body": "beside it"})), "English");

    let mut phone = Phone::after(allowed(AppState::Background));
    let later = NotificationRequest {
        identifier: "later".to_owned(),
        content: NotificationContent {
            title: Text::Localized {
                loc_key: "WROTE".to_owned(),
                loc_args: vec!["A".to_owned(), "B".to_owned()],
            },
            ..NotificationContent::default()
        },
        trigger: after(60.0),
    };
    phone.take(Input::RequestAdded { bundle: NEWS.to_owned(), notification: Box::new(later), request: 1 });
    phone.take(Input::LocaleChanged { locale: "zh-Hans-CN".to_owned() });
    phone.pass(MINUTE);
    let shown = phone.center.delivered(NEWS).next().expect("it is listed");
    assert_eq!(shown.notification.request.content.title.as_str(), "A写了B", "in the language of its time");
}

/// §4.1 and §3.3.
#[test]
fn a_relevance_score_is_brought_into_its_range() {
    for (score, kept) in [(-1.0, 0.0), (0.25, 0.25), (7.0, 1.0)] {
        let mut phone = Phone::after(allowed(AppState::Background));
        let aps = json!({"alert": "n", "relevance-score": score});
        phone.take(arrives(push(1, json!({"aps": aps}))));
        let content = NotificationContent { relevance_score: score, ..content("n") };
        let local = NotificationRequest { identifier: "tea".to_owned(), content, trigger: None };
        phone.take(Input::RequestAdded {
            bundle: NEWS.to_owned(),
            notification: Box::new(local),
            request: 1,
        });
        let kept_as: Vec<_> = phone
            .center
            .delivered(NEWS)
            .map(|shown| shown.notification.request.content.relevance_score)
            .collect();
        assert_eq!(kept_as, [kept, kept]);
    }
}
