//! Device facts §6.4, §6.7 and §6.9: groups, their order and summaries, and hidden previews.

use super::*;

fn threaded(seq: u64, thread: &str) -> Input {
    arrives(push(
        seq,
        json!({"aps": {"alert": {"title": "T", "subtitle": "S", "body": format!("b{seq}")}, "thread-id": thread}}),
    ))
}

/// One group in a line: thread, identifiers, summary.
fn groups(phone: &Phone) -> Vec<String> {
    let said = |group: &Group<'_>| {
        let identifiers: Vec<_> = group.notifications.iter().map(|one| one.identifier()).collect();
        let summary = group.summary.as_deref().unwrap_or("-");
        format!("{}: {} ({summary})", group.thread.unwrap_or("app"), identifiers.join(","))
    };
    phone.center.groups().iter().map(said).collect()
}

fn filled(before: &[Input]) -> Phone {
    let mut phone = Phone::after([allowed(AppState::Background), before.to_vec()].concat());
    for (seq, thread) in [(1, "a"), (2, ""), (3, "b"), (4, "a"), (5, "")] {
        phone.take(threaded(seq, thread));
        phone.pass(SECOND);
    }
    phone
}

/// §6.4: how the user wants them grouped × what stands together.
#[test]
fn groups_are_by_thread_by_app_or_not_at_all_the_newest_first() {
    let how = |how| change(SettingChange::Grouping { how });
    let one = "1 more notification";
    let by_thread =
        [format!("app: id-5,id-2 ({one})"), format!("a: id-4,id-1 ({one})"), "b: id-3 (-)".to_owned()];
    assert_eq!(groups(&filled(&[])), by_thread);
    let by_app = ["app: id-5,id-4,id-3,id-2,id-1 (4 more notifications)"];
    assert_eq!(groups(&filled(&[how(Grouping::ByApp)])), by_app);
    let alone = ["app: id-5 (-)", "app: id-4 (-)", "app: id-3 (-)", "app: id-2 (-)", "app: id-1 (-)"];
    assert_eq!(groups(&filled(&[how(Grouping::Off)])), alone);
}

#[test]
fn apps_never_share_a_group() {
    let mut phone = filled(&[]);
    phone.take(Input::AppInstalled(chat()));
    let options = usual().and(AuthorizationOptions::PROVISIONAL);
    phone.take(Input::AuthorizationRequested { bundle: CHAT.to_owned(), options, request: 1 });
    let RemoteNotification { payload, .. } = push(9, json!({"aps": {"alert": "n", "thread-id": "a"}}));
    phone.take(arrives(RemoteNotification { bundle: CHAT.to_owned(), payload, ..push(9, json!({})) }));
    assert_eq!(groups(&phone)[0], "a: id-9 (-)");
    assert_eq!(phone.center.groups()[0].bundle, CHAT);
}

/// §6.7: a replacement keeps one entry, moves it to the top, with a new date.
#[test]
fn a_replacement_is_one_entry_on_top() {
    let collapsing = |seq| {
        let payload = json!({"aps": {"alert": "n", "sound": "default"}});
        arrives(RemoteNotification { collapse_id: Some("score".to_owned()), ..push(seq, payload) })
    };
    let mut phone =
        Phone::after([allowed(AppState::Background), vec![collapsing(1), threaded(2, "")]].concat());
    phone.pass(MINUTE);
    let again = ["3 displayed", "present score on Banner+LockScreen+NotificationCenter", "sound default"];
    assert_eq!(phone.take(collapsing(3)), again, "§6.6: it alerts again");
    assert_eq!(phone.listed(), ["score", "id-2"]);
    let newest = phone.center.on_screen(NEWS).next().expect("it is there");
    assert_eq!(newest.notification.date, START.plus_millis(MINUTE));
}

#[test]
fn a_summary_counts_what_the_others_count_and_names_each_once() {
    let with = |seq: u64, argument: &str, count: u64| {
        let alert = json!({"body": "n", "summary-arg": argument, "summary-arg-count": count});
        arrives(push(seq, json!({"aps": {"alert": alert, "category": "mail", "thread-id": "a"}})))
    };
    let set = categories(json!([{"identifier": "mail", "category_summary_format": "%u more from %@"}]));
    let mut phone = Phone::after([allowed(AppState::Background), vec![set]].concat());
    for (seq, argument, count) in [(1, "Ann", 2), (2, "Bob", 1), (3, "Ann", 3), (4, "%@ Eve", 9)] {
        phone.take(with(seq, argument, count));
    }
    assert_eq!(groups(&phone), ["a: id-4,id-3,id-2,id-1 (6 more from Ann, Bob)"]);
}

/// §6.4: an empty format is none.
#[test]
fn section_6_4_without_a_format_the_device_has_its_own_words() {
    let set = categories(json!([{"identifier": "", "category_summary_format": ""}]));
    assert_eq!(groups(&filled(&[set]))[0], "app: id-5,id-2 (1 more notification)");
}

/// §6.4 and §6.9: a format may be a key, with plural forms or without.
#[test]
fn section_6_4_formats_are_looked_up_and_then_filled_in() {
    let texts = [("SUM", "%u more from %@"), ("PLACES", "%1$u more from %2$@"), ("HIDDEN", "%u hidden")];
    let texts = texts.map(|(key, text)| (key.to_owned(), text.to_owned()));
    let forms = json!({"one": "one more from %2$@", "other": "%d more from %2$@"});
    let plurals = json!({"en": {"FORMS": {"format": "%#@n@", "variables": {"n": forms}}}});
    let profile = AppProfile {
        localisations: std::sync::Arc::new([("en".to_owned(), texts.into())].into()),
        plurals: serde_json::from_value(plurals).expect("they are"),
        ..news()
    };
    for (key, two, three) in [
        ("SUM", "1 more from Ann", "2 more from Bob, Ann"),
        ("PLACES", "1 more from Ann", "2 more from Bob, Ann"),
        ("FORMS", "one more from Ann", "2 more from Bob, Ann"),
        ("%u of %@", "1 of Ann", "2 of Bob, Ann"),
    ] {
        let format = json!({"loc_key": key});
        let hidden = json!({"loc_key": "HIDDEN"});
        let set = categories(json!([{"identifier": "c", "category_summary_format": format,
            "hidden_previews_body_placeholder": hidden}]));
        let mut phone = Phone::after(
            [vec![Input::AppInstalled(profile.clone())], allowed(AppState::Background)].concat(),
        );
        phone.take(set);
        for (seq, name, summary) in [(1, "Ann", None), (2, "Bob", Some(two)), (3, "Cid", Some(three))] {
            let alert = json!({"body": "n", "summary-arg": name});
            phone.take(arrives(push(seq, json!({"aps": {"alert": alert, "category": "c"}}))));
            assert_eq!(phone.center.groups()[0].summary.as_deref(), summary, "{key}");
        }
        phone.take(change(SettingChange::ShowPreviews { when: ShowPreviews::Never }));
        let newest = phone.center.on_screen(NEWS).next().expect("it is there");
        assert_eq!(phone.center.preview(NEWS, newest).body, "3 hidden");
    }
}

/// §6.9: the count is the group's, however the user has them grouped.
#[test]
fn section_6_9_a_placeholder_counts_what_stands_in_the_group() {
    let set = categories(json!([{"identifier": "mail", "hidden_previews_body_placeholder": "%u"}]));
    for (how, counts) in [
        (Grouping::Automatic, ["1", "2", "2"]),
        (Grouping::ByApp, ["3", "3", "3"]),
        (Grouping::Off, ["1", "1", "1"]),
    ] {
        let hidden = [
            set.clone(),
            change(SettingChange::Grouping { how }),
            change(SettingChange::ShowPreviews { when: ShowPreviews::Never }),
        ];
        let mut phone = Phone::after([allowed(AppState::Background), hidden.to_vec()].concat());
        for (seq, thread) in [(1, "a"), (2, "a"), (3, "b")] {
            let aps = json!({"alert": "n", "category": "mail", "thread-id": thread});
            phone.take(arrives(push(seq, json!({"aps": aps}))));
        }
        let read = |shown: &Delivered| phone.center.preview(NEWS, shown).body;
        assert_eq!(phone.center.on_screen(NEWS).map(read).collect::<Vec<_>>(), counts, "{how:?}");
    }
}

#[test]
fn the_devices_own_words_are_in_its_language() {
    let mut phone = filled(&[Input::LocaleChanged { locale: "zh-Hans".to_owned() }]);
    assert_eq!(groups(&phone)[1], "a: id-4,id-1 (还有 1 个通知)");
    phone.take(change(SettingChange::ShowPreviews { when: ShowPreviews::Never }));
    let newest = phone.center.on_screen(NEWS).next().expect("it is there");
    assert_eq!(phone.center.preview(NEWS, newest).body, "通知");
}

/// §6.9: what the user wants × lock × the category.
#[test]
fn previews_are_hidden_as_the_user_wants_and_the_category_allows() {
    let plain = json!([]);
    let placeholder = json!([{"identifier": "mail", "hidden_previews_body_placeholder": "%u messages"}]);
    // Apple's default of the property.
    let empty = json!([{"identifier": "mail", "hidden_previews_body_placeholder": ""}]);
    let title = json!([{"identifier": "mail", "options": {"hidden_previews_show_title": true}}]);
    let both = json!([{"identifier": "mail", "options":
        {"hidden_previews_show_title": true, "hidden_previews_show_subtitle": true}}]);
    let shown = "T/S/b";
    let table = [
        (ShowPreviews::Always, &plain, shown, shown),
        (ShowPreviews::WhenAuthenticated, &plain, shown, "//Notification"),
        (ShowPreviews::WhenAuthenticated, &placeholder, shown, "//2 messages"),
        (ShowPreviews::Never, &plain, "//Notification", "//Notification"),
        (ShowPreviews::Never, &placeholder, "//2 messages", "//2 messages"),
        (ShowPreviews::Never, &empty, "//Notification", "//Notification"),
        (ShowPreviews::Never, &title, "T//Notification", "T//Notification"),
        (ShowPreviews::Never, &both, "T/S/Notification", "T/S/Notification"),
    ];
    for (when, set, unlocked, locked) in table {
        let alert = |seq| {
            let alert = json!({"title": "T", "subtitle": "S", "body": "b"});
            arrives(push(seq, json!({"aps": {"alert": alert, "category": "mail"}})))
        };
        let before =
            [categories(set.clone()), change(SettingChange::ShowPreviews { when }), alert(1), alert(2)];
        let mut phone = Phone::after([allowed(AppState::Background), before.to_vec()].concat());
        let read = |phone: &Phone| {
            let newest = phone.center.on_screen(NEWS).next().expect("it is there");
            let Preview { title, subtitle, body, .. } = phone.center.preview(NEWS, newest);
            format!("{title}/{subtitle}/{body}")
        };
        assert_eq!(read(&phone), unlocked, "{when:?} {set}");
        phone.take(lock(true));
        assert_eq!(read(&phone), locked, "{when:?} {set}, locked");
    }
}
