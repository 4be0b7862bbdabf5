//! What was answered about channels and broadcasts outlives a process that is killed at once.

use homing_apns::{ChannelId, StoragePolicy};

use super::*;

#[tokio::test]
async fn a_channel_and_its_message_are_in_the_files_when_they_are_answered() {
    let (dir, copy) = (dir(), dir());
    let bench = Bench::open(dir.path());
    let of = ChannelsOf { topic_no: 1, environment: Environment::Development };
    let id = ChannelId::from_bytes(b"a channel");
    let made = bench.store.create_channel(of, id.clone(), StoragePolicy::MostRecent).await;
    assert!(made.expect("it is made"));
    let new = NewBroadcast {
        of,
        id: id.clone(),
        request_id: "9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10".into(),
        priority: Priority::Ten,
        expiration: Expiration::Default,
        accepted_at: bench.clock.now(),
        payload: Bytes::from_static(b"{}"),
        injected: None,
    };
    let accepted = bench.store.broadcast(new).await.expect("it is written");
    let Broadcasted::Accepted { seq, .. } = accepted else { panic!("{accepted:?}") };
    // What stands in the files at this moment is what `kill -9` leaves.
    for entry in std::fs::read_dir(dir.path()).expect("it is there") {
        let path = entry.expect("it is listed").path();
        let name = path.file_name().expect("it has a name");
        if !name.to_string_lossy().ends_with(".lock") {
            std::fs::copy(&path, copy.path().join(name)).expect("it is copied");
        }
    }
    let after = Bench::open(copy.path());
    let channel = after.store.channel(of, id.clone()).await.expect("it is read").expect("it is there");
    assert_eq!(channel.policy, StoragePolicy::MostRecent);
    let kept = after.store.stored_broadcast(channel.no).await.expect("it is read").expect("it is there");
    assert_eq!((kept.seq, &kept.payload[..]), (seq, &b"{}"[..]));
    assert_eq!(after.stages_of(&kept.request_id).await, [Stage::Accepted, Stage::Stored]);
}
