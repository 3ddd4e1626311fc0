//! The values of one event by path, collected in one walk for all policies. Only paths that a policy names are kept.
//!
//! Owns the lookup. For a value inside a list, it records the innermost object that contains the value, because other
//! fields may have to match in the same object. It does not record the outer objects.

use crate::event_view::Leaf;

/// The values of one event: a hash table of [`LISTS`] linked lists, each link an index.
pub(crate) struct PathValues<'e> {
    found: Vec<PathValue<'e>>,
    /// For each value, one more than the index of the previous value in its list; 0 at the end of the list.
    before: Vec<u32>,
    /// The last value of each list, in the same encoding. The low bits of a path select the list.
    last: [u32; LISTS],
}

/// One value at a path.
pub(crate) struct PathValue<'e> {
    pub(crate) leaf: Leaf<'e>,
    /// The number of the innermost list object that contains the value; 0 if no list contains it.
    pub(crate) item: u32,
    path: u32,
}

/// The number of lists. An event has a few dozen values, so that most lists hold one path.
const LISTS: usize = 64;

impl<'e> PathValues<'e> {
    pub(crate) fn new() -> Self {
        Self { found: Vec::with_capacity(32), before: Vec::with_capacity(32), last: [0; LISTS] }
    }

    #[inline]
    pub(crate) fn push(&mut self, path: u32, leaf: Leaf<'e>, item: u32) {
        self.found.push(PathValue { leaf, item, path });
        let here = u32::try_from(self.found.len()).unwrap_or(0);
        self.before.push(std::mem::replace(&mut self.last[path as usize % LISTS], here));
    }

    /// All values at a path, last one first.
    #[inline]
    pub(crate) fn at(&self, path: u32) -> impl Iterator<Item = &PathValue<'e>> {
        let mut link = self.last[path as usize % LISTS];
        std::iter::from_fn(move || {
            let at = link.checked_sub(1)? as usize;
            link = self.before[at];
            Some(&self.found[at])
        })
        .filter(move |found| found.path == path)
    }
}
