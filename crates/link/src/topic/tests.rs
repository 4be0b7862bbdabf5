//! The names of the device link: what is one, what isn't, and that both directions agree.

use super::*;
use proptest::prelude::*;

const NEWS: RegistrationName<'static> =
    RegistrationName { environment: Environment::Development, topic: "com.example.news", instance: None };

#[test]
fn a_filter_of_the_device_link_names_a_registration() {
    assert_eq!(RegistrationName::parse_filter("development/com.example.news/#"), Ok(NEWS));
    let activity = RegistrationName {
        environment: Environment::Production,
        topic: "com.example.news.push-type.liveactivity",
        instance: Some("match-7"),
    };
    assert_eq!(
        RegistrationName::parse_filter("production/com.example.news.push-type.liveactivity@match-7/#"),
        Ok(activity)
    );
}

#[test]
fn any_other_filter_is_foreign() {
    for filter in [
        "#",
        "+/com.example.news/#",
        "development/#",
        "development//#",
        "development/+/#",
        "development/com.example.news",
        "development/com.example.news/token",
        "development/com.example.news/a/#",
        "development/com.example.news@/#",
        "development/@x/#",
        "development/com.example@a@b/#",
        "sandbox/com.example.news/#",
        "$share/g/development/com.example.news/#",
        "Development/com.example.news/#",
        "",
    ] {
        let error = RegistrationName::parse_filter(filter).unwrap_err();
        assert_eq!(error.reason_code(), ReasonCode::TopicFilterInvalid, "{filter}");
    }
    let long = format!("development/{}/#", "x".repeat(MAX_TOPIC_LEN + 1));
    assert!(RegistrationName::parse_filter(&long).is_err());
}

#[test]
fn topics_to_a_device_stand_as_designed() {
    assert_eq!(ToDevice::token(NEWS).to_string(), "development/com.example.news/token");
    assert_eq!(ToDevice::notification(NEWS).to_string(), "development/com.example.news/notification");
    assert_eq!(
        ToDevice::notification_v311(NEWS, 7, "9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10").to_string(),
        "development/com.example.news/notification/7/9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10"
    );
    for wrong in
        ["development/com.x/notification/+7/a", "development/com.x/notification/7", "development/com.x"]
    {
        assert!(ToDevice::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_device_publishes_receipts_and_its_state_and_nothing_else() {
    assert_eq!(FromDevice::parse(&NEWS.receipt_topic()), Ok(FromDevice::Receipt { registration: NEWS }));
    assert_eq!(FromDevice::parse("device/state"), Ok(FromDevice::State));
    for wrong in
        ["development/com.example.news/notification", "device/other", "a/receipt", "/receipt", "receipt"]
    {
        assert!(FromDevice::parse(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        production: bool,
        topic in "[a-zA-Z0-9.-]{1,40}",
        instance in proptest::option::of("[^/+#@\\p{Cc}]{1,20}"),
        seq: u64,
        apns_id in "[0-9a-f-]{36}",
    ) {
        let environment = if production { Environment::Production } else { Environment::Development };
        let registration = RegistrationName { environment, topic: &topic, instance: instance.as_deref() };
        let filter = registration.filter();
        prop_assert_eq!(RegistrationName::parse_filter(&filter), Ok(registration));
        for sent in [
            ToDevice::token(registration),
            ToDevice::notification(registration),
            ToDevice::notification_v311(registration, seq, &apns_id),
        ] {
            let written = sent.to_string();
            prop_assert_eq!(ToDevice::parse(&written), Ok(sent));
        }
        let receipt = FromDevice::Receipt { registration };
        let written = receipt.to_string();
        prop_assert_eq!(FromDevice::parse(&written), Ok(receipt));
    }

    #[test]
    fn no_text_panics(text: String) {
        let _ = (RegistrationName::parse_filter(&text), ToDevice::parse(&text), FromDevice::parse(&text));
    }
}
