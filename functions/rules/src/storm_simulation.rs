//! Simulates throttles and digests in a dry run.
//!
//! Both depend on earlier events, but the history is read newest first and in parts. Therefore the simulation first
//! records each firing in a few bytes. When all parts have been added, it decides them oldest first, by the same
//! functions as the dispatcher, with the event's own time as the current time.

use std::collections::HashMap;

use domain::Timestamp;
use domain::delivery::DigestWindow;
use domain::event::{Event, EventPk};
use domain::rules_document::{DigestSettings, FieldPath, Rule, Throttle};
use domain::suppression::{SuppressionKey, ThrottleDecision, ThrottleLog};
use serde::{Deserialize, Serialize};

use crate::PlannedNotice;

/// The recorded firings of one rule with a throttle or digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StormSimulation {
    throttle: Option<Throttle>,
    digest: Option<DigestSettings>,
    audiences: Audiences,
    firings: Vec<RuleFiring>,
}

/// An event for which the rule fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(EventPk, u64, u64, u32)", into = "(EventPk, u64, u64, u32)")]
struct RuleFiring {
    event: EventPk,
    /// The hashed key of its throttle state; 0 without a throttle.
    counted_in: u64,
    /// The hashed key of its digest, without the recipient; 0 without a digest.
    collected_in: u64,
    /// The index of its list in [`Audiences`].
    audience: u32,
}

/// The distinct lists of addressees, each with its index; a firing refers to its list by the index.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Vec<Addressee>>", into = "Vec<Vec<Addressee>>")]
struct Audiences(HashMap<Vec<Addressee>, u32>);

/// The name of a transport and the label of a recipient.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Addressee(String, String);

/// The simulated outcome of one delivery.
pub(crate) enum SimulatedOutcome<'a> {
    /// This recipient gets a message.
    Sent(&'a str),
    /// The throttle suppresses it.
    Throttled,
    /// The digest of another delivery reports it.
    Collected,
}

impl StormSimulation {
    /// An empty simulation; `None` for a rule with neither throttle nor digest.
    pub(crate) fn for_rule(rule: &Rule) -> Option<Self> {
        let (throttle, digest) = (rule.throttle.clone(), rule.digest.clone());
        (throttle.is_some() || digest.is_some()).then(|| Self {
            throttle,
            digest,
            audiences: Audiences::default(),
            firings: Vec::new(),
        })
    }

    /// The number of recorded firings.
    pub(crate) fn len(&self) -> usize {
        self.firings.len()
    }

    /// Records that the rule fired for the event, with its notices.
    pub(crate) fn remember(&mut self, rule: &Rule, event: &Event, notices: &[PlannedNotice<'_>]) {
        let addressees = notices.iter().map(|notice| Addressee(notice.transport.to_owned(), notice.recipient.name()));
        self.firings.push(RuleFiring {
            event: event.pk,
            counted_in: self.throttle.as_ref().map_or(0, |throttle| key(rule, &throttle.by, event)),
            collected_in: self.digest.as_ref().map_or(0, |digest| key(rule, &digest.by, event)),
            audience: self.audiences.index(addressees.collect()),
        });
    }

    /// Adds the firings of another part of the history.
    pub(crate) fn add(&mut self, other: Self) {
        let new_indexes: HashMap<u32, u32> = other
            .audiences
            .0
            .into_iter()
            .map(|(addressees, index)| (index, self.audiences.index(addressees)))
            .collect();
        let firings = other.firings.into_iter().filter_map(|firing| {
            let audience = *new_indexes.get(&firing.audience)?;
            Some(RuleFiring { audience, ..firing })
        });
        self.firings.extend(firings);
    }

    /// Decides each delivery, and passes the event's time and the outcome to `each`.
    pub(crate) fn decide(self, mut each: impl FnMut(Timestamp, SimulatedOutcome<'_>)) {
        let Self { throttle, digest, audiences, mut firings } = self;
        let audiences: HashMap<u32, &[Addressee]> =
            audiences.0.iter().map(|(addressees, index)| (*index, addressees.as_slice())).collect();
        let audience = |firing: &RuleFiring| audiences.get(&firing.audience).copied().unwrap_or_default();
        if let Some(throttle) = throttle {
            let mut counted = CurrentState::<ThrottleLog>::default();
            firings.sort_unstable_by_key(|firing| (firing.counted_in, firing.event));
            firings.retain(|firing| {
                let at = firing.event.instant();
                let log = counted.for_key(firing.counted_in);
                let judged = log.judge(&throttle, &[firing.event], at);
                if let Some(changed) = judged.changed {
                    *log = changed;
                }
                let passes = judged.verdicts == [ThrottleDecision::Pass];
                if !passes {
                    for _ in audience(firing) {
                        each(at, SimulatedOutcome::Throttled);
                    }
                }
                passes
            });
        }
        let mut collected = CurrentState::<HashMap<&Addressee, DigestWindow>>::default();
        firings.sort_unstable_by_key(|firing| (firing.collected_in, firing.event));
        for firing in &firings {
            let at = firing.event.instant();
            let windows = collected.for_key(firing.collected_in);
            for addressees in audience(firing) {
                if windows.get(addressees).is_some_and(|span| span.is_open(at)) {
                    each(at, SimulatedOutcome::Collected);
                    continue;
                }
                if let Some(digest) = &digest {
                    windows.insert(addressees, DigestWindow::opening_at(digest, at));
                }
                each(at, SimulatedOutcome::Sent(&addressees.1));
            }
        }
    }
}

/// The state of the key that is being simulated. The firings are sorted by key, so that one state at a time suffices.
#[derive(Default)]
struct CurrentState<T> {
    key: u64,
    state: T,
}

impl<T: Default> CurrentState<T> {
    /// The state of `key`: a new one if the key has changed.
    fn for_key(&mut self, key: u64) -> &mut T {
        if self.key != key {
            *self = Self { key, state: T::default() };
        }
        &mut self.state
    }
}

/// A hash of the rule and the event's values of the fields in `by`: the first 8 bytes of the stored key.
fn key(rule: &Rule, by: &[FieldPath], event: &Event) -> u64 {
    let values: Vec<Option<String>> = by.iter().map(|path| path.value(event)).collect();
    let named = by.iter().zip(&values).map(|(path, value)| (path.as_str(), value.as_deref()));
    let key = SuppressionKey::throttle(&rule.name, named);
    key.as_bytes()[..8].iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

impl Audiences {
    /// The index of the list, which is added if it is new.
    fn index(&mut self, addressees: Vec<Addressee>) -> u32 {
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
        lists.sort_unstable_by_key(|(_, index)| *index);
        lists.into_iter().map(|(addressees, _)| addressees).collect()
    }
}

impl From<(EventPk, u64, u64, u32)> for RuleFiring {
    fn from((event, counted_in, collected_in, audience): (EventPk, u64, u64, u32)) -> Self {
        Self { event, counted_in, collected_in, audience }
    }
}

impl From<RuleFiring> for (EventPk, u64, u64, u32) {
    fn from(RuleFiring { event, counted_in, collected_in, audience }: RuleFiring) -> Self {
        (event, counted_in, collected_in, audience)
    }
}
