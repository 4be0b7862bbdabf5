//! What the fuzzers have found worth keeping, read by every decoder again: each input of `fuzz/corpora` goes through the
//! check of its target, without the fuzzer.

#[path = "../../../fuzz/fuzz_targets/checks.rs"]
mod checks;

use std::path::{Path, PathBuf};

use checks::CHECKS;

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpora")
}

/// The inputs of a packed corpus: each behind its length in four bytes, as `cargo xtask fuzz pack` writes them.
fn inputs(mut packed: &[u8]) -> Vec<&[u8]> {
    let mut inputs = Vec::new();
    while let Some((len, rest)) = packed.split_first_chunk::<4>() {
        let len = usize::try_from(u32::from_be_bytes(*len)).expect("it fits into memory");
        let (input, rest) = rest.split_at(len);
        inputs.push(input);
        packed = rest;
    }
    inputs
}

#[test]
fn every_input_that_was_kept_passes_its_check() {
    for (name, check) in CHECKS {
        let packed = std::fs::read(corpora().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let inputs = inputs(&packed);
        assert!(inputs.len() > 10, "{name} has a corpus");
        inputs.into_iter().for_each(check);
    }
}

#[test]
fn every_target_is_among_the_checks() {
    let targets = std::fs::read_dir(corpora().join("../fuzz_targets")).expect("fuzz/ is there");
    let mut targets: Vec<String> = targets
        .map(|file| file.expect("it can be read").file_name().to_string_lossy().into_owned())
        .filter_map(|name| name.strip_suffix(".rs").filter(|name| *name != "checks").map(str::to_owned))
        .collect();
    targets.sort();
    assert_eq!(targets, CHECKS.map(|(name, _)| name));
}
