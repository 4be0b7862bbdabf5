//! Every rule of the request headers, and their journey from client to server.

use proptest::prelude::*;

use super::*;

fn map(headers: &[(&str, &str)]) -> HeaderMap {
    headers
        .iter()
        .map(|(name, value)| {
            let name: HeaderName = name.parse().expect("the test's names are names");
            (name, HeaderValue::from_bytes(value.as_bytes()).expect("the test's values are values"))
        })
        .collect()
}

fn refused(headers: &[(&str, &str)]) -> Reason {
    DeliveryOptions::from_headers(&map(headers)).expect_err("the headers are wrong")
}

#[test]
fn every_mistake_has_its_own_reason() {
    assert_eq!(refused(&[("apns-id", "1")]), Reason::BadMessageId);
    assert_eq!(refused(&[("apns-topic", "a b")]), Reason::BadTopic);
    assert_eq!(refused(&[("apns-push-type", "Alert")]), Reason::InvalidPushType);
    assert_eq!(refused(&[("apns-push-type", "")]), Reason::InvalidPushType);
    assert_eq!(refused(&[("apns-push-type", "voip"), ("apns-topic", "com.example")]), Reason::BadTopic);
    assert_eq!(
        refused(&[("apns-push-type", "alert"), ("apns-topic", "com.example.voip")]),
        Reason::InvalidPushType
    );
    assert_eq!(refused(&[("apns-priority", "3")]), Reason::BadPriority);
    assert_eq!(refused(&[("apns-priority", "10"), ("apns-push-type", "background")]), Reason::BadPriority);
    assert_eq!(refused(&[("apns-expiration", "soon")]), Reason::BadExpirationDate);
    assert_eq!(refused(&[("apns-collapse-id", &"x".repeat(65))]), Reason::BadCollapseId);
    assert_eq!(refused(&[("x-a", "1"), ("x-a", "1")]), Reason::DuplicateHeaders);
    assert_eq!(refused(&[("apns-topic", "a"), ("apns-topic", "a")]), Reason::DuplicateHeaders);
}

#[test]
fn what_is_absent_or_empty_takes_apples_defaults() {
    let read = DeliveryOptions::from_headers(&map(&[("apns-topic", ""), ("apns-collapse-id", "")]))
        .expect("nothing is wrong");
    assert_eq!(read, DeliveryOptions::default());
    assert_eq!(read.effective_priority(), Ok(Priority::Ten));
    let silent = DeliveryOptions { push_type: Some(PushType::Background), ..DeliveryOptions::default() };
    assert_eq!(silent.effective_priority(), Ok(Priority::Five));
}

#[test]
fn other_headers_are_ignored_and_a_split_cookie_is_no_duplicate() {
    let headers =
        map(&[("content-type", "application/x-www-form-urlencoded"), ("cookie", "a=1"), ("cookie", "b=2")]);
    assert_eq!(DeliveryOptions::from_headers(&headers), Ok(DeliveryOptions::default()));
}

#[test]
fn the_id_is_there_for_the_answer_even_when_it_is_wrong() {
    let headers = map(&[("apns-id", "not a uuid")]);
    assert_eq!(RequestHeaders::read(&headers).apns_id.map(HeaderValue::as_bytes), Some(&b"not a uuid"[..]));
}

#[test]
fn the_authorization_is_not_shown() {
    let headers = map(&[("authorization", "bearer secret")]);
    assert!(!format!("{:?}", RequestHeaders::read(&headers)).contains("secret"));
}

fn options() -> impl Strategy<Value = DeliveryOptions> {
    let topic = ("[a-z]{1,9}(\\.[a-z]{1,9}){1,3}", prop::sample::select(&PushType::ALL[..]));
    (
        prop::option::of(any::<[u8; 16]>().prop_map(ApnsId::from_random)),
        topic,
        prop::option::of(prop::sample::select(&Priority::ALL[..])),
        prop::option::of(0..i64::MAX),
        prop::option::of("[ -~]{1,64}"),
    )
        .prop_map(|(apns_id, (bundle, push_type), priority, expiration, collapse)| DeliveryOptions {
            apns_id,
            topic: Some(format!("{bundle}{}", push_type.topic_suffix()).parse().expect("it is a topic")),
            push_type: Some(push_type),
            priority: priority.filter(|_| push_type != PushType::Background),
            expiration: Expiration::from_seconds(expiration),
            collapse_id: collapse.map(|id| id.parse().expect("it is short enough")),
        })
        .prop_filter("a bundle ID may happen to end in another type's suffix", |options| {
            matches!((&options.topic, options.push_type), (Some(topic), Some(push_type)) if crate::check_topic(push_type, topic).is_ok())
        })
}

proptest! {
    #[test]
    fn options_survive_the_journey(options in options()) {
        let mut headers = HeaderMap::new();
        options.write_to(&mut headers);
        prop_assert_eq!(DeliveryOptions::from_headers(&headers), Ok(options));
    }

    #[test]
    fn no_header_value_brings_it_down(values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 6)) {
        let names = [APNS_ID, APNS_TOPIC, APNS_PUSH_TYPE, APNS_PRIORITY, APNS_EXPIRATION, APNS_COLLAPSE_ID];
        let headers: HeaderMap = names
            .into_iter()
            .zip(values)
            .filter_map(|(name, value)| Some((name, HeaderValue::from_bytes(&value).ok()?)))
            .collect();
        let _ = DeliveryOptions::from_headers(&headers);
    }
}
