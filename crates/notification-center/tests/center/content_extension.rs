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
    assert_eq!(phone.take(of(3, "mail")).last().map(String::as_str), Some("extension gets id-3"));
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
    let mut removed = open();
    removed.take(Input::DeliveredRemoved { bundle: NEWS.to_owned(), identifiers: Identifiers::All });
    assert_eq!(removed.center.open_in_extension(NEWS), None);
    let again = json!({"aps": {"alert": "n", "category": "mail"}});
    let again = RemoteNotification { collapse_id: Some("id-1".to_owned()), ..push(7, again) };
    let said = removed.take(arrives(again));
    assert!(said.iter().all(|said| !said.starts_with("extension")), "{said:?}");
    let mut upgraded = open();
    upgraded.take(Input::AppInstalled(news()));
    assert_eq!(upgraded.center.open_in_extension(NEWS), None, "the new version has none");
    let mut locked = open();
    locked.take(lock(true));
    assert_eq!(locked.center.open_in_extension(NEWS), None);
}

/// §5.7 and decision 0003: what the user chose isn't lost, whatever becomes of the extension that is asked.
#[test]
fn what_it_does_not_answer_goes_to_the_app_as_without_an_extension() {
    let forwarded = ["removed id-1", "1 action: archive", "didReceive 2: id-1 archive"];
    for (what, end) in [
        ("it crashes", of_app(AppInput::ContentExtensionEnded)),
        ("the user closes it", of_app(AppInput::Closed)),
        ("the user opens another", expand("id-2")),
        ("the screen is locked", lock(true)),
        ("the app has none any more", Input::AppInstalled(news())),
    ] {
        let mut phone = open();
        phone.take(choose("id-1", "archive", None));
        let said = phone.take(end);
        let app: Vec<_> = said.iter().filter(|said| !said.starts_with("lock")).collect();
        assert_eq!(app, forwarded.iter().collect::<Vec<_>>(), "{what}");
        assert_eq!(phone.center.open_in_extension(NEWS), None, "{what}");
    }
    let mut phone = open();
    phone.take(choose("id-1", "archive", None));
    assert!(phone.center.asks_content_extension(NEWS));
    assert_eq!(phone.pass(9_999), [""; 0]);
    assert_eq!(phone.pass(1), forwarded);
    assert!(!phone.center.asks_content_extension(NEWS));
    assert_eq!(phone.take(chose(1, ContentExtensionOption::DoNotDismiss)), [""; 0], "too late");
}

#[test]
fn one_that_closes_itself_has_dealt_with_the_action() {
    let mut phone = open();
    phone.take(choose("id-1", "archive", None));
    assert_eq!(phone.take(of_app(AppInput::ContentExtensionDismissed)), [""; 0]);
    assert_eq!(phone.center.open_in_extension(NEWS), None);
    assert!(phone.listed().contains(&"id-1".to_owned()), "it is where it was");
}

#[test]
fn while_it_is_asked_another_choice_has_no_effect() {
    let mut phone = open();
    assert_eq!(phone.take(choose("id-1", "archive", None)), ["extension asked 1: id-1 archive"]);
    assert_eq!(phone.take(choose("id-1", "archive", None)), [""; 0]);
    assert_eq!(phone.take(chose(1, ContentExtensionOption::DoNotDismiss)), [""; 0]);
    assert_eq!(phone.take(choose("id-1", "archive", None)), ["extension asked 2: id-1 archive"]);
}

/// *notificationActions* of the extension's context.
#[test]
fn it_offers_other_actions_as_long_as_it_lives_and_the_app_is_told_of_them() {
    let set = |identifiers: &[&str]| {
        let actions = identifiers.iter().map(|identifier| Action {
            identifier: (*identifier).to_owned(),
            options: ActionOptions { foreground: true, ..ActionOptions::default() },
            ..Action::default()
        });
        of_app(AppInput::ContentExtensionSetActions { actions: actions.collect() })
    };
    let offers = |phone: &Phone, action| phone.center.offers(NEWS, "id-1", action).map(drop);
    let mut phone = open();
    assert_eq!(phone.take(set(&["unlike"])), ["categories"]);
    assert_eq!(offers(&phone, "archive"), Err(NoAction::NotOffered(vec!["unlike".to_owned()])));
    for refused in [&["a", "a"][..], &[""], &[Response::DEFAULT_ACTION]] {
        assert_eq!(phone.take(set(refused)), [""; 0], "{refused:?}");
    }
    let mut crashed = phone.clone();
    assert_eq!(crashed.take(of_app(AppInput::ContentExtensionEnded)), ["categories"]);
    assert_eq!(crashed.take(of_app(AppInput::ContentExtensionEnded)), [""; 0]);
    assert_eq!(offers(&crashed, "archive"), Ok(()));
    let mut closed = phone.clone();
    closed.take(of_app(AppInput::Closed));
    assert_eq!(offers(&closed, "archive"), Ok(()));
    assert_eq!(closed.take(set(&["unlike"])), [""; 0], "it isn't open");

    assert_eq!(phone.take(choose("id-1", "unlike", None)), ["extension asked 1: id-1 unlike"]);
    let said = phone.take(chose(1, ContentExtensionOption::DismissAndForwardAction));
    assert_eq!(said.last().map(String::as_str), Some("didReceive 2: id-1 unlike"));
    assert_eq!(phone.center.app_state(NEWS), Some(AppState::Foreground));
}
