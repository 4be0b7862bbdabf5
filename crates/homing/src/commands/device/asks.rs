//! What each word asks of the device API.

use std::ops::ControlFlow;

use anyhow::{Context as _, bail};
use homing_trace::Environment;
use serde_json::{Value, json};

use super::answer::{Answer, done, show};
use super::client::{DeviceApi, Send, escaped};
use super::{
    App, Command, Notify, OfApp, Registration, Touch, Where, Which, expect, lifecycle, surroundings, text,
};
use crate::words;

pub(super) fn carry_out(command: Command) -> anyhow::Result<Answer> {
    match command {
        Command::List(at) => {
            Ok(show(&at, DeviceApi::find(&at)?.send(&Send::Get, "/v1/devices")?, text::devices))
        }
        Command::Show(at) => get(&at, "", text::device),
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
            Ok(show(&at, moved, text::clock))
        }
        Command::Mark(at) => {
            let mark = DeviceApi::find(&at)?.send(&Send::Get, "/v1/events/mark")?;
            Ok(show(&at, mark, |mark| mark["mark"].to_string()))
        }
        Command::Expect(expected) => expect::run(&expected),
        Command::Install { manifest: Some(file), at, .. } => install(&manifest(&file)?, &at),
        Command::Install { manifest: None, environment, at } => install(&demo_app(environment, &at)?, &at),
        Command::Lifecycle(command) => lifecycle::carry_out(command),
        Command::Surroundings(command) => surroundings::carry_out(*command),
        Command::OfApp(command) => carry_out_of_app(command),
        Command::Watch(_) | Command::Run(_) | Command::Script(_) => {
            bail!("`run`, `script` and `watch` stand by themselves: they are no part of a script")
        }
    }
}

/// The words that are about one app.
fn carry_out_of_app(command: OfApp) -> anyhow::Result<Answer> {
    match command {
        OfApp::Remove(app) => {
            let api = DeviceApi::find(&app.at)?;
            api.send(&Send::Delete, &api.app_path(&app)?)?;
            Ok(done(&app.at, "removed; its token ends"))
        }
        OfApp::Ask(app) => {
            ask_app(&app, "/authorization", &Send::Post(&lifecycle::options()), text::authorization)
        }
        OfApp::Open(app) => state(&app, "foreground"),
        OfApp::Background(app) => state(&app, "background"),
        OfApp::End(app) => state(&app, "ended"),
        OfApp::ForceQuit(app) => state(&app, "force-quit"),
        OfApp::Tap(touch) => touched(&touch, "tap", "tapped", &json!({})),
        OfApp::Dismiss(touch) => touched(&touch, "dismiss", "dismissed", &json!({})),
        OfApp::Action { action, text, touch } => {
            let chosen = json!({"action": action, "text": text});
            touched(&touch, "action", &format!("chose {action:?} of"), &chosen)
        }
        OfApp::Register(of) => registration(&of, &Send::Put(&json!({}))),
        OfApp::Unregister(of) => registration(&of, &Send::Delete),
        OfApp::Registrations(app) => ask_app(&app, "/registrations", &Send::Get, text::registrations),
        OfApp::LocationPermission { permission, app } => {
            let permission = json!({"permission": permission});
            ask_app(&app, "/location-permission", &Send::Put(&permission), text::app)
        }
        OfApp::Notify(notify) => add(&notify),
        OfApp::RemoveDelivered(which) => remove(&which, "delivered"),
        OfApp::RemovePending(which) => remove(&which, "pending"),
        OfApp::Badge { count: Some(count), app } => {
            ask_app(&app, "/badge", &Send::Put(&json!({"count": count})), |_| format!("the badge is {count}"))
        }
        OfApp::Badge { count: None, app } => ask_app(&app, "/badge", &Send::Get, text::badge),
        OfApp::Token(app) => ask_app(&app, "/token", &Send::Get, text::token),
        OfApp::Page(app) => ask_app(&app, "/page", &Send::Get, text::page),
        OfApp::Settings { change: Some((name, on)), app } => {
            let change = json!({"setting": name, "on": on});
            ask_app(&app, "/settings", &Send::Put(&change), text::settings)
        }
        OfApp::Settings { change: None, app } => ask_app(&app, "/settings", &Send::Get, text::settings),
    }
}

fn get(at: &Where, what: &str, text: fn(&Value) -> String) -> anyhow::Result<Answer> {
    let api = DeviceApi::find(at)?;
    let answer = api.send(&Send::Get, &format!("{}{what}", api.device_path(at)?))?;
    Ok(show(at, answer, text))
}

pub(super) fn ask_app(
    app: &App,
    what: &str,
    send: &Send<'_>,
    text: impl Fn(&Value) -> String,
) -> anyhow::Result<Answer> {
    let api = DeviceApi::find(&app.at)?;
    let answer = api.send(send, &format!("{}{what}", api.app_path(app)?))?;
    Ok(show(&app.at, answer, text))
}

fn answer(at: &Where, allow: bool) -> anyhow::Result<Answer> {
    let api = DeviceApi::find(at)?;
    let path = format!("{}/prompt/answer", api.device_path(at)?);
    api.send(&Send::Post(&json!({"allow": allow})), &path)?;
    Ok(done(at, if allow { "allowed" } else { "not allowed" }))
}

fn lock(at: &Where, locked: bool) -> anyhow::Result<Answer> {
    let api = DeviceApi::find(at)?;
    let path = format!("{}/lock", api.device_path(at)?);
    let answer = api.send(&Send::Put(&json!({"locked": locked})), &path)?;
    Ok(show(at, answer, |_| format!("the screen is {}", if locked { "locked" } else { "unlocked" })))
}

fn network(at: &Where, online: bool) -> anyhow::Result<Answer> {
    let api = DeviceApi::find(at)?;
    let path = format!("{}/network", api.device_path(at)?);
    let answer = api.send(&Send::Put(&json!({"online": online})), &path)?;
    Ok(show(at, answer, |_| format!("airplane mode is {}", if online { "off" } else { "on" })))
}

pub(super) fn state(app: &App, state: &str) -> anyhow::Result<Answer> {
    ask_app(app, "/state", &Send::Put(&json!({"state": state})), text::app)
}

/// A manifest in a file; a script may have it in its line.
fn manifest(file: &str) -> anyhow::Result<Value> {
    if file.starts_with('{') {
        return serde_json::from_str(file).context("the manifest isn't JSON");
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("can't read the manifest {file}"))?;
    serde_json::from_str(&text).with_context(|| format!("the manifest {file} isn't JSON"))
}

fn demo_app(environment: Option<Environment>, at: &Where) -> anyhow::Result<Value> {
    let is_this =
        |environment: &Environment| at.device.as_deref() == Some(&crate::demo::iphone(*environment));
    let of_device = || Environment::ALL.into_iter().find(is_this).unwrap_or(Environment::Development);
    let manifest = homing_app::demo::manifest(environment.unwrap_or_else(of_device).as_str())?;
    Ok(serde_json::to_value(manifest)?)
}

fn install(manifest: &Value, at: &Where) -> anyhow::Result<Answer> {
    let bundle = manifest.get("bundle_id").and_then(Value::as_str);
    let bundle = bundle.context("the manifest has no \"bundle_id\"")?;
    let api = DeviceApi::find(at)?;
    let path = format!("{}/apps/{}", api.device_path(at)?, escaped(bundle));
    let answer = api.send(&Send::Put(&json!({"manifest": manifest})), &path)?;
    Ok(show(at, answer, text::app))
}

/// For remote notifications, or for a push type with a topic of its own.
fn registration(of: &Registration, send: &Send<'_>) -> anyhow::Result<Answer> {
    let Some(kind) = &of.kind else {
        return ask_app(&of.app, "/registration", send, text::registration);
    };
    let instance =
        of.instance.as_deref().map_or(String::new(), |name| format!("?instance={}", escaped(name)));
    ask_app(&of.app, &format!("/registrations/{}{instance}", escaped(kind)), send, text::registration)
}

/// Taps or clears the notification that is named, or the newest, or chooses one of its actions; `more` is what the API
/// wants beside its name.
fn touched(touch: &Touch, what: &str, done_word: &str, more: &Value) -> anyhow::Result<Answer> {
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
    let mut body = json!({"app": meant.get("app"), "identifier": meant.get("identifier")});
    if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
        body.extend(more.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    api.send(&Send::Post(&body), &format!("{device}/notifications/{what}"))?;
    let texts = ["title", "body", "identifier"].map(|name| meant.get(name).and_then(Value::as_str));
    let name = texts.into_iter().flatten().find(|text| !text.is_empty()).unwrap_or_default();
    Ok(done(at, &format!("{done_word} {name:?}")))
}

fn add(notify: &Notify) -> anyhow::Result<Answer> {
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

fn remove(which: &Which, what: &str) -> anyhow::Result<Answer> {
    let query =
        which.identifier.as_deref().map_or(String::new(), |id| format!("?identifier={}", escaped(id)));
    ask_app(&which.app, &format!("/{what}{query}"), &Send::Delete, |_| "removed".to_owned())
}

pub(super) fn watch(at: &Where) -> anyhow::Result<()> {
    let api = DeviceApi::find(at)?;
    let path = match &at.device {
        Some(device) => format!("/v1/devices/{}/events", escaped(device)),
        None => "/v1/events".to_owned(),
    };
    api.watch(&path, None, |event, data| {
        if at.json {
            words::say_data(data);
        } else {
            words::say_data(text::happening(event, &serde_json::from_str(data)?));
        }
        Ok(ControlFlow::Continue(()))
    })
}
