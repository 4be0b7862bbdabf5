//! Device facts §5.4: the notification service extension.

use super::*;

fn extended() -> AppProfile {
    AppProfile { service_extension: true, ..news() }
}

fn filtering() -> AppProfile {
    AppProfile { filtering: true, ..extended() }
}

fn before(to: AppState) -> Vec<Input> {
    let mut inputs = vec![Input::AppInstalled(extended())];
    inputs.extend(allowed(to));
    inputs
}

fn mutable(seq: u64) -> Input {
    arrives(push(seq, json!({"aps": {"alert": "n", "mutable-content": 1}})))
}

fn answers(call: u64, content: NotificationContent) -> Input {
    of_app(AppInput::ServiceExtensionAnswered { call, content: Box::new(content) })
}

fn ended(call: Option<u64>) -> Input {
    of_app(AppInput::ServiceExtensionEnded { call })
}

fn body_of(phone: &Phone, identifier: &str) -> String {
    let mut delivered = phone.center.on_screen(NEWS);
    let delivered = delivered.find(|delivered| delivered.identifier() == identifier).expect("it is there");
    delivered.notification.request.content.body.as_str().to_owned()
}

const SHOWN: [&str; 2] = ["1 displayed", "present id-1 on Banner+LockScreen+NotificationCenter"];

/// §5.4: launch condition, and what it isn't used for.
#[test]
fn it_runs_for_a_remote_alert_that_says_mutable_content_and_would_be_seen() {
    let aps = |aps| arrives(push(1, json!({"aps": aps})));
    let runs = [
        aps(json!({"alert": "n", "mutable-content": 1})),
        aps(json!({"alert": {"title": "t"}, "mutable-content": 1, "sound": "default"})),
        aps(json!({"alert": "n", "mutable-content": 1, "content-available": 1})),
    ];
    for input in runs {
        let outputs = Phone::after(before(AppState::Background)).take(input);
        assert!(outputs.last().is_some_and(|last| last.starts_with("extension ")), "{outputs:?}");
    }
    let not = [
        aps(json!({"alert": "n"})),
        aps(json!({"sound": "default", "mutable-content": 1})),
        aps(json!({"badge": 1, "mutable-content": 1})),
        aps(json!({"content-available": 1, "mutable-content": 1})),
        add("local", None),
    ];
    for input in not {
        let outputs = Phone::after(before(AppState::Background)).take(input);
        assert!(!outputs.iter().any(|output| output.starts_with("extension ")), "{outputs:?}");
    }
    let mut without = Phone::after(allowed(AppState::Background));
    assert_eq!(without.take(mutable(1)), SHOWN, "an app without one");
}

/// §3.3: what it answers is brought into its range.
#[test]
fn section_3_3_numbers_out_of_their_range_are_brought_into_it() {
    let sound = NotificationSound { name: "chime.caf".to_owned(), critical: true, volume: Some(5.0) };
    let out = NotificationContent {
        summary_argument_count: Some(0),
        relevance_score: 2.0,
        sound: Some(sound),
        ..content("n")
    };
    let mut phone = Phone::after([before(AppState::Background), vec![mutable(1)]].concat());
    phone.take(answers(1, out));
    let shown = phone.center.delivered(NEWS).next().expect("it is there");
    let now = &shown.notification.request.content;
    assert_eq!((now.summary_argument_count, now.relevance_score), (Some(1), 1.0));
    assert_eq!(now.sound.as_ref().and_then(|sound| sound.volume), Some(1.0));
}

/// §3.7: the date is that of delivery, and the order that of the screen.
#[test]
fn section_3_7_what_comes_late_has_the_date_at_which_it_was_shown() {
    for late in [answers(1, content("better")), ended(None)] {
        let mut phone = Phone::after([before(AppState::Background), vec![mutable(1)]].concat());
        phone.pass(10 * SECOND);
        phone.take(add("local", None));
        phone.pass(10 * SECOND);
        phone.take(late);
        assert_eq!(phone.listed(), ["id-1", "local"]);
        let screen = phone.center.screen();
        let dates: Vec<_> = screen.iter().map(|(_, shown)| shown.notification.date).collect();
        assert_eq!(dates, [20, 10].map(|seconds| START.plus_millis(seconds * SECOND)));
    }
}

#[test]
fn it_runs_as_permission_has_it() {
    let off = |change| {
        let mut inputs = before(AppState::Background);
        inputs.push(super::change(change));
        Phone::after(inputs).take(mutable(1))
    };
    assert_eq!(
        off(SettingChange::AllowNotifications { on: false }),
        ["1 suppressed: not-permitted"],
        "denied"
    );
    let list = ["1 displayed", "present id-1 on LockScreen+NotificationCenter"];
    assert_eq!(off(SettingChange::Alert { on: false }), list, "no alerts");
    let mut undecided = Phone::after([Input::AppInstalled(extended())]);
    assert_eq!(undecided.take(mutable(1)), ["1 suppressed: not-permitted"]);
    let mut trial = Phone::after([
        Input::AppInstalled(extended()),
        ask(usual().and(AuthorizationOptions::PROVISIONAL), 1),
    ]);
    assert_eq!(trial.take(mutable(1)), ["extension 1: id-1"]);
}

/// §5.4: how it ends × what is shown.
#[test]
fn what_is_shown_is_what_it_answered_in_time_else_the_original() {
    let begun = || {
        let mut phone = Phone::after(before(AppState::Background));
        assert_eq!(phone.take(mutable(1)), ["extension 1: id-1"]);
        phone
    };

    let mut answered = begun();
    assert_eq!(answered.take(answers(1, content("better"))), SHOWN);
    assert_eq!(body_of(&answered, "id-1"), "better");
    assert_eq!(answered.take(answers(1, content("twice"))), [""; 0], "the handler counts once");
    assert_eq!(answered.center.next_wake(), None);

    let mut best = begun();
    assert_eq!(best.pass(30 * SECOND - 1), [""; 0]);
    assert_eq!(best.pass(1), ["extension 1 will expire"]);
    assert_eq!(best.take(answers(1, content("best attempt"))), SHOWN);
    assert_eq!(body_of(&best, "id-1"), "best attempt");

    let mut silent = begun();
    silent.pass(30 * SECOND);
    let outputs = silent.pass(5 * SECOND);
    assert_eq!(outputs[0], "end extension 1");
    assert_eq!(outputs[1..], SHOWN);
    assert_eq!(body_of(&silent, "id-1"), "n");
    assert_eq!(silent.take(answers(1, content("late"))), [""; 0]);

    let mut crashed = begun();
    assert_eq!(crashed.take(ended(Some(1))), SHOWN);
    assert_eq!(body_of(&crashed, "id-1"), "n");

    let mut emptied = begun();
    assert_eq!(emptied.take(answers(1, NotificationContent::default())), SHOWN, "no text is a failure");
    assert_eq!(body_of(&emptied, "id-1"), "n");

    let mut restarted = begun();
    assert_eq!(restarted.take(Input::Booted), ["app Background → Ended", "1 displayed", SHOWN[1]][1..]);
    assert_eq!(restarted.listed(), ["id-1"]);
}

#[test]
fn one_with_the_filtering_entitlement_may_drop_it() {
    let mut phone = Phone::after(before(AppState::Background));
    phone.take(Input::AppInstalled(filtering()));
    phone.take(mutable(1));
    assert_eq!(phone.take(answers(1, NotificationContent::default())), ["1 suppressed: filtered"]);
    assert_eq!(phone.listed(), [""; 0]);
}

#[test]
fn it_may_change_everything_but_the_identifier() {
    let mut phone = Phone::after(before(AppState::Background));
    phone.take(mutable(1));
    let changed = NotificationContent {
        title: "T".into(),
        subtitle: "S".into(),
        body: "B".into(),
        badge: Some(9),
        sound: Some(NotificationSound { name: "chime.caf".to_owned(), critical: false, volume: None }),
        user_info: serde_json::Map::from_iter([("k".to_owned(), json!(1))]),
        category_identifier: "c".to_owned(),
        thread_identifier: "t".to_owned(),
        interruption_level: InterruptionLevel::Passive,
        relevance_score: 7.0,
        ..NotificationContent::default()
    };
    let outputs = phone.take(answers(1, changed.clone()));
    assert_eq!(outputs, ["1 displayed", "present id-1 on LockScreen+NotificationCenter", "badge 9"]);
    let delivered = phone.center.on_screen(NEWS).next().expect("it is there").clone();
    let expected = NotificationContent { relevance_score: 1.0, ..changed };
    assert_eq!(delivered.notification.request.content, expected);
}

#[test]
fn it_runs_before_the_app_in_foreground_is_asked() {
    let mut phone = Phone::after(before(AppState::Foreground));
    assert_eq!(phone.take(mutable(1)), ["extension 1: id-1"]);
    assert_eq!(phone.take(answers(1, content("better"))), ["willPresent 2: id-1"]);
}

#[test]
fn several_are_worked_on_at_once_each_with_its_own_deadline() {
    let mut phone = Phone::after(before(AppState::Background));
    phone.take(mutable(1));
    phone.pass(10 * SECOND);
    phone.take(mutable(2));
    assert_eq!(phone.pass(20 * SECOND), ["extension 1 will expire"]);
    assert_eq!(phone.take(answers(2, content("second")))[0], "2 displayed");
    assert_eq!(phone.pass(5 * SECOND)[..2], ["end extension 1", "1 displayed"]);

    let mut both = Phone::after(before(AppState::Background));
    both.take(mutable(1));
    both.take(mutable(2));
    let outputs = both.take(ended(None));
    assert_eq!([&outputs[0], &outputs[2]], ["1 displayed", "2 displayed"], "one process served both");
}

#[test]
fn a_newer_one_of_the_same_identifier_takes_its_place_while_it_is_worked_on() {
    let collapsing = |seq| {
        let RemoteNotification { payload, .. } =
            push(seq, json!({"aps": {"alert": "n", "mutable-content": 1}}));
        arrives(RemoteNotification { collapse_id: Some("score".to_owned()), payload, ..push(seq, json!({})) })
    };
    let mut phone = Phone::after(before(AppState::Background));
    phone.take(collapsing(1));
    let outputs = ["1 suppressed: superseded", "end extension 1", "extension 2: score"];
    assert_eq!(phone.take(collapsing(2)), outputs);
    assert_eq!(phone.take(answers(1, content("old"))), [""; 0]);
}

#[test]
fn what_it_works_on_when_the_app_goes_or_another_user_comes_is_never_shown() {
    let mut removed = Phone::after(before(AppState::Background));
    removed.take(mutable(1));
    let outputs = removed.take(Input::AppRemoved { bundle: NEWS.to_owned() });
    assert!(outputs.contains(&"1 suppressed: unknown-app".to_owned()), "{outputs:?}");

    let mut phone = Phone::after(before(AppState::Background));
    phone.take(recipient(user("ann")));
    let for_ann = json!({"aps": {"alert": "n", "mutable-content": 1}, "homing": {"user": "ann"}});
    phone.take(arrives(push(1, for_ann)));
    let outputs = phone.take(recipient(user("bob")));
    assert_eq!(outputs, ["1 suppressed: another-user", "end extension 1"]);
}

#[test]
fn more_than_it_can_work_on_are_shown_as_they_came() {
    let mut phone = Phone::after(before(AppState::Background));
    for seq in 1..=64 {
        phone.take(mutable(seq));
    }
    assert_eq!(phone.take(mutable(65))[0], "65 displayed");
}
