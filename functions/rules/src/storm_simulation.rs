//! Throttles and digests tried on history.
//!
//! Both depend on what came before, and history is read newest first and in parts. So what a rule with a throttle or
//! a digest would tell is only remembered at first, in few bytes an event, and decided when all parts have been added
//! up: oldest first, by the same decisions as when dispatching, an event's own time taking the place of now.

use std::collections::HashMap;

use domain::Timestamp;
use domain::document::{Digest, FieldPath, Rule, Throttle};
use domain::event::{Event, EventPk};
use domain::suppression::{LaneId, Span, Tally, Verdict};
use serde::{Deserialize, Serialize};

use crate::PlannedNotice;

/// What one rule would have addressees before its throttle and digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StormSimulation {
    throttle: Option<Throttle>,
    digest: Option<Digest>,
    audiences: Audiences,
    firings: Vec<Firing>,
}

/// An event that a rule would have addressees of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(EventPk, u64, u64, u32)", into = "(EventPk, u64, u64, u32)")]
struct Firing {
    event: EventPk,
    /// StateByKey.
    counted_in: u64,
    collected_in: u64,
    audience: u32,
}

/// Who was addressees by what, each such list once; firings refer to them by their place.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Vec<Addressee>>", into = "Vec<Vec<Addressee>>")]
struct Audiences(HashMap<Vec<Addressee>, u32>);

/// A transport and a recipient.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Addressee(String, String);

/// What became of one delivery.
pub(crate) enum SimulatedOutcome<'a> {
    /// This recipient gets a message of its own.
    Sent(&'a str),
    Throttled,
    /// Another message tells of it.
    Collected,
}

impl StormSimulation {
    /// Nothing yet; none for a rule whose verdicts do not depend on what came before.
    pub(crate) fn of(rule: &Rule) -> Option<Self> {
        let (throttle, digest) = (rule.throttle.clone(), rule.digest.clone());
        (throttle.is_some() || digest.is_some()).then(|| Self {
            throttle,
            digest,
            audiences: Audiences::default(),
            firings: Vec::new(),
        })
    }

    /// Events that it remembers.
    pub(crate) fn len(&self) -> usize {
        self.firings.len()
    }

    /// Remembers what the rule would tell of an event.
    pub(crate) fn remember(&mut self, rule: &Rule, event: &Event, addressees: &[PlannedNotice<'_>]) {
        let addressees = addressees.iter().map(|one| Addressee(one.transport.to_owned(), one.recipient.name()));
        self.firings.push(Firing {
            event: event.pk,
            counted_in: self.throttle.as_ref().map_or(0, |throttle| lane(rule, &throttle.by, event)),
            collected_in: self.digest.as_ref().map_or(0, |digest| lane(rule, &digest.by, event)),
            audience: self.audiences.place(addressees.collect()),
        });
    }

    /// Adds what another part of the history brought.
    pub(crate) fn add(&mut self, other: Self) {
        let moved: HashMap<u32, u32> = other
            .audiences
            .0
            .into_iter()
            .map(|(addressees, place)| (place, self.audiences.place(addressees)))
            .collect();
        let known = other.firings.into_iter().filter_map(|firing| {
            let audience = *moved.get(&firing.audience)?;
            Some(Firing { audience, ..firing })
        });
        self.firings.extend(known);
    }

    /// Decides of each delivery, lane by lane.
    pub(crate) fn decide(self, mut each: impl FnMut(Timestamp, SimulatedOutcome<'_>)) {
        let Self { throttle, digest, audiences, mut firings } = self;
        let audiences: HashMap<u32, &[Addressee]> =
            audiences.0.iter().map(|(addressees, place)| (*place, addressees.as_slice())).collect();
        let audience = |firing: &Firing| audiences.get(&firing.audience).copied().unwrap_or_default();
        if let Some(throttle) = throttle {
            let mut counted = StateByKey::<Tally>::default();
            firings.sort_unstable_by_key(|firing| (firing.counted_in, firing.event));
            firings.retain(|firing| {
                let at = firing.event.instant();
                let tally = counted.of(firing.counted_in);
                let judged = tally.judge(&throttle, &[firing.event], at);
                if let Some(changed) = judged.changed {
                    *tally = changed;
                }
                let passes = judged.verdicts == [Verdict::Pass];
                if !passes {
                    for _ in audience(firing) {
                        each(at, SimulatedOutcome::Throttled);
                    }
                }
                passes
            });
        }
        let mut collected = StateByKey::<HashMap<&Addressee, Span>>::default();
        firings.sort_unstable_by_key(|firing| (firing.collected_in, firing.event));
        for firing in &firings {
            let at = firing.event.instant();
            let windows = collected.of(firing.collected_in);
            for addressees in audience(firing) {
                if windows.get(addressees).is_some_and(|span| span.is_open(at)) {
                    each(at, SimulatedOutcome::Collected);
                    continue;
                }
                if let Some(digest) = &digest {
                    windows.insert(addressees, Span::of(digest, at));
                }
                each(at, SimulatedOutcome::Sent(&addressees.1));
            }
        }
    }
}

/// What is known of the lane at hand; lanes come one after the other.
#[derive(Default)]
struct StateByKey<T> {
    current: u64,
    known: T,
}

impl<T: Default> StateByKey<T> {
    fn of(&mut self, lane: u64) -> &mut T {
        if self.current != lane {
            *self = Self { current: lane, known: T::default() };
        }
        &mut self.known
    }
}

/// Stands for the event's values of these fields: the start of a hash.
fn lane(rule: &Rule, by: &[FieldPath], event: &Event) -> u64 {
    let values: Vec<Option<String>> = by.iter().map(|path| path.value(event)).collect();
    let named = by.iter().zip(&values).map(|(path, value)| (path.as_str(), value.as_deref()));
    let lane = LaneId::throttle(&rule.name, named);
    lane.as_bytes()[..8].iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

impl Audiences {
    fn place(&mut self, addressees: Vec<Addressee>) -> u32 {
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        *self.0.entry(addressees).or_insert(next)
    }
}

impl From<Vec<Vec<Addressee>>> for Audiences {
    fn from(lists: Vec<Vec<Addressee>>) -> Self {
        Self(lists.into_iter().zip(0..).collect())
    }
}

impl From<Audiences> for Vec<Vec<Addressee>> {
    fn from(audiences: Audiences) -> Self {
        let mut lists: Vec<_> = audiences.0.into_iter().collect();
        lists.sort_unstable_by_key(|(_, place)| *place);
        lists.into_iter().map(|(addressees, _)| addressees).collect()
    }
}

impl From<(EventPk, u64, u64, u32)> for Firing {
    fn from((event, counted_in, collected_in, audience): (EventPk, u64, u64, u32)) -> Self {
        Self { event, counted_in, collected_in, audience }
    }
}

impl From<Firing> for (EventPk, u64, u64, u32) {
    fn from(Firing { event, counted_in, collected_in, audience }: Firing) -> Self {
        (event, counted_in, collected_in, audience)
    }
}
