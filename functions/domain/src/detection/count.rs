//! The state of one group of a `count` detection, and when it fires.
//!
//! A member *qualifies* if its window, which ends at the member's time and includes both ends, has enough members or
//! distinct values. Members of the same time are in each other's windows: all of them qualify, or none. A *run* is a
//! longest unbroken row of members that qualify. Every stored run has fired. A member that is added out of order can
//! extend a run, join two, begin one, or break one in two.
//!
//! # What is kept
//!
//! Only a member that is not late can change anything, and late is what is older than the newest member by more than
//! `within` and [`LATENESS`]. So members are kept for twice `within` and [`LATENESS`]. Of a run, the newest `at_least`
//! members are enough, because a member that is added between two of a run qualifies, with one exception: where several
//! members of one time follow a pause, a member within the pause may have too few before it. The run keeps these pauses
//! as *gaps*, and of each part between gaps the newest `at_least` members. Members outside of runs are few, because they
//! do not qualify. Distinct values need more; beyond [`MAX_MEMBERS`], what is oldest is dropped.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::member::{EventPosition, Member, Members};
use super::run::{Gap, Run};
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
    /// The gaps of the runs, in order. Empty where values are counted: then every member is kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gaps: Vec<Gap>,
}

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
        self.forget_before(position.at - 2 * within - micros(LATENESS));
        let Err(at) = self.members.0.binary_search_by_key(&position, |member| member.position) else {
            let at = self.members.0.partition_point(|member| member.position < position);
            return Addition { outcome: self.known(settings, at), fired: Vec::new() };
        };
        let run = self.run_of(position);
        let gap = self.gaps.iter().position(|gap| gap.after < position.at && position.at < gap.before);
        if let Some(run) = run
            && self.is_thinned(run, at, position)
        {
            self.runs[run].take_in(position);
            let again = settings.repeat == Repeat::Every;
            let outcome = Outcome::Joined { count: settings.at_least };
            let fired = if again { vec![fired_at_dropped(position, settings)] } else { Vec::new() };
            return Addition { outcome, fired };
        }
        self.members.0.insert(at, member);
        let count = self.count(settings, at);
        let breaks = (settings.distinct.is_some() || gap.is_some()) && count < settings.at_least;
        let outcome =
            Outcome::Joined { count: if run.is_some() && !breaks { count.max(settings.at_least) } else { count } };
        let mut fired = match run {
            Some(run) if !breaks => {
                self.runs[run].take_in(position);
                self.fire_within(settings, run, at)
            }
            _ => Vec::new(),
        };
        let gap = gap.map(|gap| self.gaps.remove(gap));
        if let Some(run) = run.filter(|_| breaks) {
            self.split(run, at, gap);
        } else if let Some(Gap { before, .. }) = gap {
            self.note_gap(settings, at - 1, position.at);
            self.note_gap(settings, at, before);
        }
        fired.append(&mut self.extend(settings, at));
        fired.append(&mut self.fire_unfired(settings));
        Addition { outcome, fired }
    }

    /// Drops what can no longer matter.
    pub fn trim(&mut self, settings: &CountSettings) {
        let within = micros(settings.within.duration());
        let Some(newest) = self.newest() else { return };
        self.forget_before(newest.at - 2 * within - micros(LATENESS));
        if settings.distinct.is_none() {
            self.thin(settings);
        } else if self.members.0.len() > MAX_MEMBERS / 2 {
            self.drop_repeated(within);
        }
        let surplus = self.members.0.len().saturating_sub(MAX_MEMBERS);
        self.members.0.drain(..surplus);
    }

    /// Forgets what ended before this time. A run does not go on after a pause that is as long.
    fn forget_before(&mut self, horizon: i64) {
        self.runs.retain(|run| run.last.at >= horizon);
        self.gaps.retain(|gap| gap.before >= horizon);
        let old = self.since(horizon);
        self.members.0.drain(..old);
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

    /// The indexes of the members in the window that ends at the time of the member of index `at`.
    fn window(&self, settings: &CountSettings, at: usize) -> std::ops::Range<usize> {
        let to = self.members.0[at].position.at;
        self.since(to - micros(settings.within.duration()))..self.since(to + 1)
    }

    /// The index of the first member at this time or later.
    fn since(&self, time: i64) -> usize {
        self.members.0.partition_point(|member| member.position.at < time)
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
        let at = self.runs.partition_point(|run| run.last.at < position.at);
        self.runs.get(at).is_some_and(|run| run.has(position)).then_some(at)
    }

    /// Whether this event of the run lies before the kept member of index `at`, and others there were dropped.
    fn is_thinned(&self, run: usize, at: usize, position: EventPosition) -> bool {
        let (first, position_at) = (self.runs[run].first, |at: usize| self.members.0.get(at).map(|one| one.position));
        if position < first {
            return position_at(at) != Some(first);
        }
        at.checked_sub(1).and_then(position_at).is_none_or(|before| before < first)
    }

    /// Adds to runs what the member of index `at` made qualify: itself, those of its time, and the later ones in whose
    /// window it is.
    fn extend(&mut self, settings: &CountSettings, at: usize) -> Vec<Fired> {
        let reach = self.members.0[at].position.at + micros(settings.within.duration());
        let mut segments: Vec<Segment> = Vec::new();
        let mut before: Option<usize> = None;
        let first_of_time = self.since(self.members.0[at].position.at);
        // Those of one time are all in a run, or none.
        let is_run = first_of_time < at && self.run_of(self.members.0[at - 1].position).is_some();
        for index in if is_run { at } else { first_of_time }..self.members.0.len() {
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
        self.note_gaps(settings, segment, &touched);
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

    /// Notes the gaps between members that become part of a run, and beside the runs that they touch.
    fn note_gaps(&mut self, settings: &CountSettings, segment: &Segment, touched: &[Run]) {
        for (place, &index) in segment.qualifying.iter().enumerate() {
            let position = self.members.0[index].position;
            let follows = |run: &Run| index.checked_sub(1).is_some_and(|left| run.has(self.members.0[left].position));
            let is_second = place > 0 && segment.qualifying[place - 1] + 1 == index;
            if is_second || touched.iter().any(follows) {
                self.note_gap(settings, index - 1, position.at);
            }
            let next = touched.iter().map(|run| run.first).find(|first| *first > position);
            let ends = segment
                .qualifying
                .get(place + 1)
                .is_none_or(|next_index| next.is_some_and(|next| next < self.members.0[*next_index].position));
            if let Some(next) = next.filter(|_| ends) {
                self.note_gap(settings, index, next.at);
            }
        }
    }

    /// Notes a gap between the member of index `left` and the next one of its run, which is at `before`, if a member that
    /// is added just before that one does not qualify.
    fn note_gap(&mut self, settings: &CountSettings, left: usize, before: i64) {
        let after = self.members.0[left].position.at;
        let from = self.since(before - 1 - micros(settings.within.duration()));
        let count = (left + 1).saturating_sub(from) + 1;
        if settings.distinct.is_none() && after < before - 1 && count < settings.at_least as usize {
            let gap = Gap { after, before };
            if let Err(at) = self.gaps.binary_search(&gap) {
                self.gaps.insert(at, gap);
            }
        }
    }

    /// The member of index `at`, which lies within a run and does not qualify, breaks it in two. Where not every member
    /// is kept, it lies in this gap.
    fn split(&mut self, run: usize, at: usize, gap: Option<Gap>) {
        let (Some(before), Some(after)) = (at.checked_sub(1), self.members.0.get(at + 1)) else { return };
        // The first members behind the gap may not be kept.
        let behind = gap.filter(|gap| gap.before < after.position.at);
        let behind = behind.map(|gap| EventPosition { at: gap.before, pk: EventPk::from_bytes([0; 16]) });
        let (before, after) = (self.members.0[before].position, behind.unwrap_or(after.position));
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

    /// Drops all but the newest `at_least` members of each part of a run between its gaps.
    fn thin(&mut self, settings: &CountSettings) {
        let keep = settings.at_least as usize;
        for run in &self.runs {
            let from = self.members.0.partition_point(|member| member.position < run.first);
            let mut to = self.members.0.partition_point(|member| member.position <= run.last);
            // From the last part on, so that the indexes of the earlier ones stay valid.
            let parts =
                self.gaps.iter().rev().map(|gap| self.members.0.partition_point(|one| one.position.at <= gap.after));
            for part in parts.chain([from]).map(|part| part.max(from)).collect::<Vec<_>>() {
                if part < to {
                    self.members.0.drain(part..to.saturating_sub(keep).max(part));
                    to = part;
                }
            }
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
