//! How the developer centre's answers read to people: one line each, columns apart by tabs' worth of space.

use serde_json::Value;

/// A member's text; empty when there is none.
pub(super) fn of(value: &Value, name: &str) -> String {
    match &value[name] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => other.to_string(),
    }
}

fn list(value: &Value, name: &str) -> String {
    let items = value[name].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
}

/// How one item of a list reads.
pub(super) type Line = fn(&Value) -> String;

pub(super) fn team(team: &Value) -> String {
    format!("{}  {}", of(team, "team_id"), of(team, "name"))
}

pub(super) fn app(app: &Value) -> String {
    let broadcast = if app["broadcast"] == true { "  may broadcast" } else { "" };
    format!("{}  team {}{broadcast}", of(app, "bundle_id"), of(app, "team_id"))
}

pub(super) fn key(key: &Value) -> String {
    let apps = if key["apps"].is_null() { "all apps".to_owned() } else { list(key, "apps") };
    let related = key["related_to"].as_str().map(|other| format!("  related to {other}")).unwrap_or_default();
    format!(
        "{}  team {}  {}  {apps}{related}",
        of(key, "key_id"),
        of(key, "team_id"),
        list(key, "environments")
    )
}

pub(super) fn certificate(certificate: &Value) -> String {
    format!(
        "{}  {}  {}  {}  until {}",
        of(certificate, "certificate_id"),
        of(certificate, "kind"),
        list(certificate, "environments"),
        list(certificate, "topics"),
        of(certificate, "expires_at")
    )
}

pub(super) fn enrolment_key(key: &Value) -> String {
    let until = key["expires_at"].as_str().map(|at| format!("  until {at}")).unwrap_or_default();
    format!(
        "{}  team {}  {}  {}  {} of {} devices{until}",
        of(key, "id"),
        of(key, "team_id"),
        list(key, "environments"),
        list(key, "apps"),
        of(key, "admitted"),
        of(key, "quota")
    )
}

pub(super) fn app_detail(detail: &Value) -> String {
    let mut lines = vec![app(detail)];
    let sections: [(&str, Line); 3] = [
        ("topics", |topic| topic.as_str().unwrap_or_default().to_owned()),
        ("keys", key),
        ("certificates", certificate),
    ];
    for (name, line) in sections {
        lines.push(format!("{name}:"));
        let items = detail[name].as_array().map(Vec::as_slice).unwrap_or_default();
        lines.extend(items.iter().map(|item| format!("  {}", line(item))));
    }
    lines.join("\n")
}
