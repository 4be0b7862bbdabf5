//! What a client hears when the push service stops: the last notification that was taken, so that it knows what to resend.

use homing_apns::legacy::Command;
use homing_trace::Stage;

use crate::house::{BUNDLE, House, frame, named, packet};

#[tokio::test]
async fn at_a_stop_the_last_good_identifier_is_said() {
    let house = House::start().await;
    let token = house.register(BUNDLE).await;
    let (mut sender, silent, mut simple) =
        (house.connect().await, house.connect().await, house.connect().await);
    let mut amid = house.connect().await;
    sender.send(&[named([0, 0, 0, 1], &token), named([0, 0, 0, 2], &token)].concat()).await;
    amid.send(&named([0, 0, 0, 3], &token)).await;
    amid.send(&named([0, 0, 0, 4], &token)[..40]).await;
    simple.send(&frame(Command::Simple, &token)).await;
    house.wait_for(&token, Stage::Accepted, 4).await;
    let stopping = tokio::spawn(house.stop());
    assert_eq!(sender.hears().await, packet(10, [0, 0, 0, 2]));
    assert_eq!(amid.hears().await, packet(10, [0, 0, 0, 3]), "half a notification isn't sent");
    assert!(simple.hears().await.is_empty(), "who only speaks command 0 is told nothing");
    assert!(silent.hears().await.is_empty(), "nor who has said nothing");
    stopping.await.expect("it stops");
}

#[tokio::test]
async fn what_had_arrived_when_it_stopped_is_still_taken() {
    let house = House::start().await;
    let token = house.register(BUNDLE).await;
    let mut client = house.connect().await;
    client.send(&[named([0, 0, 0, 7], &token).repeat(300), named([0, 0, 0, 8], &token)].concat()).await;
    let stopping = tokio::spawn(house.stop());
    assert_eq!(client.hears().await, packet(10, [0, 0, 0, 8]));
    stopping.await.expect("it stops");
}
