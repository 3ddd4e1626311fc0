//! Random streams of events, and the detections over them.
//!
//! Every stream has a value of its own in `context.by`, so that many streams share one store and stay independent. The
//! events of all streams fall into slots of ten seconds; the gaps between slots are sometimes longer than a group is
//! kept. What the reference cannot express is avoided: upper case, and gaps of exactly the length after which an absence
//! is due, where it is open which of the two came first.

use std::sync::Arc;

use domain::Timestamp;
use domain::detection::{DetectionId, detection_id};
use domain::event::{ActionPattern, Event};
use domain::ports::Entropy;
use domain::rules_document::{
    AbsentSettings, CountSettings, Detection, DetectionKind, EventMatcher, FieldPath, FirstSeenSettings, Period,
    Policy, Repeat, RulesDocument, SequenceSettings,
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use support::detection_reference::{described, described_event};
use support::{SeededEntropy, event};

use crate::dispatchers::document;
use crate::world::after;

/// The actions of the events; each is also the name of the policy that matches it.
const ACTIONS: [&str; 3] = ["failed", "login", "logout"];
/// How much later than a newer event an event of a shuffled batch comes at most, in seconds. Less than the allowed
/// lateness of the shortest window.
const LATEST: u64 = 12 * 60;
/// How many events travel in one message of a shuffled batch.
const SHUFFLED_TOGETHER: usize = 40;

/// Whether the events come in the order of their times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Time,
    /// Each within the allowed lateness.
    Shuffled,
}

/// Some streams, as the messages in which they come, with the detections over them.
pub(crate) struct Batch {
    pub(crate) seed: u64,
    pub(crate) order: Order,
    /// Before every event.
    pub(crate) start: Timestamp,
    pub(crate) detections: Vec<Detection>,
    /// In the order of arrival, each with the time of its arrival.
    pub(crate) messages: Vec<(Timestamp, Vec<Arc<Event>>)>,
    /// When every absence has been due.
    pub(crate) end: Timestamp,
}

/// Random choices that follow from a seed.
pub(crate) struct Choices(SeededEntropy);

impl Choices {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SeededEntropy::new(seed))
    }

    /// A number below `bound`.
    pub(crate) fn below(&self, bound: u64) -> u64 {
        u64::try_from(self.0.bits() >> 64).unwrap() % bound
    }

    /// True once in so many times.
    pub(crate) fn once_in(&self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn among<T: Copy>(&self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}

/// How large a batch is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) streams: u64,
    pub(crate) slots: u64,
}

impl Batch {
    /// The batch of this seed, which begins at `start`.
    pub(crate) fn new(seed: u64, order: Order, size: Size, start: Timestamp) -> Self {
        let choices = Choices::new(seed);
        let detections = detections(&choices, seed, order);
        let mut time = start;
        let mut messages = Vec::new();
        for number in 0..size.slots {
            // Shuffled events stay between two long pauses. Otherwise, in which order they came would decide what is
            // forgotten.
            let tens = match order {
                Order::Time if choices.once_in(10) => 30 + choices.below(170),
                Order::Shuffled if number % 12 == 0 => 300 + choices.below(100),
                _ => 1 + choices.below(4),
            };
            time = after(time, i64::try_from(tens * 10_000).unwrap());
            messages.push((time, slot(&choices, size.streams, time)));
        }
        let end = after(time, 3_600_000);
        let mut batch = Self { seed, order, start, detections, messages, end };
        if order == Order::Shuffled {
            batch.shuffle(&choices);
        }
        batch
    }

    /// Delays a third of the events.
    fn shuffle(&mut self, choices: &Choices) {
        let delay = || if choices.once_in(3) { choices.below(LATEST) } else { 0 };
        let arrival = |event: &Arc<Event>| after(event.created, i64::try_from(delay() * 1000).unwrap());
        let events = self.messages.drain(..).flat_map(|(_, events)| events);
        let mut arriving: Vec<_> = events.map(|event| (arrival(&event), event)).collect();
        arriving.sort_by_key(|(arrival, _)| *arrival);
        let messages = arriving.chunks(SHUFFLED_TOGETHER).map(|together| {
            let arrival = together.last().unwrap().0;
            (arrival, together.iter().map(|(_, event)| Arc::clone(event)).collect())
        });
        self.messages = messages.collect();
    }

    /// A rules document with the batch's detections.
    pub(crate) fn document(&self) -> RulesDocument {
        let mut document = document(|rule| rule.bindings.clear());
        for action in ACTIONS {
            let matched = vec![ActionPattern::parse(action).unwrap()];
            let matcher = EventMatcher { action: matched, ..EventMatcher::default() };
            document.policies.insert(action.to_owned(), Policy::EventMatcher(matcher).into());
        }
        for detection in &self.detections {
            document.policies.insert(detection.name.clone(), Policy::Detection(detection.clone()).into());
        }
        document
    }

    /// The ids of the detections.
    pub(crate) fn ids(&self) -> Vec<DetectionId> {
        self.detections.iter().map(detection_id).collect()
    }

    /// The batch, as the reference reads it.
    pub(crate) fn described(&self) -> Value {
        let events = self
            .messages
            .iter()
            .enumerate()
            .flat_map(|(number, (_, events))| events.iter().map(move |event| described_event(event, number)));
        json!({
            "shuffled": self.order == Order::Shuffled,
            "detections": self.detections.iter().map(described).collect::<Vec<_>>(),
            "events": events.collect::<Vec<_>>(),
        })
    }
}

/// The events of all streams at one time: none, one, or some at the same time, for each.
fn slot(choices: &Choices, streams: u64, time: Timestamp) -> Vec<Arc<Event>> {
    let mut events = Vec::new();
    for stream in 0..streams {
        let times = match choices.below(20) {
            0..12 => 0,
            12..18 => 1,
            _ => 2 + choices.below(3),
        };
        for _ in 0..times {
            let by = match choices.below(20) {
                0 => Value::Null,
                1 => json!([key(stream), null, key((stream + 1) % streams), key(stream)]),
                _ => key(stream),
            };
            let value = match choices.below(10) {
                0 => Value::Null,
                1 => json!(["v1", "v2"]),
                _ => json!(format!("v{}", choices.below(4))),
            };
            let mut context = json!({ "by": by, "x": value });
            if choices.once_in(20) {
                context.as_object_mut().unwrap().remove(choices.among(&["by", "x"]));
            }
            let action = choices.among(&["failed", "failed", "failed", "failed", "login", "login", "logout"]);
            let app = choices.among(&["web", "vpn"]);
            let random = choices.0.bits();
            let user = if choices.once_in(20) { json!({}) } else { json!({ "username": format!("s{stream}") }) };
            events.push(event(action).created(time).random(random).app(app).user(user).context(context).shared());
        }
    }
    events
}

/// The value of a stream: text, or for some a number, which no text equals.
fn key(stream: u64) -> Value {
    if stream.is_multiple_of(5) { json!(stream) } else { json!(format!("s{stream}")) }
}

fn seconds(seconds: u64) -> Period {
    Period::parse(&format!("seconds={seconds}")).unwrap()
}

fn path(path: &str) -> FieldPath {
    FieldPath::parse(path).unwrap()
}

/// Detections of every kind, with settings that the choices decide.
fn detections(choices: &Choices, seed: u64, order: Order) -> Vec<Detection> {
    let number = std::cell::Cell::new(0);
    let name = || {
        number.set(number.get() + 1);
        format!("d{}-{seed:x}-{:x}", number.get(), support::random_bits() >> 96)
    };
    let detection = |by: &[&str], kind: DetectionKind| {
        let by = by.iter().map(|one| path(one)).collect();
        Detection { name: name(), by, max_groups: Detection::DEFAULT_MAX_GROUPS, kind }
    };
    let count = |of: &str, distinct: bool, at_least: u32, repeat: Repeat| {
        DetectionKind::Count(CountSettings {
            of: of.to_owned(),
            distinct: distinct.then(|| path("context.x")),
            within: seconds(choices.among(&[60, 90, 120, 300])),
            at_least,
            repeat,
        })
    };
    let sequence = |of: &[&str], ordered: bool| {
        DetectionKind::Sequence(SequenceSettings {
            of: of.iter().map(|&one| one.to_owned()).collect(),
            within: seconds(choices.among(&[60, 90, 120])),
            ordered,
        })
    };
    let few = || u32::try_from(2 + choices.below(3)).unwrap();
    let (by, person) = (["context.by"], ["user.username"]);
    let again = Repeat::After(seconds(choices.among(&[20, 50, 120])));
    let first_seen = FirstSeenSettings {
        of: "login".to_owned(),
        value: vec![path("context.x")],
        // In order: no multiple of ten seconds lies between 1 and 1.1 times as long. Shuffled: longer than the streams.
        remember: if order == Order::Time { seconds(choices.among(&[60, 80, 90])) } else { Period::days(1) },
        learn: SignedDuration::ZERO,
    };
    let mut detections = vec![
        detection(&person, count("failed", false, few(), Repeat::Crossing)),
        detection(&person, count("failed", false, few(), Repeat::Every)),
        detection(&by, count("failed", false, few(), Repeat::Every)),
        detection(&by, count("failed", false, few(), again)),
        detection(&by, count("failed", true, few(), Repeat::Crossing)),
        detection(&by, count("failed", true, few(), Repeat::Every)),
        detection(&["context.by", "app"], count("failed", false, 2, Repeat::Crossing)),
        detection(&[], count("failed", false, 12, Repeat::Crossing)),
        detection(&by, sequence(&["failed", "login"], true)),
        detection(&by, sequence(&["login", "failed", "logout"], true)),
        detection(&by, sequence(&["login", "failed"], false)),
        detection(&by, DetectionKind::FirstSeen(first_seen)),
    ];
    if order == Order::Time {
        let absent = AbsentSettings {
            of: "failed".to_owned(),
            every: seconds(45),
            grace: SignedDuration::from_secs(choices.among(&[0, 8])),
            forget: choices.among(&[None, Some(3), Some(7)]),
            expect: Vec::new(),
        };
        let (crossing, every) = (detections[0].name.clone(), detections[1].name.clone());
        detections.push(detection(&by, DetectionKind::Absent(absent)));
        detections.push(detection(&person, count(&every, false, few(), Repeat::Crossing)));
        detections.push(detection(&person, sequence(&[&crossing, "login"], true)));
    }
    detections
}
