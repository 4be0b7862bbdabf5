//! Device facts §4.4 and §5.5: categories, and what the app is told of what the user chose.

use super::*;

/// A category with every kind of action.
fn mail() -> Input {
    categories(json!([{
        "identifier": "mail",
        "actions": [
            {"identifier": "archive", "title": "Archive"},
            {"identifier": "reply", "title": "Reply", "text_input": {"button_title": "Send"}},
            {"identifier": "open", "title": "Open", "options": {"foreground": true}},
            {"identifier": "delete", "title": "Delete", "options": {"authentication_required": true, "destructive": true}},
            {"identifier": "pay", "title": "Pay", "options": {"authentication_required": true, "foreground": true}},
        ],
        "options": {"custom_dismiss_action": true},
    }]))
}

fn of(category: &str) -> Input {
    arrives(push(1, json!({"aps": {"alert": "n", "category": category}})))
}

fn before(to: AppState) -> Vec<Input> {
    let mut inputs = allowed(AppState::Background);
    inputs.extend([mail(), of("mail"), state(AppState::Foreground), state(to)]);
    inputs
}

/// §4.4: act × state of the app.
#[test]
fn a_response_reaches_the_app_wherever_it_is_and_foreground_actions_bring_it_to_the_front() {
    type Row<'a> = (Input, &'a [&'a str], &'a [&'a str], &'a [&'a str]);
    let table: [Row<'_>; 5] = [
        (
            tap("id-1"),
            &["removed id-1", "1 opened", "app Background → Foreground", "didReceive 1: id-1"],
            &["removed id-1", "1 opened", "app Ended → Foreground with remote"],
            &["didReceive 1: id-1"],
        ),
        (
            dismiss("id-1"),
            &["removed id-1", "1 dismissed", "didReceive 1: id-1 dismissed"],
            &["removed id-1", "1 dismissed", "app Ended → Background with remote"],
            &["didReceive 1: id-1 dismissed"],
        ),
        (
            choose("id-1", "archive", None),
            &["removed id-1", "1 action: archive", "didReceive 1: id-1 archive"],
            &["removed id-1", "1 action: archive", "app Ended → Background with remote"],
            &["didReceive 1: id-1 archive"],
        ),
        (
            choose("id-1", "reply", Some("Yes!")),
            &["removed id-1", "1 action: reply", "didReceive 1: id-1 reply \"Yes!\""],
            &["removed id-1", "1 action: reply", "app Ended → Background with remote"],
            &["didReceive 1: id-1 reply \"Yes!\""],
        ),
        (
            choose("id-1", "open", None),
            &["removed id-1", "1 action: open", "app Background → Foreground", "didReceive 1: id-1 open"],
            &["removed id-1", "1 action: open", "app Ended → Foreground with remote"],
            &["didReceive 1: id-1 open"],
        ),
    ];
    for (act, background, ended, launched_then) in table {
        check(&before(AppState::Background), act.clone(), background);
        let mut phone = Phone::after(before(AppState::Ended));
        assert_eq!(phone.take(act.clone()), ended);
        assert_eq!(phone.take(delegate()), launched_then);
        let mut phone = Phone::after(before(AppState::ForceQuit));
        assert_eq!(phone.take(act).len(), ended.len(), "it is the user who wants it");
        assert_eq!(phone.take(delegate()), launched_then);
    }
}

#[test]
fn a_cleared_notification_is_told_to_the_app_only_if_its_category_wants_it() {
    let mut plain = allowed(AppState::Background);
    plain.extend([categories(json!([{"identifier": "mail"}])), of("mail")]);
    check(&plain, dismiss("id-1"), &["removed id-1", "1 dismissed"]);
    let mut none = allowed(AppState::Background);
    none.extend([mail(), of("")]);
    check(&none, dismiss("id-1"), &["removed id-1", "1 dismissed"]);
}

#[test]
fn an_action_that_wants_the_user_known_waits_until_the_screen_is_unlocked() {
    let mut phone = Phone::after(before(AppState::Background));
    phone.take(lock(true));
    assert_eq!(phone.take(choose("id-1", "delete", None)), [""; 0]);
    assert!(phone.center.is_deferred(NEWS, "id-1"));
    assert_eq!(phone.listed(), ["id-1"], "it stays until then");
    let unlocked = ["unlocked", "removed id-1", "1 action: delete", "didReceive 1: id-1 delete"];
    assert_eq!(phone.clone().take(lock(false)), unlocked);

    let mut gone = phone.clone();
    gone.take(Input::DeliveredRemoved { bundle: NEWS.to_owned(), identifiers: Identifiers::All });
    assert_eq!(gone.take(lock(false)), ["unlocked"], "what was withdrawn meanwhile is chosen no more");

    let mut restarted = phone.clone();
    restarted.take(Input::Booted);
    assert_eq!(restarted.take(lock(false)), ["unlocked"], "a restart forgets what was being done");

    let mut same = phone.clone();
    same.take(arrives(RemoteNotification {
        collapse_id: Some("id-1".to_owned()),
        ..push(2, json!({"aps": {"alert": "newer", "category": "mail"}}))
    }));
    assert!(!same.center.is_deferred(NEWS, "id-1"));
    assert_eq!(
        same.take(lock(false)),
        ["unlocked"],
        "§6.6: a newer one took its place, and wasn't chosen of"
    );
    assert_eq!(same.listed(), ["id-1"]);

    let pay = [
        "removed id-1",
        "1 action: pay",
        "app Background → Foreground",
        "didReceive 1: id-1 pay",
        "unlocked",
    ];
    assert_eq!(phone.take(choose("id-1", "pay", None)), pay, "what brings the app to the front unlocks");
}

#[test]
fn an_action_without_it_works_behind_the_lock() {
    let mut phone = Phone::after(before(AppState::Background));
    phone.take(lock(true));
    let outputs = ["removed id-1", "1 action: archive", "didReceive 1: id-1 archive"];
    assert_eq!(phone.take(choose("id-1", "archive", None)), outputs);
    assert!(phone.center.is_locked());
}

#[test]
fn a_text_action_without_a_text_is_empty_and_a_plain_one_takes_none() {
    check(
        &before(AppState::Background),
        choose("id-1", "reply", None),
        &["removed id-1", "1 action: reply", "didReceive 1: id-1 reply \"\""],
    );
    check(
        &before(AppState::Background),
        choose("id-1", "archive", Some("x")),
        &["removed id-1", "1 action: archive", "didReceive 1: id-1 archive"],
    );
}

#[test]
fn an_unknown_category_has_no_actions() {
    let mut inputs = allowed(AppState::Background);
    inputs.extend([mail(), of("post")]);
    let phone = Phone::after(inputs.clone());
    assert_eq!(phone.center.offers(NEWS, "id-1", "archive"), Err(NoAction::NotOffered(vec![])));
    assert_eq!(phone.center.offers(NEWS, "id-2", "archive"), Err(NoAction::NotShown));
    check(&inputs, choose("id-1", "archive", None), &[]);
}

#[test]
fn ten_actions_are_offered_in_the_order_declared() {
    let actions: Vec<_> = (1..=11).map(|number| json!({"identifier": format!("a{number}")})).collect();
    let mut inputs = allowed(AppState::Background);
    inputs.extend([categories(json!([{"identifier": "mail", "actions": actions}])), of("mail")]);
    let phone = Phone::after(inputs);
    let delivered = phone.center.on_screen(NEWS).next().expect("it is there");
    let offered = phone.center.offered(NEWS, delivered);
    let offered: Vec<_> = offered.iter().map(|action| action.identifier.as_str()).collect();
    assert_eq!(offered, ["a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "a10"]);
    assert!(phone.center.offers(NEWS, "id-1", "a10").is_ok());
    assert!(phone.center.offers(NEWS, "id-1", "a11").is_err());
}

#[test]
fn the_whole_set_is_replaced_and_outlives_process_version_and_restart_but_not_the_app() {
    let known = |phone: &Phone| -> Vec<String> {
        phone.center.categories(NEWS).iter().map(|category| category.identifier.clone()).collect()
    };
    let mut phone = Phone::after(before(AppState::Ended));
    phone.take(Input::Booted);
    phone.take(Input::AppInstalled(news()));
    assert_eq!(known(&phone), ["mail"]);
    assert_eq!(phone.take(categories(json!([{"identifier": "a"}, {"identifier": "b"}]))), ["categories"]);
    assert_eq!(known(&phone), ["a", "b"]);
    assert_eq!(phone.center.offers(NEWS, "id-1", "archive"), Err(NoAction::NotOffered(vec![])));
    phone.take(Input::AppRemoved { bundle: NEWS.to_owned() });
    phone.take(Input::AppInstalled(news()));
    assert_eq!(known(&phone), [""; 0]);
}

#[test]
fn a_set_that_is_ambiguous_or_too_large_is_refused_whole() {
    let bad = [
        json!([{"identifier": ""}]),
        json!([{"identifier": "a"}, {"identifier": "a"}]),
        json!([{"identifier": "a", "actions": [{"identifier": ""}]}]),
        json!([{"identifier": "a", "actions": [{"identifier": "x"}, {"identifier": "x"}]}]),
        json!([{"identifier": "a", "actions": [{"identifier": Response::DEFAULT_ACTION}]}]),
        json!([{"identifier": "a", "actions": [{"identifier": "x", "title": "x".repeat(70_000)}]}]),
    ];
    for set in bad {
        let parsed: Vec<Category> = serde_json::from_value(set.clone()).expect("they are categories");
        assert!(Category::check(&parsed).is_err(), "{set}");
        let mut phone = Phone::after(before(AppState::Background));
        assert_eq!(phone.take(categories(set)), [""; 0]);
        assert_eq!(phone.center.categories(NEWS).len(), 1);
    }
}

#[test]
fn titles_are_in_the_language_of_the_device() {
    let mut inputs = allowed(AppState::Background);
    let set = json!([{"identifier": "mail", "actions": [
        {"identifier": "x", "title": {"loc_key": "WROTE", "loc_args": ["A", "B"]}},
    ]}]);
    inputs.extend([categories(set), of("mail"), Input::LocaleChanged { locale: "zh-Hans-CN".to_owned() }]);
    let phone = Phone::after(inputs);
    let delivered = phone.center.on_screen(NEWS).next().expect("it is there");
    let category = phone.center.category_of(NEWS, delivered).expect("it is known");
    assert_eq!(category.actions[0].title.as_str(), "A写了B");
}
