//! Cases filed under the rarest of the clauses that they need, and found again by the terms there are.
//!
//! Owns the choice of the clause and the table. Knows nothing of events: a case is a number.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::clauses::{Clauses, place};
use super::term::{Kind, Term};

/// Cases to be filed, each with its clauses.
#[derive(Debug, Default)]
pub(crate) struct Cases {
    clauses: Clauses,
    /// Each case, and where it ends among the clauses.
    ends: Vec<(u32, u32)>,
}

/// What is filed under which term.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filing {
    table: HashMap<u64, Range, FixedState>,
    filed: Vec<Filed>,
    /// Cases without a clause.
    always: Vec<u32>,
}

/// From where to where, among what is filed.
type Range = (u32, u32);

#[derive(Debug, Clone, Copy)]
struct Filed {
    case: u32,
    guards: Guards,
}

/// Terms that a filed case needs besides, each as its bit in the [`Filter`].
#[derive(Debug, Clone, Copy, Default)]
struct Guards([u16; Self::MOST]);

/// A bit for each term that is there; several terms may share one.
struct Filter([u64; WORDS]);

/// Of the [`Filter`]. An event has some dozen terms.
const WORDS: usize = 16;

/// The terms of one event, as far as something is filed under them.
pub(crate) struct Search<'f> {
    filing: &'f Filing,
    filter: Filter,
    found: Vec<Range>,
}

impl Cases {
    /// A case that needs all of the clauses. The same case may be added again, with other clauses.
    pub(crate) fn add(&mut self, case: u32, clauses: &Clauses) {
        self.clauses.extend(clauses);
        self.ends.push((case, place(self.clauses.len())));
    }

    /// Every case with its clauses.
    fn each(&self) -> impl Iterator<Item = (u32, impl Iterator<Item = &[Term]> + Clone)> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|&(_, end)| end));
        let each = starts.zip(&self.ends);
        each.map(|(start, &(case, end))| (case, self.clauses.range(start as usize, end as usize)))
    }
}

impl Filing {
    /// Files the cases and tells which terms have to be looked for.
    pub(crate) fn of(cases: Cases, mut used: impl FnMut(&Term)) -> Self {
        let terms = cases.clauses.terms();
        let mut sharers: HashMap<u64, u32, FixedState> =
            HashMap::with_capacity_and_hasher(terms.len() / 2, FixedState::default());
        for term in terms {
            *sharers.entry(term.hash).or_default() += 1;
        }
        // How much comes along with a case that is filed there, and how dear it is to look for.
        let cost = |clause: &[Term]| {
            let shared: usize = clause.iter().map(|term| sharers[&term.hash] as usize).sum();
            (shared, clause.iter().map(|term| term.kind).max().unwrap_or(Kind::Text))
        };
        let mut others: Vec<(u32, &Term)> = Vec::new();
        let mut always = Vec::new();
        let mut entries: Vec<(u64, Filed)> = Vec::with_capacity(cases.ends.len());
        for (case, clauses) in cases.each() {
            let Some((at, chosen)) = clauses.clone().enumerate().min_by_key(|(_, clause)| cost(clause)) else {
                always.push(case);
                continue;
            };
            let dearest = cost(chosen).1.max(Kind::Net6);
            let guarding = clauses.enumerate().filter_map(|(other, clause)| match clause {
                [term] if other != at && term.kind <= dearest => Some((sharers[&term.hash], term)),
                _ => None,
            });
            others.clear();
            others.extend(guarding);
            others.sort_by_key(|&(sharers, _)| sharers);
            let mut guards = Guards::default();
            for (guard, (_, term)) in guards.0.iter_mut().zip(&others) {
                *guard = Filter::bit(term.hash);
                used(term);
            }
            entries.extend(chosen.iter().map(|term| (term.hash, Filed { case, guards })));
            chosen.iter().for_each(&mut used);
        }
        drop(cases);
        drop(sharers);
        entries.sort_unstable_by_key(|&(term, filed)| (term, filed.case));
        let distinct = || entries.chunk_by(|one, other| one.0 == other.0);
        let mut table = HashMap::with_capacity_and_hasher(distinct().count(), FixedState::default());
        let mut start = 0;
        for same in distinct() {
            let end = start + place(same.len());
            table.insert(same[0].0, (start, end));
            start = end;
        }
        Self { table, filed: entries.into_iter().map(|(_, filed)| filed).collect(), always }
    }

    pub(crate) fn search(&self) -> Search<'_> {
        Search { filing: self, filter: Filter::new(), found: Vec::new() }
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.table.capacity() * (size_of::<(u64, Range)>() + 1) * 8 / 7
            + self.filed.capacity() * size_of::<Filed>()
            + self.always.capacity() * size_of::<u32>()
    }
}

impl Search<'_> {
    /// Takes note of a term that is there.
    #[inline]
    pub(crate) fn add(&mut self, term: u64) {
        self.filter.add(term);
        if let Some(&range) = self.filing.table.get(&term) {
            self.found.push(range);
        }
    }

    /// Every case of which a filed term and the guards are there, once, in order.
    pub(crate) fn finish(mut self) -> Vec<u32> {
        if self.found.is_empty() {
            return self.filing.always.clone();
        }
        // A value that a list holds a thousand times is found as often.
        self.found.sort_unstable();
        self.found.dedup();
        let mut cases = self.filing.always.clone();
        for &(start, end) in &self.found {
            let filed = &self.filing.filed[start as usize..end as usize];
            cases.extend(filed.iter().filter(|filed| self.filter.has(filed.guards)).map(|filed| filed.case));
        }
        cases.sort_unstable();
        cases.dedup();
        cases
    }
}

impl Guards {
    const MOST: usize = 2;
}

impl Filter {
    /// Bit 0 is always there: it is the guard that guards nothing.
    fn new() -> Self {
        let mut words = [0; WORDS];
        words[0] = 1;
        Self(words)
    }

    fn bit(term: u64) -> u16 {
        const BITS: u32 = WORDS.ilog2() + u64::BITS.ilog2();
        (term >> (u64::BITS - BITS)) as u16
    }

    fn add(&mut self, term: u64) {
        let bit = Self::bit(term);
        self.0[usize::from(bit) / 64] |= 1 << (bit % 64);
    }

    fn has(&self, guards: Guards) -> bool {
        guards.0.iter().all(|&bit| self.0[usize::from(bit) / 64] >> (bit % 64) & 1 == 1)
    }
}
