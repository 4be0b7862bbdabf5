//! Fleets against a push service that is a process of its own: what their profile says is what the numbers say.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that isn't as it should be")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use homing_apns::Priority;
use homing_clock::Clock;
use homing_device::{Crowd, CrowdConfig, Farewell, FleetCounts, Profile};
use homing_testkit::Expiration;
use homing_testkit::api::Api;
use homing_testkit::endpoints::Endpoints;
use homing_testkit::ports::free_block;
use homing_testkit::process::{Device, Homing};
use homing_testkit::provider::{Answered, TestProvider, new_apns_id};
use homing_trace::{Environment, Stage, UnixMillis};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::task::JoinSet;

const BINARY: &str = env!("CARGO_BIN_EXE_homing");
/// Generous: the machine may be busy with other tests.
const DEADLINE: Duration = Duration::from_secs(90);
const HOUR: Duration = Duration::from_secs(3_600);
/// Requests of the sender that are under way at once.
const AT_ONCE: usize = 16;

/// A push service, and a fleet on it with a clock of its own.
struct World {
    dir: tempfile::TempDir,
    gateway: Homing,
    clock: Clock,
}

impl World {
    async fn new(salt: u16) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (data, ports) = (dir.path().join("data"), free_block(salt).unwrap());
        let gateway = Homing::gateway(Path::new(BINARY), &data, ports).await.unwrap();
        Self { gateway, clock: Clock::default(), dir }
    }

    fn endpoints(&self) -> &Endpoints {
        self.gateway.endpoints()
    }

    fn start(&self, devices: u64, profile: &str) -> Crowd {
        Crowd::start(self.config(devices, profile, self.endpoints().enrolment_key.as_ref().unwrap())).unwrap()
    }

    fn config(&self, devices: u64, profile: &str, key: &str) -> CrowdConfig {
        let path = self.dir.path().join("profile.toml");
        std::fs::write(&path, profile).unwrap();
        let demo = homing_app::demo::manifest("development").unwrap();
        let link = &self.endpoints().device_link;
        CrowdConfig {
            devices,
            profile: Profile::read(&path, &demo).unwrap(),
            clock: self.clock.clone(),
            link: (link.host.clone(), link.port),
            ca_pem: std::fs::read(&self.endpoints().ca_pem).unwrap(),
            enrolment_key: key.to_owned(),
            identities: None,
            tokens: Some(self.dir.path().join("tokens.tsv")),
        }
    }

    fn tokens(&self) -> Vec<String> {
        tokens(&self.dir.path().join("tokens.tsv"))
    }

    /// Sends one notification to each token; all are accepted.
    async fn send_to_all(&self, priority: Priority) {
        let provider = TestProvider::connect(self.endpoints(), Environment::Development).await.unwrap();
        let provider = Arc::new(provider);
        let mut sending = JoinSet::new();
        for token in self.tokens() {
            if sending.len() == AT_ONCE {
                assert_eq!(sending.join_next().await.unwrap().unwrap(), Answered::Accepted);
            }
            let provider = Arc::clone(&provider);
            sending.spawn(async move { send(&provider, priority, &token).await });
        }
        for answered in sending.join_all().await {
            assert_eq!(answered, Answered::Accepted);
        }
    }

    /// Lets the clock show this hour of a coming day in UTC.
    fn pass_until(&self, hour: i64) {
        const DAY: i64 = 24 * 3_600_000;
        let UnixMillis(now) = self.clock.now();
        let wait = (hour * 3_600_000 - now).rem_euclid(DAY);
        self.clock.advance(Duration::from_millis(wait.unsigned_abs())).unwrap();
    }
}

async fn send(provider: &TestProvider, priority: Priority, token: &str) -> Answered {
    let payload = r#"{"aps":{"alert":{"title":"News","body":"Something happened"},"sound":"default"}}"#;
    provider.send_at(priority, token, new_apns_id().unwrap(), (Expiration::Default, payload)).await.unwrap()
}

fn tokens(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

/// Waits until the numbers are as wanted.
async fn until(crowd: &Crowd, what: &str, wanted: impl Fn(&FleetCounts) -> bool) -> FleetCounts {
    let waited = async {
        let mut look = tokio::time::interval(Duration::from_millis(50));
        loop {
            look.tick().await;
            let counts = crowd.counts();
            if wanted(&counts) {
                return counts;
            }
        }
    };
    let waited = tokio::time::timeout(DEADLINE, waited).await;
    waited.unwrap_or_else(|_| panic!("{what} didn't come: {:?}", crowd.counts()))
}

async fn all_have_tokens(crowd: &Crowd) -> FleetCounts {
    until(crowd, "a token for each device", |counts| counts.tokens == counts.devices).await
}

#[tokio::test]
async fn each_device_gets_its_notification_and_says_what_its_permission_made_of_it() {
    let world = World::new(201).await;
    let crowd = world.start(
        300,
        "[[app]]\npermission = { allow = 60, deny = 20, provisional = 5, never-asked = 15 }\n\
         [time-zones]\n\"Europe/Berlin\" = 60\n\"Asia/Shanghai\" = 40\n[locales]\nen = 50\nde = 50",
    );
    all_have_tokens(&crowd).await;
    let lines = std::fs::read_to_string(world.dir.path().join("tokens.tsv")).unwrap();
    let of = |text: &str| lines.lines().filter(|line| line.contains(text)).count();
    assert_eq!(
        (of("\tEurope/Berlin\t"), of("\tde\t"), of("\tcom.example.news\tdevelopment\t")),
        (180, 150, 300)
    );
    world.send_to_all(Priority::Ten).await;
    let counts = until(&crowd, "a receipt of each", |counts| counts.receipts_taken == 300).await;
    assert_eq!((counts.received, counts.repeated, counts.displayed), (300, 0, 180));
    let suppressed = [("not-permitted".to_owned(), 60 + 45), ("provisional".to_owned(), 15)];
    assert_eq!(counts.suppressed, suppressed.into());
    assert_eq!((counts.connections_lost, counts.failures), (0, 0), "{:?}", counts.last_failure);
    // The push service knows the same.
    let admin = Api::admin(world.endpoints());
    let mut displayed = 0;
    for token in world.tokens() {
        let traces = admin.traces_of(&token).await.unwrap();
        assert_eq!(traces.len(), 1);
        displayed += traces[0].events.iter().filter(|event| event.stage == Stage::Displayed).count();
    }
    assert_eq!(displayed, 180);
}

#[tokio::test]
async fn who_is_off_at_night_gets_it_in_the_morning() {
    let world = World::new(202).await;
    world.pass_until(12);
    let crowd =
        world.start(100, "[online.always]\nshare = 60\n[online.nightly]\nshare = 40\noff = \"22:00-07:00\"");
    all_have_tokens(&crowd).await;
    world.pass_until(23);
    let counts = until(&crowd, "the night", |counts| counts.connected == 60).await;
    assert_eq!((counts.online, counts.connections_lost), (60, 0));
    world.send_to_all(Priority::Ten).await;
    until(&crowd, "what comes to the others", |counts| counts.received == 60).await;
    world.pass_until(8);
    let counts = until(&crowd, "the morning", |counts| counts.receipts_taken == 100).await;
    assert_eq!((counts.online, counts.connected, counts.received, counts.displayed), (100, 100, 100, 100));
}

#[tokio::test]
async fn who_saves_power_is_spared_what_can_wait() {
    let world = World::new(203).await;
    world.pass_until(6);
    let crowd = world.start(100, "[low-power]\nshare = 10\nbetween = \"05:00-12:00\"");
    all_have_tokens(&crowd).await;
    world.send_to_all(Priority::Five).await;
    until(&crowd, "what comes to the others", |counts| counts.received == 90).await;
    // What can't wait passes what can.
    world.send_to_all(Priority::Ten).await;
    let counts = until(&crowd, "what can't wait", |counts| counts.received >= 190).await;
    assert_eq!(counts.received, 190);
    world.pass_until(13);
    until(&crowd, "what waited", |counts| counts.received == 200).await;
}

#[tokio::test]
async fn focus_and_users_are_as_the_profile_says() {
    let world = World::new(204).await;
    let crowd = world.start(
        100,
        "[focus]\nshare = 30\n[on-notification]\nopens = 20\ndismisses = 30\nafter = \"12h\"\nreads = \"10s\"",
    );
    all_have_tokens(&crowd).await;
    world.send_to_all(Priority::Ten).await;
    let counts = until(&crowd, "a receipt of each", |counts| counts.receipts_taken == 100).await;
    assert_eq!((counts.displayed, counts.suppressed.get("focus")), (70, Some(&30)));
    // No user waits longer than ten times the average.
    world.clock.advance(120 * HOUR).unwrap();
    let settled = |counts: &FleetCounts| counts.receipts_taken == 100 + counts.opened + counts.dismissed;
    let counts = until(&crowd, "what users do", |counts| counts.opened > 0 && settled(counts)).await;
    // Of the 30 behind a Focus nobody does anything.
    let (opened, dismissed) = (counts.opened, counts.dismissed);
    assert!((8..=20).contains(&opened) && (12..=30).contains(&dismissed), "{counts:?}");
}

#[tokio::test]
async fn a_push_service_that_is_killed_gets_all_devices_back_with_their_tokens() {
    let mut world = World::new(205).await;
    let crowd = world.start(200, "");
    all_have_tokens(&crowd).await;
    until(&crowd, "all connections", |counts| counts.connected == 200).await;
    world.gateway.kill_and_restart().await.unwrap();
    until(&crowd, "the loss of all", |counts| counts.connections_lost == 200).await;
    until(&crowd, "all back", |counts| counts.connected == 200).await;
    assert_eq!(world.tokens().iter().collect::<BTreeSet<_>>().len(), 200);
    assert_eq!(world.tokens().len(), 200, "no token is new");
    world.send_to_all(Priority::Ten).await;
    until(&crowd, "one for each", |counts| counts.received == 200).await;
}

#[tokio::test]
async fn a_fleet_that_ends_leaves_nothing_at_the_push_service() {
    let world = World::new(206).await;
    let crowd = world.start(50, "");
    all_have_tokens(&crowd).await;
    assert_eq!(crowd.shutdown().await, Farewell { removed: 50, left_behind: 0 });
    let provider = TestProvider::connect(world.endpoints(), Environment::Development).await.unwrap();
    for token in world.tokens() {
        let answered = send(&provider, Priority::Ten, &token).await;
        assert!(matches!(answered, Answered::Refused { status: 410, .. }), "{answered:?}");
    }
}

#[tokio::test]
async fn a_spent_enrolment_key_is_said() {
    let world = World::new(207).await;
    let admin = Api::admin(world.endpoints());
    let demo = world.endpoints().demo().unwrap();
    let wish = json!({"team_id": demo.team_id, "apps": [demo.bundle_id], "quota": 5});
    let made = admin.post("/v1/enrolment-keys", wish).await.unwrap();
    let key = made["enrolment_key"].as_str().unwrap();
    let crowd = Crowd::start(world.config(8, "", key)).unwrap();
    let spent = |counts: &FleetCounts| counts.last_failure.as_ref().is_some_and(|why| why.contains("403"));
    until(&crowd, "the quota's end", |counts| counts.tokens == 5 && spent(counts)).await;
}

#[tokio::test]
async fn the_command_keeps_who_its_devices_are_and_tells_its_numbers() {
    let world = World::new(208).await;
    let (data, tokens_at) = (world.dir.path().join("fleet"), world.dir.path().join("tokens.tsv"));
    let profile = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commuters.toml");
    let link = format!("localhost:{}", world.endpoints().device_link.port);
    let args = [
        "device",
        "--fleet",
        "60",
        "--profile",
        profile.to_str().unwrap(),
        "--link",
        &link,
        "--ca",
        world.endpoints().ca_pem.to_str().unwrap(),
        "--enrolment-key",
        world.endpoints().enrolment_key.as_ref().unwrap(),
        "--data-dir",
        data.to_str().unwrap(),
        "--tokens",
        tokens_at.to_str().unwrap(),
    ];
    let mut runs = Vec::new();
    for _ in 0..2 {
        let process =
            Device::start(Path::new(BINARY), &data, args.map(str::to_owned).to_vec()).await.unwrap();
        let api = Api::device(process.endpoints());
        // Whoever is off tonight comes in the morning.
        api.post("/v1/clock/advance", json!({"seconds": 12 * 3_600})).await.unwrap();
        let waited = tokio::time::timeout(DEADLINE, async {
            let mut look = tokio::time::interval(Duration::from_millis(100));
            loop {
                look.tick().await;
                let fleet = api.get("/v1/fleet").await.unwrap();
                if fleet["connected"] == fleet["online"] && fleet["tokens"].as_u64().unwrap() >= 40 {
                    return fleet;
                }
            }
        });
        let fleet = waited.await.unwrap();
        assert_eq!(fleet["devices"], 60);
        let document = api.get("/openapi.json").await.unwrap();
        assert!(document["paths"]["/v1/fleet"].is_object());
        let (status, said) = process.stop().await.unwrap();
        assert!(status.success(), "{said}");
        runs.push(tokens(&tokens_at).into_iter().collect::<BTreeSet<_>>());
    }
    // Who is on line when the looks are taken differs; new devices would be at least 40 more.
    let all = runs[0].union(&runs[1]).count();
    assert!(all <= 60, "the second run has the first one's devices: {all}");
}

#[tokio::test]
async fn the_command_prints_lines_of_json_and_ends_cleanly() {
    let world = World::new(209).await;
    let link = format!("localhost:{}", world.endpoints().device_link.port);
    let mut process = tokio::process::Command::new(BINARY)
        .args(["device", "run", "--fleet", "30", "--link", &link, "--json"])
        .args(["--ca", world.endpoints().ca_pem.to_str().unwrap()])
        .args(["--enrolment-key", world.endpoints().enrolment_key.as_ref().unwrap()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut next = async || -> serde_json::Value {
        let line = tokio::time::timeout(DEADLINE, lines.next_line()).await.unwrap().unwrap().unwrap();
        serde_json::from_str(&line).unwrap()
    };
    while next().await["connected"] != 30 {}
    let pid = process.id().unwrap().to_string();
    assert!(tokio::process::Command::new("kill").arg(pid).status().await.unwrap().success());
    assert!(tokio::time::timeout(DEADLINE, process.wait()).await.unwrap().unwrap().success());
    let keys = Api::admin(world.endpoints()).get("/v1/enrolment-keys").await.unwrap();
    assert!(keys.to_string().contains("\"admitted\":0"), "its devices were removed: {keys}");
}
