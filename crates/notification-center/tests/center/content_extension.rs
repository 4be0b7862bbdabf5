//! Device facts §5.7: the notification content extension.

use super::*;

fn drawn() -> AppProfile {
    let categories = ["mail".to_owned()].into();
    AppProfile {
        content_extensions: vec![ContentExtension { categories, ..ContentExtension::default() }],
        ..news()
    }
}

fn of(seq: u64, category: &str) -> Input {
    arrives(push(seq, json!({"aps": {"alert": "n", "category": category}})))
}

fn expand(identifier: &str) -> Input {
    of_app(AppInput::Expanded { identifier: identifier.to_owned() })
}

fn chose(call: u64, option: ContentExtensionOption) -> Input {
    of_app(AppInput::ContentExtensionAnswered { call, option })
}

/// In background, with a notification that is open.
fn open() -> Phone {
    let set = json!([{"identifier": "mail", "actions": [{"identifier": "archive"}]}, {"identifier": "post"}]);
    let mut inputs = vec![Input::AppInstalled(drawn())];
    inputs.extend(allowed(AppState::Background));
    inputs.extend([categories(set), of(1, "mail"), of(2, "post")]);
    let mut phone = Phone::after(inputs);
    assert_eq!(phone.take(expand("id-2")), [""; 0], "another category's");
    assert_eq!(phone.take(expand("id-1")), ["extension draws id-1"]);
    assert_eq!(phone.center.open_in_extension(NEWS), Some("id-1"));
    phone
}

#[test]
fn it_gets_the_open_notification_and_each_related_one_that_comes_while_it_is_open() {
    let mut phone = open();
    assert_eq!(phone.take(of(3, "mail")).last().map(String::as_str), Some("extension draws id-3"));
    assert_eq!(phone.take(of(4, "post")).len(), 2, "another category's");
    let other_thread = json!({"aps": {"alert": "n", "category": "mail", "thread-id": "t"}});
    assert_eq!(phone.take(arrives(push(5, other_thread))).len(), 2);
    phone.take(of_app(AppInput::Closed));
    assert_eq!(phone.take(of(6, "mail")).len(), 2);
}

/// §5.7: what it answers × what becomes of the action.
#[test]
fn it_is_asked_first_about_actions_and_only_a_forwarded_one_reaches_the_app() {
    let forwarded = ["removed id-1", "1 action: archive", "didReceive 2: id-1 archive"];
    let table: [(ContentExtensionOption, &[&str]); 3] = [
        (ContentExtensionOption::DoNotDismiss, &[]),
        (ContentExtensionOption::Dismiss, &["removed id-1", "1 action: archive"]),
        (ContentExtensionOption::DismissAndForwardAction, &forwarded),
    ];
    for (option, outputs) in table {
        let mut phone = open();
        assert_eq!(phone.take(choose("id-1", "archive", None)), ["extension asked 1: id-1 archive"]);
        assert_eq!(phone.take(chose(9, option)), [""; 0], "that wasn't asked");
        assert_eq!(phone.take(chose(1, option)), outputs);
        assert_eq!(phone.take(chose(1, option)), [""; 0], "an answer counts once");
        let stays = option == ContentExtensionOption::DoNotDismiss;
        assert_eq!(phone.center.open_in_extension(NEWS).is_some(), stays);
    }
}

#[test]
fn what_isnt_open_is_none_of_its_business() {
    let mut phone = open();
    phone.take(of_app(AppInput::Closed));
    assert_eq!(phone.take(choose("id-1", "archive", None))[0], "removed id-1");
    let mut restarted = open();
    restarted.take(Input::Booted);
    assert_eq!(restarted.center.open_in_extension(NEWS), None);
    let mut locked = open();
    locked.take(lock(true));
    assert_eq!(locked.center.open_in_extension(NEWS), None);
}
