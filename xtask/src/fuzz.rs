//! `cargo xtask fuzz`: every target of `fuzz/` for a bounded time, on the stable toolchain, from the corpora that are kept in
//! `fuzz/corpora`; `cargo xtask fuzz pack` minimises what was found and keeps it there, one file for each target.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::programs::require_cargo_tool;
use crate::step::{self, cargo_command, output_of, repository_root};

const DEFAULT_SECONDS: u32 = 30;
/// The most that is kept for one target, in bytes.
const CORPUS_BYTES: usize = 300_000;

pub(crate) fn run(args: &[&str]) -> Result<()> {
    let seconds: u32 = match args {
        [] => DEFAULT_SECONDS,
        ["pack"] => return pack_all(),
        [seconds] => seconds.parse().with_context(|| format!("`{seconds}` is no number of seconds"))?,
        _ => anyhow::bail!("fuzz takes at most one argument: the seconds for each target, or `pack`"),
    };
    require_cargo_tool("cargo-fuzz")?;
    let listed = output_of(fuzz_command().arg("list")).context("`cargo fuzz list` failed in fuzz/")?;
    let targets: Vec<&str> = listed.split_whitespace().collect();
    ensure!(!targets.is_empty(), "fuzz/ has no targets");
    for target in &targets {
        unpack(&kept_in(target), &found_in(target))?;
        let limit = format!("-max_total_time={seconds}");
        step::run(fuzz_command().args(["run", target, "--", &limit, "-rss_limit_mb=4096"]))?;
    }
    eprintln!("fuzz: {} targets, {seconds} s each, nothing found", targets.len());
    Ok(())
}

fn pack_all() -> Result<()> {
    require_cargo_tool("cargo-fuzz")?;
    let listed = output_of(fuzz_command().arg("list")).context("`cargo fuzz list` failed in fuzz/")?;
    for target in listed.split_whitespace() {
        unpack(&kept_in(target), &found_in(target))?;
        step::run(fuzz_command().args(["cmin", target]))?;
        let inputs = pack(&found_in(target), &kept_in(target))?;
        eprintln!("fuzz: {target}: {inputs} inputs are kept");
    }
    Ok(())
}

/// Where cargo-fuzz looks for a target's inputs, each in a file.
fn found_in(target: &str) -> std::path::PathBuf {
    repository_root().join("fuzz/corpus").join(target)
}

/// The same in one file: each behind its length in four bytes.
fn kept_in(target: &str) -> std::path::PathBuf {
    repository_root().join("fuzz/corpora").join(target)
}

fn unpack(packed: &Path, directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)?;
    if !packed.exists() {
        return Ok(());
    }
    let packed = fs::read(packed)?;
    let (mut rest, mut number) = (&packed[..], 0_usize);
    while let Some((len, after)) = rest.split_first_chunk::<4>() {
        let len = usize::try_from(u32::from_be_bytes(*len))?;
        let (input, after) = after.split_at_checked(len).context("a packed corpus is cut off")?;
        fs::write(directory.join(format!("kept-{number}")), input)?;
        (rest, number) = (after, number + 1);
    }
    Ok(())
}

/// Keeps the inputs of a directory, the shortest first, as far as there is room; answers how many.
fn pack(directory: &Path, packed: &Path) -> Result<usize> {
    let mut inputs = Vec::new();
    for file in fs::read_dir(directory)? {
        inputs.push(fs::read(file?.path())?);
    }
    inputs.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    let (mut out, mut count) = (Vec::new(), 0);
    for input in inputs {
        if out.len() + input.len() + 4 > CORPUS_BYTES {
            break;
        }
        out.extend(u32::try_from(input.len())?.to_be_bytes());
        out.extend(input);
        count += 1;
    }
    fs::create_dir_all(packed.parent().context("it stands in a directory")?)?;
    fs::write(packed, out)?;
    Ok(count)
}

/// cargo-fuzz asks for flags that stable hides behind this variable.
fn fuzz_command() -> Command {
    let mut command = cargo_command();
    command.current_dir(repository_root()).env("RUSTC_BOOTSTRAP", "1").arg("fuzz");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_and_the_shortest_come_first() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (found, kept, again) =
            (dir.path().join("found"), dir.path().join("kept"), dir.path().join("again"));
        fs::create_dir_all(&found).expect("a directory");
        for (name, input) in [("b", &b"longer"[..]), ("a", b""), ("c", b"x")] {
            fs::write(found.join(name), input).expect("a file");
        }
        assert_eq!(pack(&found, &kept).expect("it is packed"), 3);
        unpack(&kept, &again).expect("it is unpacked");
        let inputs = [0, 1, 2].map(|number| fs::read(again.join(format!("kept-{number}"))).expect("a file"));
        assert_eq!(inputs, [b"".to_vec(), b"x".to_vec(), b"longer".to_vec()]);
    }
}
