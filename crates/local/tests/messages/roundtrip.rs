//! Arbitrary messages there and back.

use homing_local::message::{DeviceMessage, UserInfo};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::*;

fn text() -> impl Strategy<Value = Text> {
    prop_oneof![
        ".{0,20}".prop_map(Text::Plain),
        (".{1,8}", vec(".{0,8}", 0..3)).prop_map(|(loc_key, loc_args)| Text::Localized { loc_key, loc_args }),
    ]
}

fn user_info() -> impl Strategy<Value = Map<String, Value>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,10}".prop_map(Value::from)
    ];
    let value = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((".{0,6}", inner), 0..3).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    });
    vec((".{0,6}", value), 0..4).prop_map(|pairs| pairs.into_iter().collect())
}

fn content() -> impl Strategy<Value = NotificationContent> {
    let sound = proptest::option::of((".{0,9}", any::<bool>(), proptest::option::of(0_u32..=8)));
    let level = prop_oneof![
        Just(InterruptionLevel::Passive),
        Just(InterruptionLevel::Active),
        Just(InterruptionLevel::TimeSensitive),
        Just(InterruptionLevel::Critical)
    ];
    let texts = (text(), text(), text(), ".{0,9}", ".{0,9}", proptest::option::of(".{0,9}"));
    (texts, proptest::option::of(any::<u32>()), sound, user_info(), level).prop_map(
        |(
            (title, subtitle, body, category_identifier, thread_identifier, target),
            badge,
            sound,
            user_info,
            level,
        )| {
            NotificationContent {
                title,
                subtitle,
                body,
                badge: badge.map(i64::from),
                sound: sound.map(|(name, critical, eighths)| NotificationSound {
                    name,
                    critical,
                    volume: eighths.map(|eighths| f64::from(eighths) / 8.0),
                }),
                user_info,
                category_identifier,
                thread_identifier,
                filter_criteria: target.clone(),
                target_content_identifier: target,
                interruption_level: level,
                relevance_score: 0.5,
                summary_argument: String::new(),
                summary_argument_count: badge.filter(|count| count % 2 == 0),
                ..NotificationContent::default()
            }
        },
    )
}

fn notification_request() -> impl Strategy<Value = NotificationRequest> {
    let trigger = prop_oneof![
        Just(None),
        Just(Some(Trigger::Push)),
        (0_u32..1_000_000, any::<bool>()).prop_map(|(quarters, repeats)| {
            Some(Trigger::TimeInterval { seconds: f64::from(quarters) / 4.0, repeats })
        }),
    ];
    (".{0,12}", content(), trigger).prop_map(|(identifier, content, trigger)| NotificationRequest {
        identifier,
        content,
        trigger,
    })
}

fn time() -> impl Strategy<Value = UnixMillis> {
    (0_i64..200_000_000_000_000).prop_map(UnixMillis)
}

fn call() -> impl Strategy<Value = AppCall> {
    prop_oneof![
        notification_request().prop_map(|request| AppCall::Add { request: Box::new(request) }),
        (0_u16..512)
            .prop_map(|bits| AppCall::RequestAuthorization { options: AuthorizationOption::from_bits(bits) }),
        vec(".{0,9}", 0..4).prop_map(|identifiers| AppCall::RemoveDeliveredNotifications { identifiers }),
        any::<i64>().prop_map(|count| AppCall::SetBadgeCount { count }),
        ".{0,9}".prop_map(|tag| AppCall::SetRecipient { recipient: Recipient::User(tag) }),
        (any::<u64>(), proptest::sample::subsequence(PresentationOption::ALL.to_vec(), 0..5))
            .prop_map(|(completion, options)| AppCall::WillPresentCompletion { completion, options }),
        ".{0,9}".prop_map(|bundle_id| AppCall::Attach { bundle_id, device: None, secret: None }),
    ]
}

fn message() -> impl Strategy<Value = DeviceMessage> {
    let notification =
        || (time(), notification_request()).prop_map(|(date, request)| Notification { date, request });
    let reply = |(reply_to, reply)| DeviceMessage::Reply(AppReply { reply_to, reply });
    prop_oneof![
        (any::<u64>(), vec(notification(), 0..3).prop_map(Reply::Delivered)).prop_map(reply),
        (any::<u64>(), any::<bool>().prop_map(Reply::Granted)).prop_map(reply),
        (any::<u64>(), any::<u32>(), ".{0,20}")
            .prop_map(|(id, code, words)| (id, Reply::Error(LocalError::homing(code, words))))
            .prop_map(reply),
        (any::<u64>(), notification(), time()).prop_map(|(completion, notification, deadline)| {
            DeviceMessage::Event(DeviceEvent::WillPresent {
                completion,
                notification: Box::new(notification),
                deadline,
            })
        }),
        (any::<u64>(), user_info(), time()).prop_map(|(completion, user_info, deadline)| {
            let user_info = UserInfo(user_info);
            DeviceMessage::Event(DeviceEvent::DidReceiveRemoteNotification {
                completion,
                user_info,
                application_state: ApplicationState::Inactive,
                deadline,
            })
        }),
    ]
}

proptest! {
    #[test]
    fn a_call_is_read_as_it_was_meant(id in any::<u64>(), call in call()) {
        let request = AppRequest { id, call };
        prop_assert_eq!(AppRequest::from_json(&request.to_json()).expect("it was written by us"), request);
    }

    #[test]
    fn what_a_device_says_is_read_as_it_was_meant(message in message()) {
        prop_assert_eq!(DeviceMessage::from_json(&message.to_json()).expect("it was written by us"), message);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in vec(any::<u8>(), 0..100), text in ".{0,60}") {
        for json in [bytes, text.into_bytes()] {
            let _ = AppRequest::from_json(&json);
            let _ = DeviceMessage::from_json(&json);
            let _ = AppManifest::from_json(&json);
        }
    }
}
