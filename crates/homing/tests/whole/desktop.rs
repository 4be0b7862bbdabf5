//! The desktop face on a real session bus, with a real notification server (dunst) on a screen of its own (Xvfb).

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use futures_util::StreamExt as _;
use homing_testkit::api::Api;
use homing_testkit::process::Device;
use homing_trace::Stage;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use zbus::{OwnedVariant, Variant};

use crate::home::{BINARY, Home, wait};

const IPHONE: &str = "/v1/devices/desk";
const NEWS: &str = "/v1/devices/desk/apps/com.example.news";

/// A screen, a session bus and a notification server; they end with the test.
struct Desktop {
    address: String,
    display: String,
    config: PathBuf,
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

/// A session bus that starts no services by itself: who asks for a notification server too early would have it start
/// the machine's, with the machine's settings.
fn bus(dir: &Path) -> (Child, String) {
    let config = dir.join("bus.conf");
    let text = format!(
        "<busconfig><type>session</type><listen>unix:dir={}</listen><policy context=\"default\">\
         <allow send_destination=\"*\"/><allow receive_sender=\"*\"/><allow own=\"*\"/></policy></busconfig>",
        dir.display()
    );
    std::fs::write(&config, text).unwrap();
    let config = format!("--config-file={}", config.display());
    start(Command::new("dbus-daemon").args([&config, "--nofork", "--print-address"]))
}

impl Desktop {
    async fn start(dir: &Path) -> Self {
        let screen = ["-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp"];
        let (xvfb, number) = start(Command::new("Xvfb").args(screen));
        let display = format!(":{number}");
        let (dbus, address) = bus(dir);
        let config = dir.join("dunstrc");
        // What a click does here to a story: its action, if it has one of this name.
        let text = "[global]\nmonitor = 0\nfollow = none\n[story]\nbody = \"A story\"\naction_name = of-app:default\n";
        std::fs::write(&config, text).unwrap();
        let mut desktop = Self { address, display, config, programs: vec![xvfb, dbus] };
        desktop.serve().await;
        desktop
    }

    /// Starts a notification server.
    async fn serve(&mut self) {
        let mut dunst = self.command("dunst");
        dunst.arg("-config").arg(&self.config).stdout(Stdio::null()).stderr(Stdio::null());
        self.programs.push(dunst.spawn().unwrap());
        wait(async || self.ctl(&["count"]).map(drop)).await;
    }

    /// Ends the notification server and starts another.
    async fn serve_anew(&mut self) {
        let mut dunst = self.programs.pop().unwrap();
        dunst.kill().unwrap();
        dunst.wait().unwrap();
        self.serve().await;
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

/// A device with this session bus, its app allowed and in background.
async fn device(home: &Home, bus: &str, data_dir: &Path) -> (Device, Api) {
    let endpoints = home.homing.endpoints();
    let args = [
        format!("DBUS_SESSION_BUS_ADDRESS={bus}"),
        BINARY.to_owned(),
        "device".to_owned(),
        format!("--link=localhost:{}", endpoints.device_link.port),
        format!("--ca={}", endpoints.ca_pem.display()),
        format!("--enrolment-key={}", endpoints.enrolment_key.as_ref().unwrap()),
        format!("--data-dir={}", data_dir.display()),
        "--name=desk".to_owned(),
        "--face=desktop".to_owned(),
    ];
    let device = Device::start(Path::new("env"), data_dir, args.to_vec()).await.unwrap();
    let phone = Api::device(device.endpoints());
    phone.put(&format!("{NEWS}/state"), json!({"state": "foreground"})).await.unwrap();
    let prompt = async || phone.post(&format!("{IPHONE}/prompt/answer"), json!({"allow": true})).await.ok();
    wait(prompt).await;
    phone.put(&format!("{NEWS}/state"), json!({"state": "background"})).await.unwrap();
    (device, phone)
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
    let (device, phone) = device(&home, &desktop.address, &dir.path().join("desk")).await;

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
    let cleared = push(&home, &phone, json!({"aps": {"alert": "Clear\u{0}me"}})).await;
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
    // It is called what a desktop calls a click on the body, and is the app's all the same.
    let category = json!({"categories": [{"identifier": "story", "actions": [{"identifier": "default", "title": "Later"}]}]});
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
    assert_eq!(listed["notifications"][0]["actions"][0]["identifier"], "default", "{listed}");
    desktop.ctl(&["action"]).unwrap();
    home.story(&acted, Stage::Action).await;

    // A banner doesn't outlive a restart of the device; what is on its lock screen does.
    for (lock_screen, title, shown) in [(false, "Goes", 1), (true, "Stays", 2)] {
        let setting = json!({"setting": "lock-screen", "on": lock_screen});
        phone.put(&format!("{NEWS}/settings"), setting).await.unwrap();
        push(&home, &phone, json!({"aps": {"alert": title, "interruption-level": "time-sensitive"}})).await;
        desktop.displays(shown).await;
    }
    phone.post(&format!("{IPHONE}/restart"), json!({})).await.unwrap();
    desktop.displays(1).await;

    device.stop().await.unwrap();
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_has_shown_goes_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 78).await;
    let mut desktop = Desktop::start(dir.path()).await;
    let (device, phone) = device(&home, &desktop.address, &dir.path().join("desk")).await;
    let before = push(&home, &phone, json!({"aps": {"alert": "Before"}})).await;
    desktop.displays(1).await;
    desktop.serve_anew().await;
    // The new server counts from 1 again.
    let after = push(&home, &phone, json!({"aps": {"alert": "After"}})).await;
    desktop.displays(1).await;
    desktop.ctl(&["action"]).unwrap();
    home.story(&after, Stage::Opened).await;
    let story = home.story(&before, Stage::Displayed).await;
    assert!(!story.iter().any(|stage| stage.starts_with("opened")), "{story:?}");
    device.stop().await.unwrap();
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_there_is_no_server_the_portal_shows_notifications() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 79).await;
    let (bus, address) = bus(dir.path());
    let _bus = Ends(bus);
    let mut portal = Portal::start(&address).await;
    let (device, phone) = device(&home, &address, &dir.path().join("desk")).await;

    let category = json!({"categories": [{"identifier": "story", "actions": [
        {"identifier": "later", "title": "Later"}, {"identifier": "answer", "title": "Answer",
         "text_input": {"button_title": "Send", "placeholder": ""}}]}]});
    phone.put(&format!("{NEWS}/categories"), category).await.unwrap();
    let story = json!({"aps": {"alert": {"title": "Hello", "body": "1 < 2"}, "category": "story",
        "interruption-level": "passive"}});
    let tapped = push(&home, &phone, story.clone()).await;
    let (name, shown) = portal.added().await;
    let said = ["title", "body", "priority", "sound", "default-action"].map(|part| shown[part].as_str());
    assert_eq!(said, ["Hello", "1 < 2", "low", "silent", "default"]);
    portal.invoke(&name, "default", None).await;
    home.story(&tapped, Stage::Opened).await;
    phone.put(&format!("{NEWS}/state"), json!({"state": "background"})).await.unwrap();

    for (action, text) in [("of-app:later", None), ("of-app:answer", Some("Soon"))] {
        let acted = push(&home, &phone, story.clone()).await;
        let (name, _) = portal.added().await;
        portal.invoke(&name, action, text).await;
        home.story(&acted, Stage::Action).await;
    }
    push(&home, &phone, json!({"aps": {"alert": "Withdrawn"}})).await;
    let (name, _) = portal.added().await;
    phone.delete(&format!("{NEWS}/delivered")).await.unwrap();
    assert_eq!(portal.removed.recv().await, Some(name));
    device.stop().await.unwrap();
    home.homing.stop().await.unwrap();
}

/// A program that ends with the test.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A notification portal of version 2 (*XDG Desktop Portal*), which Debian 12's own isn't: it takes what is shown, and
/// says what a user does.
struct Portal {
    connection: zbus::Connection,
    /// By its name; those of its parts that are texts.
    added: mpsc::Receiver<(String, HashMap<String, String>)>,
    removed: mpsc::Receiver<String>,
}

impl Portal {
    async fn start(address: &str) -> Self {
        let connection = zbus::connection::Builder::address(address).build().await.unwrap();
        let mut calls = zbus::MessageStream::from(&connection);
        connection.request_name("org.freedesktop.portal.Desktop").await.unwrap();
        let ((add, added), (remove, removed)) = (mpsc::channel(16), mpsc::channel(16));
        let answering = connection.clone();
        tokio::spawn(async move {
            while let Some(Ok(call)) = calls.next().await {
                let (header, body) = (call.header(), call.body());
                match header.member().map(|member| member.as_str()) {
                    Some("GetAll") => {
                        let properties = HashMap::from([("version", Variant::from(2_u32))]);
                        answering.reply(&header, &properties).await.unwrap();
                    }
                    Some("AddNotification") => {
                        let (name, parts): (String, HashMap<String, OwnedVariant>) =
                            body.deserialize().unwrap();
                        let text = |(part, value)| Some((part, String::try_from(value).ok()?));
                        add.send((name, parts.into_iter().filter_map(text).collect())).await.unwrap();
                        answering.reply(&header, &()).await.unwrap();
                    }
                    Some("RemoveNotification") => {
                        remove.send(body.deserialize().unwrap()).await.unwrap();
                        answering.reply(&header, &()).await.unwrap();
                    }
                    Some(_) | None => {}
                }
            }
        });
        Self { connection, added, removed }
    }

    async fn added(&mut self) -> (String, HashMap<String, String>) {
        self.added.recv().await.unwrap()
    }

    /// What its user does.
    async fn invoke(&self, name: &str, action: &str, reply: Option<&str>) {
        let parameter: Vec<_> = reply.into_iter().map(Variant::from).collect();
        let (path, interface) = ("/org/freedesktop/portal/desktop", "org.freedesktop.portal.Notification");
        let body = (name, action, parameter);
        self.connection.emit_signal(None::<&str>, path, interface, "ActionInvoked", &body).await.unwrap();
    }
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
