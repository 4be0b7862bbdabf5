//! `homing gateway token`: device tokens for tests.

use homing_trace::{Environment, UnixMillis};
use serde_json::{Value, json};

use crate::endpoints::FindGlobally;
use crate::local_api::{LocalApi, items};
use crate::words;

#[derive(Debug, clap::Args)]
pub(super) struct TokenArgs {
    #[command(subcommand)]
    command: Command,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    find: FindGlobally,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a token whose device is always away, and print it: what is sent to it is kept
    Make {
        /// A topic of an app: its bundle ID, or one with a suffix
        topic: String,
        #[arg(long, default_value = "development")]
        environment: Environment,
    },
    /// From now on the token is answered 410 Unregistered; its device is told nothing
    Unregister(Marked),
    /// From now on the token is answered 410 ExpiredToken; its device is told nothing
    Expire(Marked),
    /// Take the mark away
    Restore {
        /// The device token in hex
        token: String,
    },
    /// List the tokens that bear a mark
    List,
}

#[derive(Debug, clap::Args)]
struct Marked {
    /// The device token in hex
    token: String,
    /// The timestamp of the answer, such as 2026-11-22T02:04:05Z [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<UnixMillis>,
}

pub(super) fn run(args: TokenArgs) -> anyhow::Result<()> {
    let admin = super::admin(&args.find.into())?;
    let say = |answer: &Value, text: &str| {
        words::say_data(if args.json { answer.to_string() } else { text.to_owned() });
    };
    match args.command {
        Command::Make { topic, environment } => {
            let made = admin.post("/v1/test-tokens", &json!({"topic": topic, "environment": environment}))?;
            say(&made, made["token"].as_str().unwrap_or_default());
        }
        Command::Unregister(marked) => say_marked(&mark(&admin, &marked, "unregistered")?, args.json),
        Command::Expire(marked) => say_marked(&mark(&admin, &marked, "expired")?, args.json),
        Command::Restore { token } => {
            admin.delete(&format!("/v1/token-marks/{}", checked(&token)?))?;
            words::say("restored: it is answered as its registration stands");
        }
        Command::List => {
            let all = admin.get("/v1/token-marks", &[])?;
            if args.json {
                words::say_data(all);
                return Ok(());
            }
            items(&all, "token_marks")?.iter().for_each(|marked| say_marked(marked, false));
        }
    }
    Ok(())
}

fn mark(admin: &LocalApi, marked: &Marked, state: &str) -> anyhow::Result<Value> {
    let path = format!("/v1/token-marks/{}", checked(&marked.token)?);
    admin.put(&path, &json!({"state": state, "at": marked.at}))
}

/// It becomes a step of a path.
fn checked(token: &str) -> anyhow::Result<&str> {
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        anyhow::bail!("{token:?} is no device token\nhint: it is 64 hex digits");
    }
    Ok(token)
}

fn say_marked(marked: &Value, json: bool) {
    let text = |name: &str| marked[name].as_str().unwrap_or_default().to_owned();
    words::say_data(if json {
        marked.to_string()
    } else {
        let (state, at, token) = (text("state"), text("at"), text("token"));
        format!("{state} since {at}  {}  {}  {token}", text("environment"), text("topic"))
    });
}
