//! What the text of a source file may not contain: skipped tests, unbounded queues, notes for later, fixed ports in
//! tests; and what it must begin with.

use super::{Finding, TrackedFile, Tree};

/// The rules name what they ban, so their own files are not read by them.
const THE_RULES: &str = "xtask/src/tidy/";

/// A line that must break a rule says why: `tidy: <reason>` in a comment on it.
const EXCUSE: &str = "// tidy: ";

struct Ban {
    extensions: &'static [&'static str],
    word: &'static str,
    mend: &'static str,
}

const RUST: &[&str] = &["rs"];
const SCRIPTS: &[&str] = &["js", "mjs", "ts", "tsx", "py", "sh"];
const ALL: &[&str] = &["rs", "js", "mjs", "ts", "tsx", "py", "sh"];

const BANS: &[Ban] = &[
    Ban {
        extensions: RUST,
        word: "unbounded_channel",
        mend: "bound the queue and say what happens when it is full",
    },
    Ban { extensions: RUST, word: "#[ignore", mend: "make the test run, or delete it" },
    Ban { extensions: SCRIPTS, word: ".skip(", mend: "make the test run, or delete it" },
    Ban { extensions: SCRIPTS, word: "skipTest", mend: "make the test run, or delete it" },
    Ban { extensions: SCRIPTS, word: "mark.skip", mend: "make the test run, or delete it" },
    Ban { extensions: RUST, word: "todo!(", mend: "write it, or leave it out" },
    Ban { extensions: RUST, word: "unimplemented!(", mend: "write it, or leave it out" },
    Ban { extensions: ALL, word: "TODO", mend: "do it, or file it where work is planned" },
    Ban { extensions: ALL, word: "FIXME", mend: "do it, or file it where work is planned" },
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files().iter().filter(|file| !file.path.starts_with(THE_RULES)) {
        if file.is_rust() {
            findings.extend(check_first_line(file));
            findings.extend(check_ports(file));
        }
        for (number, line) in file.lines().filter(|(_, line)| !line.contains(EXCUSE)) {
            for ban in BANS.iter().filter(|ban| ban.extensions.contains(&file.extension())) {
                if contains_word(line, ban.word) {
                    findings.push(Finding {
                        file: file.path.clone(),
                        line: number,
                        what: format!("`{}`", ban.word),
                        mend: ban.mend,
                    });
                }
            }
        }
    }
    findings
}

fn check_first_line(file: &TrackedFile) -> Option<Finding> {
    if file.text.starts_with("//!") {
        return None;
    }
    Some(Finding {
        file: file.path.clone(),
        line: 1,
        what: "the file doesn't say what it decides".to_owned(),
        mend: "begin it with `//!`: what it decides, and what it leaves to whom",
    })
}

const LOCAL_HOSTS: &[&str] = &["127.0.0.1:", "localhost:", "[::1]:", "0.0.0.0:", "[::]:"];

/// Two test runs at once, or a busy machine, break a test that wants one certain port.
fn check_ports(file: &TrackedFile) -> Vec<Finding> {
    let tests_start = file.tests_start();
    let mut findings = Vec::new();
    for (number, line) in file.lines().skip_while(|(number, _)| *number < tests_start) {
        let opens = ["bind", "connect", "listen"].iter().any(|word| line.contains(word));
        let fixed = opens && LOCAL_HOSTS.iter().any(|host| has_fixed_port(line, host));
        if fixed && !line.contains(EXCUSE) {
            findings.push(Finding {
                file: file.path.clone(),
                line: number,
                what: "a fixed port in a test".to_owned(),
                mend: "listen on port 0 and ask for the address",
            });
        }
    }
    findings
}

fn has_fixed_port(line: &str, host: &str) -> bool {
    line.match_indices(host).any(|(at, _)| {
        let port: String = line[at + host.len()..].chars().take_while(char::is_ascii_digit).collect();
        !port.is_empty() && port != "0"
    })
}

/// Whether `word` stands in `line` with no letter, digit or underscore on either side where it begins or ends with one.
pub(super) fn contains_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let begins = word.chars().next().is_some_and(is_part);
    let ends = word.chars().next_back().is_some_and(is_part);
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(is_part);
        let after = line[at + word.len()..].chars().next().is_some_and(is_part);
        !(begins && before || ends && after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&Tree::planted(&[(path, text)]))
            .into_iter()
            .map(|f| format!("{}: {}", f.line, f.what))
            .collect()
    }

    #[test]
    fn a_file_without_its_purpose_is_found() {
        assert_eq!(found("crates/a/src/b.rs", "fn f() {}"), ["1: the file doesn't say what it decides"]);
    }

    #[test]
    fn an_unbounded_queue_is_found() {
        let text = "//! x\nlet (a, b) = mpsc::unbounded_channel();\n";
        assert_eq!(found("crates/a/src/b.rs", text), ["2: `unbounded_channel`"]);
    }

    #[test]
    fn a_test_that_does_not_run_is_found() {
        assert_eq!(found("crates/a/src/b.rs", "//! x\n#[ignore = \"slow\"]\n"), ["2: `#[ignore`"]);
        assert_eq!(found("web/a.test.ts", "test.skip('x')\n"), ["1: `.skip(`"]);
        assert_eq!(found("clients/python/a.py", "@pytest.mark.skip\n"), ["1: `mark.skip`"]);
    }

    #[test]
    fn a_note_for_later_is_found() {
        assert_eq!(
            found("crates/a/src/b.rs", "//! x\n// TODO later\ntodo!()\n"),
            ["2: `TODO`", "3: `todo!(`"]
        );
        assert_eq!(found("clients/node/a.mjs", "// FIXME\n"), ["1: `FIXME`"]);
    }

    #[test]
    fn a_fixed_port_in_a_test_is_found() {
        let text =
            "//! x\nconst A: &str = \"127.0.0.1:2197\";\n#[cfg(test)]\nlet l = bind(\"127.0.0.1:2197\");\n";
        assert_eq!(found("crates/a/src/b.rs", text), ["4: a fixed port in a test"]);
        assert!(found("crates/a/tests/b.rs", "//! x\nbind(\"127.0.0.1:0\");\n").is_empty());
    }

    #[test]
    fn a_line_with_an_excuse_passes() {
        let text = "//! x\n#[cfg(test)]\nlet a = connect_line(\"127.0.0.1:80\"); // tidy: only parsed, as a redirect's target\n";
        assert!(found("crates/a/src/b.rs", text).is_empty());
    }

    #[test]
    fn words_are_whole() {
        assert!(contains_word("use tokio::net", "tokio"));
        assert!(!contains_word("tokio_rustls", "tokio"));
        assert!(!contains_word("operand", "rand"));
    }
}
