//! What `homing up` says once everything runs: where what listens, and commands to paste.

use std::path::Path;
use std::time::Duration;

use homing_trace::Environment;

use crate::demo::iphone;
use crate::endpoints::Endpoints;

pub(super) fn greeting(endpoints: &Endpoints, data_dir: &Path, link: &str, took: Duration) -> String {
    let mut lines = vec![
        format!("Homing is up ({:.1} s). Ctrl-C stops it.", took.as_secs_f64()),
        String::new(),
        "Open the console: the iPhones, the sender's side, and every notification's life.".to_owned(),
        format!("  {link}"),
        format!("  (works once, for ten minutes; a fresh one: {} console{})", homing(), dir_option(data_dir)),
        String::new(),
    ];
    for (environment, at) in &endpoints.apns {
        lines.push(format!("  APNs {environment:<12} https://{}:{}", at.host, at.port));
    }
    lines.extend(legacy(endpoints));
    if let Some(at) = &endpoints.device_link {
        lines.push(format!(
            "  device link       {}:{}  (MQTT over TLS, /mqtt over WebSocket, enrolment over HTTPS)",
            at.host, at.port
        ));
    }
    if let Some(api) = &endpoints.provider_api {
        lines.push(format!("  provider API      {api}/openapi.json"));
    }
    if let Some(api) = &endpoints.device_api {
        lines.push(format!("  device API        {api}/openapi.json"));
    }
    if let Some(api) = &endpoints.gateway_admin {
        lines.push(format!("  gateway admin     {api}/openapi.json"));
    }
    lines.push(format!("  for scripts       {}", data_dir.join(crate::endpoints::FILE_NAME).display()));
    if let Some(demo) = &endpoints.demo {
        lines.push(String::new());
        lines.push(format!("Virtual iPhones with the demo app {}:", demo.bundle_id));
        for (environment, of_environment) in &demo.environments {
            let token = of_environment.device_token.as_deref().unwrap_or("not registered yet");
            lines.push(format!("  {:<20} {token}", iphone(*environment)));
        }
        lines.extend(commands(endpoints, data_dir));
    }
    lines.join("\n")
}

/// For both environments on one line: few still need it.
fn legacy(endpoints: &Endpoints) -> Option<String> {
    let of_each = endpoints.apns.iter().filter_map(|(environment, at)| {
        let (port, feedback) = (at.legacy_port?, at.feedback_port?);
        Some(format!("{environment} ssl://{}:{port}, feedback {feedback}", at.host))
    });
    let all: Vec<_> = of_each.collect();
    (!all.is_empty()).then(|| format!("  APNs legacy       {}", all.join("; ")))
}

fn commands(endpoints: &Endpoints, data_dir: &Path) -> Vec<String> {
    let homing = homing();
    let phone = iphone(Environment::Development);
    let mut lines = vec![
        String::new(),
        "Watch the iPhone (in a second terminal):".to_owned(),
        format!("  {homing} device watch{} --device {phone}", dir_option(data_dir)),
        String::new(),
        "Let the app ask for permission, and allow it:".to_owned(),
        format!("  {homing} device open{} --device {phone}", dir_option(data_dir)),
        format!("  {homing} device allow{} --device {phone}", dir_option(data_dir)),
        format!("  {homing} device background{} --device {phone}", dir_option(data_dir)),
        String::new(),
        "Send a notification:".to_owned(),
        // Without a data directory it would send to Apple.
        format!(
            "  {homing} push --data-dir {} --title Hello --body 'From the provider to the app'",
            quoted(data_dir)
        ),
    ];
    if let Some(curl) = curl(endpoints) {
        lines.push(curl);
    }
    lines.extend([
        String::new(),
        "Ask what became of it, by the apns-id in the answer:".to_owned(),
        format!("  {homing} trace{} APNS-ID", dir_option(data_dir)),
    ]);
    lines
}

fn curl(endpoints: &Endpoints) -> Option<String> {
    let at = endpoints.apns.get(&Environment::Development)?;
    let of_environment = endpoints.demo.as_ref()?.environments.get(&Environment::Development)?;
    let token = of_environment.device_token.as_deref()?;
    Some(format!(
        "  curl -i --http2 --cacert {} --cert {} \\\n    -d '{{\"aps\":{{\"alert\":\"Hello\"}}}}' \\\n    https://{}:{}/3/device/{token}",
        quoted(endpoints.ca_pem.as_deref()?),
        quoted(&of_environment.certificate_pem),
        at.host,
        at.port,
    ))
}

/// How this very binary is called, so that a command can be pasted from anywhere.
fn homing() -> String {
    std::env::current_exe().map_or_else(|_| "homing".to_owned(), |path| quoted(&path))
}

fn dir_option(data_dir: &Path) -> String {
    let is_default = crate::data_dir::or_default(None)
        .and_then(|path| Ok(path.canonicalize()?))
        .is_ok_and(|path| path == data_dir);
    if is_default { String::new() } else { format!(" --data-dir {}", quoted(data_dir)) }
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_can_be_pasted_into_a_shell() {
        assert_eq!(quoted(Path::new("/tmp/a-b")), "/tmp/a-b");
        assert_eq!(quoted(Path::new("/tmp/it's here")), r"'/tmp/it'\''s here'");
    }
}
