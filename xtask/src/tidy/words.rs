//! What no tracked file may name: the machine it was written on, package registries, numbers of issues.

use super::{Finding, TrackedFile, Tree};

/// Written by cargo, which puts its index there.
const LOCK_FILES: &[&str] = &["Cargo.lock"];
const THE_RULES: &str = "xtask/src/tidy/";

/// How files come to name a package registry: npm's lock files, and options of package managers.
const REGISTRIES: &[&str] = &["\"resolved\": \"http", "--index-url", "--registry=", "registry=http"];
const MACHINE_PATHS: &[&str] = &["/root/", "/home/"];
const ISSUE_WORDS: &[&str] =
    &["issue #", "issues #", "issue number ", "fixes #", "closes #", "see #", "pr #", "(#"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files() {
        if LOCK_FILES.contains(&file.name()) || file.path.starts_with(THE_RULES) {
            continue;
        }
        for (number, line) in file.lines() {
            findings.extend(check_line(file, number, line));
        }
    }
    findings
}

fn check_line(file: &TrackedFile, number: usize, line: &str) -> Vec<Finding> {
    let finding = |what: String, mend| Finding { file: file.path.clone(), line: number, what, mend };
    let mut findings = Vec::new();
    for word in REGISTRIES.iter().filter(|word| line.contains(**word)) {
        let mend = "name the package, not where it comes from";
        findings.push(finding(format!("a package registry: {word}"), mend));
    }
    for path in MACHINE_PATHS.iter().filter(|path| stands_alone(line, path)) {
        findings.push(finding(
            format!("a path of one machine: {path}"),
            "say it relative to the repository or to $HOME",
        ));
    }
    let lower = line.to_ascii_lowercase();
    for word in ISSUE_WORDS.iter().filter(|word| is_followed_by_number(&lower, word)) {
        let mend = "say the problem itself; numbers mean nothing to who reads only the tree";
        findings.push(finding(format!("a number of an issue after `{}`", word.trim()), mend));
    }
    findings
}

/// Whether `path` begins a path here rather than continuing one (`docs/home/x`, `~/home/`).
fn stands_alone(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| {
            c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '~' | '}' | '>' | '*' | '$')
        })
    })
}

fn is_followed_by_number(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let next = line[at + word.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && next.is_some_and(|c| c.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Vec<String> {
        check(&Tree::planted(&[("docs/a.md", line)])).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_registry_is_found() {
        let line = r#"  "resolved": "https://packages.example/x.tgz","#;
        assert_eq!(found(line), ["a package registry: \"resolved\": \"http"]);
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        assert_eq!(found("run it in /root/x"), ["a path of one machine: /root/"]);
        assert_eq!(found("`/home/me/x`"), ["a path of one machine: /home/"]);
        assert!(found("crates/home/src and ~/home/x").is_empty());
    }

    #[test]
    fn a_number_of_an_issue_is_found() {
        assert_eq!(found("as Issue #12 says"), ["a number of an issue after `issue #`"]);
        assert_eq!(found("mend it (#7)"), ["a number of an issue after `(#`"]);
        assert!(found("PKCS #8 and PKCS #12").is_empty());
    }

    #[test]
    fn lock_files_are_not_read() {
        let tree = Tree::planted(&[("Cargo.lock", "registry=http")]);
        assert!(check(&tree).is_empty());
    }
}
