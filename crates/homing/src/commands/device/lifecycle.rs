//! The words about whole devices, and about what outlives an app.

use serde_json::{Value, json};

use super::answer::{Answer, done, show};
use super::asks::{ask_app, state};
use super::client::{DeviceApi, Send, escaped};
use super::surroundings::Switch;
use super::{App, Where, text};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Lifecycle {
    /// Add a device, with the apps of another
    Add {
        name: String,
        /// The device whose apps it gets, installed afresh; without it, none
        #[arg(long, value_name = "NAME")]
        like: Option<String>,
        #[command(flatten)]
        at: Where,
    },
    /// Restart a device: its apps have ended, tokens stay
    Restart(Where),
    /// Turn a device off, or on: off, no app runs, pushes wait, and what comes due fires when it is on again
    Power {
        switch: Switch,
        #[command(flatten)]
        at: Where,
    },
    /// Erase all content: the device has no apps any more and enrols anew; its tokens end
    Erase(Where),
    /// Back a device up: apps, their data, permission, pending requests; no tokens
    Backup(Where),
    /// List the backups
    Backups(Where),
    /// Restore a backup in place of everything on a device; its tokens are new
    Restore {
        /// As `homing device backup` named it
        backup: String,
        #[command(flatten)]
        at: Where,
    },
    /// Take an app away and keep its data; its device token ends
    Offload(App),
    /// Put an offloaded app back; its device token is new
    Download(App),
    /// Let the push service give the app another device token
    RotateToken(App),
    /// Let the app ask for permission, and allow it: its prompt is answered if there is one
    Permit(App),
}

pub(super) fn carry_out(command: Lifecycle) -> anyhow::Result<Answer> {
    match command {
        Lifecycle::Add { name, like, at } => {
            let body = like.map_or_else(|| json!({"apps": []}), |like| json!({"like": like}));
            let path = format!("/v1/devices/{}", escaped(&name));
            Ok(show(&at, DeviceApi::find(&at)?.send(&Send::Put(&body), &path)?, text::device))
        }
        Lifecycle::Restart(at) => post(&at, "/restart", &json!({}), text::device),
        Lifecycle::Power { switch, at } => {
            let api = DeviceApi::find(&at)?;
            let path = format!("{}/power", api.device_path(&at)?);
            let on = switch == Switch::On;
            let answer = api.send(&Send::Put(&json!({"on": on})), &path)?;
            Ok(show(&at, answer, |_| format!("the device is {}", if on { "on" } else { "off" })))
        }
        Lifecycle::Erase(at) => post(&at, "/erase", &json!({}), text::device),
        Lifecycle::Backup(at) => post(&at, "/backup", &json!({}), text::backup),
        Lifecycle::Restore { backup, at } => post(&at, "/restore", &json!({"backup": backup}), text::device),
        Lifecycle::Backups(at) => {
            Ok(show(&at, DeviceApi::find(&at)?.send(&Send::Get, "/v1/backups")?, text::backups))
        }
        Lifecycle::Offload(app) => {
            ask_app(&app, "/offload", &Send::Post(&json!({})), |_| "offloaded; its token ends".to_owned())
        }
        Lifecycle::Download(app) => {
            let api = DeviceApi::find(&app.at)?;
            // An offloaded app isn't among the device's apps, so it can't be the only one of them.
            let device = api.device_path(&app.at)?;
            let bundle = match &app.app {
                Some(bundle) => bundle.clone(),
                None => api.only_offloaded(&device)?,
            };
            let path = format!("{device}/apps/{}/download", escaped(&bundle));
            Ok(show(&app.at, api.send(&Send::Post(&json!({})), &path)?, text::app))
        }
        Lifecycle::RotateToken(app) => {
            ask_app(&app, "/token/rotate", &Send::Post(&json!({})), |_| "another token is coming".to_owned())
        }
        Lifecycle::Permit(app) => permit(&app),
    }
}

/// What an app asks for by default.
pub(super) fn options() -> Value {
    json!({"options": ["alert", "sound", "badge"]})
}

/// Asks in the app's name and allows it. The app is in front while its prompt is answered, and then where it was.
fn permit(app: &App) -> anyhow::Result<Answer> {
    let api = DeviceApi::find(&app.at)?;
    let path = api.app_path(app)?;
    let before = api.send(&Send::Get, &path)?;
    let asked = api.send(&Send::Post(&options()), &format!("{path}/authorization"))?;
    match asked["granted"].as_bool() {
        Some(true) => Ok(done(&app.at, "granted")),
        Some(false) => {
            let turned = json!({"setting": "allow-notifications", "on": true});
            api.send(&Send::Put(&turned), &format!("{path}/settings"))?;
            Ok(done(&app.at, "allowed in Settings, where its user had refused it"))
        }
        None => {
            state(app, "foreground")?;
            let device = api.device_path(&app.at)?;
            api.send(&Send::Post(&json!({"allow": true})), &format!("{device}/prompt/answer"))?;
            if let Some(word) = before["state"].as_str().filter(|word| *word != "foreground") {
                state(app, word)?;
            }
            Ok(done(&app.at, "granted"))
        }
    }
}

fn post(at: &Where, what: &str, body: &Value, text: fn(&Value) -> String) -> anyhow::Result<Answer> {
    let api = DeviceApi::find(at)?;
    let path = format!("{}{what}", api.device_path(at)?);
    Ok(show(at, api.send(&Send::Post(body), &path)?, text))
}
