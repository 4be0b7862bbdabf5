//! `homing gateway advice`: what clients are taken for by leniency, and what their authors should do.

use serde_json::Value;

use crate::endpoints::FindArgs;
use crate::local_api::{LocalApi, items};
use crate::words;

#[derive(Debug, clap::Args)]
pub(super) struct AdviceArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    find: FindArgs,
}

pub(super) fn run(args: &AdviceArgs) -> anyhow::Result<()> {
    let endpoints = args.find.find()?;
    let (Some(base), Some(key)) = (endpoints.gateway_admin, endpoints.gateway_admin_key) else {
        anyhow::bail!("that Homing runs no push service\nhint: `homing up` and `homing gateway` do");
    };
    let answer = LocalApi::new(&base, &key).get("/v1/advice", &[])?;
    if args.json {
        words::say_data(&answer);
        return Ok(());
    }
    let advice = items(&answer, "advice")?;
    if advice.is_empty() {
        words::say("No client was taken by leniency since the push service started.");
    }
    for advised in &advice {
        words::say_data(text(advised));
    }
    Ok(())
}

/// One leniency of an app's clients, in three lines.
fn text(advised: &Value) -> String {
    let of = |name: &str| advised[name].as_str().unwrap_or_default();
    let clients: Vec<&str> =
        advised["clients"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let by = if clients.is_empty() { String::new() } else { format!(", by {}", clients.join(", ")) };
    format!(
        "{}  team {}  {}\n  {} {}\n  {} requests on {} connections, the last at {}{by}",
        advised["bundle_id"].as_str().unwrap_or("receipts"),
        of("team_id"),
        of("leniency"),
        of("what"),
        of("advice"),
        advised["requests"],
        advised["connections"],
        of("last_at"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_says_who_does_what_and_what_to_do() {
        let advised = serde_json::json!({
            "team_id": "ABCDE12345", "bundle_id": "com.example.news", "leniency": "no-alpn", "what": "It does.",
            "advice": "Do so.", "requests": 12, "connections": 2, "last_at": "2026-11-26T00:00:00.000Z",
            "clients": ["pushy"]
        });
        assert_eq!(
            text(&advised),
            "com.example.news  team ABCDE12345  no-alpn\n  It does. Do so.\n  12 requests on 2 connections, the last \
             at 2026-11-26T00:00:00.000Z, by pushy"
        );
        let of_team = serde_json::json!({"team_id": "ABCDE12345", "bundle_id": null, "leniency": "no-alpn"});
        assert!(text(&of_team).starts_with("receipts  team ABCDE12345  no-alpn\n"));
    }
}
