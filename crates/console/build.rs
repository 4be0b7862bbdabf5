//! Puts the built page (`web/dist`) into the binary, as a table of its files. Building the page is left to
//! `cargo xtask up` or `npm run build`; without it the table is empty, and this needs no Node.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let crate_folder = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let dist = crate_folder.join("web/dist");
    if !dist.exists() {
        make_old(&dist, &crate_folder.join("build.rs"))?;
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=web/dist");
    let mut files = Vec::new();
    collect(&dist, "", &mut files)?;
    files.sort();
    let mut table = String::from("&[\n");
    for (path, file) in files {
        writeln!(table, "    ({path:?}, include_bytes!({file:?})),")?;
    }
    table.push_str("]\n");
    std::fs::write(PathBuf::from(std::env::var("OUT_DIR")?).join("page.rs"), table)?;
    Ok(())
}

/// Makes the folder: cargo would take one that isn't there for changed at every build, and one younger than this build
/// for changed at the next. Where folders can't be made, every build looks anew.
fn make_old(folder: &Path, older: &Path) -> Result<(), Box<dyn Error>> {
    if std::fs::create_dir_all(folder).is_ok() {
        std::fs::File::open(folder)?.set_modified(std::fs::metadata(older)?.modified()?)?;
    }
    Ok(())
}

/// Every file below `folder`, with its path as a browser asks for it.
fn collect(folder: &Path, at: &str, files: &mut Vec<(String, PathBuf)>) -> Result<(), Box<dyn Error>> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|name| format!("{name:?} is not UTF-8"))?;
        let path = format!("{at}/{name}");
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &path, files)?;
        } else {
            files.push((path, entry.path()));
        }
    }
    Ok(())
}
