//! Broadcast channels as a provider meets them: what each request is answered, and every reason there is not to.

use homing_apns::{ChannelId, StoragePolicy, channel};
use homing_trace::{Environment, Stage};
use http::request::Builder;

use super::world::{APP, Answered, Client, Credential, KEY_ID, OTHER_APP, TEAM, World, real_seconds};
use crate::centre::CertificateKind;
use crate::provider_port::channels::IN_ALL;
use crate::store::{ChannelsOf, TraceQuery};

const DEVELOPMENT: Environment = Environment::Development;
const LABEL: &str = "9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10";
pub(super) const UPDATE: &[u8] = br#"{"aps":{"timestamp":1,"event":"update","content-state":{"home":1}}}"#;

/// A push service on which [`APP`] may broadcast.
pub(super) async fn world(environment: Environment) -> World {
    let world = World::start(environment).await;
    world.centre.set_broadcast(APP, true).await.expect("the app is there");
    world
}

fn channels() -> String {
    channel::path::channels(APP)
}

/// Makes a channel; its id as the answer gives it.
pub(super) async fn create(world: &World, client: &mut Client, policy: StoragePolicy) -> String {
    let request = world.channel_request("POST", &channels());
    let answer = client.send(request, &channel::describe(policy)).await;
    assert_eq!((answer.status, answer.ended_with_headers), (201, true), "{answer:?}");
    answer.header("apns-channel-id").expect("it is given").to_owned()
}

pub(super) fn broadcast(world: &World, id: &str) -> Builder {
    let request = world.channel_request("POST", &channel::path::broadcast(APP));
    let request = request.header("apns-channel-id", id).header("apns-push-type", "liveactivity");
    request.header("apns-priority", "10").header("apns-expiration", "0")
}

/// Status and reason of a refusal whose form is in order.
pub(super) fn refused(answer: &Answered) -> (u16, String) {
    assert_eq!(answer.header("content-type"), Some("application/json"), "{answer:?}");
    assert!(answer.frames == 1 && answer.ended_with_data, "HEADERS and one DATA that ends it: {answer:?}");
    assert!(answer.header("apns-request-id").is_some(), "{answer:?}");
    let refusal = homing_apns::Refusal::from_body(&answer.body).expect("the body is Apple's");
    assert_eq!(answer.body, homing_apns::Refusal::new(refusal.reason.clone()).body());
    (answer.status, refusal.reason.to_string())
}

fn expect(status: u16, reason: &str) -> (u16, String) {
    (status, reason.to_owned())
}

#[tokio::test]
async fn a_channel_is_made_shown_listed_and_deleted() {
    let world = world(DEVELOPMENT).await;
    let mut client = world.client(Credential::None).await;
    let list = || world.channel_request("GET", &channel::path::all_channels(APP));
    assert_eq!(client.ask(list()).await.body, br#"{"channels":[]}"#);
    let request = world.channel_request("POST", &channels()).header("apns-request-id", LABEL);
    let made = client.send(request, &channel::describe(StoragePolicy::MostRecent)).await;
    assert_eq!((made.status, made.header("apns-request-id")), (201, Some(LABEL)));
    assert!(made.body.is_empty() && made.ended_with_headers && made.header("apns-unique-id").is_none());
    let kept = made.header("apns-channel-id").expect("it is given").to_owned();
    assert!(kept.parse::<ChannelId>().is_ok() && kept.ends_with('='), "base64 with padding: {kept}");
    let bare = create(&world, &mut client, StoragePolicy::Nothing).await;
    let listed = client.ask(list()).await;
    assert_eq!(listed.header("content-type"), Some("application/json"));
    assert_eq!(listed.body, format!(r#"{{"channels":["{kept}","{bare}"]}}"#).into_bytes());
    for (id, policy) in [(&kept, 1), (&bare, 0)] {
        let read = client.ask(world.channel_request("GET", &channels()).header("apns-channel-id", id)).await;
        let body = format!(r#"{{"message-storage-policy":{policy},"push-type":"LiveActivity"}}"#);
        assert_eq!((read.status, String::from_utf8_lossy(&read.body).into_owned()), (200, body));
    }
    let delete = || world.channel_request("DELETE", &channels()).header("apns-channel-id", &kept);
    let deleted = client.ask(delete()).await;
    assert_eq!((deleted.status, deleted.ended_with_headers), (204, true));
    assert!(deleted.header("apns-request-id").is_some_and(|id| uuid::Uuid::parse_str(id).is_ok()));
    assert_eq!(refused(&client.ask(delete()).await), expect(400, "ChannelNotRegistered"));
    assert_eq!(client.ask(list()).await.body, format!(r#"{{"channels":["{bare}"]}}"#).into_bytes());
}

#[tokio::test]
async fn early_apnswift_finds_a_channel_by_its_path() {
    let world = world(DEVELOPMENT).await;
    let mut client = world.client(Credential::None).await;
    let id = create(&world, &mut client, StoragePolicy::Nothing).await;
    let url_safe = id.parse::<ChannelId>().expect("we made it").url_safe();
    let request = world.channel_request("GET", &format!("{}/{url_safe}", channels()));
    assert_eq!(client.ask(request).await.status, 200);
}

#[tokio::test]
async fn a_channel_is_of_its_environment_and_app_only() {
    let world = world(DEVELOPMENT).await;
    let mut client = world.client(Credential::None).await;
    let production = ChannelsOf { topic_no: world.topic_no(APP), environment: Environment::Production };
    let id = ChannelId::from_bytes(b"elsewhere");
    let made = world.store.create_channel(production, id.clone(), StoragePolicy::Nothing).await;
    assert!(made.expect("it is made"));
    let request = world.channel_request("GET", &channels()).header("apns-channel-id", id.to_string());
    assert_eq!(refused(&client.ask(request).await), expect(400, "ChannelNotRegistered"));
}

#[tokio::test]
async fn a_broadcast_is_accepted_and_accounts_for_itself() {
    let world = world(DEVELOPMENT).await;
    let mut client = world.client(Credential::None).await;
    let id = create(&world, &mut client, StoragePolicy::Nothing).await;
    let answer = client.send(broadcast(&world, &id).header("apns-request-id", LABEL), UPDATE).await;
    assert_eq!((answer.status, answer.header("apns-request-id")), (200, Some(LABEL)));
    assert!(answer.ended_with_headers && answer.header("apns-id").is_none());
    let unique = answer.header("apns-unique-id").expect("in development");
    let seq = world.sealer.unique_ids().open(unique).expect("it leads to the broadcast");
    let by_number = world.store.trace(TraceQuery::Seq(seq), 10).await.expect("the store answers");
    let traced = |label: &str| world.store.trace(TraceQuery::ApnsId(label.to_owned()), 10);
    let traces = traced(&LABEL.to_uppercase()).await.expect("the store answers");
    assert_eq!(by_number, traces);
    let [trace] = traces.as_slice() else { panic!("one broadcast: {traces:?}") };
    assert_eq!((trace.apns_id.as_str(), trace.topic.as_deref()), (LABEL, Some(APP)));
    assert_eq!(trace.events.iter().map(|event| event.stage).collect::<Vec<_>>(), [Stage::Accepted]);
    let told = trace.broadcast.as_ref().expect("it is a broadcast");
    assert_eq!((told.channel.as_str(), told.sent), (id.as_str(), 0));
    // One of Apple's samples labels it as a notification.
    let sample = "7C9E6679-7425-40DE-944B-E07FC1F90AE7";
    let answer = client.send(broadcast(&world, &id).header("apns-id", sample), UPDATE).await;
    assert_eq!(answer.header("apns-id"), Some(sample));
    assert_eq!(answer.header("apns-request-id"), Some(sample));
    let foreign = client.send(broadcast(&world, "AAAA").header("apns-request-id", "refused"), UPDATE).await;
    assert_eq!(refused(&foreign), expect(400, "BadMessageId"));
    let traces = traced("refused").await.expect("the store answers");
    assert_eq!((traces[0].seq, traces[0].topic.as_deref()), (None, Some(APP)));
}

#[tokio::test]
async fn every_wrong_header_or_body_of_a_broadcast_has_its_reason() {
    let world = world(DEVELOPMENT).await;
    let mut client = world.client(Credential::None).await;
    let kept = create(&world, &mut client, StoragePolicy::MostRecent).await;
    let bare = create(&world, &mut client, StoragePolicy::Nothing).await;
    let later = (real_seconds() + 3600).to_string();
    let (long, too_long) = ("A".repeat(88), ChannelId::from_bytes(&[7; 65]).to_string());
    let unknown = ChannelId::from_bytes(b"nobody's channel").to_string();
    for (changed, reason) in [
        (vec![("apns-channel-id", "")], "MissingChannelId"),
        (vec![("apns-channel-id", "*")], "BadChannelId"),
        (vec![("apns-channel-id", &*too_long)], "BadChannelId"),
        (vec![("apns-channel-id", &*long)], "BadChannelId"),
        (vec![("apns-channel-id", &*unknown)], "ChannelNotRegistered"),
        (vec![("apns-push-type", "")], "InvalidPushType"),
        (vec![("apns-push-type", "alert")], "InvalidPushType"),
        (vec![("apns-priority", "7")], "BadPriority"),
        (vec![("apns-expiration", "tomorrow")], "BadExpirationDate"),
        (vec![("apns-channel-id", &*bare), ("apns-expiration", &*later)], "BadExpirationDate"),
        (vec![("apns-request-id", "42")], "BadMessageId"),
        (vec![("apns-id", "42")], "BadMessageId"),
    ] {
        let mut request = broadcast(&world, &kept);
        let headers = request.headers_mut().expect("it is in order");
        for (name, value) in &changed {
            headers.insert(*name, value.parse().expect("it is a value"));
        }
        let answer = client.send(request, UPDATE).await;
        assert_eq!(refused(&answer), expect(400, reason), "{changed:?}");
    }
    for (left_out, reason) in [("apns-channel-id", "MissingChannelId"), ("apns-push-type", "MissingPushType")]
    {
        let mut request = broadcast(&world, &kept);
        request.headers_mut().expect("it is in order").remove(left_out);
        assert_eq!(refused(&client.send(request, UPDATE).await), expect(400, reason));
    }
    let twice = broadcast(&world, &kept).header("apns-channel-id", &bare);
    assert_eq!(refused(&client.send(twice, UPDATE).await), expect(400, "DuplicateHeaders"));
    assert_eq!(refused(&client.ask(broadcast(&world, &kept)).await), expect(400, "PayloadEmpty"));
    let most = format!("{UPDATE:<5120}", UPDATE = std::str::from_utf8(UPDATE).expect("it is text"));
    assert_eq!(
        client.send(broadcast(&world, &kept), most.as_bytes()).await.status,
        200,
        "exactly 5,120 bytes"
    );
    let large = format!("{most} ");
    let answer = client.send(broadcast(&world, &kept), large.as_bytes()).await;
    assert_eq!(refused(&answer), expect(413, "PayloadTooLarge"));
    for body in ["hello", r#"{"aps":{"event":"update"}"#, "[]", "7", r#"{"aps":{"event":"start"}}"#] {
        let answer = client.send(broadcast(&world, &kept), body.as_bytes()).await;
        assert_eq!(refused(&answer), expect(400, "BadRequestPayload"), "{body}");
    }
    for body in ["{}", r#"{"aps":{"event":"end"}}"#, r#"{"aps":7}"#] {
        assert_eq!(client.send(broadcast(&world, &kept), body.as_bytes()).await.status, 200, "{body}");
    }
    for spelling in ["liveactivity", "Liveactivity", "LiveActivity"] {
        let mut request = broadcast(&world, &kept);
        let headers = request.headers_mut().expect("it is in order");
        headers.insert("apns-push-type", spelling.parse().expect("it is a value"));
        headers.insert("apns-expiration", later.parse().expect("it is a value"));
        assert_eq!(client.send(request, UPDATE).await.status, 200, "{spelling}");
    }
    let mut lean = broadcast(&world, &bare);
    let headers = lean.headers_mut().expect("it is in order");
    headers.remove("apns-priority");
    headers.remove("apns-expiration");
    assert_eq!(client.send(lean, UPDATE).await.status, 200, "priority and expiration have defaults");
}

#[tokio::test]
async fn every_wrong_body_of_a_creation_has_its_reason() {
    let world = world(DEVELOPMENT).await;
    let mut client = world.client(Credential::None).await;
    for (body, status, reason) in [
        (r#"{"message-storage-policy":1,"#.to_owned(), 400, "BadRequestPayload"),
        (r#"{"push-type":"LiveActivity","message-storage-policy":7}"#.to_owned(), 400, "BadRequestParams"),
        (
            r#"{"push-type":"LiveActivity","message-storage-policy":1,"a":1}"#.to_owned(),
            400,
            "BadRequestParams",
        ),
        (r#"{"message-storage-policy":1}"#.to_owned(), 400, "MissingPushType"),
        (r#"{"message-storage-policy":1,"push-type":"voip"}"#.to_owned(), 400, "InvalidPushType"),
        (" ".repeat(5121), 413, "PayloadTooLarge"),
        (" ".repeat(80_000), 413, "PayloadTooLarge"),
    ] {
        let answer = client.send(world.channel_request("POST", &channels()), body.as_bytes()).await;
        assert_eq!(refused(&answer), expect(status, reason), "{body:.80}");
    }
    let empty = client.ask(world.channel_request("POST", &channels())).await;
    assert_eq!(refused(&empty), expect(400, "PayloadEmpty"));
}

#[tokio::test]
async fn path_method_and_app_are_told_apart() {
    let world = world(DEVELOPMENT).await;
    let mut client = world.client(Credential::None).await;
    let of = |bundle: &str| channel::path::channels(bundle);
    for (method, path, status, reason) in [
        ("POST", "/1/apps/com.example.news/channel".to_owned(), 404, "BadPath"),
        ("POST", "/1/apps//channels".to_owned(), 404, "BadPath"),
        ("POST", channel::path::all_channels(APP), 404, "BadPath"),
        ("PUT", of(APP), 405, "MethodNotAllowed"),
        ("GET", channel::path::broadcast(APP), 405, "MethodNotAllowed"),
        ("GET", channel::path::all_channels(OTHER_APP), 403, "TopicMismatch"),
        ("GET", channel::path::all_channels("com.nobody.app"), 403, "TopicMismatch"),
        ("GET", channel::path::all_channels("com.example.news.voip"), 400, "TopicDisallowed"),
        (
            "GET",
            channel::path::all_channels("com.example.news.push-type.liveactivity"),
            400,
            "TopicDisallowed",
        ),
        ("GET", channel::path::all_channels("a+b"), 400, "TopicDisallowed"),
        ("GET", of(APP), 400, "MissingChannelId"),
        ("DELETE", of(APP), 400, "MissingChannelId"),
    ] {
        let answer = client.ask(world.channel_request(method, &path)).await;
        assert_eq!(refused(&answer), expect(status, reason), "{method} {path}");
    }
    for path in [of(APP), channel::path::all_channels(APP), channel::path::broadcast(APP)] {
        let answer = client.ask(world.channel_request("HEAD", &path)).await;
        assert_eq!((answer.status, answer.ended_with_headers), (405, true), "{answer:?}");
        assert!(answer.header("apns-request-id").is_some());
    }
}

#[tokio::test]
async fn the_credential_is_judged_as_for_notifications() {
    let world = world(DEVELOPMENT).await;
    let path = channel::path::all_channels(APP);
    let ask = async |authorization: Option<String>| {
        let request = http::Request::get(format!("https://localhost{path}"));
        let request = authorization.into_iter().fold(request, |it, value| it.header("authorization", value));
        refused(&world.client(Credential::None).await.ask(request).await)
    };
    assert_eq!(ask(None).await, expect(403, "MissingProviderToken"));
    assert_eq!(ask(Some("bearer x.y.z".to_owned())).await, expect(403, "InvalidProviderToken"));
    let old = world.key.sign(KEY_ID, TEAM, real_seconds() - 4000);
    assert_eq!(ask(Some(format!("bearer {old}"))).await, expect(403, "ExpiredProviderToken"));
    let (_, certificate) = world.issued(CertificateKind::Development, None).await;
    let mut client = world.client(Credential::Certificate(&certificate)).await;
    let request = http::Request::get(format!("https://localhost{path}"));
    assert_eq!(client.ask(request).await.status, 200, "a certificate of the app");
    let (_, voip) = world.issued(CertificateKind::Voip, None).await;
    let mut client = world.client(Credential::Certificate(&voip)).await;
    let request = http::Request::get(format!("https://localhost{path}"));
    assert_eq!(refused(&client.ask(request).await), expect(403, "TopicMismatch"), "of VoIP only");
}

#[tokio::test]
async fn an_app_that_may_not_broadcast_is_told_so_and_to_end_it_deletes_its_channels() {
    let world = World::start(DEVELOPMENT).await;
    let mut client = world.client(Credential::None).await;
    let list = || world.channel_request("GET", &channel::path::all_channels(APP));
    assert_eq!(refused(&client.ask(list()).await), expect(400, "FeatureNotEnabled"));
    world.centre.set_broadcast(APP, true).await.expect("the app is there");
    let id = create(&world, &mut client, StoragePolicy::MostRecent).await;
    assert_eq!(client.send(stored(&world, &id).header("apns-request-id", LABEL), UPDATE).await.status, 200);
    world.centre.set_broadcast(APP, false).await.expect("the app is there");
    assert_eq!(refused(&client.ask(list()).await), expect(400, "FeatureNotEnabled"));
    world.centre.set_broadcast(APP, true).await.expect("the app is there");
    assert_eq!(client.ask(list()).await.body, br#"{"channels":[]}"#);
    let answer = client.send(broadcast(&world, &id), UPDATE).await;
    assert_eq!(refused(&answer), expect(400, "ChannelNotRegistered"), "what is deleted stays so");
    let traces = world.store.trace(TraceQuery::ApnsId(LABEL.to_owned()), 10).await.expect("it answers");
    let end = traces[0].events.last().expect("it was accepted");
    assert_eq!(
        (end.stage, end.reason.as_ref()),
        (Stage::Discarded, Some(&homing_trace::Reason::CHANNEL_DELETED))
    );
}

/// A broadcast that is stored.
fn stored(world: &World, id: &str) -> Builder {
    let mut request = broadcast(world, id);
    request.headers_mut().expect("it is in order").remove("apns-expiration");
    request
}

#[tokio::test]
async fn the_most_recent_message_replaces_the_one_before_and_is_kept_for_eight_hours_at_most() {
    let world = world(DEVELOPMENT).await;
    let mut client = world.client(Credential::None).await;
    let id = create(&world, &mut client, StoragePolicy::MostRecent).await;
    let of = ChannelsOf { topic_no: world.topic_no(APP), environment: DEVELOPMENT };
    let channel = world.store.channel(of, id.parse().expect("we made it")).await.expect("it answers");
    let no = channel.expect("it was made").no;
    let kept = async || world.store.stored_broadcast(no).await.expect("it answers");
    let label = |n: u8| format!("00000000-0000-4000-8000-00000000000{n}");
    let stages = async |n| {
        let traces = world.store.trace(TraceQuery::ApnsId(label(n)), 10).await.expect("it answers");
        traces[0].events.iter().map(|event| event.stage).collect::<Vec<_>>()
    };
    for n in 1..=2 {
        let request = stored(&world, &id).header("apns-request-id", label(n));
        assert_eq!(client.send(request, UPDATE).await.status, 200);
    }
    let once = broadcast(&world, &id).header("apns-request-id", label(3));
    assert_eq!(client.send(once, b"{}").await.status, 200, "for those only who are there");
    let mut past = stored(&world, &id).header("apns-request-id", label(4));
    past.headers_mut().expect("it is in order").insert("apns-expiration", "300".parse().expect("a value"));
    assert_eq!(client.send(past, b"{}").await.status, 200, "of 1970");
    let message = kept().await.expect("the second is kept");
    assert_eq!((&*message.request_id, &message.payload[..]), (label(2).as_str(), UPDATE));
    assert_eq!(stages(1).await, [Stage::Accepted, Stage::Stored, Stage::Replaced]);
    assert_eq!(stages(2).await, [Stage::Accepted, Stage::Stored]);
    assert_eq!(stages(3).await, [Stage::Accepted]);
    assert_eq!(stages(4).await.last(), Some(&Stage::Expired));
    let clock = world.store.clock();
    clock.advance(std::time::Duration::from_secs(8 * 3600 - 60)).expect("kept nowhere");
    assert!(kept().await.is_some());
    clock.advance(std::time::Duration::from_secs(61)).expect("kept nowhere");
    assert!(kept().await.is_none());
    assert_eq!(stages(2).await, [Stage::Accepted, Stage::Stored, Stage::Expired]);
    let mut soon = stored(&world, &id);
    let until = (clock.now().secs() + 60).to_string();
    soon.headers_mut().expect("it is in order").insert("apns-expiration", until.parse().expect("a value"));
    assert_eq!(client.send(soon, UPDATE).await.status, 200);
    clock.advance(std::time::Duration::from_secs(61)).expect("kept nowhere");
    assert!(kept().await.is_none(), "earlier where its expiration says so");
}

#[tokio::test]
async fn an_app_has_ten_thousand_channels_at_most() {
    let world = world(DEVELOPMENT).await;
    let mut client = world.client(Credential::None).await;
    let of = ChannelsOf { topic_no: world.topic_no(APP), environment: DEVELOPMENT };
    world.store.fill_channels(of, 9_999).await.expect("there is room");
    create(&world, &mut client, StoragePolicy::Nothing).await;
    let request = world.channel_request("POST", &channels());
    let answer = client.send(request, &channel::describe(StoragePolicy::Nothing)).await;
    assert_eq!(refused(&answer), expect(400, "CannotCreateChannelConfig"));
    let listed = client.ask(world.channel_request("GET", &channel::path::all_channels(APP))).await;
    let list: serde_json::Value = serde_json::from_slice(&listed.body).expect("it is JSON");
    assert_eq!(list["channels"].as_array().map(Vec::len), Some(10_000));
    let production = ChannelsOf { environment: Environment::Production, ..of };
    world.store.fill_channels(production, 1).await.expect("the other environment has its own");
}

#[tokio::test]
async fn who_broadcasts_more_than_a_channels_budget_hears_too_many_requests() {
    let world = world(DEVELOPMENT).await;
    let mut client = world.client(Credential::None).await;
    let id = create(&world, &mut client, StoragePolicy::MostRecent).await;
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..900 {
        let (request, mut client) = (broadcast(&world, &id), client.clone());
        asked.spawn(async move { client.send(request, b"{}").await });
    }
    let mut accepted = 0;
    let mut too_many = 0;
    while let Some(answer) = asked.join_next().await {
        let answer = answer.expect("it is answered");
        if answer.status == 200 {
            accepted += 1;
        } else {
            assert_eq!(refused(&answer), expect(429, "TooManyRequests"));
            too_many += 1;
        }
    }
    assert!(accepted >= 500 && too_many > 0, "{accepted} accepted, {too_many} too many");
    let other = create(&world, &mut client, StoragePolicy::MostRecent).await;
    assert_eq!(client.send(broadcast(&world, &other), b"{}").await.status, 200, "each has its own");
}

#[tokio::test]
async fn a_broadcast_that_was_begun_is_answered_when_the_port_stops() {
    let world = world(DEVELOPMENT).await;
    let mut client = world.client(Credential::None).await;
    let id = create(&world, &mut client, StoragePolicy::Nothing).await;
    let (answer, mut body) = client.begin(broadcast(&world, &id)).await;
    world.stop();
    tokio::task::yield_now().await;
    body.send_data(bytes::Bytes::from_static(UPDATE), true).expect("the stream is open");
    assert_eq!(answer.await.expect("it is answered").status(), 200);
    client.closed().await;
}

#[tokio::test]
async fn strangers_and_whoever_is_slow_take_nobodys_place() {
    let world = world(DEVELOPMENT).await;
    let mut client = world.client(Credential::None).await;
    let stranger = http::Request::post(format!("https://localhost{}", channels()));
    let (_refused, _refused_body) = client.begin(stranger).await;
    let (_slow, _slow_body) = client.begin(world.channel_request("POST", &channels())).await;
    // What came before it on this connection has been taken.
    create(&world, &mut client, StoragePolicy::Nothing).await;
    assert_eq!(world.port.channel_requests.taken(), 0);
}

#[tokio::test]
async fn where_no_place_is_left_a_refusal_has_the_form_of_all_others() {
    let world = world(DEVELOPMENT).await;
    let mut client = world.client(Credential::None).await;
    let quarter = IN_ALL / 4;
    let _all = ["A", "B", "C", "D"].map(|team| world.port.channel_requests.take(&team.into(), quarter));
    let list = world.channel_request("GET", &channel::path::all_channels(APP));
    let answer = client.ask(list.header("apns-request-id", LABEL)).await;
    assert_eq!(refused(&answer), expect(503, "ServiceUnavailable"));
    assert_eq!((answer.header("apns-request-id"), answer.header("apns-id")), (Some(LABEL), None));
    let stranger = http::Request::get(format!("https://localhost{}", channel::path::all_channels(APP)));
    assert_eq!(refused(&client.ask(stranger).await), expect(403, "MissingProviderToken"));
}

#[tokio::test]
async fn a_broadcast_that_never_comes_to_its_end_is_refused_with_shutdown_when_the_port_stops() {
    let world = world(DEVELOPMENT).await;
    let mut client = world.client(Credential::None).await;
    let id = create(&world, &mut client, StoragePolicy::Nothing).await;
    let (answer, _body) = client.begin(broadcast(&world, &id)).await;
    world.stop();
    let answer = tokio::time::timeout(std::time::Duration::from_secs(20), super::world::read(answer)).await;
    assert_eq!(refused(&answer.expect("it is answered")), expect(503, "Shutdown"));
    client.closed().await;
}
