//! The state of one group of a `count` detection, and when it fires.
//!
//! A member *qualifies* if its window, which ends at the member and includes both ends, has enough members or distinct
//! values. A *run* is a longest unbroken row of members that qualify. Every stored run has fired. A member that is added
//! out of order can extend a run, join two, or begin one; with distinct values it can also break one in two.
//!
//! # What is kept
//!
//! Only a member that is not late can change anything, and late is what is older than the newest member by more than
//! `within` and [`LATENESS`]. So members are kept for twice `within` and [`LATENESS`]. Of a run, the newest `at_least`
//! members are enough, because every member that is added between two of a run qualifies: the window of the later one
//! has at most the later one itself that the new window has not. Members outside of runs are few, because they do not
//! qualify. Distinct values need more; beyond [`MAX_MEMBERS`], what is oldest is dropped.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::member::{EventPosition, Member, Members};
use super::{Addition, Fired, LATENESS, MAX_LISTED, Outcome, micros};
use crate::event::EventPk;
use crate::rules_document::{CountSettings, Repeat};

/// The most members of one group that are kept.
pub const MAX_MEMBERS: usize = 8192;

/// The members of one group that still matter, and the runs that fired.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CountState {
    members: Members,
    /// In order; no two touch.
    runs: Vec<Run>,
}

/// A run that fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    first: EventPosition,
    last: EventPosition,
    /// The members for which it fired, in order. Of many, the oldest are left out.
    fired: Vec<EventPosition>,
}

impl Run {
    fn has(&self, position: EventPosition) -> bool {
        (self.first..=self.last).contains(&position)
    }

    fn note_firing(&mut self, position: EventPosition) {
        let at = self.fired.partition_point(|fired| *fired < position);
        self.fired.insert(at, position);
        if self.fired.len() > MAX_FIRINGS {
            self.fired.remove(0);
        }
    }

    /// Whether a further member of the run fires.
    fn repeats(&self, repeat: Repeat, position: EventPosition) -> bool {
        match (repeat, self.fired.last()) {
            (_, None) | (Repeat::Every, _) => true,
            (Repeat::Crossing, Some(_)) => false,
            (Repeat::After(period), Some(last)) => position.at >= last.at.saturating_add(micros(period.duration())),
        }
    }
}

/// How many firings of one run are remembered.
const MAX_FIRINGS: usize = 32;

/// Members that a new member made part of one run, with the runs that they touch.
#[derive(Default)]
struct Segment {
    /// Indexes of members that did not qualify before, in order.
    qualifying: Vec<usize>,
    /// Indexes of runs, in order.
    runs: Vec<usize>,
}

impl CountState {
    /// Adds one event to the group. Adding it again changes nothing.
    pub fn add(&mut self, settings: &CountSettings, member: Member) -> Addition {
        let within = micros(settings.within.duration());
        let position = member.position;
        if self.newest().is_some_and(|newest| position.at < newest.at - within - micros(LATENESS)) {
            return Addition { outcome: Outcome::Late, fired: Vec::new() };
        }
        let Err(at) = self.members.0.binary_search_by_key(&position, |member| member.position) else {
            let at = self.members.0.partition_point(|member| member.position < position);
            return Addition { outcome: self.known(settings, at), fired: Vec::new() };
        };
        let run = self.run_of(position);
        if let Some(run) = run
            && self.is_thinned(run, at)
        {
            let again = settings.repeat == Repeat::Every;
            let outcome = Outcome::Joined { count: settings.at_least };
            let fired = if again { vec![fired_at_dropped(position, settings)] } else { Vec::new() };
            return Addition { outcome, fired };
        }
        self.members.0.insert(at, member);
        let count = self.count(settings, at);
        let breaks = settings.distinct.is_some() && count < settings.at_least;
        let outcome =
            Outcome::Joined { count: if run.is_some() && !breaks { count.max(settings.at_least) } else { count } };
        let mut fired = match run {
            Some(run) if !breaks => self.fire_within(settings, run, at),
            _ => Vec::new(),
        };
        if let Some(run) = run.filter(|_| breaks) {
            self.split(run, at);
        }
        fired.append(&mut self.extend(settings, at));
        fired.append(&mut self.fire_unfired(settings));
        Addition { outcome, fired }
    }

    /// Drops what can no longer matter.
    pub fn trim(&mut self, settings: &CountSettings) {
        let within = micros(settings.within.duration());
        let Some(newest) = self.newest() else { return };
        let horizon = newest.at - 2 * within - micros(LATENESS);
        self.runs.retain(|run| run.last.at >= horizon);
        self.members.0.retain(|member| member.position.at >= horizon);
        if settings.distinct.is_none() {
            self.thin(settings);
        } else if self.members.0.len() > MAX_MEMBERS / 2 {
            self.drop_repeated(within);
        }
        let surplus = self.members.0.len().saturating_sub(MAX_MEMBERS);
        self.members.0.drain(..surplus);
    }

    /// The newest of the members.
    pub fn newest(&self) -> Option<EventPosition> {
        self.members.0.last().map(|member| member.position)
    }

    /// How many members, or distinct values, lie in the window that ends at the newest member.
    pub fn newest_count(&self, settings: &CountSettings) -> u32 {
        self.members.0.len().checked_sub(1).map_or(0, |last| self.count(settings, last))
    }

    /// The count of the window that ends at this event; `None` if the event is no longer kept.
    pub fn count_at(&self, settings: &CountSettings, position: EventPosition) -> Option<u32> {
        let at = self.members.0.binary_search_by_key(&position, |member| member.position).ok()?;
        Some(self.count(settings, at))
    }

    fn known(&self, settings: &CountSettings, at: usize) -> Outcome {
        Outcome::Known { count: self.count(settings, at) }
    }

    /// The indexes of the members in the window that ends at the member of index `at`.
    fn window(&self, settings: &CountSettings, at: usize) -> std::ops::Range<usize> {
        let from = self.members.0[at].position.at - micros(settings.within.duration());
        self.members.0.partition_point(|member| member.position.at < from)..at + 1
    }

    fn count(&self, settings: &CountSettings, at: usize) -> u32 {
        let window = self.window(settings, at);
        let count = if settings.distinct.is_none() {
            window.len()
        } else {
            self.members.0[window].iter().filter_map(|member| member.value).collect::<HashSet<_>>().len()
        };
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    fn run_of(&self, position: EventPosition) -> Option<usize> {
        let at = self.runs.partition_point(|run| run.last < position);
        self.runs.get(at).is_some_and(|run| run.has(position)).then_some(at)
    }

    /// Whether members of the run that lie before the kept one of index `at` may have been dropped.
    fn is_thinned(&self, run: usize, at: usize) -> bool {
        let before = at.checked_sub(1).map(|before| self.members.0[before].position);
        before.is_none_or(|before| before < self.runs[run].first)
    }

    /// Adds to runs what qualifies from the member of index `at` on: itself, and the later ones in whose window it is.
    fn extend(&mut self, settings: &CountSettings, at: usize) -> Vec<Fired> {
        let reach = self.members.0[at].position.at + micros(settings.within.duration());
        let mut segments: Vec<Segment> = Vec::new();
        let mut before: Option<usize> = None;
        for index in at..self.members.0.len() {
            let position = self.members.0[index].position;
            if position.at > reach {
                break;
            }
            if self.run_of(position).is_some() || self.count(settings, index) < settings.at_least {
                continue;
            }
            let left = index.checked_sub(1).and_then(|left| self.run_of(self.members.0[left].position));
            let continues = before.is_some_and(|before| before + 1 == index)
                || left.is_some_and(|run| segments.last().is_some_and(|segment| segment.runs.contains(&run)));
            if !continues {
                segments.push(Segment { qualifying: Vec::new(), runs: left.into_iter().collect() });
            }
            let right = self.members.0.get(index + 1).and_then(|right| self.run_of(right.position));
            if let Some(segment) = segments.last_mut() {
                segment.qualifying.push(index);
                segment.runs.extend(right);
            }
            before = Some(index);
        }
        let mut fired = Vec::new();
        // From the last on, so that the indexes of the earlier runs stay valid.
        for segment in segments.iter().rev() {
            let mut own = self.join(settings, segment);
            own.append(&mut fired);
            fired = own;
        }
        fired
    }

    /// Makes one run of a segment. Fires unless a run of it has fired, and as often as `repeat` says.
    fn join(&mut self, settings: &CountSettings, segment: &Segment) -> Vec<Fired> {
        let (Some(&first), Some(&last)) = (segment.qualifying.first(), segment.qualifying.last()) else {
            return Vec::new();
        };
        let [first, last] = [first, last].map(|index| self.members.0[index].position);
        let place = segment.runs.first().map_or_else(|| self.runs.partition_point(|run| run.last < first), |run| *run);
        let touched: Vec<Run> = self.runs.drain(place..place + segment.runs.len()).collect();
        let mut run = Run {
            first: touched.first().map_or(first, |run| run.first.min(first)),
            last: touched.last().map_or(last, |run| run.last.max(last)),
            fired: touched.into_iter().flat_map(|run| run.fired).collect(),
        };
        let mut fired = Vec::new();
        for &index in &segment.qualifying {
            let position = self.members.0[index].position;
            if run.repeats(settings.repeat, position) {
                run.note_firing(position);
                fired.push(self.fired(settings, index));
            }
        }
        self.runs.insert(place, run);
        fired
    }

    /// A member within a run that qualifies fires as often as `repeat` says.
    fn fire_within(&mut self, settings: &CountSettings, run: usize, at: usize) -> Vec<Fired> {
        let position = self.members.0[at].position;
        if !self.runs[run].repeats(settings.repeat, position) {
            return Vec::new();
        }
        self.runs[run].note_firing(position);
        vec![self.fired(settings, at)]
    }

    /// The member of index `at`, which lies within a run and does not qualify, breaks it in two.
    fn split(&mut self, run: usize, at: usize) {
        let (Some(before), Some(after)) = (at.checked_sub(1), self.members.0.get(at + 1)) else { return };
        let (before, after) = (self.members.0[before].position, after.position);
        let Run { first, last, fired } = self.runs[run].clone();
        let (left, right): (Vec<_>, Vec<_>) = fired.into_iter().partition(|fired| *fired <= before);
        self.runs
            .splice(run..=run, [Run { first, last: before, fired: left }, Run { first: after, last, fired: right }]);
    }

    /// A part of a broken run that has not fired, and joined no other, fires at the first of its members that is kept.
    fn fire_unfired(&mut self, settings: &CountSettings) -> Vec<Fired> {
        let mut indexes = Vec::new();
        for run in self.runs.iter_mut().filter(|run| run.fired.is_empty()) {
            let index = self.members.0.partition_point(|member| member.position < run.first);
            if let Some(member) = self.members.0.get(index) {
                run.note_firing(member.position);
                indexes.push(index);
            }
        }
        indexes.into_iter().map(|index| self.fired(settings, index)).collect()
    }

    fn fired(&self, settings: &CountSettings, at: usize) -> Fired {
        let window = self.window(settings, at);
        let newest = self.members.0[window.clone()].iter().rev().take(MAX_LISTED);
        let events: Vec<EventPk> = newest.map(|member| member.position.pk).collect();
        let distinct = settings.distinct.is_some().then(|| self.count(settings, at));
        let position = self.members.0[at].position;
        let from = position.at - micros(settings.within.duration());
        Fired { position, from, count: u32::try_from(window.len()).unwrap_or(u32::MAX), distinct, events }
    }

    /// Drops all but the newest `at_least` members of each run.
    fn thin(&mut self, settings: &CountSettings) {
        let keep = settings.at_least as usize;
        for run in &self.runs {
            let from = self.members.0.partition_point(|member| member.position < run.first);
            let to = self.members.0.partition_point(|member| member.position <= run.last);
            self.members.0.drain(from..to.saturating_sub(keep).max(from));
        }
    }

    /// Drops each member whose value an earlier and a later one have, within one window of each other: a window that has
    /// it has one of these.
    fn drop_repeated(&mut self, within: i64) {
        let mut kept: Vec<Member> = Vec::with_capacity(self.members.0.len());
        let mut last_two: std::collections::HashMap<u64, [Option<usize>; 2]> = std::collections::HashMap::new();
        let mut dropped = HashSet::new();
        for (index, member) in self.members.0.iter().enumerate() {
            let Some(value) = member.value else { continue };
            let seen = last_two.entry(value).or_default();
            if let [Some(first), Some(middle)] = *seen
                && member.position.at - self.members.0[first].position.at <= within
            {
                dropped.insert(middle);
                seen[1] = Some(index);
            } else {
                *seen = [seen[1].or(seen[0]), Some(index)];
            }
        }
        kept.extend(
            self.members.0.iter().enumerate().filter(|(at, _)| !dropped.contains(at)).map(|(_, member)| *member),
        );
        self.members.0 = kept;
    }
}

/// The firing for a member of a run of which only the newest members are kept.
fn fired_at_dropped(position: EventPosition, settings: &CountSettings) -> Fired {
    let from = position.at - micros(settings.within.duration());
    Fired { position, from, count: settings.at_least, distinct: None, events: vec![position.pk] }
}

#[cfg(test)]
#[path = "count_tests.rs"]
mod tests;
