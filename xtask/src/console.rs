//! The console's page: its packages, when it is built anew, its checks, and its walk in a browser. What it shows is decided in
//! `crates/console/web`; that a build of the binary takes it along, in `crates/console/build.rs`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::node;
use crate::step::repository_root;
use crate::test::run_in;

const WEB: &str = "crates/console/web";

/// What the page is made of, besides the files that lie beside them.
const SOURCES: &[&str] = &["src", "public"];

/// Builds the page unless it is newer than all it is made of.
pub(crate) fn build() -> Result<()> {
    node::install(WEB)?;
    let web = repository_root().join(WEB);
    if is_built(&web)? {
        eprintln!("the console's page is built");
        return Ok(());
    }
    node::npm(WEB, &["run", "build"])
}

/// The page's types, lints and unit tests.
pub(crate) fn check() -> Result<()> {
    for script in ["check", "test"] {
        node::npm(WEB, &["run", script])?;
    }
    Ok(())
}

/// Walks the console in a browser, against the binary that was built.
pub(crate) fn walk(binary: &Path) -> Result<()> {
    let mut npm = Command::new("npm");
    npm.args(["run", "e2e"]).env("HOMING", binary).env("CI", "1").stdout(std::io::stderr());
    run_in(WEB, &mut npm)
}

fn is_built(web: &Path) -> Result<bool> {
    let Ok(built) = std::fs::metadata(web.join("dist/index.html")).and_then(|index| index.modified()) else {
        return Ok(false);
    };
    let mut newest = SystemTime::UNIX_EPOCH;
    for entry in entries(web)? {
        if entry.is_file() {
            newest = newest.max(modified(&entry)?);
        }
    }
    for source in SOURCES {
        newest = newest.max(newest_below(&web.join(source))?);
    }
    Ok(newest < built)
}

/// Folders count too: they change when a file goes.
fn newest_below(folder: &Path) -> Result<SystemTime> {
    let mut newest = modified(folder)?;
    for entry in entries(folder)? {
        newest = newest.max(if entry.is_dir() { newest_below(&entry)? } else { modified(&entry)? });
    }
    Ok(newest)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let listed = std::fs::read_dir(folder).and_then(|entries| {
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        paths.collect()
    });
    listed.with_context(|| format!("cannot list {}", folder.display()))
}

fn modified(path: &Path) -> Result<SystemTime> {
    let time = std::fs::metadata(path).and_then(|metadata| metadata.modified());
    time.with_context(|| format!("cannot read when {} changed", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use super::*;

    fn set_age(path: &Path, seconds: u64) {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 - seconds);
        File::open(path).unwrap().set_modified(at).unwrap();
    }

    #[test]
    fn the_page_is_built_anew_after_every_change_of_what_it_is_made_of() {
        let web = tempfile::tempdir().unwrap();
        let web = web.path();
        let all = ["src/phone/screen.tsx", "public/icon.svg", "index.html", "package-lock.json"];
        let others = ["node_modules/x/index.js", "e2e/story.spec.ts"];
        for file in all.into_iter().chain(others).chain(["dist/index.html"]) {
            let file = web.join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, "x").unwrap();
            for path in file.ancestors().take_while(|path| *path != web) {
                set_age(path, 100);
            }
        }
        let index = web.join("dist/index.html");
        set_age(&index, 50);
        assert!(is_built(web).unwrap());
        for changed in all.into_iter().chain(["src", "src/phone", "public"]) {
            set_age(&web.join(changed), 40);
            assert!(!is_built(web).unwrap(), "{changed}");
            set_age(&web.join(changed), 100);
        }
        for changed in others {
            set_age(&web.join(changed), 40);
            assert!(is_built(web).unwrap(), "{changed}");
        }
        std::fs::remove_file(index).unwrap();
        assert!(!is_built(web).unwrap());
    }
}
