//! Every path that a document names exists. A path is what stands in backticks or behind a link and begins with a
//! top-level name of this repository.

use super::{Finding, TrackedFile, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files().iter().filter(|file| file.extension() == "md") {
        let mut in_fence = false;
        for (number, line) in file.lines() {
            if line.trim_start().starts_with("```") {
                in_fence = !in_fence;
                continue;
            }
            let in_code = if in_fence { Vec::new() } else { backticked(line) };
            let from_root = in_code.into_iter().filter_map(|word| named_path(tree, word)).collect::<Vec<_>>();
            let linked = if in_fence { Vec::new() } else { link_targets(file, line) };
            for path in from_root.into_iter().chain(linked).filter(|path| !exists(tree, path)) {
                findings.push(Finding {
                    file: file.path.clone(),
                    line: number,
                    what: format!("`{path}` does not exist"),
                    mend: "write where it is now, or leave it out",
                });
            }
        }
    }
    findings
}

fn backticked(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

/// The path in a backticked word, if it looks like one of this repository.
fn named_path(tree: &Tree, word: &str) -> Option<String> {
    let path = word.split([':', '#']).next().unwrap_or(word).trim_end_matches('/');
    let is_plain = path.chars().all(|c| c.is_alphanumeric() || "/._-*".contains(c));
    let first = path.split('/').next().unwrap_or(path);
    let is_root_file = !path.contains('/') && ROOT_FILES.iter().any(|ending| path.ends_with(ending));
    let below_top = path.contains('/') && (tree.has(first) || TOP_LEVEL.contains(&first));
    (is_plain && !path.is_empty() && (below_top || is_root_file && is_named_as_ours(path)))
        .then(|| path.to_owned())
}

/// Named even when the whole folder is gone.
const TOP_LEVEL: &[&str] = &["crates", "docs", "xtask", "clients", "fuzz", "web", ".ci", ".cargo", ".config"];
const ROOT_FILES: &[&str] = &[".md", ".toml"];

/// Upper-case documents and this repository's own settings stand at its root; `endpoints.json` and the like do not.
fn is_named_as_ours(path: &str) -> bool {
    let stem = path.split('.').next().unwrap_or(path);
    path.ends_with(".md") && stem.chars().all(|c| !c.is_lowercase() || c == '-')
        || matches!(stem, "deny" | "clippy" | "rustfmt")
}

fn exists(tree: &Tree, path: &str) -> bool {
    match path.split_once('*') {
        Some((before, _)) => tree.has(before.rsplit_once('/').map_or(before, |(folder, _)| folder)),
        None => tree.has(path),
    }
}

/// Targets of `[text](path)`, relative to the document.
fn link_targets(file: &TrackedFile, line: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for (at, _) in line.match_indices("](") {
        let rest = &line[at + 2..];
        let Some((target, _)) = rest.split_once(')') else { continue };
        let path = target.split('#').next().unwrap_or(target);
        if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
            continue;
        }
        targets.push(relative_to(&file.path, path));
    }
    targets
}

fn relative_to(document: &str, target: &str) -> String {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let tree = Tree::planted(&[
            ("docs/a.md", text),
            ("docs/b.md", ""),
            ("crates/link/src/topic.rs", ""),
            ("README.md", ""),
        ]);
        check(&tree).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_path_that_is_gone_is_found() {
        assert_eq!(found("see `crates/link/src/topics.rs`"), ["`crates/link/src/topics.rs` does not exist"]);
        assert_eq!(found("see `crates/linc/`"), ["`crates/linc` does not exist"]);
        assert_eq!(found("see `CONTRIBUTING.md`"), ["`CONTRIBUTING.md` does not exist"]);
    }

    #[test]
    fn a_link_that_is_gone_is_found() {
        assert_eq!(found("see [it](c.md#x)"), ["`docs/c.md` does not exist"]);
        assert!(
            found("see [it](b.md) and [that](../README.md) and [far](https://example.com/x.md)").is_empty()
        );
    }

    #[test]
    fn paths_that_exist_and_words_that_are_no_paths_pass() {
        assert!(
            found("`crates/link/src/topic.rs:12`, `crates/*/src`, `development/com.x/#`, `endpoints.json`")
                .is_empty()
        );
        assert!(found("```sh\ncat `crates/none.rs`\n```").is_empty());
    }
}
