//! The two vocabularies, held together.

use homing_local::view::ChangeSetting;
use homing_local::{NotificationContent, NotificationRequest, NotificationSettings, Trigger};
use homing_trace::UnixMillis;
use serde_json::{Value, json};

use super::*;

fn request() -> Value {
    json!({
        "identifier": "1",
        "content": {
            "title": "Hello",
            "subtitle": {"loc_key": "SUBTITLE", "loc_args": ["a"]},
            "body": "World",
            "badge": 2,
            "sound": {"name": "default", "critical": true, "volume": 0.5},
            "user_info": {"aps": {"alert": "x"}},
            "category_identifier": "c",
            "thread_identifier": "t",
            "target_content_identifier": "w",
            "interruption_level": "time-sensitive",
            "relevance_score": 0.5,
            "filter_criteria": "f",
            "summary_argument": "s",
            "summary_argument_count": 2,
            "launch_image_name": "l",
            "attachments": [{
                "identifier": "a", "url": "file:///a.png", "type_identifier": "public.png",
                "options": {
                    "type_hint": "public.png", "thumbnail_hidden": true, "thumbnail_time": 1.5,
                    "thumbnail_clipping_rect": {"x": 0.0, "y": 0.0, "width": 0.5, "height": 0.5}
                }
            }],
            "communication": {
                "intent": "send-message", "sender": {"display_name": "Ann", "handle": "ann@example.com"},
                "conversation_identifier": "c", "group_name": "g"
            }
        },
        "trigger": {"kind": "time-interval", "seconds": 60.0, "repeats": true}
    })
}

#[test]
fn a_request_survives_the_way_to_the_center_and_back() {
    let request: NotificationRequest = serde_json::from_value(request()).expect("it is a request");
    let center: center::NotificationRequest = same(&request).expect("it has the same JSON");
    assert_eq!(same::<_, NotificationRequest>(&center).expect("it has the same JSON"), request);
}

#[test]
fn a_request_with_nothing_but_its_identifier_survives_too() {
    let request = NotificationRequest {
        identifier: "1".to_owned(),
        content: NotificationContent::default(),
        trigger: None,
    };
    let center: center::NotificationRequest = same(&request).expect("it has the same JSON");
    assert_eq!(same::<_, NotificationRequest>(&center).expect("it has the same JSON"), request);
}

#[test]
fn a_text_without_arguments_survives_too() {
    for text in [json!({"loc_key": "K"}), json!({"loc_key": "K", "loc_args": []})] {
        let content = json!({"identifier": "1", "content": {"title": text}});
        let request: NotificationRequest = serde_json::from_value(content).expect("it is a request");
        let center: center::NotificationRequest = same(&request).expect("it has the same JSON");
        assert_eq!(same::<_, NotificationRequest>(&center).expect("it has the same JSON"), request);
        let placeholder = json!([{"identifier": "mail", "hidden_previews_body_placeholder": text}]);
        let categories: Vec<homing_local::Category> = serde_json::from_value(placeholder).expect("they are");
        same::<_, Vec<center::Category>>(&categories).expect("they have the same JSON");
    }
}

#[test]
fn categories_survive_the_way_to_the_center_and_back() {
    let categories = json!([{
        "identifier": "mail",
        "actions": [{
            "identifier": "reply",
            "title": {"loc_key": "REPLY", "loc_args": ["a"]},
            "options": {"authentication_required": true, "destructive": true, "foreground": true},
            "icon": "star",
            "text_input": {"button_title": "Send", "placeholder": "…"}
        }],
        "options": {
            "custom_dismiss_action": true, "allow_in_car_play": true, "hidden_previews_show_title": true,
            "hidden_previews_show_subtitle": true, "allow_announcement": true
        },
        "hidden_previews_body_placeholder": "%u",
        "category_summary_format": "%u more"
    }]);
    let categories: Vec<homing_local::Category> = serde_json::from_value(categories).expect("they are");
    let center: Vec<center::Category> = same(&categories).expect("they have the same JSON");
    assert_eq!(same::<_, Vec<homing_local::Category>>(&center).expect("they have the same JSON"), categories);
}

#[test]
fn the_words_of_ios_9_survive_the_way_to_the_center_and_back() {
    let notification = json!({
        "fire_date": "2026-11-22T02:04:05.067Z", "time_zone": "Asia/Shanghai", "repeat_interval": "quarter",
        "repeat_calendar": "iso8601",
        "region": {"identifier": "r", "center": {"latitude": 1.0, "longitude": 2.0}, "radius": 3.0},
        "region_triggers_once": false, "alert_body": "b", "alert_title": "t", "alert_action": "a",
        "has_action": false, "alert_launch_image": "i", "sound_name": "s", "application_icon_badge_number": 4,
        "user_info": {"a": 1}, "category": "c"
    });
    let local: homing_local::LocalNotification = serde_json::from_value(notification).expect("it is one");
    let center: center::LocalNotification = same(&local).expect("it has the same JSON");
    assert_eq!(same::<_, homing_local::LocalNotification>(&center).expect("it has the same JSON"), local);

    let nothing = homing_local::LocalNotification::default();
    let center: center::LocalNotification = same(&nothing).expect("it has the same JSON");
    assert_eq!(center, center::LocalNotification::default());
    assert_eq!(same::<_, homing_local::LocalNotification>(&center).expect("it has the same JSON"), nothing);

    for unit in ["era", "year", "quarter", "month", "week-of-year", "weekday", "day", "hour", "minute"] {
        let local: homing_local::CalendarUnit = serde_json::from_value(json!(unit)).expect("it is one");
        let center: center::CalendarUnit = same(&local).expect("it has the same JSON");
        assert_eq!(same::<_, homing_local::CalendarUnit>(&center).expect("it has the same JSON"), local);
    }

    let settings = json!({"types": ["badge", "sound", "alert"], "categories": [{
        "identifier": "c",
        "default_actions": [{"identifier": "a", "title": "A", "activation_mode": "background",
            "authentication_required": true, "destructive": true, "behavior": "text-input"}],
        "minimal_actions": [{"identifier": "a"}],
    }]});
    let settings: homing_local::UserNotificationSettings =
        serde_json::from_value(settings).expect("they are");
    let center: center::UserNotificationSettings = same(&settings).expect("they have the same JSON");
    let back: homing_local::UserNotificationSettings = same(&center).expect("they have the same JSON");
    assert_eq!(back, settings);
}

#[test]
fn a_remote_notification_reaches_the_app() {
    let mut request: center::NotificationRequest =
        serde_json::from_value(request()).expect("it is a request");
    request.trigger = Some(center::Trigger::Push);
    let said =
        notification(&center::Notification { date: UnixMillis(5), request }).expect("it has the same JSON");
    assert_eq!(said.request.trigger, Some(Trigger::Push));
    assert_eq!(said.date, UnixMillis(5));
}

#[test]
fn settings_and_their_changes_have_the_same_words() {
    let settings = center::NotificationSettings::default();
    same::<_, NotificationSettings>(&settings).expect("they have the same JSON");
    let switches = [
        "allow-notifications",
        "alert",
        "sound",
        "badge",
        "notification-center",
        "lock-screen",
        "critical-alert",
        "time-sensitive",
        "background-app-refresh",
    ];
    for setting in switches {
        let change: ChangeSetting =
            serde_json::from_value(json!({"setting": setting, "on": false})).expect(setting);
        same::<_, center::SettingChange>(&change).expect(setting);
    }
    for change in [
        json!({"setting": "keep-prominently"}),
        json!({"setting": "grouping", "how": "by-app"}),
        json!({"setting": "alert-style", "style": "alert"}),
        json!({"setting": "show-previews", "when": "never"}),
    ] {
        let change: ChangeSetting = serde_json::from_value(change).expect("it is a change");
        same::<_, center::SettingChange>(&change).expect("they have the same JSON");
    }
}

#[test]
fn each_trigger_survives_the_way_to_the_center_and_back() {
    let center = json!({"latitude": 31.23, "longitude": 121.47});
    let region = json!({"identifier": "r", "center": center, "radius": 100.0});
    let components = json!({
        "era": 1, "year": 2027, "quarter": 1, "month": 1, "day": 31, "hour": 9, "minute": 30, "second": 1,
        "nanosecond": 5, "weekday": 1, "weekday_ordinal": 5, "week_of_month": 5, "week_of_year": 5,
        "year_for_week_of_year": 2027, "time_zone": "Asia/Shanghai", "calendar": "iso8601"
    });
    for trigger in [
        json!({"kind": "calendar", "date_components": {"hour": 9}}),
        json!({"kind": "calendar", "date_components": components, "repeats": true, "strict": true}),
        json!({"kind": "location", "region": region, "repeats": true}),
        json!({"kind": "time-interval", "seconds": 5.0}),
    ] {
        let trigger: Trigger = serde_json::from_value(trigger).expect("it is a trigger");
        let center: center::Trigger = same(&trigger).expect("it has the same JSON");
        assert_eq!(same::<_, Trigger>(&center).expect("it has the same JSON"), trigger);
    }
}
