//! Values of the command line: what their texts mean.

use domain::event::ActionPattern;
use domain::rules_document::Period;

/// The least that a request of the largest size can be served in.
const LEAST_MEMORY: usize = 32 << 20;

/// A size in bytes, or with a unit.
pub(crate) fn memory(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(|char: char| !char.is_ascii_digit());
    let factor = match text[digits.len()..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err("write a size such as 256MiB or 1GiB".to_owned()),
    };
    let number: usize = digits.parse().map_err(|_| "write a size such as 256MiB or 1GiB")?;
    match number.saturating_mul(factor) {
        bytes if bytes >= LEAST_MEMORY => Ok(bytes),
        _ => Err("at least 32MiB are needed".to_owned()),
    }
}

/// An action, or its beginning and `*`.
pub(crate) fn action(text: &str) -> Result<ActionPattern, String> {
    ActionPattern::parse(text).map_err(|error| error.to_string())
}

/// A period such as `days=30`.
pub(crate) fn period(text: &str) -> Result<Period, String> {
    Period::parse(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_memory() {
        for (text, bytes) in [("128MiB", 128 << 20), ("1g", 1 << 30), ("64 M", 64 << 20), ("50000000", 50_000_000)] {
            assert_eq!(memory(text), Ok(bytes), "{text}");
        }
        for text in ["", "MiB", "1", "31MiB", "64x", "-64MiB", "1.5GiB", "é"] {
            assert!(memory(text).is_err(), "{text}");
        }
    }
}
