//! Who may use whom: the arrows between the crates. The table here is the design's; a new crate gets its row first.
//! Dev-dependencies are free: a test may join what the product keeps apart.

use super::manifests::{Manifest, manifests};
use super::{Finding, Tree};

/// Folder under `crates/`, what it may depend on, and whether it is pure (no clock, randomness, I/O or async).
struct Row {
    folder: &'static str,
    may_use: May,
    pure: bool,
}

enum May {
    Only(&'static [&'static str]),
    All,
}

const fn door(folder: &'static str, may_use: &'static [&'static str]) -> Row {
    Row { folder, may_use: May::Only(may_use), pure: true }
}

const fn room(folder: &'static str, may_use: &'static [&'static str]) -> Row {
    Row { folder, may_use: May::Only(may_use), pure: false }
}

const fn workshop(folder: &'static str) -> Row {
    Row { folder, may_use: May::All, pure: false }
}

const TABLE: &[Row] = &[
    door("payload", &[]),
    door("trace", &[]),
    door("apns", &["payload", "trace"]),
    door("link", &["payload", "trace"]),
    door("local", &["payload", "trace"]),
    door("notification-center", &["payload", "trace"]),
    room("clock", &["trace"]),
    room("apns-client", &["apns"]),
    room("http-api", &[]),
    room("provider", &["apns-client", "apns", "clock", "http-api", "payload", "trace"]),
    room("gateway", &["apns", "clock", "http-api", "link", "payload", "trace"]),
    room("device", &["clock", "http-api", "link", "local", "notification-center", "payload", "trace"]),
    room("app", &["local", "payload"]),
    room("console", &["http-api"]),
    workshop("homing"),
    workshop("testkit"),
    workshop("bench"),
];

/// What a pure crate may not link, whoever wrote it.
const IMPURE: &[&str] = &[
    "async-std",
    "axum",
    "getrandom",
    "h2",
    "hyper",
    "hyper-util",
    "mio",
    "rand",
    "reqwest",
    "ring",
    "rusqlite",
    "rustls",
    "smol",
    "socket2",
    "tokio",
    "tokio-rustls",
    "tokio-stream",
    "tracing-subscriber",
    "ureq",
];

pub(super) fn is_pure(folder: &str) -> bool {
    TABLE.iter().any(|row| row.folder == folder && row.pure)
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in manifests(tree) {
        let Some(folder) = manifest.crate_folder() else { continue };
        match TABLE.iter().find(|row| row.folder == folder) {
            None => findings.push(manifest.finding(
                "name",
                format!("the crate `{folder}` has no row in the table of arrows"),
                "add its row to TABLE in xtask/src/tidy/arrows.rs, as the design says, or fold the crate into another",
            )),
            Some(row) => findings.extend(check_row(&manifest, row)),
        }
    }
    findings
}

fn check_row(manifest: &Manifest<'_>, row: &Row) -> Vec<Finding> {
    let mut findings = Vec::new();
    for dependency in manifest.dependencies(&["dependencies", "build-dependencies"]) {
        let allowed = match &row.may_use {
            May::All => true,
            May::Only(names) => match dependency.strip_prefix("homing-") {
                Some(ours) => names.contains(&ours),
                None => dependency != "homing",
            },
        };
        if !allowed {
            findings.push(manifest.finding(
                &dependency,
                format!("`{}` may not depend on `{dependency}`", row.folder),
                "let them meet at a door (apns, link, local, payload, trace), or move the code to where it may live",
            ));
        }
        if row.pure && IMPURE.contains(&dependency.as_str()) {
            findings.push(manifest.finding(
                &dependency,
                format!("`{}` is pure and may not depend on `{dependency}`", row.folder),
                "take `now`, random bytes and input as arguments and do the I/O in a room",
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, manifest: &str) -> Vec<String> {
        check(&Tree::planted(&[(path, manifest)]))
            .into_iter()
            .map(|f| format!("{}: {}", f.line, f.what))
            .collect()
    }

    #[test]
    fn a_room_may_not_use_another_room() {
        let manifest =
            "[package]\nname = \"homing-gateway\"\n[dependencies]\nhoming-device.workspace = true\n";
        assert_eq!(
            found("crates/gateway/Cargo.toml", manifest),
            ["4: `gateway` may not depend on `homing-device`"]
        );
    }

    #[test]
    fn a_pure_crate_may_not_use_a_runtime() {
        let manifest = "[package]\nname = \"homing-link\"\n[dependencies]\ntokio.workspace = true\n";
        assert_eq!(
            found("crates/link/Cargo.toml", manifest),
            ["4: `link` is pure and may not depend on `tokio`"]
        );
    }

    #[test]
    fn a_dependency_for_one_target_counts_too() {
        let manifest = "[package]\nname = \"homing-app\"\n[target.'cfg(unix)'.dependencies]\nhoming-apns = { path = \"x\" }\n";
        assert_eq!(found("crates/app/Cargo.toml", manifest), ["4: `app` may not depend on `homing-apns`"]);
    }

    #[test]
    fn a_dev_dependency_is_free() {
        let manifest =
            "[package]\nname = \"homing-gateway\"\n[dev-dependencies]\nhoming-device.workspace = true\n";
        assert!(found("crates/gateway/Cargo.toml", manifest).is_empty());
    }

    #[test]
    fn a_crate_without_a_row_is_found() {
        let manifest = "[package]\nname = \"homing-extra\"\n";
        assert_eq!(
            found("crates/extra/Cargo.toml", manifest),
            ["2: the crate `extra` has no row in the table of arrows"]
        );
    }
}
