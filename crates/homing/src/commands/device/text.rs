//! How the device API's answers read to people. Programs take the JSON.

use serde_json::Value;

pub(super) fn devices(answer: &Value) -> String {
    or_none(items(answer, "devices").map(device), "no devices")
}

pub(super) fn device(device: &Value) -> String {
    {
        let link = device.get("link").unwrap_or(&Value::Null);
        let state = if flag(link, "connected") {
            "connected".to_owned()
        } else {
            format!("away: {}", word(link, "why"))
        };
        let id = device.get("device_id").and_then(Value::as_str).unwrap_or("not enrolled");
        let apps: Vec<&str> = items(device, "apps").filter_map(Value::as_str).collect();
        format!("{:<24} {id:<16}  {state}  {}", word(device, "name"), apps.join(", "))
    }
}

pub(super) fn backups(answer: &Value) -> String {
    or_none(items(answer, "backups").map(backup), "no backups")
}

pub(super) fn backup(backup: &Value) -> String {
    let apps: Vec<&str> = items(backup, "apps").filter_map(Value::as_str).collect();
    format!("{:<28} {}  {}", word(backup, "backup"), word(backup, "at"), apps.join(", "))
}

pub(super) fn apps(answer: &Value) -> String {
    or_none(items(answer, "apps").map(app), "no apps")
}

pub(super) fn app(app: &Value) -> String {
    let badge = app.get("badge").and_then(Value::as_u64).filter(|badge| *badge > 0);
    let badge = badge.map_or(String::new(), |badge| format!("  badge {badge}"));
    let page = app.get("url").and_then(Value::as_str).map_or(String::new(), |url| format!("  page {url}"));
    format!(
        "{} ({} {})  {}  permission {}  token {}{badge}{page}",
        word(app, "bundle_id"),
        word(app, "name"),
        word(app, "version"),
        word(app, "state"),
        word(app, "authorization_status"),
        app.get("device_token").and_then(Value::as_str).unwrap_or("none yet"),
    )
}

pub(super) fn prompt(answer: &Value) -> String {
    match answer.get("prompt").filter(|prompt| !prompt.is_null()) {
        Some(prompt) => format!(
            "“{}” Would Like to Send You Notifications  ({})",
            word(prompt, "app_name"),
            options(prompt)
        ),
        None => "no prompt is on the screen".to_owned(),
    }
}

pub(super) fn authorization(answer: &Value) -> String {
    match answer.get("granted").and_then(Value::as_bool) {
        Some(true) => "granted".to_owned(),
        Some(false) => "not granted".to_owned(),
        None if answer.get("prompt").is_some() => {
            "asked: the prompt is on the screen (`homing device allow`)".to_owned()
        }
        None => "asked: the prompt shows when the app is opened (`homing device open`)".to_owned(),
    }
}

pub(super) fn notifications(answer: &Value) -> String {
    or_none(items(answer, "notifications").map(notification), "nothing is on the screen")
}

fn notification(view: &Value) -> String {
    let surfaces: Vec<&str> = items(view, "surfaces").filter_map(Value::as_str).collect();
    let mut text = format!(
        "{}  {}  [{}]  {}",
        word(view, "date"),
        word(view, "app_name"),
        surfaces.join(", "),
        word(view, "identifier")
    );
    for part in ["title", "subtitle", "body"] {
        let said = word(view, part);
        if !said.is_empty() {
            text.push_str(&format!("\n    {said}"));
        }
    }
    text
}

pub(super) fn pending(answer: &Value) -> String {
    let lines = items(answer, "pending").map(|pending| {
        let request = pending.get("request").unwrap_or(&Value::Null);
        let date = word(pending, "next_trigger_date");
        format!(
            "{}  {}  {}",
            if date.is_empty() { "at a region" } else { date },
            word(pending, "app"),
            word(request, "identifier")
        )
    });
    or_none(lines, "nothing is pending")
}

pub(super) fn badge(answer: &Value) -> String {
    answer.get("count").and_then(Value::as_u64).unwrap_or_default().to_string()
}

pub(super) fn token(answer: &Value) -> String {
    word(answer, "device_token").to_owned()
}

pub(super) fn registration(answer: &Value) -> String {
    match (answer.get("topic"), answer.get("device_token").and_then(Value::as_str)) {
        (_, Some(token)) => token.to_owned(),
        (Some(_), None) => "registered; its token is coming".to_owned(),
        (None, None) => "done".to_owned(),
    }
}

pub(super) fn registrations(answer: &Value) -> String {
    let lines = items(answer, "registrations").map(|one| {
        let token = one.get("device_token").and_then(Value::as_str).unwrap_or("none yet");
        let instance =
            one.get("instance").and_then(Value::as_str).map_or(String::new(), |name| format!("@{name}"));
        format!("{:<14}{instance}  {}  token {token}", word(one, "kind"), word(one, "topic"))
    });
    or_none(lines, "no registrations beside its own")
}

/// Where a device is and how its user has set it.
pub(super) fn surroundings(device: &Value) -> String {
    let place = device.get("location").filter(|place| !place.is_null()).map_or_else(
        || "unknown".to_owned(),
        |place| format!("{}, {}", place["latitude"], place["longitude"]),
    );
    let on = |name: &str| if flag(device, name) { "on" } else { "off" };
    format!(
        "time zone {}  place {place}  language {}  Low Power Mode {}  mute switch {}",
        word(device, "time_zone"),
        word(device, "locale"),
        on("low_power"),
        on("muted"),
    )
}

pub(super) fn focus(answer: &Value) -> String {
    let Some(focus) = answer.get("focus").filter(|focus| !focus.is_null()) else {
        return "no Focus is on".to_owned();
    };
    let (apps, people) = (items(focus, "allowed_apps"), items(focus, "allowed_people"));
    let allowed: Vec<&str> = apps.chain(people).filter_map(Value::as_str).collect();
    let allowed = if allowed.is_empty() { "no app".to_owned() } else { allowed.join(", ") };
    let rest = if flag(focus, "time_sensitive") { ", and what is time-sensitive" } else { "" };
    format!("Focus {:?} lets through {allowed}{rest}", word(focus, "name"))
}

pub(super) fn summary(answer: &Value) -> String {
    let Some(summary) = answer.get("summary").filter(|summary| !summary.is_null()) else {
        return "no summary is planned".to_owned();
    };
    let all = |name: &str| items(summary, name).filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    let waiting = items(answer, "waiting").count();
    format!("at {} for {}  next {}  waiting {waiting}", all("times"), all("apps"), word(answer, "next"))
}

pub(super) fn page(answer: &Value) -> String {
    answer.get("url").and_then(Value::as_str).unwrap_or("the front page").to_owned()
}

pub(super) fn settings(answer: &Value) -> String {
    let lines = answer.as_object().into_iter().flatten().map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{name:<36} {value}")
    });
    or_none(lines, "no settings")
}

pub(super) fn clock(answer: &Value) -> String {
    let ahead = answer.get("offset_seconds").and_then(Value::as_f64).unwrap_or_default();
    let jumped = items(answer, "jumped").filter_map(Value::as_str);
    let jumped = jumped
        .map(|device| format!("\n{device} jumped: more was due than is lived through, or it doesn't answer"));
    format!("it is {}  ({ahead} s ahead of real time){}", word(answer, "now"), jumped.collect::<String>())
}

/// One event of the stream.
pub(super) fn happening(event: &str, happening: &Value) -> String {
    if event == "missed" {
        let missed = happening.get("missed").and_then(Value::as_u64).unwrap_or_default();
        return format!("({missed} events were missed)");
    }
    let detail = happening.get("detail").unwrap_or(&Value::Null);
    let said = match event {
        "presented" => {
            let surfaces: Vec<&str> = items(detail, "surfaces").filter_map(Value::as_str).collect();
            format!("{}: {}  [{}]", word(detail, "title"), word(detail, "body"), surfaces.join(", "))
        }
        "receipt" => {
            let reason = word(detail, "reason");
            let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
            format!("{}{reason}  {}", word(detail, "event"), word(detail, "apns_id"))
        }
        "arrived" => word(detail, "apns_id").to_owned(),
        "app-moved" => {
            format!("{} → {} ({})", word(detail, "from"), word(detail, "to"), word(detail, "cause"))
        }
        _ => detail.to_string(),
    };
    let app = word(happening, "app");
    format!("{}  {}  {event:<14} {app}  {said}", word(happening, "at"), word(happening, "device"))
}

fn options(prompt: &Value) -> String {
    items(prompt, "options").filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn flag(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or_default()
}

fn or_none(lines: impl Iterator<Item = String>, none: &str) -> String {
    let text = lines.collect::<Vec<_>>().join("\n");
    if text.is_empty() { none.to_owned() } else { text }
}
