//! What is stored, for how long, what is delivered when, and what a notification comes to: row by row, as Apple's pages
//! say it where they do (*Sending notification requests to APNs*, *Viewing the status of push notifications using Metrics
//! and APNs*), else as `docs/decisions/0013-delivery.md` decides.

use std::time::Duration;

use homing_apns::{DeliveryOptions, Expiration, Priority, PushType, Reason, Topic};
use homing_apns_client::SendError;
use homing_link::{RegistrationName, Version};
use homing_testkit::device::{Connection, TestDevice};
use homing_trace::{Environment, Stage};

use crate::acknowledge;
use crate::house::{BUNDLE, House, NEWS, alert, leave};

const SECOND: Duration = Duration::from_secs(1);
/// More than a row takes in real time.
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Device {
    Away,
    Here,
    SavesPower,
}
use Device::{Away, Here, SavesPower};

#[derive(Clone, Copy, Debug)]
enum Expires {
    Unsaid,
    /// `apns-expiration: 0`
    Never,
    In(Duration),
    /// In 1970.
    LongAgo,
}
use Expires::{In, LongAgo, Never, Unsaid};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// To the device as it is.
    AtOnce,
    /// When it is back, or saves power no more.
    Later,
    Expired,
    Discarded(&'static str),
}
use Fate::{AtOnce, Discarded, Expired, Later};

/// The rule, how the device is, `apns-expiration`, `apns-priority`, how long the device stays as it is, and what becomes
/// of the notification.
type Row = (&'static str, Device, Expires, Priority, Duration, Fate);

const ROWS: [Row; 22] = [
    ("delivered at once", Here, Unsaid, Priority::Ten, SECOND, AtOnce),
    ("delivered at once, its expiration to come", Here, In(DAY), Priority::Ten, SECOND, AtOnce),
    ("one attempt that succeeds", Here, Never, Priority::Ten, SECOND, AtOnce),
    ("an expiration in the past: accepted, never delivered", Here, LongAgo, Priority::Ten, SECOND, Expired),
    ("priority 5 at once when no power is saved", Here, Unsaid, Priority::Five, SECOND, AtOnce),
    ("priority 1 at once when no power is saved", Here, Unsaid, Priority::One, SECOND, AtOnce),
    ("stored while the device is away", Away, Unsaid, Priority::Ten, SECOND, Later),
    ("stored whatever its priority", Away, Unsaid, Priority::One, SECOND, Later),
    (
        "stored for almost 30 days",
        Away,
        Unsaid,
        Priority::Ten,
        DAY.saturating_mul(30).saturating_sub(MINUTE),
        Later,
    ),
    ("stored for 30 days at most by default", Away, Unsaid, Priority::Ten, DAY.saturating_mul(30), Expired),
    ("stored until it expires", Away, In(DAY), Priority::Ten, DAY.saturating_sub(MINUTE), Later),
    ("expired in the store", Away, In(DAY), Priority::Ten, DAY, Expired),
    (
        "30 days even when it says more",
        Away,
        In(DAY.saturating_mul(365)),
        Priority::Ten,
        DAY.saturating_mul(30),
        Expired,
    ),
    ("expired when it was sent", Away, LongAgo, Priority::Ten, SECOND, Expired),
    ("one attempt that fails", Away, Never, Priority::Ten, SECOND, Discarded("device-away")),
    ("priority 10 at once though power is saved", SavesPower, Unsaid, Priority::Ten, SECOND, AtOnce),
    ("one attempt of priority 10 though power is saved", SavesPower, Never, Priority::Ten, SECOND, AtOnce),
    ("priority 5 stored while power is saved", SavesPower, Unsaid, Priority::Five, DAY, Later),
    ("priority 1 stored while power is saved", SavesPower, Unsaid, Priority::One, DAY, Later),
    ("expired while power was saved", SavesPower, In(DAY), Priority::Five, DAY, Expired),
    ("30 days also while power is saved", SavesPower, Unsaid, Priority::One, DAY.saturating_mul(30), Expired),
    (
        "one attempt that costs too much power",
        SavesPower,
        Never,
        Priority::Five,
        SECOND,
        Discarded("low-power"),
    ),
];

async fn registered(house: &House) -> (TestDevice, Connection, String) {
    let device = house.enrol().await;
    let mut connection = device.connect(Version::V5).await.expect("enrolled");
    let token = connection.subscribe(&NEWS).await.expect("its own app");
    (device, connection, token)
}

/// Takes everything there is up to the notification with this label, and says which.
async fn taken_until(connection: &mut Connection, last: &str) -> Vec<String> {
    let mut taken = Vec::new();
    while taken.last().is_none_or(|label: &String| label != last) {
        let notification = connection.next_notification().await.expect("delivered");
        acknowledge(connection, notification.packet_id).await;
        taken.push(notification.apns_id);
    }
    taken
}

fn expiration(house: &House, expires: Expires) -> Expiration {
    let now = house.clock.now().secs();
    match expires {
        Unsaid => Expiration::Default,
        Never => Expiration::Once,
        In(time) => Expiration::At(now + i64::try_from(time.as_secs()).expect("a year at most")),
        LongAgo => Expiration::At(1),
    }
}

async fn play(house: &House, (_, how, expires, priority, time, _): Row) -> Fate {
    let (device, mut connection, token) = registered(house).await;
    if how == SavesPower {
        connection.saves_power(true).await.expect("taken");
    }
    let connection = if how == Away {
        leave(connection).await;
        None
    } else {
        Some(connection)
    };
    let options =
        DeliveryOptions { expiration: expiration(house, expires), priority: Some(priority), ..alert() };
    let sent = house.send_with(&token, options, "{}").await.expect("accepted");
    let mut at_once = false;
    let mut connection = if let Some(mut connection) = connection {
        // Whatever went out went before this one, which is urgent.
        let marker = house.send(&token, Expiration::Once, "{}").await.expect("accepted");
        at_once = taken_until(&mut connection, &marker).await.contains(&sent);
        house.clock.advance(time).expect("kept nowhere");
        connection.saves_power(false).await.expect("taken");
        connection
    } else {
        house.clock.advance(time).expect("kept nowhere");
        let mut connection = device.connect(Version::V5).await.expect("enrolled");
        assert_eq!(connection.subscribe(&NEWS).await.expect("registered before"), token);
        connection
    };
    let marker = house.send(&token, Expiration::Once, "{}").await.expect("accepted");
    let later = taken_until(&mut connection, &marker).await.contains(&sent);
    match house.end(&sent).await {
        (Stage::Acknowledged, None) if at_once => AtOnce,
        (Stage::Acknowledged, None) if later => Later,
        (Stage::Expired, None) => Expired,
        (Stage::Discarded, Some(why)) if why == "device-away" => Discarded("device-away"),
        (Stage::Discarded, Some(why)) if why == "low-power" => Discarded("low-power"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_notification_comes_to_what_the_table_says() {
    let house = House::start(2).await;
    for row in ROWS {
        assert_eq!(play(&house, row).await, row.5, "{}", row.0);
    }
    house.stop().await;
}

/// The rule, how the device is, `apns-expiration` of two of priority 5 for one registration, and the stages of each.
type Pair = (&'static str, Device, [Expires; 2], [&'static [Stage]; 2]);

const DELIVERED: &[Stage] = &[Stage::Accepted, Stage::Stored, Stage::Sent, Stage::Acknowledged];
const HELD: &[Stage] = &[Stage::Accepted, Stage::Stored, Stage::Stored, Stage::Sent, Stage::Acknowledged];
const PUSHED_OUT: &[Stage] = &[Stage::Accepted, Stage::Stored, Stage::Replaced];
const OVER: &[Stage] = &[Stage::Accepted, Stage::Expired];
const IN_VAIN: &[Stage] = &[Stage::Accepted, Stage::Discarded];

const PAIRS: [Pair; 6] = [
    ("one is stored", Away, [Unsaid, Unsaid], [PUSHED_OUT, DELIVERED]),
    ("what has expired when it comes replaces nothing", Away, [Unsaid, LongAgo], [DELIVERED, OVER]),
    ("and is replaced by nothing", Away, [LongAgo, Unsaid], [OVER, DELIVERED]),
    ("what is tried once replaces nothing", Away, [Unsaid, Never], [DELIVERED, IN_VAIN]),
    ("the same while power is saved", SavesPower, [Unsaid, LongAgo], [HELD, OVER]),
    ("and when the device is here", Here, [Unsaid, LongAgo], [DELIVERED, OVER]),
];

#[tokio::test]
async fn of_two_for_one_registration_becomes_what_the_table_says() {
    let house = House::start(2).await;
    for (rule, how, expires, stages) in PAIRS {
        let (device, mut connection, token) = registered(&house).await;
        connection.saves_power(how == SavesPower).await.expect("taken");
        let away = if how == Away {
            leave(connection).await;
            None
        } else {
            Some(connection)
        };
        let mut sent = Vec::new();
        for expires in expires {
            let options = DeliveryOptions {
                expiration: expiration(&house, expires),
                priority: Some(Priority::Five),
                ..alert()
            };
            sent.push(house.send_with(&token, options, "{}").await.expect("accepted"));
        }
        let mut connection = match away {
            Some(connection) => connection,
            None => {
                let mut connection = device.connect(Version::V5).await.expect("enrolled");
                connection.subscribe(&NEWS).await.expect("registered before");
                connection
            }
        };
        connection.saves_power(false).await.expect("taken");
        let marker = house.send(&token, Expiration::Once, "{}").await.expect("accepted");
        taken_until(&mut connection, &marker).await;
        for (sent, stages) in sent.iter().zip(stages) {
            assert_eq!(house.stages(sent).await, stages, "{rule}");
        }
    }
    house.stop().await;
}

#[tokio::test]
async fn the_trace_says_that_low_power_held_it() {
    let house = House::start(2).await;
    let (_, mut connection, token) = registered(&house).await;
    connection.saves_power(true).await.expect("taken");
    let options = DeliveryOptions { priority: Some(Priority::Five), ..alert() };
    let older = house.send_with(&token, options.clone(), "{}").await.expect("accepted");
    let payload = r#"{"aps":{"alert":"Later"}}"#;
    let newer = house.send_with(&token, options, payload).await.expect("accepted");
    let urgent = house.send(&token, Expiration::Default, "{}").await.expect("accepted");
    assert_eq!(taken_until(&mut connection, &urgent).await, [urgent.as_str()]);
    assert_eq!(house.end(&newer).await, (Stage::Stored, Some("low-power".to_owned())));
    connection.saves_power(false).await.expect("taken");
    let released = connection.next_notification().await.expect("released");
    assert_eq!((&released.apns_id, released.priority), (&newer, Some(5)));
    assert_eq!(released.payload, payload.as_bytes());
    acknowledge(&mut connection, released.packet_id).await;
    let stages = [Stage::Accepted, Stage::Stored, Stage::Stored, Stage::Sent, Stage::Acknowledged];
    assert_eq!(house.stages(&newer).await, stages);
    assert_eq!(house.end(&older).await, (Stage::Replaced, None));
    house.stop().await;
}

#[tokio::test]
async fn what_is_held_for_low_power_outlives_the_push_service() {
    let house = House::start(2).await;
    let (device, mut connection, token) = registered(&house).await;
    connection.saves_power(true).await.expect("taken");
    let options = DeliveryOptions { priority: Some(Priority::One), ..alert() };
    let held = house.send_with(&token, options, "{}").await.expect("accepted");
    drop(connection);
    let house = house.restart().await;
    let mut connection = device.at(&house.link).connect(Version::V5).await.expect("enrolled");
    // Said before it subscribes, so that what is stored stays stored.
    connection.saves_power(true).await.expect("taken");
    connection.subscribe(&NEWS).await.expect("registered before");
    let urgent = house.send(&token, Expiration::Once, "{}").await.expect("accepted");
    assert_eq!(taken_until(&mut connection, &urgent).await, [urgent]);
    leave(connection).await;
    let mut connection = device.at(&house.link).connect(Version::V5).await.expect("enrolled");
    connection.subscribe(&NEWS).await.expect("registered before");
    assert_eq!(taken_until(&mut connection, &held).await, [held]);
    house.stop().await;
}

#[tokio::test]
async fn one_is_stored_for_each_registration_whatever_its_collapse_id() {
    let house = House::start(2).await;
    let (device, mut connection, token) = registered(&house).await;
    let voip = format!("{BUNDLE}.voip");
    let calls = RegistrationName { environment: Environment::Development, topic: &voip, instance: None };
    let call_token = connection.subscribe(&calls).await.expect("its own app");
    assert_ne!(call_token, token);
    leave(connection).await;
    let collapse = |id: &str| DeliveryOptions { collapse_id: id.parse().ok(), ..alert() };
    let first = house.send_with(&token, collapse("score-1"), "{}").await.expect("accepted");
    let second = house.send_with(&token, collapse("score-2"), "{}").await.expect("accepted");
    let topic = Topic::parse(voip.as_bytes()).ok();
    let call = DeliveryOptions { topic, push_type: Some(PushType::Voip), ..DeliveryOptions::default() };
    let ringing = house.send_with(&call_token, call, "{}").await.expect("accepted");
    let mut connection = device.connect(Version::V5).await.expect("enrolled");
    for name in [&NEWS, &calls] {
        connection.subscribe(name).await.expect("registered before");
    }
    let mut arrived = Vec::new();
    for _ in 0..2 {
        let notification = connection.next_notification().await.expect("stored");
        acknowledge(&mut connection, notification.packet_id).await;
        arrived.push((notification.apns_id, notification.collapse_id));
    }
    arrived.sort();
    let mut expected = [(second, Some("score-2".to_owned())), (ringing, None)];
    expected.sort();
    assert_eq!(arrived, expected);
    assert_eq!(house.end(&first).await, (Stage::Replaced, None));
    house.stop().await;
}

#[tokio::test]
async fn the_same_collapse_id_is_the_devices_affair_while_it_is_here() {
    let house = House::start(2).await;
    let (_, mut connection, token) = registered(&house).await;
    let options = DeliveryOptions { collapse_id: "score".parse().ok(), ..alert() };
    for n in 0..3 {
        house.send_with(&token, options.clone(), &format!("{{\"n\":{n}}}")).await.expect("accepted");
    }
    for n in 0..3 {
        let notification = connection.next_notification().await.expect("each is delivered");
        assert_eq!(notification.payload, format!("{{\"n\":{n}}}").into_bytes());
        assert_eq!(notification.collapse_id.as_deref(), Some("score"));
    }
    house.stop().await;
}

#[tokio::test]
async fn each_live_activity_is_a_registration_of_its_own() {
    let house = House::start(2).await;
    let (_, mut connection, _) = registered(&house).await;
    let topic = format!("{BUNDLE}.push-type.liveactivity");
    let name = |instance| RegistrationName { environment: Environment::Development, topic: &topic, instance };
    let mut tokens = Vec::new();
    for instance in [None, Some("trip-7"), Some("trip-8")] {
        tokens.push(connection.subscribe(&name(instance)).await.expect("its own app"));
    }
    let options = DeliveryOptions {
        topic: Topic::parse(topic.as_bytes()).ok(),
        push_type: Some(PushType::LiveActivity),
        ..DeliveryOptions::default()
    };
    for (token, instance) in tokens.iter().zip([None, Some("trip-7"), Some("trip-8")]) {
        house.send_with(token, options.clone(), "{}").await.expect("accepted");
        let notification = connection.next_notification().await.expect("delivered");
        assert_eq!(notification.registration, name(instance).to_string());
    }
    connection.unsubscribe(&name(Some("trip-7"))).await.expect("its own registration");
    let answer = house.send_with(&tokens[1], options.clone(), "{}").await;
    assert_eq!(refusal(answer), (410, Reason::Unregistered));
    for token in [&tokens[0], &tokens[2]] {
        house.send_with(token, options.clone(), "{}").await.expect("the others live");
    }
    // Under the same name again, another token.
    let again = connection.subscribe(&name(Some("trip-7"))).await.expect("its own app");
    assert!(!tokens.contains(&again));
    house.stop().await;
}

fn refusal(answer: Result<String, SendError>) -> (u16, Reason) {
    let Err(SendError::Refused { status, refusal, .. }) = answer else { panic!("{answer:?}") };
    (status, refusal.reason)
}

#[tokio::test]
async fn a_token_lives_until_its_registration_ends_and_410_comes_at_once() {
    let house = House::start(2).await;
    let (device, mut connection, token) = registered(&house).await;
    let another = registered(&house).await.2;
    assert_ne!(token, another, "unique for each app and device");
    leave(connection).await;
    house.send(&token, Expiration::Default, "{}").await.expect("away isn't unregistered");
    connection = device.connect(Version::V5).await.expect("enrolled");
    connection.unsubscribe(&NEWS).await.expect("its own registration");
    let answer = house.send(&token, Expiration::Default, "{}").await;
    assert_eq!(refusal(answer), (410, Reason::Unregistered), "without the fuzzy delay of Apple's");
    let reinstalled = connection.subscribe(&NEWS).await.expect("its own app");
    let answer = house.send(&token, Expiration::Default, "{}").await;
    assert_eq!(refusal(answer), (410, Reason::Unregistered), "the old one stays so");
    house.send(&reinstalled, Expiration::Default, "{}").await.expect("the new one lives");
    house.stop().await;
}
