//! `homing gateway fault`: faults for tests. What a value may be is the admin API's to say.

use homing_trace::Environment;
use serde_json::{Map, Value};

use crate::endpoints::FindGlobally;
use crate::local_api::items;
use crate::words;

#[derive(Debug, clap::Args)]
pub(super) struct FaultArgs {
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
    /// Make a rule and print its number
    Add(Box<Rule>),
    /// List the rules that stand
    List,
    /// Remove a rule, or all
    Remove {
        #[arg(required_unless_present = "all")]
        id: Option<u64>,
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Effect {
    /// Refuse with --reason, and its status or --status; with --retry-after
    Refuse,
    /// Take it, and answer --milliseconds later
    Delay,
    /// Never answer
    Silence,
    /// RST_STREAM with --code (REFUSED_STREAM by default)
    Reset,
    /// End the connection with a GOAWAY that says --reason (Shutdown by default)
    GoAway,
    /// Cut the connection without a word
    Drop,
    /// Announce one concurrent stream
    OneStream,
    /// Legacy interface: an error packet with --status
    LegacyStatus,
    /// Legacy interface: close without a word
    LegacyClose,
}

/// Whose requests go wrong: either suffices.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
struct Target {
    /// The app whose requests it is about, by its bundle ID; not needed with --token
    #[arg(long, value_name = "BUNDLE_ID")]
    app: Option<String>,
    /// This device token alone; its app is known by it
    #[arg(long, value_name = "HEX")]
    token: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Rule {
    effect: Effect,
    #[command(flatten)]
    target: Target,
    /// This environment alone
    #[arg(long)]
    environment: Option<Environment>,
    /// The share of the requests, 1 to 100 [default: 100]
    #[arg(long, value_name = "N")]
    percent: Option<u8>,
    /// Decides which requests make up the share [default: 0]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// It ends after so many hits
    #[arg(long, value_name = "N")]
    count: Option<u32>,
    /// It ends after so many seconds [default: 600]
    #[arg(long, value_name = "N")]
    seconds: Option<u32>,
    #[arg(long, value_name = "N")]
    status: Option<u16>,
    /// One of Apple's words, such as TooManyRequests, or another
    #[arg(long, value_name = "WORD")]
    reason: Option<String>,
    #[arg(long, value_name = "SECONDS")]
    retry_after: Option<u32>,
    #[arg(long, value_name = "N")]
    milliseconds: Option<u64>,
    /// A code of RFC 9113 §7
    #[arg(long, value_name = "N")]
    code: Option<u32>,
}

impl Rule {
    fn wish(&self) -> Value {
        use clap::ValueEnum as _;
        let effect = self.effect.to_possible_value().map(|value| value.get_name().to_owned());
        let environment = self.environment.map(|environment| environment.as_str());
        let said: [(&str, Value); 13] = [
            ("effect", effect.into()),
            ("app", self.target.app.clone().into()),
            ("token", self.target.token.clone().into()),
            ("environment", environment.into()),
            ("percent", self.percent.into()),
            ("seed", self.seed.into()),
            ("count", self.count.into()),
            ("seconds", self.seconds.into()),
            ("status", self.status.into()),
            ("reason", self.reason.clone().into()),
            ("retry_after", self.retry_after.into()),
            ("milliseconds", self.milliseconds.into()),
            ("code", self.code.into()),
        ];
        let said = said.into_iter().filter(|(_, value)| !value.is_null());
        Value::Object(said.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
    }
}

pub(super) fn run(args: FaultArgs) -> anyhow::Result<()> {
    let admin = super::admin(&args.find.into())?;
    match args.command {
        Command::Add(rule) => {
            let made = admin.post("/v1/faults", &rule.wish())?;
            words::say_data(if args.json { made } else { made["id"].clone() });
        }
        Command::List => {
            let all = admin.get("/v1/faults", &[])?;
            if args.json {
                words::say_data(all);
            } else {
                items(&all, "faults")?.iter().map(text).for_each(words::say_data);
            }
        }
        Command::Remove { id: Some(id), .. } => {
            admin.delete(&format!("/v1/faults/{id}"))?;
            words::say(format!("removed {id}"));
        }
        Command::Remove { id: None, .. } => {
            admin.delete("/v1/faults")?;
            words::say("removed all");
        }
    }
    Ok(())
}

fn text(rule: &Value) -> String {
    let mut line = format!("{}  {}", rule["id"], rule["effect"].as_str().unwrap_or_default());
    for name in ["status", "reason", "retry_after", "milliseconds", "code"] {
        let value = &rule[name];
        if let Some(text) = value.as_str() {
            line.push_str(&format!(" {text}"));
        } else if !value.is_null() {
            line.push_str(&format!(" {name} {value}"));
        }
    }
    for name in ["app", "environment", "token"] {
        line.push_str(&rule[name].as_str().map_or_else(String::new, |text| format!("  {text}")));
    }
    let of = rule["count"].as_u64().map_or_else(String::new, |count| format!(" of {count}"));
    let until = rule["ends_at"].as_str().unwrap_or_default();
    format!("{line}  {}%  hit {}{of}, until {until}", rule["percent"], rule["hits"])
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        rule: Rule,
    }

    #[test]
    fn a_rule_wants_an_app_or_a_token_and_either_suffices() {
        let read = |words: &[&str]| Line::try_parse_from([&["fault", "refuse"], words].concat());
        let refused = read(&["--reason", "TooManyRequests"]).expect_err("about nothing").to_string();
        assert!(refused.contains("<--app <BUNDLE_ID>|--token <HEX>>"), "{refused}");
        for words in [&["--app", "a"][..], &["--token", "ab"], &["--app", "a", "--token", "ab"]] {
            let wish = read(words).expect("it is enough").rule.wish();
            assert_eq!(
                (!wish["app"].is_null()) as usize + (!wish["token"].is_null()) as usize,
                words.len() / 2
            );
        }
    }
}
