//! The tasks of this repository: up, test, tidy, bench.

fn main() {}
