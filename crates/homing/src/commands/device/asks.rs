//! What each word asks of the device API.

use std::path::Path;

use anyhow::Context as _;
use homing_trace::Environment;
use serde_json::{Value, json};

use super::client::{DeviceApi, Send, escaped};
use super::{App, Command, Notify, Touch, Where, Which, role, text};
use crate::words;

pub(super) fn carry_out(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Run(args) => role::run(args),
        Command::List(at) => {
            show(&at, &DeviceApi::find(&at)?.send(&Send::Get, "/v1/devices")?, text::devices)
        }
        Command::Apps(at) => get(&at, "/apps", text::apps),
        Command::Prompt(at) => get(&at, "/prompt", text::prompt),
        Command::Shown(at) => get(&at, "/notifications", text::notifications),
        Command::Pending(at) => get(&at, "/pending", text::pending),
        Command::Allow(at) => answer(&at, true),
        Command::Deny(at) => answer(&at, false),
        Command::Lock(at) => lock(&at, true),
        Command::Unlock(at) => lock(&at, false),
        Command::Offline(at) => network(&at, false),
        Command::Online(at) => network(&at, true),
        Command::Advance { by, at } => {
            // Whole seconds are what the API takes; half a second more is still "after".
            let seconds = by.as_secs() + u64::from(by.subsec_nanos() > 0);
            let moved =
                DeviceApi::find(&at)?.send(&Send::Post(&json!({"seconds": seconds})), "/v1/clock/advance")?;
            show(&at, &moved, text::clock)
        }
        Command::Watch(at) => watch(&at),
        Command::Install { manifest: Some(file), at, .. } => install(&manifest(&file)?, &at),
        Command::Install { manifest: None, environment, at } => install(&demo_app(environment, &at)?, &at),
        of_app @ (Command::Remove(_)
        | Command::Ask(_)
        | Command::Open(_)
        | Command::Background(_)
        | Command::End(_)
        | Command::ForceQuit(_)
        | Command::Tap(_)
        | Command::Dismiss(_)
        | Command::Notify(_)
        | Command::RemoveDelivered(_)
        | Command::RemovePending(_)
        | Command::Badge { .. }
        | Command::Token(_)
        | Command::Page(_)
        | Command::Settings { .. }) => carry_out_of_app(of_app),
    }
}

/// The words that are about one app.
fn carry_out_of_app(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Remove(app) => {
            let api = DeviceApi::find(&app.at)?;
            api.send(&Send::Delete, &api.app_path(&app)?)?;
            done(&app.at, "removed; its token ends")
        }
        Command::Ask(app) => {
            let options = json!({"options": ["alert", "sound", "badge"]});
            ask_app(&app, "/authorization", &Send::Post(&options), text::authorization)
        }
        Command::Open(app) => state(&app, "foreground"),
        Command::Background(app) => state(&app, "background"),
        Command::End(app) => state(&app, "ended"),
        Command::ForceQuit(app) => state(&app, "force-quit"),
        Command::Tap(touch) => touched(&touch, "tap", "tapped"),
        Command::Dismiss(touch) => touched(&touch, "dismiss", "dismissed"),
        Command::Notify(notify) => add(&notify),
        Command::RemoveDelivered(which) => remove(&which, "delivered"),
        Command::RemovePending(which) => remove(&which, "pending"),
        Command::Badge { count: Some(count), app } => {
            ask_app(&app, "/badge", &Send::Put(&json!({"count": count})), |_| format!("the badge is {count}"))
        }
        Command::Badge { count: None, app } => ask_app(&app, "/badge", &Send::Get, text::badge),
        Command::Token(app) => ask_app(&app, "/token", &Send::Get, text::token),
        Command::Page(app) => ask_app(&app, "/page", &Send::Get, text::page),
        Command::Settings { change: Some((name, on)), app } => {
            let change = json!({"setting": name, "on": on});
            ask_app(&app, "/settings", &Send::Put(&change), text::settings)
        }
        Command::Settings { change: None, app } => ask_app(&app, "/settings", &Send::Get, text::settings),
        Command::List(_)
        | Command::Apps(_)
        | Command::Install { .. }
        | Command::Prompt(_)
        | Command::Allow(_)
        | Command::Deny(_)
        | Command::Shown(_)
        | Command::Pending(_)
        | Command::Lock(_)
        | Command::Unlock(_)
        | Command::Offline(_)
        | Command::Online(_)
        | Command::Advance { .. }
        | Command::Watch(_)
        | Command::Run(_) => Ok(()),
    }
}

fn get(at: &Where, what: &str, text: fn(&Value) -> String) -> anyhow::Result<()> {
    let api = DeviceApi::find(at)?;
    let answer = api.send(&Send::Get, &format!("{}{what}", api.device_path(at)?))?;
    show(at, &answer, text)
}

fn ask_app(app: &App, what: &str, send: &Send<'_>, text: impl Fn(&Value) -> String) -> anyhow::Result<()> {
    let api = DeviceApi::find(&app.at)?;
    let answer = api.send(send, &format!("{}{what}", api.app_path(app)?))?;
    show(&app.at, &answer, text)
}

fn answer(at: &Where, allow: bool) -> anyhow::Result<()> {
    let api = DeviceApi::find(at)?;
    let path = format!("{}/prompt/answer", api.device_path(at)?);
    api.send(&Send::Post(&json!({"allow": allow})), &path)?;
    done(at, if allow { "allowed" } else { "not allowed" })
}

fn lock(at: &Where, locked: bool) -> anyhow::Result<()> {
    let api = DeviceApi::find(at)?;
    let path = format!("{}/lock", api.device_path(at)?);
    let answer = api.send(&Send::Put(&json!({"locked": locked})), &path)?;
    show(at, &answer, |_| format!("the screen is {}", if locked { "locked" } else { "unlocked" }))
}

fn network(at: &Where, online: bool) -> anyhow::Result<()> {
    let api = DeviceApi::find(at)?;
    let path = format!("{}/network", api.device_path(at)?);
    let answer = api.send(&Send::Put(&json!({"online": online})), &path)?;
    show(at, &answer, |_| format!("airplane mode is {}", if online { "off" } else { "on" }))
}

fn state(app: &App, state: &str) -> anyhow::Result<()> {
    ask_app(app, "/state", &Send::Put(&json!({"state": state})), text::app)
}

fn manifest(file: &Path) -> anyhow::Result<Value> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("can't read the manifest {shown}"))?;
    serde_json::from_str(&text).with_context(|| format!("the manifest {shown} isn't JSON"))
}

fn demo_app(environment: Option<Environment>, at: &Where) -> anyhow::Result<Value> {
    let is_this =
        |environment: &Environment| at.device.as_deref() == Some(&crate::demo::iphone(*environment));
    let of_device = || Environment::ALL.into_iter().find(is_this).unwrap_or(Environment::Development);
    let manifest = homing_app::demo::manifest(environment.unwrap_or_else(of_device).as_str())?;
    Ok(serde_json::to_value(manifest)?)
}

fn install(manifest: &Value, at: &Where) -> anyhow::Result<()> {
    let bundle = manifest.get("bundle_id").and_then(Value::as_str);
    let bundle = bundle.context("the manifest has no \"bundle_id\"")?;
    let api = DeviceApi::find(at)?;
    let path = format!("{}/apps/{}", api.device_path(at)?, escaped(bundle));
    let answer = api.send(&Send::Put(&json!({"manifest": manifest})), &path)?;
    show(at, &answer, text::app)
}

/// Taps or clears the notification that is named, or the newest.
fn touched(touch: &Touch, what: &str, done_word: &str) -> anyhow::Result<()> {
    let at = &touch.app.at;
    let api = DeviceApi::find(at)?;
    let device = api.device_path(at)?;
    let shown = api.send(&Send::Get, &format!("{device}/notifications"))?;
    let is_meant = |view: &&Value| {
        let is = |name: &str, wanted: &Option<String>| {
            wanted.as_deref().is_none_or(|wanted| view.get(name).and_then(Value::as_str) == Some(wanted))
        };
        is("app", &touch.app.app) && is("identifier", &touch.identifier)
    };
    let meant = shown.get("notifications").and_then(Value::as_array).into_iter().flatten().find(is_meant);
    let meant =
        meant.context("no such notification is on the screen\nhint: `homing device shown` lists what is")?;
    let body = json!({"app": meant.get("app"), "identifier": meant.get("identifier")});
    api.send(&Send::Post(&body), &format!("{device}/notifications/{what}"))?;
    let texts = ["title", "body", "identifier"].map(|name| meant.get(name).and_then(Value::as_str));
    let name = texts.into_iter().flatten().find(|text| !text.is_empty()).unwrap_or_default();
    done(at, &format!("{done_word} {name:?}"))
}

fn add(notify: &Notify) -> anyhow::Result<()> {
    let mut content = serde_json::Map::new();
    let fields = [
        ("title", notify.title.clone().map(Value::from)),
        ("body", notify.body.clone().map(Value::from)),
        ("badge", notify.badge.map(Value::from)),
        ("sound", notify.sound.as_ref().map(|name| json!({"name": name}))),
    ];
    content.extend(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    let mut request = json!({"identifier": notify.identifier, "content": content});
    if let Some(after) = notify.after {
        request["trigger"] =
            json!({"kind": "time-interval", "seconds": after.as_secs_f64(), "repeats": notify.repeat});
    }
    ask_app(&notify.app, "/requests", &Send::Post(&request), |_| "added".to_owned())
}

fn remove(which: &Which, what: &str) -> anyhow::Result<()> {
    let query =
        which.identifier.as_deref().map_or(String::new(), |id| format!("?identifier={}", escaped(id)));
    ask_app(&which.app, &format!("/{what}{query}"), &Send::Delete, |_| "removed".to_owned())
}

fn watch(at: &Where) -> anyhow::Result<()> {
    let api = DeviceApi::find(at)?;
    let path = match &at.device {
        Some(device) => format!("/v1/devices/{}/events", escaped(device)),
        None => "/v1/events".to_owned(),
    };
    api.watch(&path, |event, data| {
        if at.json {
            words::say_data(data);
        } else {
            words::say_data(text::happening(event, &serde_json::from_str(data)?));
        }
        Ok(())
    })
}

/// Data for programs, or a text for people.
fn show(at: &Where, answer: &Value, text: impl Fn(&Value) -> String) -> anyhow::Result<()> {
    if at.json {
        words::say_data(if answer.is_null() { json!({}) } else { answer.clone() });
    } else {
        words::say_data(text(answer));
    }
    Ok(())
}

/// What was done, for people; programs get an empty object.
fn done(at: &Where, said: &str) -> anyhow::Result<()> {
    show(at, &Value::Null, |_| said.to_owned())
}
