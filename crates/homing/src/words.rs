//! How the binary speaks to people: data on stdout, words on stderr, an error with its causes and its hint.

use std::io::{IsTerminal as _, Write as _};

use tracing_subscriber::EnvFilter;

/// Log lines go to stderr, in colour only when a person looks; `HOMING_LOG` chooses how many (`info` by default).
pub(crate) fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("HOMING_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        // Whoever read it may be gone; that must not end us.
        .log_internal_errors(false)
        .init();
}

/// Prints a line of data. A reader that went away (`homing … | head`) ends the command quietly.
pub(crate) fn say_data(line: impl std::fmt::Display) {
    if writeln!(std::io::stdout(), "{line}").is_err() {
        std::process::exit(0);
    }
}

/// Prints a line for people.
pub(crate) fn say(line: impl std::fmt::Display) {
    // Nothing is left to tell when stderr is gone.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Prints an error as `error: what failed: why`, then its hints.
pub(crate) fn say_error(error: &anyhow::Error) {
    say(error_text(error));
}

/// A hint stands in an error's text after a line break; it is shown last, whatever the chain.
fn error_text(error: &anyhow::Error) -> String {
    let mut what = Vec::new();
    let mut hints = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default().to_owned();
        if what.last() != Some(&first) {
            what.push(first);
        }
        hints.extend(lines.map(|line| line.trim_start().to_owned()));
    }
    let mut text = format!("error: {}", what.join(": "));
    for hint in hints {
        text.push_str("\n  ");
        text.push_str(&hint);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_failed_why_and_what_to_do() {
        let cause = anyhow::anyhow!("no such file\nhint: make it");
        assert_eq!(
            error_text(&cause.context("can't read the key")),
            "error: can't read the key: no such file\n  hint: make it"
        );
    }
}
