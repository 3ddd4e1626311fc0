//! The Lambda shell of `ingest`.
fn main() {}
