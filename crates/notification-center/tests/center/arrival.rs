//! Device facts §4.7 and §6.6: what is checked when a remote notification arrives, in which order, and with which word.

use super::*;

#[test]
fn each_check_has_its_word_and_they_come_in_order() {
    let before = allowed(AppState::Background);
    let shown =
        ["1 displayed", "present id-1 on Banner+LockScreen+NotificationCenter", "sound default", "badge 3"];
    check(&before, arrives(alert(1)), &shown);

    let unknown = RemoteNotification { bundle: "com.example.gone".to_owned(), ..alert(1) };
    check(&before, arrives(unknown), &["1 suppressed: unknown-app"]);

    let late = RemoteNotification { expires_at: Some(START), ..alert(1) };
    check(&before, arrives(late.clone()), &["1 suppressed: expired"]);
    let in_time = RemoteNotification { expires_at: Some(START.plus_millis(1)), ..alert(1) };
    check(&before, arrives(in_time), &shown);
    let once_more = [before.clone(), vec![arrives(alert(1))]].concat();
    check(&once_more, arrives(late), &["1 suppressed: expired"]);
    check(&once_more, arrives(alert(1)), &["1 suppressed: duplicate"]);

    let unreadable = |payload: &[u8]| RemoteNotification { payload: payload.to_vec(), ..alert(1) };
    check(&before, arrives(unreadable(b"hello")), &["1 suppressed: unreadable"]);
    check(&before, arrives(unreadable(b"[]")), &["1 suppressed: unreadable"]);
    check(&before, arrives(unreadable(&[0xff])), &["1 suppressed: unreadable"]);
}

#[test]
fn a_repeat_is_the_same_registration_apns_id_and_payload() {
    let first = alert(1);
    let same = RemoteNotification { seq: 2, ..alert(1) };
    let other_id = RemoteNotification { apns_id: "id-2".to_owned(), ..alert(1) };
    let other_registration = RemoteNotification { registration: "news/development/2".to_owned(), ..alert(1) };
    let other_payload = RemoteNotification { payload: br#"{"aps":{"alert":"m"}}"#.to_vec(), ..alert(1) };
    for (again, is_repeat) in
        [(same, true), (other_id, false), (other_registration, false), (other_payload, false)]
    {
        let mut phone = Phone::after(allowed(AppState::Background));
        phone.take(arrives(first.clone()));
        let seq = again.seq;
        let outputs = phone.take(arrives(again));
        assert_eq!(outputs == [format!("{seq} suppressed: duplicate")], is_repeat, "{outputs:?}");
    }
}

#[test]
fn a_repeat_is_known_for_longer_than_anything_is_stored() {
    let mut phone = Phone::after(allowed(AppState::Background));
    phone.take(arrives(alert(1)));
    phone.pass(31 * DAY);
    assert_eq!(phone.take(arrives(alert(1))), ["1 suppressed: duplicate"]);
    phone.pass(1);
    assert_eq!(phone.take(arrives(alert(1)))[0], "1 displayed", "the memory is bounded");
}

#[test]
fn a_repeat_is_known_after_a_restart() {
    let mut phone = Phone::after(allowed(AppState::Background));
    phone.take(arrives(alert(1)));
    let json = phone.center.to_json().expect("it is written");
    phone.center = Center::from_json(&json).expect("it was written by us");
    phone.take(Input::Booted);
    assert_eq!(phone.take(arrives(alert(1))), ["1 suppressed: duplicate"]);
    assert_eq!(phone.listed(), ["id-1"]);
}

#[test]
fn the_same_collapse_id_replaces_and_alerts_again() {
    let collapsed = |seq| RemoteNotification { collapse_id: Some("score".to_owned()), ..alert(seq) };
    let mut phone = Phone::after(allowed(AppState::Background));
    phone.take(arrives(collapsed(1)));
    phone.take(arrives(alert(2)));
    assert_eq!(phone.listed(), ["id-2", "score"]);
    phone.pass(MINUTE);
    assert_eq!(
        phone.take(arrives(collapsed(3))),
        ["3 displayed", "present score on Banner+LockScreen+NotificationCenter", "sound default"]
    );
    assert_eq!(phone.listed(), ["score", "id-2"], "one entry, at the top");
    let top = phone.center.delivered(NEWS).next().expect("it is listed");
    assert_eq!(top.notification.date, START.plus_millis(MINUTE));
    assert_eq!(top.remote.as_ref().map(|remote| remote.seq), Some(3));
}

#[test]
fn an_apns_id_that_its_sender_used_twice_names_two_notifications() {
    let mut phone = Phone::after(allowed(AppState::Background));
    phone.take(arrives(alert(1)));
    let payload = br#"{"aps":{"alert":"other"}}"#.to_vec();
    phone.take(arrives(RemoteNotification { seq: 2, payload, ..alert(1) }));
    assert_eq!(phone.listed(), ["id-1#2", "id-1"]);
}

#[test]
fn an_app_that_unregistered_gets_nothing_until_it_registers_again() {
    let registered =
        |registered| Input::RegisteredForRemoteNotifications { bundle: NEWS.to_owned(), registered };
    let mut phone = Phone::after(allowed(AppState::Background));
    phone.take(registered(false));
    assert!(!phone.center.is_registered(NEWS));
    assert_eq!(phone.take(arrives(alert(1))), ["1 suppressed: not-registered"]);
    let silent = push(2, json!({"aps": {"content-available": 1}}));
    assert_eq!(phone.take(arrives(silent)), ["2 suppressed: not-registered"]);
    phone.take(registered(true));
    assert_eq!(phone.take(arrives(alert(3)))[0], "3 displayed");
}

#[test]
fn what_is_for_another_framework_is_not_shown() {
    for push_type in PushType::ALL {
        let mut phone = Phone::after(allowed(AppState::Background));
        let outputs = phone.take(arrives(RemoteNotification { push_type: Some(push_type), ..alert(1) }));
        let expected = match push_type {
            PushType::Alert => "1 displayed",
            PushType::Background => "1 suppressed: not-displayable",
            PushType::Complication
            | PushType::Controls
            | PushType::FileProvider
            | PushType::LiveActivity
            | PushType::Location
            | PushType::Mdm
            | PushType::PushToTalk
            | PushType::Voip
            | PushType::Widgets => "1 suppressed: for-framework",
        };
        assert_eq!(outputs[0], expected, "{push_type}: {outputs:?}");
    }
}

#[test]
fn receipts_carry_the_time_and_the_registration() {
    let mut phone = Phone::new();
    let outputs = phone.handle(arrives(alert(7)));
    let [Output::Receipt(said)] = outputs.as_slice() else { panic!("one receipt: {outputs:?}") };
    assert_eq!((said.registration.as_str(), said.receipt.apns_id.as_str()), ("news/development/1", "id-7"));
    assert_eq!((said.receipt.seq, said.receipt.at), (7, START));
}

#[test]
fn the_list_keeps_the_newest_thousand() {
    let mut phone = Phone::after(allowed(AppState::Background));
    for seq in 1..=1_024 {
        phone.take(arrives(alert(seq)));
    }
    let outputs = phone.take(arrives(alert(1_025)));
    assert!(outputs.contains(&"removed id-1".to_owned()), "{outputs:?}");
    assert_eq!(phone.listed().len(), 1_024);
}

/// JSON in JSON, so many levels of it.
fn nested(levels: usize) -> serde_json::Value {
    (0..levels).fold(json!(1), |inner, _| json!({ "a": inner }))
}

#[test]
fn what_nests_too_deeply_is_not_taken_and_what_is_taken_is_read_again() {
    let deep =
        |seq, levels: usize| arrives(push(seq, json!({"aps": {"alert": "n"}, "deep": nested(levels - 1)})));
    for levels in [127, 65] {
        check(&allowed(AppState::Background), deep(1, levels), &["1 suppressed: unreadable"]);
    }
    let of = |levels| NotificationContent {
        user_info: nested(levels).as_object().expect("it is an object").clone(),
        ..content("n")
    };
    let adds = |identifier: &str, levels, trigger| Input::RequestAdded {
        bundle: NEWS.to_owned(),
        notification: Box::new(NotificationRequest {
            identifier: identifier.to_owned(),
            content: of(levels),
            trigger,
        }),
        request: 9,
    };
    for levels in [123, 65] {
        check(
            &allowed(AppState::Background),
            adds("tea", levels, after(60.0)),
            &["not added: ContentTooDeep"],
        );
    }

    let mut phone = Phone::after(allowed(AppState::Background));
    phone.take(Input::AppInstalled(AppProfile { service_extension: true, ..news() }));
    assert_eq!(phone.take(deep(1, 64))[0], "1 displayed");
    assert_eq!(phone.take(adds("tea", 64, after(60.0))), ["added"]);
    for (seq, levels) in [(2, 64), (3, 123)] {
        let outputs = phone.handle(arrives(push(seq, json!({"aps": {"alert": "n", "mutable-content": 1}}))));
        let Some(&Output::RunServiceExtension { call, .. }) = outputs.last() else { panic!("{outputs:?}") };
        let content = Box::new(of(levels));
        phone.take(of_app(AppInput::ServiceExtensionAnswered { call, content }));
    }
    let is_answer = |shown: &Delivered| shown.notification.request.content.user_info.contains_key("a");
    let answered: Vec<_> = phone.center.delivered(NEWS).filter(|shown| is_answer(shown)).collect();
    assert_eq!(answered.iter().map(|shown| shown.identifier()).collect::<Vec<_>>(), ["id-2"]);
    // In the app's lists that lie deepest, too.
    phone.take(Input::AppStateChanged { bundle: NEWS.to_owned(), state: AppState::Foreground });
    phone.take(deep(4, 64));
    phone.take(tap("id-1"));
    let json = phone.center.to_json().expect("it is written");
    assert_eq!(Center::from_json(&json).expect("it was written by us"), phone.center);
}
