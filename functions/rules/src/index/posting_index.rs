//! Entries filed under the rarest of the clauses that they need, and found again by the terms there are.
//!
//! Owns the choice of the clause and the table. Knows nothing of events: a entry is a number.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::clauses::{Clauses, place};
use super::term::{Term, TermKind};

/// Entries to be filed, each with its clauses.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    clauses: Clauses,
    /// Each entry, and where it ends among the clauses.
    ends: Vec<(u32, u32)>,
}

/// What is filed under which term.
#[derive(Debug, Clone, Default)]
pub(crate) struct PostingIndex {
    table: HashMap<u64, PostingRange, FixedState>,
    /// Before it is looked up, most of what nothing is filed or guarded by.
    known_terms: KnownTermsBloom,
    filed: Vec<Posting>,
    /// Entries without a clause.
    always: Vec<u32>,
}

/// From where to where, among what is filed.
type PostingRange = (u32, u32);

#[derive(Debug, Clone, Copy, Default)]
struct Posting {
    entry: u32,
    guards: RequiredTerms,
}

/// Terms that a filed entry needs besides, each as its bit in the [`EventTermsBloom`].
#[derive(Debug, Clone, Copy, Default)]
struct RequiredTerms([u16; Self::MOST]);

/// A bit for each term that is there; several terms may share one.
struct EventTermsBloom([u64; WORDS]);

/// A bit for each term that is of use; several terms may share one.
#[derive(Debug, Clone, Default)]
struct KnownTermsBloom(Vec<u64>);

/// How many clauses have a term, about: several terms may share a count.
struct TermCounts(Vec<u16>);

/// Of the [`EventTermsBloom`]. An event has some dozen terms.
const WORDS: usize = 16;

/// The terms of one event, as far as something is filed under them.
pub(crate) struct PostingSearch<'f> {
    postings: &'f PostingIndex,
    event_terms: EventTermsBloom,
    found: Vec<PostingRange>,
}

impl Entries {
    /// A entry that needs all of the clauses. The same entry may be added again, with other clauses.
    pub(crate) fn add(&mut self, entry: u32, clauses: &Clauses) {
        self.clauses.extend(clauses);
        self.ends.push((entry, place(self.clauses.len())));
    }

    /// Every entry with its clauses.
    fn each(&self) -> impl Iterator<Item = (u32, impl Iterator<Item = &[Term]> + Clone)> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|&(_, end)| end));
        let each = starts.zip(&self.ends);
        each.map(|(start, &(entry, end))| (entry, self.clauses.range(start as usize, end as usize)))
    }
}

impl PostingIndex {
    /// Files the entries and tells which terms have to be looked for.
    pub(crate) fn of(entries: Entries, mut used: impl FnMut(&Term)) -> Self {
        let terms = entries.clauses.terms();
        let counts = TermCounts::of(terms);
        // How much comes along with a entry that is filed there, and how dear it is to look for.
        let cost = |clause: &[Term]| {
            let shared: usize = clause.iter().map(|term| usize::from(counts.count(term))).sum();
            (shared, clause.iter().map(|term| term.kind).max().unwrap_or(TermKind::Text))
        };
        let mut known_terms = KnownTermsBloom::of(entries.ends.len());
        let mut used = |term: &Term| {
            known_terms.add(term.hash);
            used(term);
        };
        let mut others: Vec<(u16, &Term)> = Vec::new();
        let mut always = Vec::new();
        let mut postings: Vec<(u64, Posting)> = Vec::with_capacity(entries.ends.len());
        for (entry, clauses) in entries.each() {
            let Some((at, chosen)) = clauses.clone().enumerate().min_by_key(|(_, clause)| cost(clause)) else {
                always.push(entry);
                continue;
            };
            let dearest = cost(chosen).1.max(TermKind::Net6);
            let guarding = clauses.enumerate().filter_map(|(other, clause)| match clause {
                [term] if other != at && term.kind <= dearest => Some((counts.count(term), term)),
                _ => None,
            });
            others.clear();
            others.extend(guarding);
            others.sort_by_key(|&(counts, _)| counts);
            let mut guards = RequiredTerms::default();
            for (guard, (_, term)) in guards.0.iter_mut().zip(&others) {
                *guard = EventTermsBloom::bit(term.hash);
                used(term);
            }
            postings.extend(chosen.iter().map(|term| (term.hash, Posting { entry, guards })));
            chosen.iter().for_each(&mut used);
        }
        drop(entries);
        drop(counts);
        let (table, filed) = by_term(&postings);
        Self { table, known_terms, filed, always }
    }

    pub(crate) fn search(&self) -> PostingSearch<'_> {
        PostingSearch { postings: self, event_terms: EventTermsBloom::new(), found: Vec::with_capacity(16) }
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.table.capacity() * (size_of::<(u64, PostingRange)>() + 1) * 8 / 7
            + self.known_terms.0.capacity() * size_of::<u64>()
            + self.filed.capacity() * size_of::<Posting>()
            + self.always.capacity() * size_of::<u32>()
    }
}

/// What is filed, one term after the other, and where that of each term lies.
fn by_term(postings: &[(u64, Posting)]) -> (HashMap<u64, PostingRange, FixedState>, Vec<Posting>) {
    let mut table: HashMap<u64, PostingRange, FixedState> =
        HashMap::with_capacity_and_hasher(postings.len(), FixedState::default());
    for &(term, _) in postings {
        table.entry(term).or_default().1 += 1;
    }
    table.shrink_to_fit();
    let mut start = 0;
    for range in table.values_mut() {
        let count = range.1;
        *range = (start, start);
        start += count;
    }
    let mut sorted = vec![Posting::default(); postings.len()];
    for &(term, one) in postings {
        if let Some((_, end)) = table.get_mut(&term) {
            sorted[*end as usize] = one;
            *end += 1;
        }
    }
    (table, sorted)
}

impl PostingSearch<'_> {
    /// Takes note of a term that is there.
    #[inline]
    pub(crate) fn add(&mut self, term: u64) {
        if self.postings.known_terms.has(term) {
            self.look_up(term);
        }
    }

    fn look_up(&mut self, term: u64) {
        self.event_terms.add(term);
        if let Some(&range) = self.postings.table.get(&term) {
            self.found.push(range);
        }
    }

    /// Every entry of which a filed term and the guards are there, once, in order.
    pub(crate) fn finish(mut self) -> Vec<u32> {
        if self.found.is_empty() {
            return self.postings.always.clone();
        }
        // A value that a list holds a thousand times is found as often.
        self.found.sort_unstable();
        self.found.dedup();
        let filed: u32 = self.found.iter().map(|(start, end)| end - start).sum();
        let mut entries = Vec::with_capacity(self.postings.always.len() + filed as usize);
        entries.extend_from_slice(&self.postings.always);
        for &(start, end) in &self.found {
            let filed = &self.postings.filed[start as usize..end as usize];
            entries.extend(filed.iter().filter(|filed| self.event_terms.has(filed.guards)).map(|filed| filed.entry));
        }
        entries.sort_unstable();
        entries.dedup();
        entries
    }
}

impl RequiredTerms {
    const MOST: usize = 2;
}

impl TermCounts {
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

impl KnownTermsBloom {
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

    /// By other bits than those of the [`EventTermsBloom`].
    #[expect(clippy::cast_possible_truncation, reason = "any of the bits will do")]
    fn place(&self, term: u64) -> (usize, u64) {
        (term as usize >> 6 & self.0.len().wrapping_sub(1), 1 << (term & 63))
    }
}

impl EventTermsBloom {
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

    fn has(&self, guards: RequiredTerms) -> bool {
        guards.0.iter().all(|&bit| self.0[usize::from(bit) / 64] >> (bit % 64) & 1 == 1)
    }
}
