//! No clock, randomness, I/O or async in the pure crates, outside their tests. The manifest's side of this rule (what
//! they link) is with the arrows.

use super::arrows::is_pure;
use super::source::contains_word;
use super::{Finding, Tree};

const IMPURE: &[&str] = &[
    "Instant::now",
    "SystemTime::now",
    "getrandom",
    "rand",
    "tokio",
    "std::net",
    "std::fs",
    "std::io::stdin",
    "std::thread",
    "std::process",
    "async",
    "await",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust_files() {
        let Some((folder, rest)) = file.path.strip_prefix("crates/").and_then(|path| path.split_once('/'))
        else {
            continue;
        };
        if !is_pure(folder) || !rest.starts_with("src/") {
            continue;
        }
        let tests_start = file.tests_start();
        for (number, line) in file.lines().take_while(|(number, _)| *number < tests_start) {
            let code = line.split("//").next().unwrap_or(line);
            for word in IMPURE.iter().filter(|word| contains_word(code, word)) {
                findings.push(Finding {
                    file: file.path.clone(),
                    line: number,
                    what: format!("`{word}` in the pure crate `{folder}`"),
                    mend: "take `now`, random bytes or input as an argument",
                });
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let tree = Tree::planted(&[("crates/link/src/lib.rs", text), ("crates/gateway/src/lib.rs", text)]);
        check(&tree).into_iter().map(|f| format!("{}:{}: {}", f.file, f.line, f.what)).collect()
    }

    #[test]
    fn a_clock_in_a_pure_crate_is_found_and_in_a_room_is_not() {
        let text = "//! x\nfn f() { let _ = std::time::Instant::now(); }\n";
        assert_eq!(found(text), ["crates/link/src/lib.rs:2: `Instant::now` in the pure crate `link`"]);
    }

    #[test]
    fn an_async_function_in_a_pure_crate_is_found() {
        assert_eq!(
            found("async fn f() {}\n"),
            ["crates/link/src/lib.rs:1: `async` in the pure crate `link`"]
        );
    }

    #[test]
    fn comments_tests_and_longer_words_are_free() {
        assert!(
            found("// no tokio here\nfn operand() {}\n#[cfg(test)]\nmod tests { use std::fs; }\n").is_empty()
        );
    }
}
