//! The tasks of this repository. Decides which task runs; each task lives in its own file.

mod bench;
mod clients;
mod conformance;
mod console;
mod cpu_time;
mod documents;
mod fuzz;
mod ledger;
mod node;
mod programs;
mod running;
mod step;
mod test;
mod tidy;
mod up;

use std::process::ExitCode;

use crate::conformance::Document;

const USAGE: &str = "\
The tasks of this repository: cargo xtask TASK

  up [ARGS]        build the page and the release binary, and run `homing up ARGS`
  test             everything a change must pass: tidy, format, page, lints, licences, tests, foreign clients
  test clients     only the foreign clients and the commands of the documents; --write writes docs/conformance.md
  test console     only the console's page: types, lints, unit tests, and a walk in Chromium
  tidy             the house rules alone (also run by `cargo test -p xtask`)
  bench [--built]  measure, and write docs/benchmarks.md; --built takes the release binaries that are there
  fuzz [SECONDS]   run every fuzz target for SECONDS each (default 30)
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["up", rest @ ..] => up::run(rest),
        ["test"] => test::everything(),
        ["test", "clients"] => test::clients_only(Document::Compare),
        ["test", "clients", "--write"] => test::clients_only(Document::Write),
        ["test", "console"] => test::console_only(),
        ["tidy"] => tidy::run(),
        ["bench", rest @ ..] => bench::run(rest),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        [] | ["help" | "--help" | "-h"] => {
            eprint!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("unknown task: {}\n\n{USAGE}", args.join(" "));
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
