//! `homing payload check`: what is wrong with a payload, where, and how to mend it. The rules are `homing-payload`'s.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use homing_payload::{Finding, PushType, Severity, validate};

use crate::words;

/// No payload is nearly as large; more isn't read.
const MAX_LEN: u64 = 1024 * 1024;

#[derive(Debug, clap::Args)]
pub(crate) struct PayloadArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say what is wrong with a payload, where, and how to mend it
    ///
    /// Reads JSON as it would be sent, or an .apns file of Xcode's Simulator. Ends with 1 if there are errors, with 0 if
    /// there are none or only warnings and notes.
    Check(CheckArgs),
}

#[derive(Debug, clap::Args)]
struct CheckArgs {
    /// The payload, or - for stdin
    file: PathBuf,
    /// Apple's word for the kind of push [default: what the payload is for]
    #[arg(long, value_name = "TYPE")]
    push_type: Option<PushType>,
    /// One line of JSON per finding
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: PayloadArgs) -> anyhow::Result<ExitCode> {
    let Command::Check(args) = args.command;
    let bytes = read(&args.file)?;
    let findings = validate(&bytes, args.push_type);
    for finding in &findings {
        words::say_data(if args.json { serde_json::to_string(finding)? } else { line(finding) });
    }
    words::say(summary(&findings, bytes.len()));
    let errors = findings.iter().any(|finding| finding.severity == Severity::Error);
    Ok(if errors { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Reads a file, or stdin for `-`.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().lock().take(MAX_LEN).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(MAX_LEN).read_to_end(&mut bytes))
    };
    read.with_context(|| {
        format!("can't read the payload from {}\nhint: name a file, or - for standard input", file.display())
    })?;
    Ok(bytes)
}

/// A finding in one line: how grave, where, what, and how to mend it.
pub(super) fn line(finding: &Finding) -> String {
    let Finding { path, severity, reason, fix } = finding;
    format!("{severity}: {path}: {reason}. Mend: {fix}")
}

fn summary(findings: &[Finding], len: usize) -> String {
    let of = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let count = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    if findings.is_empty() {
        return format!("nothing to mend ({len} bytes)");
    }
    [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")]
        .into_iter()
        .filter(|(severity, _)| of(*severity) > 0)
        .map(|(severity, word)| count(of(severity), word))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_and_the_summary_counts() {
        let findings = validate(br#"{"aps":{"alert":"x","badge":"3"},"sound":"d"}"#, None);
        assert_eq!(
            line(&findings[0]),
            "error: $.aps.badge: the value is a string, not an integer from 0 to 4294967295, and is ignored. Mend: \
             write 3 without quotes"
        );
        assert_eq!(summary(&findings, 40), "1 error, 1 warning");
        assert_eq!(summary(&[], 40), "nothing to mend (40 bytes)");
    }

    #[test]
    fn every_finding_stays_on_its_line() {
        let findings = validate(b"{\"aps\":{\"alert\":\"x\"},\"a\\nb\":null}", None);
        assert_eq!(line(&findings[0]).lines().count(), 1);
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read(Path::new("/nowhere.json")).unwrap_err().to_string();
        assert!(error.contains("/nowhere.json"), "{error}");
    }
}
