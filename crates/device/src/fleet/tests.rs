//! Names, and changes whose asker goes away. What a change does is told in the crate's own tests.

use std::time::Duration;

use super::*;
use crate::launcher::{Launch, RunningApp};

#[test]
fn a_name_that_could_leave_the_directory_is_refused() {
    for wrong in ["", ".", "../x", "a/b", "a b", ".hidden", "ä", &"a".repeat(65)] {
        assert!(!is_name(wrong), "{wrong:?}");
    }
    for good in ["iphone-development", "Ann_2.1", &"a".repeat(64)] {
        assert!(is_name(good), "{good:?}");
    }
}

/// Of devices without apps.
#[derive(Debug)]
struct NoApps;

impl AppLauncher for NoApps {
    fn launch(&self, launch: Launch) -> RunningApp {
        panic!("no app is installed, and {} is launched", launch.manifest.bundle_id)
    }
}

/// Without a push service.
fn fleet(data_dir: &Path) -> Arc<Fleet> {
    let root = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let fleet = Fleet::new(Workshop {
        data_dir: data_dir.to_owned(),
        clock: Clock::default(),
        dialler: Dialler::new("localhost", 1, root.cert.pem().as_bytes()).expect("a root"),
        enrolment_key: "key".to_owned(),
        launcher: Arc::new(NoApps),
        socket: data_dir.join("apps.sock"),
    });
    Arc::new(fleet.expect("a folder of its own"))
}

/// Begins it, and goes away as a client that hangs up does.
async fn hang_up(asked: impl Future) {
    let waited = tokio::time::timeout(Duration::ZERO, asked).await;
    assert!(waited.is_err(), "it was done at once");
}

async fn until(happenings: &mut broadcast::Receiver<Arc<Told>>, kind: Kind) {
    let seen = async { while happenings.recv().await.expect("the fleet lives").kind != kind {} };
    tokio::time::timeout(Duration::from_secs(30), seen).await.expect("it is done to its end");
}

#[tokio::test]
async fn a_device_is_added_and_erased_whole_though_nobody_waits_for_it() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let fleet = fleet(dir.path());
    let mut happenings = fleet.record().watch(None).coming;
    hang_up(fleet.add("ann", Vec::new())).await;
    until(&mut happenings, Kind::Added).await;
    assert!(fleet.named("ann").is_some() && fleet.path("ann").exists());

    hang_up(fleet.erase("ann")).await;
    until(&mut happenings, Kind::Erased).await;
    assert!(fleet.named("ann").is_none() && !fleet.path("ann").exists());
    fleet.add("ann", Vec::new()).await.expect("its name is free");
    fleet.stop().await;
    let late = fleet.erase("ann").await;
    assert!(matches!(late, Err(ChangeError::Stopping)), "{late:?}");
}

#[tokio::test]
async fn a_backup_that_cannot_be_read_leaves_the_device_as_it_is() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let fleet = fleet(dir.path());
    fleet.add("ann", Vec::new()).await.expect("its name is free");
    let backup = fleet.back_up("ann").await.expect("there is room").backup;
    let path = dir.path().join("backups").join(&backup).join("backup.json");
    let json = std::fs::read(&path).expect("it is there");
    let mut json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    json["center"]["version"] = 0.into();
    std::fs::write(&path, json.to_string()).expect("it can be written");

    let before = fleet.named("ann").expect("it is there");
    let refused = fleet.restore("ann", backup).await;
    assert!(matches!(refused, Err(ChangeError::Backup(_))), "{refused:?}");
    let after = fleet.named("ann").expect("it is still there");
    assert!(Arc::ptr_eq(&before, &after) && fleet.path("ann").exists());
    fleet.stop().await;
}
