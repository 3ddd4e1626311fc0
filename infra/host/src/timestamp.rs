//! The time of a log line.

use jiff::Timestamp;

#[expect(clippy::disallowed_methods, reason = "a log line carries the time at which it is written")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// The current time as log lines show it: RFC 3339 with microseconds, in UTC.
pub(crate) fn timestamp() -> String {
    domain::time::format(now())
}
