//! The Lambda shell of `retention`.
fn main() {}
