//! Clauses: a clause is a list of terms, of which an event must have at least one.
//!
//! Owns the memory layout: all terms in one vector, because 100,000 policies have several clauses each.

use super::term::Term;

/// Clauses that an event must all satisfy. Every event satisfies an empty list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clauses {
    terms: Vec<Term>,
    /// The end of each clause in `terms`.
    ends: Vec<u32>,
}

impl Clauses {
    /// Adds a clause, which an event satisfies if it has at least one of these terms.
    pub(crate) fn push(&mut self, clause: impl IntoIterator<Item = Term>) {
        self.terms.extend(clause);
        self.ends.push(to_u32(self.terms.len()));
    }

    pub(super) fn clear(&mut self) {
        self.terms.clear();
        self.ends.clear();
    }

    pub(super) fn extend(&mut self, others: &Self) {
        let start = to_u32(self.terms.len());
        self.terms.extend_from_slice(&others.terms);
        self.ends.extend(others.ends.iter().map(|end| start + end));
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The clauses with indexes from `from` up to, but without, `to`.
    pub(super) fn range(&self, from: usize, to: usize) -> impl Iterator<Item = &[Term]> + Clone {
        (from..to).map(|at| {
            let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
            &self.terms[start as usize..self.ends[at] as usize]
        })
    }

    /// The clause whose terms are the cheapest to look for in an event; `None` if there are no clauses.
    pub(super) fn cheapest(&self) -> Option<&[Term]> {
        self.range(0, self.len()).min_by_key(|clause| (clause.iter().map(|term| term.kind).max(), clause.len()))
    }

    /// Adds a clause that is satisfied if one of `others` is. Adds nothing if one of them is empty, because every event
    /// satisfies that one.
    pub(super) fn push_one_of(&mut self, others: &[Self]) {
        let start = self.terms.len();
        for one in others {
            let Some(clause) = one.cheapest() else { return self.terms.truncate(start) };
            self.terms.extend_from_slice(clause);
        }
        self.ends.push(to_u32(self.terms.len()));
    }
}

/// Saturates: a rules document has far fewer than 2^32 terms.
pub(super) fn to_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
