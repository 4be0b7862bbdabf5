//! What one team can't keep from another: room for broadcasts on their way, and for lists of channels.

use std::time::Duration;

use homing_apns::{StoragePolicy, channel};
use homing_trace::Environment;
use http::request::Builder;

use super::channels::refused;
use super::world::{APP, Credential, OTHER_APP, OTHER_KEY_ID, OTHER_TEAM, World, real_seconds};
use crate::broadcast::{BUDGET, cost};
use crate::provider_port::ProviderRules;
use crate::provider_port::channels::LISTS;
use crate::provider_port::connection::BODY_KEPT;
use crate::store::ChannelsOf;

const DEVELOPMENT: Environment = Environment::Development;

/// Both teams may broadcast.
async fn world(rules: ProviderRules) -> World {
    let world = World::start_with(DEVELOPMENT, rules).await;
    for app in [APP, OTHER_APP] {
        world.centre.set_broadcast(app, true).await.expect("the app is there");
    }
    world
}

/// The other team's provider token.
fn token(world: &World) -> String {
    world.other_key.sign(OTHER_KEY_ID, OTHER_TEAM, real_seconds())
}

/// A request of the other team.
fn other(jwt: &str, method: &str, path: &str) -> Builder {
    let uri = format!("https://localhost{path}");
    http::Request::builder().method(method).uri(uri).header("authorization", format!("bearer {jwt}"))
}

/// The largest payload.
fn large() -> String {
    let frame = r#"{"a":""}"#;
    format!(r#"{{"a":"{}"}}"#, "x".repeat(BODY_KEPT - frame.len()))
}

fn broadcast(request: Builder, id: &str) -> Builder {
    request.header("apns-channel-id", id).header("apns-push-type", "liveactivity")
}

#[tokio::test]
async fn a_team_whose_broadcasts_pile_up_keeps_another_from_nothing() {
    // Nothing gives them out here, as where all its devices are slow.
    let world = world(ProviderRules::default()).await;
    let (mut hostile, mut client) =
        (world.client(Credential::None).await, world.client(Credential::None).await);
    let jwt = token(&world);
    let mut taken = 0;
    let refusal = 'filling: loop {
        let make = other(&jwt, "POST", &channel::path::channels(OTHER_APP));
        let made = hostile.send(make, &channel::describe(StoragePolicy::Nothing)).await;
        let id = made.header("apns-channel-id").expect("it is made").to_owned();
        for _ in 0..900 {
            let request = broadcast(other(&jwt, "POST", &channel::path::broadcast(OTHER_APP)), &id);
            let answer = hostile.send(request, large().as_bytes()).await;
            if answer.status != 200 {
                break 'filling answer;
            }
            taken += 1;
        }
    };
    assert_eq!(refused(&refusal), (429, "TooManyRequests".to_owned()));
    assert_eq!(taken, BUDGET * 3 / 4 / cost(BODY_KEPT), "all but the last quarter");
    let id = super::channels::create(&world, &mut client, StoragePolicy::Nothing).await;
    let request = broadcast(world.channel_request("POST", &channel::path::broadcast(APP)), &id);
    assert_eq!(client.send(request, large().as_bytes()).await.status, 200);
}

#[tokio::test]
async fn a_team_that_reads_no_lists_keeps_none_from_another_and_its_places_for_a_while_only() {
    let world = world(ProviderRules { body: Duration::from_secs(10), ..ProviderRules::default() }).await;
    for app in [APP, OTHER_APP] {
        let of = ChannelsOf { topic_no: world.topic_no(app), environment: DEVELOPMENT };
        world.store.fill_channels(of, 10_000).await.expect("there is room");
    }
    let (mut hostile, mut client) =
        (world.client(Credential::None).await, world.client(Credential::None).await);
    let jwt = token(&world);
    let list = || other(&jwt, "GET", &channel::path::all_channels(OTHER_APP));
    let mut again = world.client(Credential::None).await;
    let mut unread = Vec::new();
    for _ in 0..LISTS * 3 / 4 {
        // Its head has come, its body doesn't fit into the connection's window.
        unread.push(hostile.get(list()).await.await.expect("it is answered"));
    }
    assert_eq!(refused(&again.ask(list()).await), (429, "TooManyRequests".to_owned()));
    let listed = client.ask(world.channel_request("GET", &channel::path::all_channels(APP))).await;
    assert_eq!((listed.status, listed.body.len() > 65_535), (200, true));
    let given_up = unread.swap_remove(LISTS * 3 / 4 - 1).into_body();
    let ended = async {
        let mut body = given_up;
        while let Some(chunk) = body.data().await {
            chunk?;
        }
        Ok::<_, h2::Error>(())
    };
    let ended = tokio::time::timeout(Duration::from_secs(30), ended).await.expect("there is a deadline");
    assert!(ended.is_err(), "it is reset, as it isn't whole");
    assert_eq!(again.ask(list()).await.status, 200);
}
