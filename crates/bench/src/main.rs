//! The measurements of docs/benchmarks.md.

fn main() {}
