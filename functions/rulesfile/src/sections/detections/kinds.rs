//! Reads the settings of each kind of detection.
//!
//! Owns which settings a kind has, which are required, and their limits. The domain says what they mean.

use domain::rules_document::{
    AbsentSettings, CountSettings, Detection, FieldPath, FirstSeenSettings, LONGEST_WITHIN, Period, Repeat,
    SHORTEST_WITHIN, SequenceSettings,
};

use super::DetectionReader;
use crate::names::{nearest, shown};
use crate::sections::{field_paths, retention};
use crate::shape::{self, KeySet, Section};
use crate::tree::Node;

pub(crate) const COUNT_KEYS: KeySet = KeySet {
    of: "count",
    known: &["of", "by", "within", "at_least", "distinct", "repeat", "max_groups"],
    unsupported: &[],
};
pub(crate) const FIRST_SEEN_KEYS: KeySet =
    KeySet { of: "first_seen", known: &["of", "by", "value", "remember", "learn", "max_groups"], unsupported: &[] };
pub(crate) const ABSENT_KEYS: KeySet =
    KeySet { of: "absent", known: &["of", "by", "every", "grace", "forget", "expect", "max_groups"], unsupported: &[] };
pub(crate) const SEQUENCE_KEYS: KeySet =
    KeySet { of: "sequence", known: &["of", "by", "within", "ordered", "max_groups"], unsupported: &[] };

/// The maximum of `forget`, as an upper limit for typing errors.
const MOST_FORGET: u32 = 1000;

impl DetectionReader<'_, '_> {
    /// Reads `by`; empty if it is missing, `None` if it is faulty.
    pub(super) fn by(&mut self, settings: &Section<'_>) -> Option<Vec<FieldPath>> {
        let Some(node) = settings.get("by") else { return Some(Vec::new()) };
        let by = self.fields(node)?;
        if by.len() > Detection::MAX_PATHS {
            let what = format!("by has {} fields", by.len());
            self.diagnostics.fault(node.at, what, format!("name at most {}", Detection::MAX_PATHS));
            return None;
        }
        Some(by)
    }

    pub(super) fn max_groups(&mut self, settings: &Section<'_>) -> Option<u32> {
        let Some(node) = settings.get("max_groups") else { return Some(Detection::DEFAULT_MAX_GROUPS) };
        let range = 1..=i64::from(Detection::MOST_GROUPS);
        shape::integer(node, "max_groups", range, self.diagnostics).and_then(|count| u32::try_from(count).ok())
    }

    pub(super) fn count(&mut self, settings: &Section<'_>, by: Option<&[FieldPath]>) -> Option<CountSettings> {
        let of = self.single_input(settings);
        let within = self.within(settings);
        let at_least = self.at_least(settings);
        let distinct = settings.get("distinct").and_then(|node| self.distinct(node, by));
        let repeat = settings.get("repeat").and_then(|node| self.repeat(node)).unwrap_or_default();
        Some(CountSettings { of: of?, distinct, within: within?, at_least: at_least?, repeat })
    }

    fn at_least(&mut self, settings: &Section<'_>) -> Option<u32> {
        let node = settings.require("at_least", "give the number of events, such as at_least: 10", self.diagnostics)?;
        let most = CountSettings::MAX_AT_LEAST;
        let number = shape::integer(node, "at_least", i64::MIN..=i64::MAX, self.diagnostics)?;
        if number < 2 {
            let hint = format!("write 2 to {most}; to be notified of every event, bind the policy itself to a rule");
            self.diagnostics.fault(node.at, "at_least is less than 2, so that one event would be enough", hint);
        } else if number > most.into() {
            self.diagnostics.fault(node.at, "at_least is out of range", format!("write a number from 2 to {most}"));
        }
        u32::try_from(number).ok()
    }

    fn distinct(&mut self, node: &Node, by: Option<&[FieldPath]>) -> Option<FieldPath> {
        let path = field_paths::read_one(node, "distinct", self.diagnostics)?;
        field_paths::check_visible(&path, node.at, self.masker, self.diagnostics);
        if by.is_some_and(|by| by.contains(&path)) {
            let what =
                format!("the field {} is in by, too, so that each group has one value of it", shown(path.as_str()));
            self.diagnostics.fault(node.at, what, "count the values of another field, or remove it from by");
        }
        Some(path)
    }

    fn repeat(&mut self, node: &Node) -> Option<Repeat> {
        let text = shape::text(node, "repeat", self.diagnostics)?;
        match text {
            "crossing" => Some(Repeat::Crossing),
            "every" => Some(Repeat::Every),
            period if period.contains('=') => retention::period(node, "repeat", self.diagnostics).map(Repeat::After),
            other => {
                let hint = match nearest(other, ["crossing", "every"], self.diagnostics) {
                    Some(near) => format!("did you mean {near}?"),
                    None => "write crossing, every, or a period such as hours=1".to_owned(),
                };
                self.diagnostics.fault(node.at, format!("{} is not a way to repeat", shown(other)), hint);
                None
            }
        }
    }

    pub(super) fn first_seen(&mut self, settings: &Section<'_>, by: Option<&[FieldPath]>) -> Option<FirstSeenSettings> {
        let of = self.single_input(settings);
        let value = self.value(settings, by);
        let hint = "give the time for which a value is known, such as remember: days=30";
        let remember = self.period(settings, "remember", hint, FirstSeenSettings::LONGEST_REMEMBERED, "days=365");
        let learn = settings.get("learn");
        let learn = learn.and_then(|node| retention::parse(node, "learn", Period::parse_or_zero, self.diagnostics));
        Some(FirstSeenSettings { of: of?, value: value?, remember: remember?, learn: learn.unwrap_or_default() })
    }

    fn value(&mut self, settings: &Section<'_>, by: Option<&[FieldPath]>) -> Option<Vec<FieldPath>> {
        let hint = "name the field whose new values are looked for, such as value: [context.geo.country]";
        let node = settings.require("value", hint, self.diagnostics)?;
        let value = self.fields(node)?;
        if value.is_empty() {
            self.diagnostics.fault(node.at, "value is an empty list", hint);
        } else if value.len() > FirstSeenSettings::MAX_VALUES {
            let hint = format!(
                "name at most {}; fields that separate the groups belong into by",
                FirstSeenSettings::MAX_VALUES
            );
            self.diagnostics.fault(node.at, format!("value has {} fields", value.len()), hint);
        }
        if let Some(path) = value.iter().find(|path| by.is_some_and(|by| by.contains(path))) {
            let what = format!("the field {} is both in by and in value", shown(path.as_str()));
            self.diagnostics.fault(node.at, what, "remove it from one of the two");
        }
        Some(value)
    }

    pub(super) fn absent(
        &mut self,
        settings: &Section<'_>,
        by: Option<&[FieldPath]>,
        max_groups: Option<u32>,
    ) -> Option<AbsentSettings> {
        let of = self.single_input(settings);
        let hint = "give the time within which an event is expected, such as every: hours=24";
        let every = self.period(settings, "every", hint, AbsentSettings::LONGEST, "days=31");
        let grace = settings.get("grace").and_then(|node| {
            let grace = retention::parse(node, "grace", Period::parse_or_zero, self.diagnostics)?;
            if grace > AbsentSettings::LONGEST.duration() {
                self.diagnostics.fault(node.at, "grace is longer than days=31", "write at most days=31");
            }
            Some(grace)
        });
        let grace = grace.unwrap_or_default();
        let forget = settings.get("forget").and_then(|node| {
            let times = shape::integer(node, "forget", 1..=MOST_FORGET.into(), self.diagnostics)?;
            let times = i32::try_from(times).ok()?;
            if every.is_some_and(|every| every.duration() * times <= every.duration() + grace) {
                let what = "the detection forgets a group before it fires";
                let hint = "write a greater number: forget times every must be longer than every and grace together";
                self.diagnostics.warning(node.at, what, hint);
            }
            u32::try_from(times).ok()
        });
        let expect = settings.get("expect").zip(by).map(|(node, by)| self.expected(node, by, max_groups));
        Some(AbsentSettings { of: of?, every: every?, grace, forget, expect: expect.unwrap_or_default() })
    }

    pub(super) fn sequence(&mut self, settings: &Section<'_>) -> Option<SequenceSettings> {
        let hint = "list the policies or detections of the steps, such as of: [brute-force, logins]";
        let node = settings.require("of", hint, self.diagnostics);
        let items = node.and_then(|node| Some((node, shape::list(node, "of", self.diagnostics)?)));
        let of = items.map(|(node, items)| {
            let most = SequenceSettings::MAX_STEPS;
            if items.len() < 2 {
                let hint = "list at least two policies or detections; for a single one, use count";
                self.diagnostics.fault(node.at, "a sequence has at least two steps", hint);
            } else if items.len() > most {
                let what = format!("this sequence has {} steps", items.len());
                self.diagnostics.fault(node.at, what, format!("list at most {most}"));
            }
            items.iter().filter_map(|item| self.input(item, "a step")).collect()
        });
        let within = self.within(settings);
        let ordered = settings.get("ordered").and_then(|node| shape::boolean(node, "ordered", self.diagnostics));
        Some(SequenceSettings { of: of?, within: within?, ordered: ordered.unwrap_or(true) })
    }

    /// Reads the `of` of a kind that has one input.
    fn single_input(&mut self, settings: &Section<'_>) -> Option<String> {
        let node = settings.require("of", "name a policy or a detection", self.diagnostics)?;
        self.input(node, "of")
    }

    /// Reads the name of a policy or a detection. `name` is what a fault about the value's type calls it.
    fn input(&mut self, node: &Node, name: &str) -> Option<String> {
        let input = shape::text(node, name, self.diagnostics)?;
        self.known.check_reference(input, node.at, self.diagnostics);
        Some(input.to_owned())
    }

    fn within(&mut self, settings: &Section<'_>) -> Option<Period> {
        let hint = "give the length of the window, such as within: minutes=5";
        let within = self.period(settings, "within", hint, LONGEST_WITHIN, "days=7")?;
        if within.duration() < SHORTEST_WITHIN {
            let at = settings.get("within").map_or(settings.at, |node| node.at);
            self.diagnostics.fault(at, "within is shorter than one minute", "write at least minutes=1");
        }
        Some(within)
    }

    /// Reads a required period of at most `longest`, which `written` spells.
    fn period(
        &mut self,
        settings: &Section<'_>,
        name: &str,
        hint: &str,
        longest: Period,
        written: &str,
    ) -> Option<Period> {
        let node = settings.require(name, hint, self.diagnostics)?;
        let period = retention::period(node, name, self.diagnostics)?;
        if period > longest {
            self.diagnostics.fault(
                node.at,
                format!("{name} is longer than {written}"),
                format!("write at most {written}"),
            );
        }
        Some(period)
    }

    /// Reads fields, none of which may be masked. `None` if any path is faulty.
    fn fields(&mut self, node: &Node) -> Option<Vec<FieldPath>> {
        let paths = field_paths::read(node, self.diagnostics)?;
        for (path, at) in &paths {
            field_paths::check_visible(path, *at, self.masker, self.diagnostics);
        }
        Some(paths.into_iter().map(|(path, _)| path).collect())
    }
}
