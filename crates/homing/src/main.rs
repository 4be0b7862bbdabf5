//! The whole iOS push path in one binary.

fn main() {}
