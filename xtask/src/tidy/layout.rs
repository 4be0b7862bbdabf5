//! How the files lie: names, lengths, no `mod.rs`, no file that nothing includes.

use super::{Finding, TrackedFile, Tree};

const LONGEST_FILE: usize = 600;
const LONGEST_MAIN: usize = 80;
const SOURCE: &[&str] = &["rs", "py", "js", "mjs", "ts", "tsx", "css", "sh"];
/// Names that say nothing about what is inside.
const BANNED: &[&str] = &["common", "utils", "helpers", "types", "misc", "manager", "core"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files() {
        findings.extend(check_length(file));
        findings.extend(check_names(file));
        if file.is_rust() {
            findings.extend(check_included(tree, file));
        }
    }
    findings
}

fn finding(file: &TrackedFile, line: usize, what: String, mend: &'static str) -> Finding {
    Finding { file: file.path.clone(), line, what, mend }
}

fn check_length(file: &TrackedFile) -> Option<Finding> {
    let cap = if file.path.ends_with("src/main.rs") { LONGEST_MAIN } else { LONGEST_FILE };
    let lines = file.text.lines().count();
    if !SOURCE.contains(&file.extension()) || lines <= cap {
        return None;
    }
    let mend = "split it by what it decides; a main.rs only parses, builds and runs";
    Some(finding(file, cap + 1, format!("{lines} lines, of at most {cap}"), mend))
}

fn check_names(file: &TrackedFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    if file.name() == "mod.rs" {
        findings.push(finding(
            file,
            1,
            "a `mod.rs`".into(),
            "call it after its folder: `foo.rs` beside `foo/`",
        ));
    }
    for part in file.path.split('/') {
        let stem = part.split('.').next().unwrap_or(part);
        if BANNED.contains(&stem) {
            findings.push(finding(file, 1, format!("the name `{stem}`"), "name it by what it decides"));
        }
    }
    if file.is_rust() {
        for (number, line) in file.lines() {
            let Some(name) = declared_module(line) else { continue };
            if BANNED.contains(&name) {
                findings.push(finding(
                    file,
                    number,
                    format!("a module `{name}`"),
                    "name it by what it decides",
                ));
            }
        }
    }
    findings
}

/// `foo` for `mod foo;`, `pub mod foo {`, `pub(crate) mod foo;`.
fn declared_module(line: &str) -> Option<&str> {
    let words = line.trim_start();
    let after_visibility = words.strip_prefix("pub").map_or(words, |rest| {
        rest.strip_prefix('(')
            .and_then(|rest| rest.split_once(')'))
            .map_or(rest, |(_, rest)| rest)
            .trim_start()
    });
    let name = after_visibility.strip_prefix("mod ")?;
    Some(name.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or(name))
}

/// A file below `src` or `tests` that no `mod` names is dead: nothing compiles it.
fn check_included(tree: &Tree, file: &TrackedFile) -> Option<Finding> {
    let (parents, module) = possible_parents(&file.path)?;
    let named = parents.iter().any(|parent| {
        tree.files()
            .iter()
            .filter(|candidate| candidate.path == *parent)
            .any(|candidate| candidate.lines().any(|(_, line)| declared_module(line) == Some(module)))
    });
    (!named).then(|| {
        let what = format!("nothing includes this file: no `mod {module}` in {}", parents.join(" or "));
        finding(file, 1, what, "declare the module, or delete the file")
    })
}

/// The files that may declare the module in `path`; `None` for the root of a target.
fn possible_parents(path: &str) -> Option<(Vec<String>, &str)> {
    let (folder, name) = path.rsplit_once('/')?;
    let module = name.strip_suffix(".rs")?;
    let folder_name = folder.rsplit('/').next().unwrap_or(folder);
    let roots = ["bin", "examples", "benches", "tests", "fuzz_targets"];
    if matches!(module, "main" | "lib" | "build")
        || (roots.contains(&folder_name) && !folder.ends_with("src/tests"))
    {
        return None;
    }
    if folder_name == "src" {
        return Some((vec![format!("{folder}/lib.rs"), format!("{folder}/main.rs")], module));
    }
    Some((vec![format!("{folder}.rs"), format!("{folder}/main.rs")], module))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::planted(files))
            .into_iter()
            .map(|f| format!("{}:{}: {}", f.file, f.line, f.what))
            .collect()
    }

    #[test]
    fn a_long_file_and_a_long_main_are_found() {
        let files = [
            ("crates/a/src/lib.rs", "mod b;\n"),
            ("crates/a/src/b.rs", &"x\n".repeat(601)),
            ("crates/a/src/main.rs", &"x\n".repeat(81)),
        ];
        let expected = [
            "crates/a/src/b.rs:601: 601 lines, of at most 600",
            "crates/a/src/main.rs:81: 81 lines, of at most 80",
        ];
        assert_eq!(found(&files), expected);
    }

    #[test]
    fn scripts_and_styles_are_as_short_as_rust() {
        for file in ["web/src/phone.ts", "web/src/phone.tsx", "web/src/phone.css", "clients/a.mjs"] {
            let long = "x\n".repeat(601);
            assert_eq!(found(&[(file, &long)]), [format!("{file}:601: 601 lines, of at most 600")]);
            assert!(found(&[(file, &long[2..])]).is_empty());
        }
        assert!(found(&[("web/package-lock.json", &"x\n".repeat(601))]).is_empty());
    }

    #[test]
    fn a_mod_rs_is_found() {
        let files = [("crates/a/src/lib.rs", ""), ("crates/a/src/b/mod.rs", "")];
        assert!(found(&files).contains(&"crates/a/src/b/mod.rs:1: a `mod.rs`".to_owned()));
    }

    #[test]
    fn a_name_that_says_nothing_is_found() {
        let files = [("crates/a/src/lib.rs", "pub(crate) mod utils;\n"), ("crates/a/src/utils.rs", "")];
        let expected =
            ["crates/a/src/lib.rs:1: a module `utils`", "crates/a/src/utils.rs:1: the name `utils`"];
        assert_eq!(found(&files), expected);
    }

    #[test]
    fn a_file_that_nothing_includes_is_found() {
        let files =
            [("crates/a/src/lib.rs", "mod b;"), ("crates/a/src/b.rs", ""), ("crates/a/src/b/c.rs", "")];
        let what = "nothing includes this file: no `mod c` in crates/a/src/b.rs or crates/a/src/b/main.rs";
        assert_eq!(found(&files), [format!("crates/a/src/b/c.rs:1: {what}")]);
    }

    #[test]
    fn the_roots_of_targets_need_no_mod() {
        let files = [("crates/a/src/lib.rs", ""), ("crates/a/tests/x.rs", ""), ("crates/a/src/bin/y.rs", "")];
        assert!(found(&files).is_empty());
    }
}
