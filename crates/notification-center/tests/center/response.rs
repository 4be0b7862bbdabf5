//! Device facts §4.2, §4.4 and §4.5: what a tap comes to, in each state of the app.

use super::*;

fn shown(to: AppState) -> Vec<Input> {
    [allowed(to), vec![arrives(alert(1))]].concat()
}

/// §4.2, row by row: a notification arrives, then the user taps it.
#[test]
fn each_state_of_the_app_receives_as_the_table_says() {
    let present = "present id-1 on Banner+LockScreen+NotificationCenter";
    let ui: &[&str] = &["1 displayed", present, "sound default", "badge 3"];
    let table: [(AppState, &[&str], &[&str]); 4] = [
        (AppState::Foreground, &["willPresent 1: id-1"], &[]),
        (
            AppState::Background,
            ui,
            &["removed id-1", "1 opened", "app Background → Foreground", "didReceive 1: id-1"],
        ),
        (AppState::Ended, ui, &["removed id-1", "1 opened", "app Ended → Foreground with remote"]),
        (AppState::ForceQuit, ui, &["removed id-1", "1 opened", "app ForceQuit → Foreground with remote"]),
    ];
    for (to, on_arrival, on_tap) in table {
        let mut phone = Phone::after(allowed(to));
        assert_eq!(phone.take(arrives(alert(1))), on_arrival, "{to:?}");
        assert_eq!(phone.take(tap("id-1")), on_tap, "{to:?}");
        assert_eq!(phone.center.app_state(NEWS), Some(AppState::Foreground));
    }
}

#[test]
fn a_tap_on_a_banner_in_foreground_reaches_the_app() {
    let mut phone = Phone::after(shown(AppState::Foreground));
    let options = PresentationOptions::BANNER;
    phone.take(Input::WillPresentAnswered { bundle: NEWS.to_owned(), completion: 1, options });
    assert_eq!(phone.take(tap("id-1")), ["removed id-1", "1 opened", "didReceive 2: id-1"]);
    assert_eq!(phone.take(tap("id-1")), [""; 0], "it is gone");
}

#[test]
fn a_response_waits_for_the_delegate_of_a_launched_app() {
    let mut phone = Phone::after(shown(AppState::Ended));
    phone.take(tap("id-1"));
    let outputs = phone.handle(delegate());
    let [Output::CallDidReceive { response, .. }] = outputs.as_slice() else {
        panic!("one call: {outputs:?}")
    };
    assert_eq!(response.action_identifier, Response::DEFAULT_ACTION);
    let content = &response.notification.request.content;
    assert_eq!(content.user_info["aps"]["badge"], 3, "the whole payload");
    assert_eq!(response.notification.request.trigger, Some(Trigger::Push));
}

#[test]
fn a_response_is_lost_when_the_delegate_is_not_there_in_time() {
    let mut finished = Phone::after(shown(AppState::Ended));
    finished.take(tap("id-1"));
    assert_eq!(finished.take(launched()), [""; 0]);
    assert_eq!(finished.take(delegate()), [""; 0], "the launch had ended");

    let mut slow = Phone::after(shown(AppState::Ended));
    slow.take(tap("id-1"));
    assert_eq!(slow.pass(20 * SECOND), [""; 0]);
    assert_eq!(slow.take(delegate()), [""; 0]);

    let mut died = Phone::after(shown(AppState::Ended));
    died.take(tap("id-1"));
    died.take(state(AppState::Ended));
    died.take(state(AppState::Foreground));
    assert_eq!(died.take(delegate()), [""; 0]);
}

#[test]
fn a_delegate_set_in_steps_gets_each_call_when_its_method_is_there() {
    let mut phone = Phone::after(allowed(AppState::Ended));
    let both = push(1, json!({"aps": {"alert": "n", "content-available": 1}}));
    phone.take(arrives(both));
    phone.take(tap("id-1"));
    let set = |delegate| Input::DelegateSet { bundle: NEWS.to_owned(), delegate };
    let first = Delegate { did_receive_remote_notification: true, ..Delegate::default() };
    assert_eq!(phone.take(set(first)), ["didReceiveRemoteNotification 1"]);
    assert_eq!(phone.take(set(Delegate { did_receive: true, ..first })), ["didReceive 2: id-1"]);
}

#[test]
fn a_dismissed_notification_leaves_and_the_app_is_not_told() {
    let mut phone = Phone::after(shown(AppState::Background));
    let dismissed = Input::Dismissed { bundle: NEWS.to_owned(), identifier: "id-1".to_owned() };
    assert_eq!(phone.take(dismissed.clone()), ["removed id-1", "1 dismissed"]);
    assert_eq!(phone.take(dismissed), [""; 0]);
    assert_eq!(phone.center.app_state(NEWS), Some(AppState::Background));
}

#[test]
fn an_opened_notification_of_a_provisional_trial_was_displayed() {
    let options = usual().and(AuthorizationOptions::PROVISIONAL);
    let before = [delegate(), launched(), ask(options, 1), state(AppState::Background), arrives(alert(1))];
    let mut phone = Phone::after([vec![state(AppState::Foreground)], before.to_vec()].concat());
    let outputs = phone.take(tap("id-1"));
    assert_eq!(outputs[..3], ["removed id-1", "1 displayed", "1 opened"]);
}

#[test]
fn what_waits_while_the_app_is_opened_by_its_icon_is_not_replayed() {
    let mut phone = Phone::after(shown(AppState::Ended));
    assert_eq!(phone.take(state(AppState::Foreground)), ["app Ended → Foreground"]);
    assert_eq!(phone.take(delegate()), [""; 0]);
    assert_eq!(phone.listed(), ["id-1"], "the app may ask for it");
}

#[test]
fn a_tapped_local_notification_opens_the_app_without_a_receipt() {
    let mut phone = Phone::after(allowed(AppState::Background));
    phone.take(add("tea", None));
    let outputs = ["removed tea", "app Background → Foreground", "didReceive 1: tea"];
    assert_eq!(phone.take(tap("tea")), outputs);
}

/// §4.4 and §5.1: an app in background has about 30 s.
#[test]
fn a_response_whose_handler_is_never_called_ends_the_time_in_background() {
    let set = || categories(json!([{"identifier": "mail", "actions": [{"identifier": "read"}]}]));
    let answered = |to: AppState, completes: bool| {
        let mut phone = Phone::after(allowed(AppState::Background));
        phone.take(set());
        phone.take(arrives(push(1, json!({"aps": {"alert": "n", "category": "mail"}}))));
        let outputs = phone.take(choose("id-1", "read", None));
        assert!(outputs.contains(&"didReceive 1: id-1 read".to_owned()), "{outputs:?}");
        phone.take(state(to));
        if completes {
            phone.take(of_app(AppInput::ResponseCompleted { completion: 1 }));
        }
        assert_eq!(phone.pass(30 * SECOND - 1), [""; 0]);
        phone.pass(1)
    };
    assert_eq!(answered(AppState::Background, false), ["response 1 took too long"]);
    assert_eq!(answered(AppState::Background, true), [""; 0]);
    assert_eq!(answered(AppState::Foreground, false), [""; 0], "nobody is suspended in front");
    assert_eq!(answered(AppState::Ended, false), [""; 0], "its process is gone");
}
