//! `homing console`: prints a fresh sign-in link of the console that runs. Only who can read the data directory gets one.

use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;

use crate::endpoints::FindArgs;
use crate::local_api::LocalApi;
use crate::roles::console::LINK_KEY;
use crate::words;

#[derive(Debug, clap::Args)]
pub(crate) struct ConsoleArgs {
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    find: FindArgs,
}

pub(crate) fn run(args: &ConsoleArgs) -> anyhow::Result<ExitCode> {
    let endpoints = args.find.find()?;
    let console = endpoints.console.context(
        "this Homing has no console\nhint: `homing up` has one; `homing gateway` and `homing provider` alone have not",
    )?;
    let path = args.find.path()?.with_file_name(LINK_KEY);
    let key = std::fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
    let made = LocalApi::new(&console, key.trim()).post("/links", &json!({}))?;
    let url =
        made["url"].as_str().context("the console answered without a link: is it of the same version?")?;
    if args.json {
        words::say_data(json!({"url": url}));
    } else {
        words::say_data(url);
        words::say("It works once, for ten minutes.");
    }
    Ok(ExitCode::SUCCESS)
}
