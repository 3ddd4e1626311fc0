//! An event's values by their paths, as far as policies name these: one walk serves all policies.
//!
//! Owns the look-up. Says of a value in which object of a list it lies, as other fields may be wanted of the
//! same object; in which objects that one lies, it does not say.

use crate::pattern::Leaf;

/// The values of one event.
#[derive(Default)]
pub(crate) struct Values<'e> {
    found: Vec<Found<'e>>,
    /// By the last bits of a path, one more than the place of the first value there; 0 is none.
    first: Vec<u32>,
}

/// One value.
pub(crate) struct Found<'e> {
    pub(crate) leaf: Leaf<'e>,
    /// The number of the innermost object of a list that it lies in, or 0.
    pub(crate) item: u32,
    path: u32,
    /// As in `first`, the next one with the same last bits.
    next: u32,
}

impl<'e> Values<'e> {
    /// An event has some dozen.
    pub(crate) fn new() -> Self {
        Self { found: Vec::with_capacity(64), first: Vec::new() }
    }

    #[inline]
    pub(crate) fn push(&mut self, path: u32, leaf: Leaf<'e>, item: u32) {
        self.found.push(Found { leaf, item, path, next: 0 });
    }

    /// To be called when all are there and before any is looked up.
    pub(crate) fn finish(&mut self) {
        self.first = vec![0; self.found.len().next_power_of_two()];
        let mask = self.first.len() - 1;
        for (at, found) in (1..).zip(&mut self.found) {
            found.next = std::mem::replace(&mut self.first[found.path as usize & mask], at);
        }
    }

    /// All values at a path, the last first.
    pub(crate) fn at(&self, path: u32) -> impl Iterator<Item = &Found<'e>> {
        let get = |place: u32| place.checked_sub(1).map(|at| &self.found[at as usize]);
        let first = get(self.first[path as usize & (self.first.len() - 1)]);
        std::iter::successors(first, move |found| get(found.next)).filter(move |found| found.path == path)
    }
}
