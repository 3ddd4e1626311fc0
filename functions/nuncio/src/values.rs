//! Parsers of command-line values.

use domain::Timestamp;
use domain::event::ActionPattern;
use domain::ports::Clock as _;
use domain::rules_document::Period;
use host::SystemClock;
use jiff::SignedDuration;

/// The smallest allowed memory, in bytes: the largest request must fit.
const MIN_MEMORY: usize = 32 << 20;

/// Parses a size in bytes: `50000000`, `256MiB`, `1g`.
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
        bytes if bytes >= MIN_MEMORY => Ok(bytes),
        _ => Err("at least 32MiB are required".to_owned()),
    }
}

/// An instant of a response as a sentence shows it; any other text as it is.
pub(crate) fn in_words(text: &str) -> String {
    domain::time::parse(text).map_or_else(|| text.to_owned(), domain::time::in_words)
}

/// Parses an action, or the beginning of one with `*`.
pub(crate) fn action(text: &str) -> Result<ActionPattern, String> {
    ActionPattern::parse(text).map_err(|error| error.to_string())
}

/// Parses a period such as `days=30`.
pub(crate) fn period(text: &str) -> Result<Period, String> {
    Period::parse(text).map_err(|error| error.to_string())
}

/// Parses a length of time before now: `30d`, `12h`, `90m`, `2w`, or `days=30`.
pub(crate) fn period_before_now(text: &str) -> Result<SignedDuration, String> {
    let units = [("s", "seconds"), ("m", "minutes"), ("h", "hours"), ("d", "days"), ("w", "weeks")];
    let long = units.iter().find_map(|(short, long)| {
        let number = text.strip_suffix(short)?;
        number.parse::<f64>().ok().map(|number| format!("{long}={number}"))
    });
    Period::parse(long.as_deref().unwrap_or(text))
        .map(Period::duration)
        .map_err(|error| format!("{error}; or 30d, 12h"))
}

/// Parses a time: `2026-01-02T03:04:05Z`, or a length of time before now such as `30d`.
pub(crate) fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse::<Timestamp>()
        .or_else(|_| period_before_now(text).map(|span| domain::time::later(SystemClock.now(), -span)))
        .map_err(|error: String| format!("{error}; or a time such as 2026-01-02T03:04:05Z"))
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

    #[test]
    fn lengths_of_time() {
        let hours = |text| period_before_now(text).unwrap().as_hours();
        assert_eq!((hours("30d"), hours("12h"), hours("2w"), hours("days=1;hours=1")), (720, 12, 336, 25));
        assert!(period_before_now("soon").is_err() && period_before_now("30").is_err());
    }
}
