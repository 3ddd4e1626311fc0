//! The Lambda shell of `console`.
fn main() {}
