use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn window(days: &[&str], from: &str, to: &str, zone: &str) -> MuteWindow {
    serde_json::from_value(json!({ "days": days, "from": from, "to": to, "zone": zone })).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Until when, in UTC; `-` where it is not muted.
fn until(windows: &[MuteWindow], now: &str) -> String {
    muted_until(windows, at(now)).map_or("-".to_owned(), |until| until.to_string())
}

#[test]
fn a_window_belongs_to_the_day_on_which_it_begins() {
    // 2026-01-02 is a Friday; Berlin is an hour ahead of UTC.
    let night = [window(&["fri"], "22:00", "06:00", "Europe/Berlin")];
    for (now, end) in [
        ("2026-01-02T05:59:00Z", "-"),
        ("2026-01-02T20:59:59Z", "-"),
        ("2026-01-02T21:00:00Z", "2026-01-03T05:00:00Z"),
        ("2026-01-03T04:59:59Z", "2026-01-03T05:00:00Z"),
        ("2026-01-03T05:00:00Z", "-"),
        ("2026-01-03T22:00:00Z", "-"),
    ] {
        assert_eq!(until(&night, now), end, "{now}");
    }
}

#[test]
fn windows_that_follow_on_each_other_are_one() {
    let weekend = [window(&["sat", "sun"], "00:00", "24:00", "UTC")];
    assert_eq!(until(&weekend, "2026-01-03T10:00:00Z"), "2026-01-05T00:00:00Z");
    assert_eq!(until(&weekend, "2026-01-05T00:00:00Z"), "-");
    let always = [window(&[], "00:00", "24:00", "UTC")];
    assert!(muted_until(&always, at("2026-01-03T10:00:00Z")).is_some());
    assert_eq!(until(&[], "2026-01-03T10:00:00Z"), "-");
    assert_eq!(until(&[window(&[], "00:00", "24:00", "Mars/Olympus")], "2026-01-03T10:00:00Z"), "-");
}

/// On 2026-03-29 Berlin's clocks go from 02:00 to 03:00, at 01:00 UTC.
#[test]
fn where_clocks_are_put_forward() {
    let day = |from, to| [window(&["sun"], from, to, "Europe/Berlin")];
    // There is no 02:30: the window begins with the change.
    assert_eq!(until(&day("02:30", "04:00"), "2026-03-29T00:59:59Z"), "-");
    assert_eq!(until(&day("02:30", "04:00"), "2026-03-29T01:00:00Z"), "2026-03-29T02:00:00Z");
    // Nor does a window end at it later than at the change.
    assert_eq!(until(&day("01:00", "02:30"), "2026-03-29T00:30:00Z"), "2026-03-29T01:00:00Z");
    assert_eq!(until(&day("01:00", "02:30"), "2026-03-29T01:00:00Z"), "-");
    // A window that lies entirely in the skipped hour never applies.
    for now in ["2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z", "2026-03-29T01:15:00Z"] {
        assert_eq!(until(&day("02:00", "03:00"), now), "-", "{now}");
    }
}

/// On 2026-10-25 Berlin's clocks go from 03:00 back to 02:00, at 01:00 UTC.
#[test]
fn where_clocks_are_put_back() {
    let twice = [window(&["sun"], "02:00", "02:30", "Europe/Berlin")];
    assert_eq!(until(&twice, "2026-10-24T23:59:59Z"), "-");
    assert_eq!(until(&twice, "2026-10-25T00:00:00Z"), "2026-10-25T01:30:00Z");
    assert_eq!(until(&twice, "2026-10-25T00:45:00Z"), "2026-10-25T01:30:00Z");
    assert_eq!(until(&twice, "2026-10-25T01:30:00Z"), "-");
    // A day of 25 hours is muted for all of them.
    let whole = [window(&["sun"], "00:00", "24:00", "Europe/Berlin")];
    assert_eq!(until(&whole, "2026-10-24T22:00:00Z"), "2026-10-25T23:00:00Z");
}

#[test]
fn midnight_may_be_what_is_left_out() {
    // On 2026-09-06 the clocks of Santiago go from 00:00 to 01:00, at 04:00 UTC.
    let whole = [window(&["sun"], "00:00", "24:00", "America/Santiago")];
    assert_eq!(until(&whole, "2026-09-06T03:59:59Z"), "-");
    assert_eq!(until(&whole, "2026-09-06T04:00:00Z"), "2026-09-07T03:00:00Z");
}

proptest! {
    /// Away from the days on which clocks change, it is what the clock on the wall says.
    #[test]
    fn in_a_zone_without_changes_the_wall_clock_decides(
        minute in 0_i64..40_000_000,
        from in 0_u16..1440,
        to in 0_u16..=1440,
        days in prop::collection::vec(0_usize..7, 0..4),
    ) {
        prop_assume!(from != to);
        let text = |minutes: u16| Value::String(format!("{:02}:{:02}", minutes / 60, minutes % 60));
        let names: Vec<_> = days.iter().map(|day| Weekday::ALL[*day].1).collect();
        // Kathmandu keeps 5:45 ahead of UTC.
        let window: MuteWindow = serde_json::from_value(
            json!({ "days": names, "from": text(from), "to": text(to), "zone": "Asia/Kathmandu" })).unwrap();
        let now = Timestamp::from_second(1_750_000_000 + minute * 60).unwrap();
        let local = (1_750_000_000 / 60 + minute + 345) % (7 * 1440);
        // The epoch was a Thursday.
        let (today, time) = (usize::try_from((local / 1440 + 3) % 7).unwrap(), u16::try_from(local % 1440).unwrap());
        let begins = |day: usize| days.is_empty() || days.contains(&day);
        let expected = if to > from {
            begins(today) && (from..to).contains(&time)
        } else {
            begins(today) && time >= from || begins((today + 6) % 7) && time < to
        };
        let until = muted_until(std::slice::from_ref(&window), now);
        prop_assert_eq!(until.is_some(), expected);
        prop_assert!(until.is_none_or(|until| until > now));
    }
}
