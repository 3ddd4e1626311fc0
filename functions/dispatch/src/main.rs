//! The Lambda shell of `dispatch`.
fn main() {}
