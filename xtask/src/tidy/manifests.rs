//! What every crate's manifest must say: its name after its folder, and the workspace's lints. Also reads manifests for
//! the rule of the arrows.

use super::{Finding, TrackedFile, Tree};

/// A crate's `Cargo.toml`, parsed.
pub(super) struct Manifest<'a> {
    file: &'a TrackedFile,
    table: toml::Table,
}

impl Manifest<'_> {
    /// `gateway` for `crates/gateway/Cargo.toml`; `None` for xtask and the workspace.
    pub(super) fn crate_folder(&self) -> Option<&str> {
        self.file.path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")
    }

    /// Names under the given tables, also under each `[target.….]`.
    pub(super) fn dependencies(&self, tables: &[&str]) -> Vec<String> {
        let mut scopes = vec![&self.table];
        if let Some(targets) = self.table.get("target").and_then(toml::Value::as_table) {
            scopes.extend(targets.values().filter_map(toml::Value::as_table));
        }
        let mut names = Vec::new();
        for scope in scopes {
            for table in tables {
                let listed = scope.get(*table).and_then(toml::Value::as_table);
                names.extend(listed.into_iter().flat_map(|listed| listed.keys().cloned()));
            }
        }
        names
    }

    /// A finding at the first line that starts with `key`, or at the top.
    pub(super) fn finding(&self, key: &str, what: String, mend: &'static str) -> Finding {
        let line = self
            .file
            .lines()
            .find(|(_, line)| line.trim_start().starts_with(key))
            .map_or(1, |(number, _)| number);
        Finding { file: self.file.path.clone(), line, what, mend }
    }

    fn has_workspace_lints(&self) -> bool {
        let lints = self.table.get("lints").and_then(toml::Value::as_table);
        lints.and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
    }

    fn package_name(&self) -> Option<&str> {
        self.table.get("package")?.as_table()?.get("name")?.as_str()
    }
}

/// The manifests of the workspace's crates and of xtask. `fuzz` is a workspace of its own.
pub(super) fn manifests(tree: &Tree) -> Vec<Manifest<'_>> {
    let files = tree.files().iter().filter(|file| {
        file.path == "xtask/Cargo.toml" || file.path.starts_with("crates/") && file.name() == "Cargo.toml"
    });
    files.filter_map(|file| Some(Manifest { file, table: file.text.parse().ok()? })).collect()
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in manifests(tree) {
        if !manifest.has_workspace_lints() {
            findings.push(manifest.finding(
                "[lints",
                "the crate doesn't take the workspace's lints".to_owned(),
                "add `[lints]` and `workspace = true`",
            ));
        }
        let (Some(folder), Some(name)) = (manifest.crate_folder(), manifest.package_name()) else { continue };
        if name != format!("homing-{folder}") && !(name == "homing" && folder == "homing") {
            findings.push(manifest.finding(
                "name",
                format!("the crate in `crates/{folder}` is called `{name}`"),
                "crates are called homing-<folder>",
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(manifest: &str) -> Vec<String> {
        let tree = Tree::planted(&[("crates/link/Cargo.toml", manifest)]);
        check(&tree).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_crate_without_the_lints_is_found() {
        assert_eq!(
            found("[package]\nname = \"homing-link\"\n"),
            ["the crate doesn't take the workspace's lints"]
        );
    }

    #[test]
    fn a_crate_with_another_name_is_found() {
        let manifest = "[package]\nname = \"mqtt\"\n[lints]\nworkspace = true\n";
        assert_eq!(found(manifest), ["the crate in `crates/link` is called `mqtt`"]);
    }

    #[test]
    fn a_good_manifest_has_no_finding() {
        assert!(found("[package]\nname = \"homing-link\"\n[lints]\nworkspace = true\n").is_empty());
    }
}
