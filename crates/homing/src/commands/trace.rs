//! `homing trace`: a notification's life, told to people or, with `--json`, to programs. Who knows it is decided in
//! `known`, how it is told to people in `story`.

use std::process::ExitCode;

use crate::endpoints::FindArgs;
use crate::words;

mod known;
mod story;

use known::{Known, Told};

/// Nothing of that name is known.
const NOT_FOUND: u8 = 4;

#[derive(Debug, clap::Args)]
pub(crate) struct TraceArgs {
    /// The apns-id the sender chose or was answered, or an apns-unique-id; letter case doesn't matter
    #[arg(required_unless_present_any = ["token", "user"])]
    apns_id: Option<String>,
    /// All notifications for this device token instead, refused ones included
    #[arg(long, value_name = "HEX", conflicts_with = "apns_id")]
    token: Option<String>,
    /// All notifications that the provider planned for this user instead, refused ones included
    #[arg(long, value_name = "USER", conflicts_with_all = ["apns_id", "token"])]
    user: Option<String>,
    /// One line of JSON per notification
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    find: FindArgs,
}

pub(crate) fn run(args: TraceArgs) -> anyhow::Result<ExitCode> {
    let known = Known::by(&args.find.find()?);
    let (asked, told) = match (&args.apns_id, &args.token, &args.user) {
        (_, _, Some(user)) => (user, known.of_user(user)?),
        (_, Some(token), None) => (token, known.of_token(token)?),
        (Some(apns_id), None, None) => (apns_id, known.of_apns_id(apns_id)?),
        (None, None, None) => {
            anyhow::bail!("name an apns-id, a device token with --token, or a user with --user")
        }
    };
    let mut any = false;
    // A line of JSON is a trace; what never left the provider has none.
    for Told { trace, push, standing } in &told {
        if args.json && trace.events.is_empty() {
            continue;
        }
        any = true;
        if args.json {
            words::say_data(serde_json::to_string(trace)?);
        } else {
            words::say_data(story::text(trace, push.as_deref(), standing.as_deref()));
        }
    }
    if !any {
        words::say(format!(
            "nothing is known of {asked}\nhint: traces are kept for 7 days; a request that was refused before it named \
             an apns-id has one in its answer's headers"
        ));
        return Ok(ExitCode::from(NOT_FOUND));
    }
    Ok(ExitCode::SUCCESS)
}
