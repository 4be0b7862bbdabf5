//! The commands in the documents are run: each fenced block that begins with "```sh run" is executed by bash, block after
//! block as a reader would paste them, and must succeed. Each document gets a `homing up` that nobody has used.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::clients::run_client;
use crate::ledger::Ledger;
use crate::running::Running;
use crate::step::repository_root;

const DOCUMENTS: &[&str] = &[
    "README.md",
    "README.zh-CN.md",
    "CONTRIBUTING.md",
    "ARCHITECTURE.md",
    "docs/one-notification.md",
    "docs/receipts.md",
    "docs/provider-api.md",
    "docs/developer-centre.md",
    "docs/ci.md",
];

struct Block {
    /// Where the fence opens, 1-based.
    line: usize,
    text: String,
}

/// One bash per document, so that a variable set in one block is there in the next.
pub(crate) fn run(ledger: &mut Ledger, binary: &Path, path: &OsStr) -> Result<()> {
    for document in DOCUMENTS {
        let text = std::fs::read_to_string(repository_root().join(document))
            .with_context(|| format!("cannot read {document}"))?;
        let blocks = runnable_blocks(&text);
        if blocks.is_empty() {
            continue;
        }
        eprintln!("\n# the commands of {document}");
        let running = Running::start(binary.to_owned(), "document", &[])?;
        let script = running.home.join("document.sh");
        std::fs::write(&script, script_of(document, &blocks))?;
        run_client(ledger, document, Command::new("bash").arg(&script).env("PATH", path), &running)?;
    }
    Ok(())
}

fn runnable_blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        match (inside, line.trim_end()) {
            (false, "```sh run") => {
                inside = true;
                blocks.push(Block { line: index + 1, text: String::new() });
            }
            (true, "```") => inside = false,
            (true, line) => {
                if let Some(block) = blocks.last_mut() {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
            }
            (false, _) => {}
        }
    }
    blocks
}

/// Each block ends the script when it fails: the following ones need what it made.
fn script_of(document: &str, blocks: &[Block]) -> String {
    let mut script = "set -euo pipefail\n".to_owned();
    script.push_str("trap 'test $? = 0 || echo \"not ok - the commands of $where: exit status $?\"' EXIT\n");
    for block in blocks {
        let place = format!("{document}:{}", block.line);
        script.push_str(&format!("where={place}\n{}\necho 'ok - the commands of {place}'\n", block.text));
    }
    script.push_str(&format!("echo 1..{}\n", blocks.len()));
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_blocks_marked_to_run_are_run() {
        let text = "x\n```sh\nfalse\n```\n```sh run\necho a\necho b\n```\n```sh run\necho c\n```\n";
        let blocks = runnable_blocks(text);
        assert_eq!(
            blocks.iter().map(|b| (b.line, b.text.as_str())).collect::<Vec<_>>(),
            [(5, "echo a\necho b\n"), (9, "echo c\n"),]
        );
    }

    #[test]
    fn a_failing_block_is_reported_with_its_place() {
        let blocks = [Block { line: 7, text: "false\n".into() }, Block { line: 9, text: "true\n".into() }];
        let script = script_of("README.md", &blocks);
        let output = Command::new("bash").args(["-c", &script]).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said.lines().next(), Some("not ok - the commands of README.md:7: exit status 1"));
        assert!(!output.status.success());
    }
}
