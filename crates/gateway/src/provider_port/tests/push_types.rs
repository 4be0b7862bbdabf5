//! Apple's push types row by row (*Sending notification requests to APNs*): their topics, priorities and limits, with a key and
//! with a certificate.

use homing_apns::PushType;
use homing_trace::Environment;
use http::request::Builder;

use super::world::{APP, Client, Credential, KEY_ID, TEAM, World, real_seconds};

const PRODUCTION: Environment = Environment::Production;
const MDM: &str = "com.apple.mgmt.External.0b2f6f0a";

/// What Apple says of one push type.
struct Row {
    push_type: PushType,
    word: &'static str,
    topic: String,
    /// What 10, 5 and 1 are answered.
    priorities: [&'static str; 3],
    most: usize,
    by_key: bool,
    by_certificate: bool,
}

/// The page's table. A push type without a row doesn't compile.
fn row(push_type: PushType) -> Row {
    const ANY: [&str; 3] = ["200", "200", "200"];
    const NOT_TEN: [&str; 3] = ["BadPriority", "200", "200"];
    let (word, suffix, priorities, most, by_key, by_certificate) = match push_type {
        PushType::Alert => ("alert", "", ANY, 4096, true, true),
        PushType::Background => ("background", "", NOT_TEN, 4096, true, true),
        PushType::Complication => ("complication", ".complication", ANY, 4096, true, true),
        PushType::Controls => ("controls", ".push-type.controls", ANY, 4096, true, false),
        PushType::FileProvider => ("fileprovider", ".pushkit.fileprovider", ANY, 4096, true, true),
        PushType::LiveActivity => ("liveactivity", ".push-type.liveactivity", ANY, 4096, true, false),
        PushType::Location => ("location", ".location-query", ANY, 4096, true, false),
        PushType::Mdm => ("mdm", "", ANY, 4096, false, true),
        PushType::PushToTalk => ("pushtotalk", ".voip-ptt", ANY, 4096, true, false),
        PushType::Voip => ("voip", ".voip", ANY, 5120, true, true),
        PushType::Widgets => ("widgets", ".push-type.widgets", ANY, 4096, true, false),
    };
    let base = if push_type == PushType::Mdm { MDM } else { APP };
    Row { push_type, word, topic: format!("{base}{suffix}"), priorities, most, by_key, by_certificate }
}

/// 200, or the refusal's reason.
async fn outcome(client: &mut Client, request: Builder, len: usize) -> String {
    let mut body = br#"{"aps":{}}"#.to_vec();
    body.resize(len.max(body.len()), b' ');
    let answer = client.send(request, &body).await;
    if answer.status == 200 { "200".to_owned() } else { answer.reason().1 }
}

/// Sends with every priority and at the limit, by `bare` requests of this credential.
async fn check(client: &mut Client, row: &Row, is_offered: bool, bare: impl Fn() -> Builder) {
    let request = || bare().header("apns-push-type", row.word).header("apns-topic", &row.topic);
    let expected = |offered: &'static str| if is_offered { offered } else { "Forbidden" };
    for (priority, answer) in ["10", "5", "1"].into_iter().zip(row.priorities) {
        let found = outcome(client, request().header("apns-priority", priority), 0).await;
        assert_eq!(found, expected(answer), "{} at {priority}", row.word);
    }
    assert_eq!(outcome(client, request(), 0).await, expected("200"), "{} at its default", row.word);
    assert_eq!(outcome(client, request(), row.most).await, expected("200"), "{} of {}", row.word, row.most);
    let beyond = outcome(client, request(), row.most + 1).await;
    assert_eq!(beyond, expected("PayloadTooLarge"), "{} beyond {}", row.word, row.most);
    // Without the header the topic tells what is meant.
    let silent = || bare().header("apns-topic", &row.topic);
    assert_eq!(outcome(client, silent(), 0).await, expected("200"), "{} without the header", row.word);
}

#[tokio::test]
async fn every_push_type_has_its_topic_priorities_limit_and_credentials() {
    let world = World::start(PRODUCTION).await;
    world.centre.create_app(TEAM, MDM).await.expect("it is made");
    let bearer = format!("bearer {}", world.key.sign(KEY_ID, TEAM, real_seconds()));
    for push_type in PushType::ALL {
        let row = row(push_type);
        assert_eq!((row.word, row.most), (row.push_type.as_str(), row.push_type.max_payload_len()));
        let token = world.register(PRODUCTION, &row.topic).await;
        let mut client = world.client(Credential::None).await;
        let by_key = || world.bare_request(&token).header("authorization", &bearer);
        check(&mut client, &row, row.by_key, by_key).await;
        let certificate = world.certificate(&row.topic, &[PRODUCTION]).await;
        let mut client = world.client(Credential::Certificate(&certificate)).await;
        check(&mut client, &row, row.by_certificate, || world.bare_request(&token)).await;
    }
}

#[tokio::test]
async fn a_push_type_goes_to_no_other_types_topic() {
    let world = World::start(PRODUCTION).await;
    world.centre.create_app(TEAM, MDM).await.expect("it is made");
    let mut client = world.client(Credential::None).await;
    for ours in PushType::ALL {
        for theirs in PushType::ALL {
            let (ours, theirs) = (row(ours), row(theirs));
            if ours.topic == theirs.topic {
                continue;
            }
            let request = world.request("00").header("apns-push-type", ours.word);
            let mut request = request;
            let headers = request.headers_mut().expect("it is a request");
            headers.insert("apns-topic", theirs.topic.parse().expect("it is a value"));
            let expected = if theirs.topic == APP { "BadTopic" } else { "InvalidPushType" };
            let found = outcome(&mut client, request, 0).await;
            assert_eq!(found, expected, "{} to {}", ours.word, theirs.topic);
        }
    }
}
