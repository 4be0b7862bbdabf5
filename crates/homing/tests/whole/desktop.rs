//! The desktop face on a real session bus, with a real notification server (dunst) on a screen of its own (Xvfb).

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use homing_testkit::api::Api;
use homing_testkit::process::Device;
use homing_trace::Stage;
use serde_json::{Value, json};

use crate::home::{BINARY, Home, wait};

const IPHONE: &str = "/v1/devices/desk";
const NEWS: &str = "/v1/devices/desk/apps/com.example.news";

/// A screen, a session bus and a notification server; they end with the test.
struct Desktop {
    address: String,
    display: String,
    programs: Vec<Child>,
}

impl Drop for Desktop {
    fn drop(&mut self) {
        for program in self.programs.iter_mut().rev() {
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}

/// Starts a program that says on stdout, in a line, how it is reached.
fn start(command: &mut Command) -> (Child, String) {
    let missing = "CONTRIBUTING.md says which programs the tests need: dbus, dunst, xvfb";
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect(missing);
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, line.trim().to_owned())
}

impl Desktop {
    async fn start(dir: &Path) -> Self {
        let screen = ["-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp"];
        let (xvfb, number) = start(Command::new("Xvfb").args(screen));
        let display = format!(":{number}");
        let bus = ["--session", "--nofork", "--print-address"];
        let (dbus, address) = start(Command::new("dbus-daemon").args(bus).env("DISPLAY", &display));
        let config = dir.join("dunstrc");
        // dunst asks a program which action its user chooses.
        let menu = dir.join("menu");
        std::fs::write(&menu, "#!/bin/sh\ngrep Later\n").unwrap();
        std::fs::set_permissions(&menu, std::fs::Permissions::from_mode(0o700)).unwrap();
        let text = format!("[global]\nmonitor = 0\nfollow = none\ndmenu = {}\n", menu.display());
        std::fs::write(&config, text).unwrap();
        let mut desktop = Self { address, display, programs: vec![xvfb, dbus] };
        let mut dunst = desktop.command("dunst");
        dunst.arg("-config").arg(config).stdout(Stdio::null()).stderr(Stdio::null());
        desktop.programs.push(dunst.spawn().unwrap());
        wait(async || desktop.ctl(&["count"]).map(drop)).await;
        desktop
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("DISPLAY", &self.display).env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        command
    }

    fn ctl(&self, args: &[&str]) -> Option<String> {
        let done = self.command("dunstctl").args(args).output().unwrap();
        done.status.success().then(|| String::from_utf8(done.stdout).unwrap().trim().to_owned())
    }

    /// Waits until so many notifications are on the desktop.
    async fn displays(&self, count: usize) {
        let count = count.to_string();
        wait(async || (self.ctl(&["count", "displayed"])? == count).then_some(())).await;
    }

    /// Looks at the screen, where a folder for pictures is named.
    fn picture(&self, name: &str) {
        if let Some(folder) = std::env::var_os("HOMING_PICTURES") {
            let file = Path::new(&folder).join(format!("{name}.png"));
            self.command("import").args(["-window", "root"]).arg(file).status().unwrap();
        }
    }
}

async fn device(home: &Home, desktop: &Desktop, data_dir: &Path) -> Device {
    let endpoints = home.homing.endpoints();
    let args = [
        format!("DBUS_SESSION_BUS_ADDRESS={}", desktop.address),
        BINARY.to_owned(),
        "device".to_owned(),
        format!("--link=localhost:{}", endpoints.device_link.port),
        format!("--ca={}", endpoints.ca_pem.display()),
        format!("--enrolment-key={}", endpoints.enrolment_key.as_ref().unwrap()),
        format!("--data-dir={}", data_dir.display()),
        "--name=desk".to_owned(),
        "--face=desktop".to_owned(),
    ];
    Device::start(Path::new("env"), data_dir, args.to_vec()).await.unwrap()
}

async fn push(home: &Home, phone: &Api, payload: Value) -> String {
    let token = wait(async || {
        let answer = phone.get(&format!("{NEWS}/token")).await.ok()?;
        answer["device_token"].as_str().map(str::to_owned)
    })
    .await;
    let apns_id = home.send(&token, homing_apns::Expiration::Default, payload).await;
    home.story(&apns_id, Stage::Displayed).await;
    apns_id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notifications_are_on_the_desktop_and_what_is_done_there_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 49).await;
    let desktop = Desktop::start(dir.path()).await;
    let device = device(&home, &desktop, &dir.path().join("desk")).await;
    let phone = Api::device(device.endpoints());
    phone.put(&format!("{NEWS}/state"), json!({"state": "foreground"})).await.unwrap();
    let prompt = async || phone.post(&format!("{IPHONE}/prompt/answer"), json!({"allow": true})).await.ok();
    wait(prompt).await;
    phone.put(&format!("{NEWS}/state"), json!({"state": "background"})).await.unwrap();

    // A click on the body is a tap: the app opens, the page is the one meant.
    let hello = json!({"aps": {"alert": {"title": "Hello", "subtitle": "From the phone", "body": "1 < 2 & so on"},
        "sound": "default", "badge": 3}, "userInfo": {"url": "https://news.example/7"}});
    let tapped = push(&home, &phone, hello).await;
    desktop.displays(1).await;
    desktop.picture("hello");
    desktop.ctl(&["action"]).unwrap();
    home.story(&tapped, Stage::Opened).await;
    let page = async || {
        (phone.get(&format!("{NEWS}/page")).await.ok()?["url"] == "https://news.example/7").then_some(())
    };
    wait(page).await;
    desktop.displays(0).await;
    phone.put(&format!("{NEWS}/state"), json!({"state": "background"})).await.unwrap();

    // Cleared on the desktop: dismissed on the device.
    let cleared = push(&home, &phone, json!({"aps": {"alert": "Clear me"}})).await;
    desktop.displays(1).await;
    desktop.ctl(&["close"]).unwrap();
    home.story(&cleared, Stage::Dismissed).await;
    assert_eq!(phone.get(&format!("{IPHONE}/notifications")).await.unwrap()["notifications"], json!([]));

    // The same identifier takes the place of the older one, and what the app withdraws leaves the desktop.
    for title in ["first", "second"] {
        let request = json!({"identifier": "one", "content": {"title": title}});
        phone.post(&format!("{NEWS}/requests"), request).await.unwrap();
        let shown = async || desktop.ctl(&["count", "displayed"]).filter(|count| count == "1").map(drop);
        wait(shown).await;
    }
    desktop.picture("replaced");
    phone.delete(&format!("{NEWS}/delivered?identifier=one")).await.unwrap();
    desktop.displays(0).await;

    // An action of its category.
    let category = json!({"categories": [{"identifier": "story", "actions": [{"identifier": "later", "title": "Later"}]}]});
    phone.put(&format!("{NEWS}/categories"), category).await.unwrap();
    let acted = push(
        &home,
        &phone,
        json!({"aps": {"alert": "A story", "category": "story",
        "interruption-level": "time-sensitive"}}),
    )
    .await;
    desktop.displays(1).await;
    desktop.picture("action");
    let listed = phone.get(&format!("{IPHONE}/notifications")).await.unwrap();
    assert_eq!(listed["notifications"][0]["actions"][0]["identifier"], "later", "{listed}");
    desktop.ctl(&["context"]).unwrap();
    home.story(&acted, Stage::Action).await;

    device.stop().await.unwrap();
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_desktop_it_is_said_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 50).await;
    let endpoints = home.homing.endpoints();
    let mut command = Command::new(BINARY);
    command
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
        .args(["device", "--face", "desktop", "--ca"]);
    command.arg(&endpoints.ca_pem).arg(format!("--link=localhost:{}", endpoints.device_link.port));
    command.args(["--enrolment-key", endpoints.enrolment_key.as_ref().unwrap(), "--data-dir"]);
    let done = command.arg(dir.path().join("desk")).output().unwrap();
    let words = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(!done.status.success() && words.contains("DBUS_SESSION_BUS_ADDRESS"), "{words}");
    home.homing.stop().await.unwrap();
}
