//! The state of one group of a `sequence` detection, and when it fires.
//!
//! The firings follow from the events of the group alone, in whatever order they are evaluated: [`combinations`] goes
//! through them in order of time and lets each step take the earliest unused event that fits. The state keeps the events
//! that a further one can combine with, and which of them have completed a combination.

use serde::{Deserialize, Serialize};

use super::member::{EventPosition, Member, Members};
use super::{Fired, LATENESS, MAX_LISTED, Outcome, micros};
use crate::rules_document::SequenceSettings;

/// The most events of one group that are kept.
const MAX_EVENTS: usize = 4096;

/// The events of one group that still matter. A member's value is its step, from 0; an event of several steps is a
/// member for each.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SequenceState {
    members: Members,
    /// The events for which the detection fired, in order.
    fired_at: Vec<EventPosition>,
    /// How many combinations of these members have fired.
    fired: usize,
}

/// Indexes of members, one for each step; the last one is that of the completing event.
type Combination = Vec<usize>;

impl SequenceState {
    /// Adds one event that is of this step to the group. Adding it again changes nothing.
    pub fn add(&mut self, settings: &SequenceSettings, step: usize, position: EventPosition) -> Outcome {
        let member = Member { position, value: Some(step as u64) };
        let oldest = |newest: EventPosition| newest.at - micros(settings.within.duration()) - micros(LATENESS);
        if self.newest().is_some_and(|newest| position.at < oldest(newest)) {
            return Outcome::Late;
        }
        match self.members.0.binary_search(&member) {
            Ok(_) => Outcome::Known { count: self.steps(settings, position) },
            Err(at) => {
                self.members.0.insert(at, member);
                Outcome::Joined { count: self.steps(settings, position) }
            }
        }
    }

    /// The combinations that the added events completed. Call it after all events of a message were added.
    pub fn fire(&mut self, settings: &SequenceSettings) -> Vec<Fired> {
        let found = combinations(settings, &self.members.0);
        let owed = found.len().saturating_sub(self.fired);
        let is_new = |position: &EventPosition| self.fired_at.binary_search(position).is_err();
        // An event that came out of order can move one for which the detection fired into the middle of a combination.
        let newest = |combination: &Combination| {
            let positions = combination.iter().rev().map(|&index| self.members.0[index].position);
            let is_whole = positions.clone().all(|position| is_new(&position));
            positions.clone().find(is_new).map(|position| (position, is_whole))
        };
        let mut unfired: Vec<_> = found.iter().filter_map(|one| Some((newest(one)?, one))).collect();
        // Combinations of which no event has fired come first.
        unfired.sort_by_key(|((_, is_whole), _)| !is_whole);
        let fired: Vec<_> = unfired
            .into_iter()
            .take(owed)
            .map(|((position, _), combination)| self.fired(combination, position))
            .collect();
        self.fired += fired.len();
        self.fired_at.extend(fired.iter().map(|fired| fired.position));
        self.fired_at.sort_unstable();
        fired
    }

    /// Drops what can no longer matter: each combination that has an event older than that, as a whole, and the unused
    /// events that are as old.
    pub fn trim(&mut self, settings: &SequenceSettings) {
        let Some(newest) = self.newest() else { return };
        let horizon = newest.at - 2 * micros(settings.within.duration()) - micros(LATENESS);
        let surplus = self.members.0.len().saturating_sub(MAX_EVENTS);
        let is_old = |index: usize| index < surplus || self.members.0[index].position.at < horizon;
        if !is_old(0) {
            return;
        }
        let found = combinations(settings, &self.members.0);
        let mut dropped: Vec<EventPosition> = (0..self.members.0.len())
            .filter(|&index| is_old(index))
            .map(|index| self.members.0[index].position)
            .collect();
        for combination in found.iter().filter(|combination| combination.iter().any(|&index| is_old(index))) {
            self.fired = self.fired.saturating_sub(1);
            dropped.extend(combination.iter().map(|&index| self.members.0[index].position));
        }
        self.members.0.retain(|member| !dropped.contains(&member.position));
        self.fired_at.retain(|fired| !dropped.contains(fired));
    }

    /// The newest event of any step.
    pub fn newest(&self) -> Option<EventPosition> {
        self.members.0.last().map(|member| member.position)
    }

    /// How many steps have an event in the window that ends at this event.
    pub fn steps(&self, settings: &SequenceSettings, position: EventPosition) -> u32 {
        let from = position.at - micros(settings.within.duration());
        let window = self.members.0.iter().filter(|member| member.position.at >= from && member.position <= position);
        let mut steps: Vec<_> = window.map(|member| member.value).collect();
        steps.sort_unstable();
        steps.dedup();
        u32::try_from(steps.len()).unwrap_or(u32::MAX)
    }

    fn fired(&self, combination: &Combination, last: EventPosition) -> Fired {
        let mut positions: Vec<_> = combination.iter().map(|&index| self.members.0[index].position).collect();
        positions.sort_unstable();
        let from = positions.first().map_or(last.at, |first| first.at);
        let count = u32::try_from(positions.len()).unwrap_or(u32::MAX);
        let events = positions.into_iter().rev().take(MAX_LISTED).map(|position| position.pk).collect();
        Fired { position: last, from, count, distinct: None, events }
    }
}

/// The search for combinations: the members, which of them are used, and where to look for the next unused one.
struct CombinationSearch<'m> {
    members: &'m [Member],
    used: Vec<bool>,
    /// For each step, the indexes of its members.
    by_step: Vec<Vec<usize>>,
    /// For each step, how many of its first members are used or too old for good.
    passed: Vec<usize>,
}

/// The combinations of the members. Goes through the members in order; each one that can complete a combination does so
/// with the earliest unused ones that fit.
fn combinations(settings: &SequenceSettings, members: &[Member]) -> Vec<Combination> {
    let steps = settings.of.len();
    let mut by_step = vec![Vec::new(); steps];
    for (index, member) in members.iter().enumerate() {
        if let Some(own) = step_of(member).and_then(|step| by_step.get_mut(step)) {
            own.push(index);
        }
    }
    let mut search = CombinationSearch { members, used: vec![false; members.len()], by_step, passed: vec![0; steps] };
    let mut found = Vec::new();
    for (last, member) in members.iter().enumerate() {
        let is_completing = !settings.ordered || step_of(member) == steps.checked_sub(1);
        if search.used[last] || !is_completing {
            continue;
        }
        let from = member.position.at - micros(settings.within.duration());
        let combination = if settings.ordered { search.chain(last, from) } else { search.any_order(last, from) };
        if let Some(combination) = combination {
            for index in &combination {
                search.spend(*index);
            }
            found.push(combination);
        }
    }
    found
}

fn step_of(member: &Member) -> Option<usize> {
    usize::try_from(member.value?).ok()
}

impl CombinationSearch<'_> {
    /// Marks an event as used, for each of its steps.
    fn spend(&mut self, index: usize) {
        let position = self.members[index].position;
        let from = self.members.partition_point(|member| member.position < position);
        let same = self.members[from..].iter().take_while(|member| member.position == position).count();
        self.used[from..from + same].fill(true);
    }

    /// The earliest unused member of the step for which `fits` holds, before the member of index `last`. `from` never
    /// decreases from one call to the next.
    fn earliest(&mut self, step: usize, from: i64, last: usize, fits: impl Fn(usize) -> bool) -> Option<usize> {
        let own = &self.by_step[step];
        let (members, used) = (self.members, &self.used);
        let passed = &mut self.passed[step];
        while own.get(*passed).is_some_and(|&index| used[index] || members[index].position.at < from) {
            *passed += 1;
        }
        own[*passed..].iter().copied().take_while(|&index| index < last).find(|&index| !used[index] && fits(index))
    }

    /// The earliest unused events of the steps before the last, each strictly later than the one before.
    fn chain(&mut self, last: usize, from: i64) -> Option<Combination> {
        let members = self.members;
        let mut after = from.saturating_sub(1);
        let mut combination = Vec::with_capacity(self.by_step.len());
        for step in 0..self.by_step.len() - 1 {
            let index = self.earliest(step, from, last, |index| members[index].position.at > after)?;
            after = members[index].position.at;
            combination.push(index);
        }
        combination.push(last);
        (members[last].position.at > after).then_some(combination)
    }

    /// The earliest unused event of each step, up to the last event, which is among them.
    fn any_order(&mut self, last: usize, from: i64) -> Option<Combination> {
        let members = self.members;
        let own = step_of(&members[last])?;
        let mut combination: Combination = Vec::with_capacity(self.by_step.len());
        for step in (0..self.by_step.len()).filter(|step| *step != own) {
            let taken = |index: usize| {
                combination.iter().chain([&last]).any(|&other| members[other].position == members[index].position)
            };
            let index = self.earliest(step, from, last, |index| !taken(index))?;
            combination.push(index);
        }
        combination.push(last);
        Some(combination)
    }
}

#[cfg(test)]
#[path = "sequence_tests.rs"]
mod tests;
