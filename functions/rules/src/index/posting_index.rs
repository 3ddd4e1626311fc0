//! The posting index: maps terms to the entries that require them.
//!
//! Owns the hash table and the choice of the clause under which an entry is listed. Knows nothing of events or
//! policies: an entry is a number.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::clauses::{Clauses, to_u32};
use super::term::{Term, TermKind};

/// The entries to be indexed, each with its clauses.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    clauses: Clauses,
    /// Each entry with the end of its range in `clauses`.
    ends: Vec<(u32, u32)>,
}

/// For each term, the list of entries that require it.
#[derive(Debug, Clone, Default)]
pub(crate) struct PostingIndex {
    /// For each term, its range in `postings`.
    ranges: HashMap<u64, PostingRange, FixedState>,
    /// Rejects most terms that no entry uses, before the lookup in `ranges`.
    known_terms: KnownTermsBloom,
    postings: Vec<Posting>,
    /// Entries without a clause; they are found for every event.
    always: Vec<u32>,
}

/// A range of [`PostingIndex::postings`]: start and end.
type PostingRange = (u32, u32);

/// One entry in the list of a term.
#[derive(Debug, Clone, Copy, Default)]
struct Posting {
    entry: u32,
    required: RequiredTerms,
}

/// Terms that an entry requires in addition to the one that lists it, each as the number of its bit in the
/// [`EventTermsBloom`]. An unused place holds 0.
#[derive(Debug, Clone, Copy, Default)]
struct RequiredTerms([u16; Self::MAX]);

/// A bloom filter of the terms that one event has. Several terms may share a bit.
struct EventTermsBloom([u64; WORDS]);

/// A bloom filter of the terms that some entry uses. Several terms may share a bit.
#[derive(Debug, Clone, Default)]
struct KnownTermsBloom(Vec<u64>);

/// The approximate number of clauses per term. Several terms may share a count.
struct TermCounts(Vec<u16>);

/// The size of an [`EventTermsBloom`] in 64-bit words. An event has a few dozen terms.
const WORDS: usize = 16;

/// A lookup of the terms of one event.
pub(crate) struct PostingSearch<'f> {
    index: &'f PostingIndex,
    event_terms: EventTermsBloom,
    found: Vec<PostingRange>,
}

impl Entries {
    /// Adds an entry that requires all of the clauses. The same entry may be added again with alternative clauses.
    pub(crate) fn add(&mut self, entry: u32, clauses: &Clauses) {
        self.clauses.extend(clauses);
        self.ends.push((entry, to_u32(self.clauses.len())));
    }

    /// All entries with their clauses.
    fn each(&self) -> impl Iterator<Item = (u32, impl Iterator<Item = &[Term]> + Clone)> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|&(_, end)| end));
        let each = starts.zip(&self.ends);
        each.map(|(start, &(entry, end))| (entry, self.clauses.range(start as usize, end as usize)))
    }
}

impl PostingIndex {
    /// Indexes the entries. Passes every term to look for in an event to `used`.
    pub(crate) fn build(entries: Entries, mut used: impl FnMut(&Term)) -> Self {
        let terms = entries.clauses.terms();
        let counts = TermCounts::count_all(terms);
        // How many entries share the clause, and how expensive its terms are to look for.
        let cost = |clause: &[Term]| {
            let shared: usize = clause.iter().map(|term| usize::from(counts.count(term))).sum();
            (shared, clause.iter().map(|term| term.kind).max().unwrap_or(TermKind::Text))
        };
        let mut known_terms = KnownTermsBloom::with_capacity(entries.ends.len());
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
            let most_expensive = cost(chosen).1.max(TermKind::Net6);
            let further = clauses.enumerate().filter_map(|(other, clause)| match clause {
                [term] if other != at && term.kind <= most_expensive => Some((counts.count(term), term)),
                _ => None,
            });
            others.clear();
            others.extend(further);
            others.sort_by_key(|&(counts, _)| counts);
            let mut required = RequiredTerms::default();
            for (bit, (_, term)) in required.0.iter_mut().zip(&others) {
                *bit = EventTermsBloom::bit(term.hash);
                used(term);
            }
            postings.extend(chosen.iter().map(|term| (term.hash, Posting { entry, required })));
            chosen.iter().for_each(&mut used);
        }
        drop(entries);
        drop(counts);
        let (ranges, postings) = by_term(&postings);
        Self { ranges, known_terms, postings, always }
    }

    pub(crate) fn search(&self) -> PostingSearch<'_> {
        PostingSearch { index: self, event_terms: EventTermsBloom::new(), found: Vec::with_capacity(16) }
    }

    /// The heap memory in bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.ranges.capacity() * (size_of::<(u64, PostingRange)>() + 1) * 8 / 7
            + self.known_terms.0.capacity() * size_of::<u64>()
            + self.postings.capacity() * size_of::<Posting>()
            + self.always.capacity() * size_of::<u32>()
    }
}

/// Sorts the postings by term. Returns the range of each term and the sorted postings.
fn by_term(postings: &[(u64, Posting)]) -> (HashMap<u64, PostingRange, FixedState>, Vec<Posting>) {
    let mut ranges: HashMap<u64, PostingRange, FixedState> =
        HashMap::with_capacity_and_hasher(postings.len(), FixedState::default());
    for &(term, _) in postings {
        ranges.entry(term).or_default().1 += 1;
    }
    ranges.shrink_to_fit();
    let mut start = 0;
    for range in ranges.values_mut() {
        let count = range.1;
        *range = (start, start);
        start += count;
    }
    let mut sorted = vec![Posting::default(); postings.len()];
    for &(term, one) in postings {
        if let Some((_, end)) = ranges.get_mut(&term) {
            sorted[*end as usize] = one;
            *end += 1;
        }
    }
    (ranges, sorted)
}

impl PostingSearch<'_> {
    /// Adds a term that the event has.
    #[inline]
    pub(crate) fn add(&mut self, term: u64) {
        if self.index.known_terms.has(term) {
            self.look_up(term);
        }
    }

    fn look_up(&mut self, term: u64) {
        self.event_terms.add(term);
        if let Some(&range) = self.index.ranges.get(&term) {
            self.found.push(range);
        }
    }

    /// The entries that the added terms satisfy, each once, in ascending order. May contain entries that are not
    /// satisfied, because terms can share a hash or a bit, but misses none.
    pub(crate) fn finish(mut self) -> Vec<u32> {
        if self.found.is_empty() {
            return self.index.always.clone();
        }
        // A value that occurs many times in a list has been looked up as often.
        self.found.sort_unstable();
        self.found.dedup();
        let count: u32 = self.found.iter().map(|(start, end)| end - start).sum();
        let mut entries = Vec::with_capacity(self.index.always.len() + count as usize);
        entries.extend_from_slice(&self.index.always);
        for &(start, end) in &self.found {
            let postings = &self.index.postings[start as usize..end as usize];
            entries.extend(
                postings
                    .iter()
                    .filter(|posting| self.event_terms.has_all(posting.required))
                    .map(|posting| posting.entry),
            );
        }
        entries.sort_unstable();
        entries.dedup();
        entries
    }
}

impl RequiredTerms {
    /// More terms make a posting larger, but seldom exclude more entries.
    const MAX: usize = 2;
}

impl TermCounts {
    fn count_all(terms: &[Term]) -> Self {
        let mut counts = Self(vec![0; (terms.len() * 2).next_power_of_two()]);
        for term in terms {
            let slot = counts.slot(term);
            counts.0[slot] = counts.0[slot].saturating_add(1);
        }
        counts
    }

    fn count(&self, term: &Term) -> u16 {
        self.0[self.slot(term)]
    }

    #[expect(clippy::cast_possible_truncation, reason = "any of the bits will do")]
    fn slot(&self, term: &Term) -> usize {
        term.hash as usize & (self.0.len() - 1)
    }
}

impl KnownTermsBloom {
    const BITS_PER_TERM: usize = 8;

    /// An empty filter for this number of terms.
    fn with_capacity(terms: usize) -> Self {
        Self(vec![0; (terms * Self::BITS_PER_TERM / u64::BITS as usize + 1).next_power_of_two()])
    }

    fn add(&mut self, term: u64) {
        let (word, bit) = self.slot(term);
        self.0[word] |= bit;
    }

    fn has(&self, term: u64) -> bool {
        let (word, bit) = self.slot(term);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    /// The word and the bit of a term. Uses other bits of the hash than [`EventTermsBloom`].
    #[expect(clippy::cast_possible_truncation, reason = "any of the bits will do")]
    fn slot(&self, term: u64) -> (usize, u64) {
        (term as usize >> 6 & self.0.len().wrapping_sub(1), 1 << (term & 63))
    }
}

impl EventTermsBloom {
    /// A filter without terms. Bit 0 is always set, for the unused places of [`RequiredTerms`].
    fn new() -> Self {
        let mut words = [0; WORDS];
        words[0] = 1;
        Self(words)
    }

    /// The number of the bit of a term.
    fn bit(term: u64) -> u16 {
        const BITS: u32 = WORDS.ilog2() + u64::BITS.ilog2();
        (term >> (u64::BITS - BITS)) as u16
    }

    fn add(&mut self, term: u64) {
        let bit = Self::bit(term);
        self.0[usize::from(bit) / 64] |= 1 << (bit % 64);
    }

    fn has_all(&self, required: RequiredTerms) -> bool {
        required.0.iter().all(|&bit| self.0[usize::from(bit) / 64] >> (bit % 64) & 1 == 1)
    }
}
