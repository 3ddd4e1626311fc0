//! Clauses: lists of terms, of each of which one must be there.
//!
//! Owns their form: one after the other, as a hundred thousand policies have several each.

use super::term::Term;

/// Clauses that must all hold. Without one, anything goes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clauses {
    terms: Vec<Term>,
    /// Where each clause ends among the terms.
    ends: Vec<u32>,
}

impl Clauses {
    /// One more that must hold.
    pub(crate) fn push(&mut self, clause: impl IntoIterator<Item = Term>) {
        self.terms.extend(clause);
        self.ends.push(place(self.terms.len()));
    }

    pub(super) fn clear(&mut self) {
        self.terms.clear();
        self.ends.clear();
    }

    pub(super) fn extend(&mut self, others: &Self) {
        let start = place(self.terms.len());
        self.terms.extend_from_slice(&others.terms);
        self.ends.extend(others.ends.iter().map(|end| start + end));
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Some of them, by their places.
    pub(super) fn range(&self, from: usize, to: usize) -> impl Iterator<Item = &[Term]> + Clone {
        (from..to).map(|at| {
            let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
            &self.terms[start as usize..self.ends[at] as usize]
        })
    }

    /// The one that is the easiest to look for.
    pub(super) fn cheapest(&self) -> Option<&[Term]> {
        self.range(0, self.len()).min_by_key(|clause| (clause.iter().map(|term| term.kind).max(), clause.len()))
    }

    /// Adds a clause that holds if one of `others` does. There is none if one of them demands nothing.
    pub(super) fn push_one_of(&mut self, others: &[Self]) {
        let start = self.terms.len();
        for one in others {
            let Some(clause) = one.cheapest() else { return self.terms.truncate(start) };
            self.terms.extend_from_slice(clause);
        }
        self.ends.push(place(self.terms.len()));
    }
}

/// Rules are counted in files that people write; four thousand millions do not occur.
pub(super) fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
