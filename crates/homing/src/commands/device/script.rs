//! `homing device script`: a file of JSON lines, each a word of `homing device` with its options, or `push`; each one's
//! result is a JSON line on stdout. The first that fails ends the script (`docs/device-scripts.md`).
//!
//! The words and their options are those of the command line, taken from its declaration: a key is an option's name.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args as _, FromArgMatches as _, Subcommand as _};
use serde_json::{Map, Value, json};

use super::client::{DeviceApi, Send};
use super::{Command, Where, asks};
use crate::commands::push;
use crate::endpoints::FindArgs;
use crate::words;

/// Longest script, in bytes.
const MAX_SCRIPT: u64 = 16 * 1024 * 1024;
/// Words that have no place in a script, and options that the script has for all its lines.
const NO_WORDS: [&str; 3] = ["run", "script", "watch"];
const NO_OPTIONS: [&str; 4] = ["data-dir", "endpoints", "json", "help"];

#[derive(Debug, clap::Args)]
pub(super) struct ScriptArgs {
    /// The script: one JSON object a line; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The device of lines that name none
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// The app of lines that name none
    #[arg(long, value_name = "BUNDLE_ID")]
    app: Option<String>,
    #[command(flatten)]
    find: FindArgs,
}

pub(super) fn run(args: ScriptArgs) -> anyhow::Result<ExitCode> {
    let defaults = Defaults { device: args.device, app: args.app, endpoints: args.find.path()? };
    carry_out(&read(&args.file)?, defaults)
}

/// What every line has.
pub(super) struct Defaults {
    pub(super) device: Option<String>,
    pub(super) app: Option<String>,
    pub(super) endpoints: PathBuf,
}

pub(super) fn read(file: &PathBuf) -> anyhow::Result<String> {
    let shown = file.display();
    let mut text = String::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().take(MAX_SCRIPT).read_to_string(&mut text)
    } else {
        let opened = std::fs::File::open(file).with_context(|| format!("can't read the script {shown}"))?;
        opened.take(MAX_SCRIPT).read_to_string(&mut text)
    };
    read.with_context(|| format!("can't read the script {shown}"))?;
    Ok(text)
}

/// Understands every line first, so that a misspelt word at the end stops the script before its first step.
pub(super) fn carry_out(text: &str, defaults: Defaults) -> anyhow::Result<ExitCode> {
    let mut steps = Vec::new();
    for (number, line) in (1_usize..).zip(text.lines()) {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let step = Step::read(line, &defaults).with_context(|| format!("line {number}"))?;
        steps.push((number, step));
    }
    let at = Where {
        device: None,
        json: true,
        find: FindArgs { data_dir: None, endpoints: Some(defaults.endpoints) },
    };
    let mark = DeviceApi::find(&at)?.send(&Send::Get, "/v1/events/mark")?["mark"].as_u64();
    let mut met = BTreeSet::new();
    for (number, Step { word, action }) in steps {
        let result = action.carry_out(mark, &mut met);
        let (answer, code) = match &result {
            Ok(result) => (&result.value, result.code),
            Err(_) => (&Value::Null, 1),
        };
        let mut line = json!({"line": number, "do": word, "ok": code == 0, "answer": answer});
        let error = match &result {
            Ok(result) => (code != 0).then(|| result.text.clone()),
            Err(error) => Some(format!("{error:#}")),
        };
        if let Some(error) = &error {
            line["error"] = json!(error);
        }
        words::say_data(line);
        if let Some(error) = error {
            words::say(format!("line {number}: {word}: {error}"));
            return Ok(ExitCode::from(code));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One line.
struct Step {
    word: String,
    action: Action,
}

enum Action {
    Device(Box<Command>),
    Push(Box<push::PushArgs>),
}

/// What a line came to.
struct Outcome {
    value: Value,
    text: String,
    code: u8,
}

impl Action {
    fn carry_out(self, mark: Option<u64>, met: &mut BTreeSet<u64>) -> anyhow::Result<Outcome> {
        match self {
            Self::Push(args) => {
                let (value, said) = push::send_one(*args)?;
                let code = u8::from(said.is_some());
                Ok(Outcome { value, text: said.unwrap_or_default(), code })
            }
            Self::Device(mut command) => {
                let expects = matches!(*command, Command::Expect(_));
                if let Command::Expect(expected) = &mut *command {
                    expected.since = expected.since.or(mark);
                    expected.met.clone_from(met);
                }
                let answer = asks::carry_out(*command)?;
                if expects {
                    met.extend(answer.value["mark"].as_u64());
                    met.extend(
                        answer.value["marks"].as_array().into_iter().flatten().filter_map(Value::as_u64),
                    );
                }
                Ok(Outcome { value: answer.value, text: answer.text, code: answer.code })
            }
        }
    }
}

impl Step {
    fn read(line: &str, defaults: &Defaults) -> anyhow::Result<Self> {
        let mut line: Map<String, Value> =
            serde_json::from_str(line).context("a line is one JSON object, like {\"do\": \"open\"}")?;
        let word = match line.remove("do") {
            Some(Value::String(word)) => word,
            Some(_) | None => bail!("say what to do, like {{\"do\": \"open\"}}"),
        };
        let declared = Command::augment_subcommands(clap::Command::new("homing device"));
        let pushes = push::PushArgs::augment_args(clap::Command::new("push"));
        let is_push = word == "push";
        let found = if is_push { Some(&pushes) } else { declared.find_subcommand(&word) };
        let Some(found) = found.filter(|_| !NO_WORDS.contains(&word.as_str())) else {
            let known = declared.get_subcommands().map(clap::Command::get_name);
            let known: Vec<_> = known.filter(|word| !NO_WORDS.contains(word)).chain(["push"]).collect();
            bail!("there is no word {word:?}\nhint: the words are {}", known.join(", "));
        };
        let arguments = arguments(found, &line, defaults)?;
        let parse = |of: clap::Command, argv: Vec<String>| {
            let matches = of.no_binary_name(true).try_get_matches_from(argv);
            matches.map_err(|error| anyhow!("{word}: {}", plain(&error)))
        };
        let action = if is_push {
            Action::Push(Box::new(push::PushArgs::from_arg_matches(&parse(pushes, arguments)?)?))
        } else {
            let argv = [vec![found.get_name().to_owned()], arguments].concat();
            Action::Device(Box::new(Command::from_arg_matches(&parse(declared.clone(), argv)?)?))
        };
        Ok(Self { word, action })
    }
}

/// A line's keys as the command line has them.
fn arguments(
    word: &clap::Command,
    line: &Map<String, Value>,
    defaults: &Defaults,
) -> anyhow::Result<Vec<String>> {
    let key = |arg: &clap::Arg| arg.get_long().map_or_else(|| arg.get_id().to_string(), str::to_owned);
    let allowed = || word.get_arguments().filter(|arg| !NO_OPTIONS.contains(&key(arg).as_str()));
    let (mut options, mut places) = (Vec::new(), Vec::new());
    for (name, value) in line {
        let wanted = name.replace('_', "-");
        let is_it = |arg: &&clap::Arg| {
            key(arg).replace('_', "-") == wanted
                || arg.get_all_aliases().is_some_and(|all| all.contains(&wanted.as_str()))
        };
        let Some(arg) = allowed().find(is_it) else {
            let known: Vec<_> = allowed().map(key).collect();
            bail!("{:?} takes no {name:?}\nhint: it takes {}", word.get_name(), known.join(", "));
        };
        for text in texts(name, value)? {
            match (arg.get_long(), text) {
                (None, Some(text)) => places.push((arg.get_index(), text)),
                (Some(long), Some(text)) if arg.get_action().takes_values() => {
                    options.push(format!("--{long}={text}"));
                }
                (Some(long), None) if !arg.get_action().takes_values() => options.push(format!("--{long}")),
                (_, Some(_)) => bail!("{name:?} is true or false"),
                (_, None) => bail!("{name:?} wants a value"),
            }
        }
    }
    let has = |name: &str| allowed().any(|arg| arg.get_long() == Some(name)) && !line.contains_key(name);
    for (name, value) in [("device", &defaults.device), ("app", &defaults.app)] {
        options.extend(value.as_ref().filter(|_| has(name)).map(|value| format!("--{name}={value}")));
    }
    if word.get_arguments().any(|arg| arg.get_long() == Some("endpoints")) {
        options.push(format!("--endpoints={}", defaults.endpoints.display()));
    }
    places.sort();
    if !places.is_empty() {
        options.push("--".to_owned());
        options.extend(places.into_iter().map(|(_, text)| text));
    }
    Ok(options)
}

/// A value as texts; `None` is a switch that is on. One that is off is nothing.
fn texts(name: &str, value: &Value) -> anyhow::Result<Vec<Option<String>>> {
    Ok(match value {
        Value::Null | Value::Bool(false) => Vec::new(),
        Value::Bool(true) => vec![None],
        Value::String(text) => vec![Some(text.clone())],
        Value::Number(number) => vec![Some(number.to_string())],
        // A manifest, or a payload.
        Value::Object(_) => vec![Some(value.to_string())],
        Value::Array(all) => {
            let each = all.iter().map(|one| texts(name, one)).collect::<anyhow::Result<Vec<_>>>();
            each.with_context(|| format!("{name:?}"))?.concat()
        }
    })
}

/// clap's words without what is about a command line.
fn plain(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("Usage:"));
    let lines: Vec<_> = lines.filter(|line| !line.starts_with("For more information")).collect();
    lines.join(" ").trim_start_matches("error: ").to_owned()
}
