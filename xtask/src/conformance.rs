//! `docs/conformance.md`: which foreign client was seen to get which answer. Decides how the name of a check says its case,
//! how much each client must show, and that the document is what the run saw. What an answer must be is the clients'.

use std::collections::BTreeSet;
use std::fmt::Write;

use anyhow::{Context, Result, ensure};

use crate::step::repository_root;

const DOCUMENT: &str = "docs/conformance.md";
const REWRITE: &str = "cargo xtask test clients --write";
/// What a client must have shown besides [`SUCCESS`], with each credential.
const FAILURES: usize = 10;
const SUCCESS: &str = "Success";
/// The client of the interface that has no reasons, only statuses.
const LEGACY: &str = "PHP";
/// What the name of a client says that keeps broadcast channels.
const CHANNELS: &str = " with channels";

const HEAD: &str = "\
# What was seen through libraries that nobody here wrote

Written by `cargo xtask test clients --write`; `cargo xtask test` fails when it isn't what its run saw. A row is a case: `Success`, or
the reason that the push service gave, with the status that belongs to it. A mark says that the client provoked it with this credential,
or by leaving it out, and showed it to its user. An empty cell: the library can't provoke it, or hides it. What each client does is in
`clients/`.
";

/// What to do with the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Document {
    Compare,
    Write,
}

/// One client with one credential, in the order in which they were first heard of.
#[derive(Debug)]
struct Column {
    client: String,
    credential: String,
    cases: BTreeSet<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Conformance {
    columns: Vec<Column>,
}

impl Conformance {
    /// Takes the name of a check that passed. `BadTopic (a key): no suffix` is the case `BadTopic` with a key; a name of
    /// another form is no case.
    pub(crate) fn take(&mut self, client: &str, what: &str) {
        let Some((case, credential)) = case_of(what) else { return };
        let known = self.columns.iter().position(|had| had.client == client && had.credential == credential);
        let at = known.unwrap_or_else(|| {
            let (client, credential) = (client.to_owned(), credential.to_owned());
            self.columns.push(Column { client, credential, cases: BTreeSet::new() });
            self.columns.len() - 1
        });
        self.columns[at].cases.insert(case.to_owned());
    }

    /// Whether each client showed enough, and the document says what was seen; or writes it.
    pub(crate) fn settle(&self, document: Document) -> Result<()> {
        self.check_enough()?;
        let path = repository_root().join(DOCUMENT);
        let seen = self.text()?;
        if document == Document::Write {
            std::fs::write(&path, seen).with_context(|| format!("cannot write {DOCUMENT}"))?;
            eprintln!("written: {DOCUMENT}");
            return Ok(());
        }
        let says = std::fs::read_to_string(&path).unwrap_or_default();
        check_same(&says, &seen)
    }

    fn check_enough(&self) -> Result<()> {
        ensure!(!self.columns.is_empty(), "no client named a case");
        for Column { client, credential, cases } in &self.columns {
            ensure!(cases.contains(SUCCESS), "{client} with {credential}: no success was seen");
            let failures = cases.len() - 1;
            ensure!(failures >= FAILURES, "{client} with {credential}: {failures} failures, not {FAILURES}");
        }
        Ok(())
    }

    fn text(&self) -> Result<String> {
        let mut text = HEAD.to_owned();
        let (legacy, modern): (Vec<_>, Vec<_>) =
            self.columns.iter().partition(|column| column.client == LEGACY);
        let (channels, modern): (Vec<_>, Vec<_>) =
            modern.into_iter().partition(|column| column.client.ends_with(CHANNELS));
        for (title, columns) in [
            ("Provider API over HTTP/2", modern),
            ("Broadcast channels", channels),
            ("Legacy interface", legacy),
        ] {
            if !columns.is_empty() {
                write!(text, "\n## {title}\n\n")?;
                write_table(&mut text, &columns)?;
            }
        }
        Ok(text)
    }
}

fn case_of(what: &str) -> Option<(&str, &str)> {
    let (head, _) = what.split_once("): ")?;
    let (case, credential) = head.split_once(" (")?;
    matches!(credential, "a key" | "a certificate").then_some((case, credential))
}

fn write_table(text: &mut String, columns: &[&Column]) -> Result<()> {
    let name = |had: &&Column| format!("{}, {}", had.client.trim_end_matches(CHANNELS), had.credential);
    let names: Vec<String> = columns.iter().map(name).collect();
    writeln!(text, "| case | {} |", names.join(" | "))?;
    writeln!(text, "|---{}|", "|:-:".repeat(columns.len()))?;
    let failures: BTreeSet<&str> = columns
        .iter()
        .flat_map(|had| &had.cases)
        .map(String::as_str)
        .filter(|case| *case != SUCCESS)
        .collect();
    for case in std::iter::once(SUCCESS).chain(failures) {
        let mark = |had: &&Column| if had.cases.contains(case) { "✓" } else { "" };
        writeln!(text, "| {case} | {} |", columns.iter().map(mark).collect::<Vec<_>>().join(" | "))?;
    }
    Ok(())
}

/// Names the first line that differs.
fn check_same(says: &str, seen: &str) -> Result<()> {
    let longest = says.lines().count().max(seen.lines().count());
    let line = |text: &str, at| text.lines().nth(at).unwrap_or("nothing").to_owned();
    let differs = (0..longest).find(|at| line(says, *at) != line(seen, *at));
    if let Some(at) = differs {
        let (says, seen) = (line(says, at), line(seen, at));
        anyhow::bail!("line {} says `{says}`, and this was seen: `{seen}`; `{REWRITE}` rewrites it", at + 1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(checks: &[(&str, &str)]) -> Conformance {
        let mut conformance = Conformance::default();
        checks.iter().for_each(|(client, what)| conformance.take(client, what));
        conformance
    }

    #[test]
    fn the_table_has_a_row_for_each_case_and_a_column_for_each_client_with_each_credential() {
        let text = seen(&[
            ("curl", "Success (a key): to development"),
            ("curl", "BadTopic (a certificate): (no) suffix"),
            ("curl", "BadTopic (a certificate): again"),
            ("curl", "the trace (a line): is no case"),
            ("PHP", "Status 8 (a certificate): a token of nobody"),
        ])
        .text()
        .unwrap();
        let tables = "\n## Provider API over HTTP/2\n\n\
            | case | curl, a key | curl, a certificate |\n|---|:-:|:-:|\n| Success | ✓ |  |\n| BadTopic |  | ✓ |\n\
            \n## Legacy interface\n\n\
            | case | PHP, a certificate |\n|---|:-:|\n| Success |  |\n| Status 8 | ✓ |\n";
        assert_eq!(text.strip_prefix(HEAD), Some(tables));
    }

    #[test]
    fn a_document_that_says_something_else_is_refused_with_the_line_and_the_remedy() {
        check_same("a\nb\n", "a\nb\n").unwrap();
        let words = check_same("a\nb\n", "a\nc\n").unwrap_err().to_string();
        assert_eq!(words, format!("line 2 says `b`, and this was seen: `c`; `{REWRITE}` rewrites it"));
        assert!(check_same("a\n", "a\nb\n").is_err());
        assert!(check_same("", "a\n").is_err());
    }

    #[test]
    fn a_client_that_shows_too_little_is_refused() {
        let mut conformance = seen(&[("curl", "Success (a key): to development")]);
        for failure in 1..=FAILURES {
            assert!(conformance.check_enough().is_err(), "{} failures are too few", failure - 1);
            conformance.take("curl", &format!("Failure{failure} (a key): once"));
        }
        conformance.check_enough().unwrap();
        conformance.take("aioapns", "BadTopic (a key): no suffix");
        assert!(conformance.check_enough().is_err(), "aioapns never succeeded");
    }
}
