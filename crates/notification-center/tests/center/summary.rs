//! Device facts §6.5: the scheduled summary. The phone begins at midnight.

use super::*;

fn at(times: &[u16]) -> Input {
    let summary = Summary { times: times.iter().copied().collect(), apps: [NEWS.to_owned()].into() };
    set(DeviceSetting::Summary { summary: Some(summary) })
}

fn scored(seq: u64, score: f64) -> Input {
    arrives(push(seq, json!({"aps": {"alert": "n", "sound": "default", "relevance-score": score}})))
}

fn phone() -> Phone {
    let mut phone = Phone::after(allowed(AppState::Background));
    phone.take(at(&[8 * 60, 18 * 60]));
    phone
}

#[test]
fn what_waits_comes_at_the_time_of_day_the_most_relevant_on_top_and_nothing_plays() {
    let mut phone = phone();
    for (seq, score) in [(1, 0.2), (2, 0.9), (3, 0.5)] {
        assert_eq!(phone.take(scored(seq, score)), [format!("{seq} suppressed: summary")]);
    }
    assert_eq!(phone.listed(), [""; 0]);
    let collected: Vec<_> =
        phone.center.collected().iter().map(|(_, one)| one.request.identifier.clone()).collect();
    assert_eq!(collected, ["id-2", "id-3", "id-1"]);
    assert_eq!(phone.pass(8 * HOUR - 1), [""; 0]);
    let outputs = [
        "summary id-2,id-3,id-1",
        "1 displayed",
        "present id-1 on LockScreen+NotificationCenter",
        "3 displayed",
        "present id-3 on LockScreen+NotificationCenter",
        "2 displayed",
        "present id-2 on LockScreen+NotificationCenter",
    ];
    assert_eq!(phone.pass(1), outputs);
    assert_eq!(phone.listed(), ["id-2", "id-3", "id-1"]);
    assert_eq!(phone.center.next_wake(), Some(START.plus_millis(18 * HOUR)));
    assert_eq!(phone.pass(10 * HOUR), [""; 0], "nothing waited");
    assert_eq!(phone.center.next_wake(), Some(START.plus_millis(32 * HOUR)));
}

#[test]
fn what_waits_comes_when_there_is_no_summary_any_more() {
    let mut phone = phone();
    phone.take(scored(1, 0.0));
    let outputs = ["summary id-1", "1 displayed", "present id-1 on LockScreen+NotificationCenter"];
    assert_eq!(phone.take(set(DeviceSetting::Summary { summary: None })), outputs);
    assert_eq!(phone.center.next_wake(), None);
}

#[test]
fn what_waits_is_withdrawn_replaced_and_dropped_like_what_is_shown() {
    let collapsing = |seq| {
        arrives(RemoteNotification {
            collapse_id: Some("score".to_owned()),
            ..push(seq, json!({"aps": {"alert": "n"}}))
        })
    };
    let mut phone = phone();
    phone.take(collapsing(1));
    assert_eq!(phone.take(collapsing(2)), ["1 suppressed: superseded", "2 suppressed: summary"]);
    phone.take(Input::DeliveredRemoved { bundle: NEWS.to_owned(), identifiers: Identifiers::All });
    assert_eq!(phone.pass(8 * HOUR), [""; 0]);

    phone.take(recipient(user("ann")));
    phone.take(arrives(alert_for(3, "ann")));
    assert_eq!(phone.take(recipient(user("bob"))), ["3 suppressed: another-user"]);
}

/// §6.5: what has no text has no place in a summary: a badge is seen at once, a sound never plays.
#[test]
fn section_6_5_a_badge_or_sound_alone_does_not_wait() {
    let aps = |seq, aps| arrives(push(seq, json!({"aps": aps})));
    let mut phone = phone();
    assert_eq!(phone.take(aps(1, json!({"badge": 9}))), ["1 displayed", "badge 9"]);
    assert_eq!(phone.take(aps(2, json!({"sound": "default"}))), ["2 suppressed: summary"]);
    let both = json!({"badge": 8, "sound": "default"});
    assert_eq!(phone.take(aps(3, both)), ["3 displayed", "badge 8"]);
    phone.take(change(SettingChange::Badge { on: false }));
    assert_eq!(phone.take(aps(4, json!({"badge": 7}))), ["4 suppressed: not-permitted"]);
    assert_eq!(phone.center.collected().len(), 0);
    assert_eq!(phone.pass(8 * HOUR), [""; 0], "nothing waited");
}

/// §6.5: by relevance, over all apps, wherever one looks.
#[test]
fn section_6_5_the_most_relevant_is_on_top_of_the_screen() {
    let mut phone = phone();
    phone.take(Input::AppInstalled(chat()));
    let options = usual().and(AuthorizationOptions::PROVISIONAL);
    let of_chat = |state| Input::AppStateChanged { bundle: CHAT.to_owned(), state };
    phone.take(of_chat(AppState::Background));
    phone.take(Input::AuthorizationRequested { bundle: CHAT.to_owned(), options, request: 1 });
    let keep = SettingChange::KeepProminently;
    phone.take(Input::SettingChanged { bundle: CHAT.to_owned(), change: keep });
    let both = [NEWS.to_owned(), CHAT.to_owned()].into();
    phone.take(set(DeviceSetting::Summary { summary: Some(Summary { times: [480].into(), apps: both }) }));
    for (seq, bundle, score) in
        [(1, NEWS, 0.1), (2, CHAT, 0.9), (3, NEWS, 0.5), (4, CHAT, 0.5), (5, CHAT, 0.2), (6, NEWS, 1.0)]
    {
        let payload = json!({"aps": {"alert": "n", "relevance-score": score}});
        phone.take(arrives(RemoteNotification { bundle: bundle.to_owned(), ..push(seq, payload) }));
        phone.pass(SECOND);
    }
    phone.pass(8 * HOUR);
    let screen = phone.center.screen();
    let order: Vec<_> = screen.iter().map(|(_, shown)| shown.identifier()).collect();
    assert_eq!(order, ["id-6", "id-2", "id-4", "id-3", "id-5", "id-1"]);
    let came = START.plus_millis(6 * SECOND + 8 * HOUR);
    assert!(screen.iter().all(|(_, shown)| shown.notification.date == came), "shown then, dated then");
    let groups = phone.center.groups();
    let tops: Vec<_> = groups.iter().map(|group| group.notifications[0].identifier()).collect();
    assert_eq!(tops, ["id-6", "id-2"]);
    assert_eq!(phone.listed(), ["id-6", "id-3", "id-1"]);
}

/// What it was said to wait for may not be true any more.
#[test]
fn what_was_withdrawn_or_cleared_is_held_no_more() {
    let mut phone = phone();
    phone.take(scored(1, 0.0));
    assert!(phone.center.holds(NEWS, 1, "id-1") && !phone.center.holds(NEWS, 1, "id-2"));
    let withdrawn = phone
        .clone()
        .take(Input::DeliveredRemoved { bundle: NEWS.to_owned(), identifiers: Identifiers::All });
    assert_eq!(withdrawn, [""; 0]);
    phone.pass(8 * HOUR);
    assert!(phone.center.holds(NEWS, 1, "id-1"), "on the screen");
    phone.take(dismiss("id-1"));
    assert!(!phone.center.holds(NEWS, 1, "id-1"));
}

#[test]
fn permission_is_asked_again_when_it_comes() {
    let mut phone = phone();
    phone.take(scored(1, 0.0));
    phone.take(change(SettingChange::AllowNotifications { on: false }));
    assert_eq!(phone.pass(8 * HOUR), ["summary id-1", "1 suppressed: not-permitted"]);
}

#[test]
fn it_comes_once_after_the_device_was_off_and_after_the_clock_went_back() {
    let mut off = phone();
    off.take(scored(1, 0.0));
    off.now = off.now.plus_millis(3 * DAY);
    let outputs = off.take(Input::Booted);
    assert_eq!(outputs.iter().filter(|output| output.starts_with("summary")).count(), 1);
    assert_eq!(off.center.next_wake(), Some(START.plus_millis(3 * DAY + 8 * HOUR)));

    let mut back = phone();
    back.pass(-10 * DAY);
    assert_eq!(back.center.next_wake(), Some(START.plus_millis(-10 * DAY + 8 * HOUR)));
}

#[test]
fn times_of_the_day_are_those_of_the_zone_the_device_is_in() {
    let mut phone = phone();
    phone.take(scored(1, 0.0));
    phone.take(Input::TimeZoneChanged { time_zone: "Asia/Shanghai".to_owned() });
    assert_eq!(phone.center.next_wake(), Some(START.plus_millis(10 * HOUR)), "at 18:00 there");
    phone.take(Input::TimeZoneChanged { time_zone: "America/New_York".to_owned() });
    assert_eq!(phone.center.next_wake(), Some(START.plus_millis(13 * HOUR)), "at 08:00 there");
    assert_eq!(phone.pass(13 * HOUR)[0], "summary id-1");
}
