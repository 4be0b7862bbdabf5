//! `homing gateway journal`: what providers sent and what they were answered, told to people or, with `--json`, to programs.

use serde_json::Value;

use crate::endpoints::FindArgs;
use crate::words;

#[derive(Debug, clap::Args)]
pub(super) struct JournalArgs {
    /// Go on with each request that comes, until it is interrupted
    #[arg(long)]
    follow: bool,
    /// One line of JSON per request, with headers and payload
    #[arg(long)]
    json: bool,
    /// Requests for this app alone, by its bundle ID
    #[arg(long, value_name = "BUNDLE_ID")]
    app: Option<String>,
    /// Requests for this device token alone
    #[arg(long, value_name = "HEX")]
    token: Option<String>,
    /// Requests alone that were answered so
    #[arg(long, value_name = "N")]
    status: Option<u16>,
    /// Only what came after this number
    #[arg(long, value_name = "NO")]
    after: Option<u64>,
    /// Requests that nobody vouched for, instead
    #[arg(long)]
    strangers: bool,
    #[command(flatten)]
    find: FindArgs,
}

pub(super) fn run(args: &JournalArgs) -> anyhow::Result<()> {
    let admin = super::admin(&args.find)?;
    let (status, after) = (args.status.map(|status| status.to_string()), args.after.map(|no| no.to_string()));
    let mut query: Vec<(&str, &str)> = Vec::new();
    for (name, value) in [("app", &args.app), ("token", &args.token), ("status", &status), ("after", &after)]
    {
        query.extend(value.as_deref().map(|value| (name, value)));
    }
    for (name, is_wanted) in [("follow", args.follow), ("strangers", args.strangers)] {
        query.extend(is_wanted.then_some((name, "true")));
    }
    admin.lines("/v1/journal", &query, |line| {
        if args.json {
            words::say_data(line);
        } else {
            words::say_data(text(&serde_json::from_str(line)?));
        }
        Ok(())
    })
}

fn text(entry: &Value) -> String {
    let said = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let answer = &entry["answer"];
    let status = [&answer["status"], &answer["legacy_status"]].into_iter().find_map(Value::as_u64);
    let answered = match (answer.is_null(), status, answer["reason"].as_str()) {
        (true, ..) => match entry["unanswered"].as_str() {
            Some(why) => format!("no answer ({why})"),
            None => "no answer".to_owned(),
        },
        (false, Some(status), Some(reason)) => format!("{status} {reason}"),
        (false, Some(status), None) => status.to_string(),
        (false, None, Some(reason)) => format!("no word ({reason})"),
        (false, None, None) => "taken".to_owned(),
    };
    let injected = entry["injected"].as_str().map_or_else(String::new, |word| format!("  [{word}]"));
    let bytes = entry["payload"].as_str().map_or(0, str::len);
    format!(
        "{:>5}  {}  {answered}{injected}  {}  {}  {bytes} bytes  {} µs",
        entry["no"],
        said(&entry["at"]),
        said(&entry["topic"]),
        said(&entry["token"]),
        entry["micros"],
    )
}
