//! The house rules that no compiler checks: who may use whom, how long a file is, which words stay out. Decides nothing
//! about style that rustfmt or clippy can decide. Each rule is a function from the tree to findings, proved by a
//! planted violation in its tests.

mod arrows;
mod layout;
mod manifests;
mod paths;
mod purity;
mod source;
mod tree;
mod words;

use std::fmt;

use anyhow::{Result, bail};

pub(crate) use tree::{TrackedFile, Tree};

/// One broken rule: where, what, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    pub(crate) file: String,
    /// 1-based; 1 when the finding is about the whole file.
    pub(crate) line: usize,
    pub(crate) what: String,
    pub(crate) mend: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}\n    mend: {}", self.file, self.line, self.what, self.mend)
    }
}

/// All rules over one tree, in order of file and line.
fn check(tree: &Tree) -> Vec<Finding> {
    let rules: [fn(&Tree) -> Vec<Finding>; 7] = [
        arrows::check,
        layout::check,
        manifests::check,
        paths::check,
        purity::check,
        source::check,
        words::check,
    ];
    let mut findings: Vec<Finding> = rules.iter().flat_map(|rule| rule(tree)).collect();
    findings.sort();
    findings.dedup();
    findings
}

pub(crate) fn run() -> Result<()> {
    let tree = Tree::of_repository()?;
    let findings = check(&tree);
    for finding in &findings {
        eprintln!("{finding}");
    }
    if findings.is_empty() {
        eprintln!("tidy: {} files, nothing to mend", tree.files().len());
        return Ok(());
    }
    bail!("tidy: {} findings", findings.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_keeps_its_rules() {
        let tree = Tree::of_repository().unwrap();
        let findings = check(&tree);
        let all: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(findings.is_empty(), "\n{}", all.join("\n"));
    }

    #[test]
    fn a_finding_says_where_what_and_how_to_mend() {
        let finding = Finding { file: "a.rs".into(), line: 3, what: "too long".into(), mend: "split it" };
        assert_eq!(finding.to_string(), "a.rs:3: too long\n    mend: split it");
    }
}
