//! `docs/apple-names.md` against the API's description, the SDK's sources and the tests: what it names is there, and no path
//! of the API is missing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::hands::{get, start};
use crate::push_service::PushService;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The columns of each row: Apple's name, over HTTP, in Rust, the test.
fn rows() -> Vec<[String; 4]> {
    let page = std::fs::read_to_string(root().join("docs/apple-names.md")).expect("the page is there");
    let rows = page.lines().filter(|line| line.starts_with('|') && !line.starts_with("|--"));
    let cells =
        rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect());
    let rows = cells.map(|cells: Vec<String>| cells.try_into().expect("it has four cells"));
    rows.filter(|[_, _, _, test]: &[String; 4]| test != "test").collect()
}

/// What stands between backticks.
fn named(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// `GET /v1/…` of each operation that a cell names.
fn operations(cell: &str) -> impl Iterator<Item = String> {
    named(cell).filter_map(|name| {
        let (method, path) = name.split_once(' ')?;
        matches!(method, "GET" | "PUT" | "POST" | "DELETE").then(|| {
            let (of_device, of_app) = ("/v1/devices/{device}", "/v1/devices/{device}/apps/{app}");
            let path = match path.split_at(1) {
                ("A", rest) => format!("{of_app}{rest}"),
                ("D", rest) => format!("{of_device}{rest}"),
                _ => path.to_owned(),
            };
            format!("{method} {path}")
        })
    })
}

#[tokio::test]
async fn each_path_of_the_api_has_its_place_among_apples_names() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    let document = get(&host, "/openapi.json").await;
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("it has paths") {
        let methods = item.as_object().expect("it has operations").keys();
        let methods = methods.filter(|method| ["get", "put", "post", "delete"].contains(&method.as_str()));
        described.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
    }
    let rows = rows();
    let told: BTreeSet<_> =
        rows.iter().flat_map(|[_, http, ..]| operations(http).collect::<Vec<_>>()).collect();
    let wrong: Vec<_> = told.difference(&described).collect();
    assert!(wrong.is_empty(), "docs/apple-names.md names what isn't there: {wrong:#?}");
    // A device has its own clock beside the host's; how a host is seen from outside stands in docs/devices.md.
    let missing: Vec<_> = described.difference(&told).filter(|one| !one.contains("/v1/fleet")).collect();
    assert!(missing.is_empty(), "docs/apple-names.md lacks {missing:#?}");
    host.shutdown().await;
}

/// All sources below a folder, together with those of its folders.
fn sources(folder: &Path) -> Vec<String> {
    let entries =
        std::fs::read_dir(folder).expect("it is a folder").map(|entry| entry.expect("it is read").path());
    let mut found = Vec::new();
    for path in entries {
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(std::fs::read_to_string(path).expect("it is read"));
        }
    }
    found
}

fn is_word(text: &str, word: &str) -> bool {
    let letter = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    text.match_indices(word).any(|(at, _)| {
        let before = at.checked_sub(1).and_then(|before| text.as_bytes().get(before));
        !letter(before) && !letter(text.as_bytes().get(at + word.len()))
    })
}

#[test]
fn each_item_of_the_sdk_that_is_named_is_there() {
    let sources: Vec<_> =
        ["crates/app/src", "crates/local/src"].map(|folder| sources(&root().join(folder))).concat();
    let mut wrong = Vec::new();
    for [apple, _, rust, _] in rows() {
        for name in named(&rust) {
            let (of, item) = name.split_once("::").map_or((name, None), |(of, item)| (of, Some(item)));
            let begins = ["struct", "enum", "trait"].map(|kind| format!("pub {kind} {of}"));
            let mut of_type =
                sources.iter().filter(|source| begins.iter().any(|begin| is_word(source, begin)));
            if !of_type.any(|source| item.is_none_or(|item| is_word(source, item))) {
                wrong.push(format!("{apple}: {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "docs/apple-names.md names what isn't there: {wrong:#?}");
}

#[test]
fn each_test_that_is_named_is_there() {
    let mut wrong = Vec::new();
    for [apple, _, _, test] in rows() {
        for name in named(&test) {
            let (suite, file) = name.split_once("::").unwrap_or((name, ""));
            let folder = match suite {
                "center" => "crates/notification-center/tests/center",
                "device" => "crates/device/tests/device",
                "whole" => "crates/homing/tests/whole",
                "sdk" => "crates/app/tests/sdk",
                _ => "no such suite",
            };
            if !root().join(folder).join(format!("{file}.rs")).is_file() {
                wrong.push(format!("{apple}: {name}"));
            }
        }
        if named(&test).next().is_none() {
            wrong.push(format!("{apple}: no test"));
        }
    }
    assert!(wrong.is_empty(), "docs/apple-names.md names what isn't there: {wrong:#?}");
}
