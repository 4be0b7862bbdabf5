//! Channels: ids in every alphabet, paths with their methods, and bodies.

use proptest::prelude::*;

use super::*;

fn id(text: &str) -> Result<ChannelId, Reason> {
    text.parse()
}

#[test]
fn an_id_is_the_same_in_every_alphabet() {
    let apples = id("dHN0LXNyY2gtY2hubA==").expect("it stands in Apple's documentation");
    assert_eq!(apples.as_bytes(), b"tst-srch-chnl");
    assert_eq!(apples.to_string(), "dHN0LXNyY2gtY2hubA==");
    assert_eq!(apples.url_safe(), "dHN0LXNyY2gtY2hubA");
    assert_eq!(id("dHN0LXNyY2gtY2hubA"), Ok(apples));
    assert_eq!(id("+/8="), id("-_8"));
    for wrong in ["", "=", "a b", "*", "道", &"A".repeat(89)] {
        assert_eq!(id(wrong), Err(Reason::BadChannelId), "{wrong}");
    }
    assert_eq!(ChannelId::from_bytes(&[7; 64]).to_string().parse(), Ok(ChannelId::from_bytes(&[7; 64])));
    assert!(id(&ChannelId::from_bytes(&[7; 65]).to_string()).is_err(), "too long");
}

#[test]
fn each_operation_has_its_method_and_path() {
    use ChannelOperation::{Broadcast, Create, Delete, List, Read};
    for (method, path, operation) in [
        ("POST", "/1/apps/com.example.news/channels", Create),
        ("GET", "/1/apps/com.example.news/channels", Read),
        ("DELETE", "/1/apps/com.example.news/channels?x", Delete),
        ("GET", "/1/apps/com.example.news/all-channels", List),
        ("POST", "/4/broadcasts/apps/com.example.news", Broadcast),
    ] {
        let request = ChannelRequest { operation, bundle_id: "com.example.news", id_in_path: None };
        assert_eq!(ChannelRequest::of(method, path), Some(Ok(request)), "{method} {path}");
    }
    let early = ChannelRequest::of("GET", "/1/apps/com.example.news/channels/dHN0LXNyY2gtY2hubA==");
    assert_eq!(early.expect("it is one").expect("it is taken").id_in_path, Some("dHN0LXNyY2gtY2hubA=="));
    assert_eq!(ChannelRequest::of("POST", "/3/device/ab"), None);
    assert_eq!(ChannelRequest::of("POST", "/4/broadcasts/ab"), None);
}

#[test]
fn what_is_wrong_with_path_or_method_is_told_apart() {
    for (method, path, reason) in [
        ("POST", "/1/apps/", Reason::BadPath),
        ("POST", "/1/apps/com.example.news", Reason::BadPath),
        ("POST", "/1/apps//channels", Reason::BadPath),
        ("POST", "/1/apps/com.example.news/channel", Reason::BadPath),
        ("POST", "/1/apps/com.example.news/channels/AAAA", Reason::BadPath),
        ("POST", "/1/apps/com.example.news/all-channels", Reason::BadPath),
        ("DELETE", "/1/apps/com.example.news/all-channels", Reason::BadPath),
        ("PUT", "/1/apps/com.example.news/channels", Reason::MethodNotAllowed),
        ("PATCH", "/1/apps/com.example.news/all-channels", Reason::MethodNotAllowed),
        ("POST", "/4/broadcasts/apps/", Reason::BadPath),
        ("POST", "/4/broadcasts/apps/a/b", Reason::BadPath),
        ("GET", "/4/broadcasts/apps/com.example.news", Reason::MethodNotAllowed),
    ] {
        assert_eq!(ChannelRequest::of(method, path), Some(Err(reason)), "{method} {path}");
    }
}

#[test]
fn the_paths_that_are_sent_are_the_ones_that_are_read() {
    for (method, path) in
        [("GET", path::channels("a.b")), ("GET", path::all_channels("a.b")), ("POST", path::broadcast("a.b"))]
    {
        let read = ChannelRequest::of(method, &path).expect("it is of the family").expect("it is one");
        assert_eq!(read.bundle_id, "a.b");
    }
}

#[test]
fn a_channel_is_created_by_its_policy_and_push_type_and_nothing_else() {
    for policy in [StoragePolicy::Nothing, StoragePolicy::MostRecent] {
        assert_eq!(read_creation(&describe(policy)), Ok(policy));
    }
    let node_apn = br#"{"message-storage-policy":1,"push-type":"liveactivity"}"#;
    assert_eq!(read_creation(node_apn), Ok(StoragePolicy::MostRecent));
    for (body, reason) in [
        ("", Reason::PayloadEmpty),
        ("{", Reason::BadRequestPayload),
        ("[]", Reason::BadRequestPayload),
        (r#"{"push-type":"LiveActivity"}"#, Reason::BadRequestParams),
        (r#"{"message-storage-policy":2,"push-type":"LiveActivity"}"#, Reason::BadRequestParams),
        (r#"{"message-storage-policy":"1","push-type":"LiveActivity"}"#, Reason::BadRequestParams),
        (r#"{"message-storage-policy":1,"push-type":"LiveActivity","name":"x"}"#, Reason::BadRequestParams),
        (r#"{"message-storage-policy":1}"#, Reason::MissingPushType),
        (r#"{"message-storage-policy":1,"push-type":"alert"}"#, Reason::InvalidPushType),
        (r#"{"message-storage-policy":1,"push-type":1}"#, Reason::InvalidPushType),
    ] {
        assert_eq!(read_creation(body.as_bytes()), Err(reason), "{body}");
    }
}

#[test]
fn the_list_is_apples() {
    assert_eq!(list(&[]), br#"{"channels":[]}"#);
    let ids = [ChannelId::from_bytes(b"tst-srch-chnl"), ChannelId::from_bytes(&[0xff, 0xff])];
    assert_eq!(list(&ids), br#"{"channels":["dHN0LXNyY2gtY2hubA==","//8="]}"#);
}

proptest! {
    #[test]
    fn no_input_brings_it_down(bytes: Vec<u8>, text: String) {
        let _ = (ChannelId::parse(&bytes), read_creation(&bytes));
        let _ = ChannelRequest::of("GET", &format!("/1/apps/{text}"));
        let _ = ChannelRequest::of("POST", &format!("/4/broadcasts/apps/{text}"));
    }

    #[test]
    fn every_id_comes_back(bytes in proptest::collection::vec(any::<u8>(), 1..=64)) {
        let id = ChannelId::from_bytes(&bytes);
        prop_assert_eq!(id.to_string().parse(), Ok(id.clone()));
        prop_assert_eq!(id.url_safe().parse(), Ok(id));
    }
}
