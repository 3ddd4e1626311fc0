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
    /// Before it is looked up, most of what nothing is filed or guarded by.
    sieve: Sieve,
    filed: Vec<Filed>,
    /// Cases without a clause.
    always: Vec<u32>,
}

/// From where to where, among what is filed.
type Range = (u32, u32);

#[derive(Debug, Clone, Copy, Default)]
struct Filed {
    case: u32,
    guards: Guards,
}

/// Terms that a filed case needs besides, each as its bit in the [`Filter`].
#[derive(Debug, Clone, Copy, Default)]
struct Guards([u16; Self::MOST]);

/// A bit for each term that is there; several terms may share one.
struct Filter([u64; WORDS]);

/// A bit for each term that is of use; several terms may share one.
#[derive(Debug, Clone, Default)]
struct Sieve(Vec<u64>);

/// How many clauses have a term, about: several terms may share a count.
struct Sharers(Vec<u16>);

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
        let sharers = Sharers::of(terms);
        // How much comes along with a case that is filed there, and how dear it is to look for.
        let cost = |clause: &[Term]| {
            let shared: usize = clause.iter().map(|term| usize::from(sharers.count(term))).sum();
            (shared, clause.iter().map(|term| term.kind).max().unwrap_or(Kind::Text))
        };
        let mut sieve = Sieve::of(cases.ends.len());
        let mut used = |term: &Term| {
            sieve.add(term.hash);
            used(term);
        };
        let mut others: Vec<(u16, &Term)> = Vec::new();
        let mut always = Vec::new();
        let mut entries: Vec<(u64, Filed)> = Vec::with_capacity(cases.ends.len());
        for (case, clauses) in cases.each() {
            let Some((at, chosen)) = clauses.clone().enumerate().min_by_key(|(_, clause)| cost(clause)) else {
                always.push(case);
                continue;
            };
            let dearest = cost(chosen).1.max(Kind::Net6);
            let guarding = clauses.enumerate().filter_map(|(other, clause)| match clause {
                [term] if other != at && term.kind <= dearest => Some((sharers.count(term), term)),
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
        let (table, filed) = by_term(&entries);
        Self { table, sieve, filed, always }
    }

    pub(crate) fn search(&self) -> Search<'_> {
        Search { filing: self, filter: Filter::new(), found: Vec::with_capacity(16) }
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.table.capacity() * (size_of::<(u64, Range)>() + 1) * 8 / 7
            + self.sieve.0.capacity() * size_of::<u64>()
            + self.filed.capacity() * size_of::<Filed>()
            + self.always.capacity() * size_of::<u32>()
    }
}

/// What is filed, one term after the other, and where that of each term lies.
fn by_term(entries: &[(u64, Filed)]) -> (HashMap<u64, Range, FixedState>, Vec<Filed>) {
    let mut table: HashMap<u64, Range, FixedState> =
        HashMap::with_capacity_and_hasher(entries.len(), FixedState::default());
    for &(term, _) in entries {
        table.entry(term).or_default().1 += 1;
    }
    table.shrink_to_fit();
    let mut start = 0;
    for range in table.values_mut() {
        let count = range.1;
        *range = (start, start);
        start += count;
    }
    let mut filed = vec![Filed::default(); entries.len()];
    for &(term, one) in entries {
        if let Some((_, end)) = table.get_mut(&term) {
            filed[*end as usize] = one;
            *end += 1;
        }
    }
    (table, filed)
}

impl Search<'_> {
    /// Takes note of a term that is there.
    #[inline]
    pub(crate) fn add(&mut self, term: u64) {
        if self.filing.sieve.has(term) {
            self.look_up(term);
        }
    }

    fn look_up(&mut self, term: u64) {
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
        let filed: u32 = self.found.iter().map(|(start, end)| end - start).sum();
        let mut cases = Vec::with_capacity(self.filing.always.len() + filed as usize);
        cases.extend_from_slice(&self.filing.always);
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

impl Sharers {
    fn of(terms: &[Term]) -> Self {
        let mut counts = Self(vec![0; (terms.len() * 2).next_power_of_two()]);
        for term in terms {
            let place = counts.place(term);
            counts.0[place] = counts.0[place].saturating_add(1);
        }
        counts
    }

    fn count(&self, term: &Term) -> u16 {
        self.0[self.place(term)]
    }

    #[expect(clippy::cast_possible_truncation, reason = "any of the bits will do")]
    fn place(&self, term: &Term) -> usize {
        term.hash as usize & (self.0.len() - 1)
    }
}

impl Sieve {
    const BITS_A_TERM: usize = 8;

    /// For so many terms.
    fn of(terms: usize) -> Self {
        Self(vec![0; (terms * Self::BITS_A_TERM / u64::BITS as usize + 1).next_power_of_two()])
    }

    fn add(&mut self, term: u64) {
        let (word, bit) = self.place(term);
        self.0[word] |= bit;
    }

    fn has(&self, term: u64) -> bool {
        let (word, bit) = self.place(term);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    /// By other bits than those of the [`Filter`].
    #[expect(clippy::cast_possible_truncation, reason = "any of the bits will do")]
    fn place(&self, term: u64) -> (usize, u64) {
        (term as usize >> 6 & self.0.len().wrapping_sub(1), 1 << (term & 63))
    }
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
