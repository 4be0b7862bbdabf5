//! The files that the rules look at: what git tracks or would track, as text. Binary files are left out.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::step::repository_root;

#[derive(Debug, Clone)]
pub(crate) struct TrackedFile {
    /// Relative to the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl TrackedFile {
    pub(crate) fn extension(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    pub(crate) fn name(&self) -> &str {
        self.path.rsplit_once('/').map_or(self.path.as_str(), |(_, name)| name)
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.extension() == "rs"
    }

    /// 1-based numbers with their lines.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The number of the first line that belongs to tests; `usize::MAX` when none does.
    pub(crate) fn tests_start(&self) -> usize {
        let folders_of_tests = ["/tests/", "/benches/"];
        if folders_of_tests.iter().any(|folder| self.path.contains(folder)) || self.name() == "tests.rs" {
            return 1;
        }
        self.lines().find(|(_, line)| line.trim() == "#[cfg(test)]").map_or(usize::MAX, |(number, _)| number)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: Vec<TrackedFile>,
    /// Every file and every folder above one.
    paths: BTreeSet<String>,
}

impl Tree {
    /// A tree made of text, for the tests of the rules.
    #[cfg(test)]
    pub(crate) fn planted(files: &[(&str, &str)]) -> Tree {
        let mut tree = Tree::default();
        for (path, text) in files {
            tree.note_path(path);
            tree.files.push(TrackedFile { path: (*path).to_owned(), text: (*text).to_owned() });
        }
        tree
    }

    pub(crate) fn of_repository() -> Result<Tree> {
        let root = repository_root();
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(&root)
            .output()
            .context("tidy asks git for the tracked files, and git could not be run")?;
        ensure!(
            listed.status.success(),
            "git ls-files failed: {}",
            String::from_utf8_lossy(&listed.stderr).trim()
        );
        let names = String::from_utf8(listed.stdout).context("a tracked path is not UTF-8")?;
        let mut tree = Tree::default();
        for path in names.split('\0').filter(|path| !path.is_empty()) {
            let Ok(bytes) = std::fs::read(root.join(path)) else {
                continue; // deleted, not yet committed
            };
            tree.note_path(path);
            if let Ok(text) = String::from_utf8(bytes) {
                tree.files.push(TrackedFile { path: path.to_owned(), text });
            }
        }
        Ok(tree)
    }

    fn note_path(&mut self, path: &str) {
        self.paths.insert(path.to_owned());
        let mut rest = path;
        while let Some((folder, _)) = rest.rsplit_once('/') {
            self.paths.insert(folder.to_owned());
            rest = folder;
        }
    }

    pub(crate) fn files(&self) -> &[TrackedFile] {
        &self.files
    }

    /// Whether a file or folder of this name exists.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.paths.contains(path.trim_end_matches('/'))
    }

    pub(crate) fn rust_files(&self) -> impl Iterator<Item = &TrackedFile> {
        self.files.iter().filter(|file| file.is_rust())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planted_tree_knows_its_folders() {
        let tree = Tree::planted(&[("crates/link/src/topic.rs", "")]);
        assert!(tree.has("crates/link/src"));
        assert!(tree.has("crates/link/"));
        assert!(!tree.has("crates/lin"));
    }

    #[test]
    fn tests_start_at_the_test_module_or_at_once() {
        let file = |path: &str, text: &str| TrackedFile { path: path.into(), text: text.into() };
        assert_eq!(file("crates/a/src/b.rs", "x\n#[cfg(test)]\nmod tests {}").tests_start(), 2);
        assert_eq!(file("crates/a/tests/b.rs", "x").tests_start(), 1);
        assert_eq!(file("crates/a/src/b/tests.rs", "x").tests_start(), 1);
        assert_eq!(file("crates/a/src/b.rs", "x").tests_start(), usize::MAX);
    }
}
