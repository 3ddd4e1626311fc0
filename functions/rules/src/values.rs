//! An event's values by their paths, as far as policies name these: one walk serves all policies.
//!
//! Owns the look-up. Says of a value in which object of a list it lies, as other fields may be wanted of the
//! same object; in which objects that one lies, it does not say.

use crate::pattern::Leaf;

/// The values of one event.
#[derive(Default)]
pub(crate) struct Values<'e> {
    found: Vec<Found<'e>>,
    /// By the last bits of a path, one more than the place of the last value there; 0 is none. After these, for each
    /// value the one before it with the same last bits.
    links: Vec<u32>,
    /// Of the last bits.
    mask: usize,
}

/// One value.
pub(crate) struct Found<'e> {
    pub(crate) leaf: Leaf<'e>,
    /// The number of the innermost object of a list that it lies in, or 0.
    pub(crate) item: u32,
    path: u32,
}

impl<'e> Values<'e> {
    /// An event has some dozen.
    pub(crate) fn new() -> Self {
        Self { found: Vec::with_capacity(32), links: Vec::new(), mask: 0 }
    }

    #[inline]
    pub(crate) fn push(&mut self, path: u32, leaf: Leaf<'e>, item: u32) {
        self.found.push(Found { leaf, item, path });
    }

    /// To be called when all are there and before any is looked up.
    pub(crate) fn finish(&mut self) {
        let lists = self.found.len().next_power_of_two();
        self.mask = lists - 1;
        self.links = vec![0; lists + self.found.len()];
        let (last, before) = self.links.split_at_mut(lists);
        for ((at, found), before) in (1..).zip(&self.found).zip(before) {
            *before = std::mem::replace(&mut last[found.path as usize & self.mask], at);
        }
    }

    /// All values at a path, the last first.
    #[inline]
    pub(crate) fn at(&self, path: u32) -> impl Iterator<Item = &Found<'e>> {
        let mut link = path as usize & self.mask;
        std::iter::from_fn(move || {
            let at = self.links[link].checked_sub(1)? as usize;
            link = self.mask + 1 + at;
            Some(&self.found[at])
        })
        .filter(move |found| found.path == path)
    }
}
