//! Parsers of command-line values.

use std::net::{IpAddr, SocketAddr};

use domain::Timestamp;
use domain::event::ActionPattern;
use domain::ports::Clock as _;
use domain::rules_document::{Period, PeriodError};
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

/// Parses a header, `Name: value`; the name in lower case.
pub(crate) fn header(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once(':').map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    pair.filter(|(name, _)| !name.is_empty()).ok_or_else(|| "write a header such as 'X-GitHub-Event: push'".to_owned())
}

/// Parses an action, or the beginning of one with `*`.
pub(crate) fn action(text: &str) -> Result<ActionPattern, String> {
    ActionPattern::parse(text).map_err(|error| error.to_string())
}

/// Parses an address to listen on, such as `127.0.0.1:8787`.
pub(crate) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let hint = || match text.rsplit_once(':') {
        _ if text.parse::<u16>().is_ok() => format!("; for this machine alone, write 127.0.0.1:{text}"),
        Some(("localhost", port)) => format!("; for this machine alone, write 127.0.0.1:{port}"),
        Some(("" | "*", port)) => format!("; for every address of this machine, write 0.0.0.0:{port}"),
        _ => String::new(),
    };
    text.parse().map_err(|_| format!("write an IP address and a port, such as 127.0.0.1:8787 or [::1]:8787{}", hint()))
}

/// Parses an IP address.
pub(crate) fn address(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| "write one IPv4 or IPv6 address, such as 192.0.2.7 or 2001:db8::1".to_owned())
}

/// Parses a length of time: `30d`, `12h`, `90m`, `2w`, or `days=30`.
pub(crate) fn period(text: &str) -> Result<Period, String> {
    let units = [("s", "seconds"), ("m", "minutes"), ("h", "hours"), ("d", "days"), ("w", "weeks")];
    let long = units.iter().find_map(|(short, long)| {
        let number = text.strip_suffix(short)?;
        number.parse::<f64>().ok().map(|number| format!("{long}={number}"))
    });
    let is_named = long.is_none() && text.contains('=');
    Period::parse(long.as_deref().unwrap_or(text)).map_err(|error| match error {
        PeriodError::Zero | PeriodError::TooLong => error.to_string(),
        _ if is_named => error.to_string(),
        _ => "write a length of time such as 30d, 12h or days=30".to_owned(),
    })
}

/// Parses a length of time before now, as [`period`] does.
pub(crate) fn period_before_now(text: &str) -> Result<SignedDuration, String> {
    period(text).map(Period::duration)
}

/// Parses a time: `2026-01-02T03:04:05Z`, or a length of time before now such as `30d`.
pub(crate) fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse::<Timestamp>()
        .or_else(|_| period_before_now(text).map(|span| domain::time::later(SystemClock.now(), -span)))
        .map_err(|error: String| format!("{error}, or a time such as 2026-01-02T03:04:05Z"))
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
        for (text, expected) in [
            ("soon", "write a length of time such as 30d, 12h or days=30"),
            ("30", "write a length of time such as 30d, 12h or days=30"),
            ("xd", "write a length of time such as 30d, 12h or days=30"),
            ("0d", "a period must be longer than zero"),
        ] {
            assert_eq!(period(text).unwrap_err(), expected, "{text}");
        }
        assert!(period("days=x").unwrap_err().contains("number"));
        assert!(instant("soon").unwrap_err().ends_with(", or a time such as 2026-01-02T03:04:05Z"));
    }

    #[test]
    fn addresses_to_listen_on() {
        assert_eq!(listen_address("[::1]:80").unwrap().port(), 80);
        for (text, hint) in [
            ("8787", "such as 127.0.0.1:8787 or [::1]:8787; for this machine alone, write 127.0.0.1:8787"),
            ("localhost:80", "for this machine alone, write 127.0.0.1:80"),
            (":80", "for every address of this machine, write 0.0.0.0:80"),
            ("example.org:80", "[::1]:8787"),
            ("::1", "[::1]:8787"),
        ] {
            let error = listen_address(text).unwrap_err();
            assert!(error.starts_with("write an IP address and a port") && error.ends_with(hint), "{error}");
        }
        assert!(address("x").unwrap_err().contains("192.0.2.7"));
    }
}
