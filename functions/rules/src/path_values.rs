//! An event's values by their paths, as far as policies name these: one walk serves all policies.
//!
//! Owns the look-up. Says of a value in which object of a list it lies, as other fields may be wanted of the
//! same object; in which objects that one lies, it does not say.

use crate::pattern::Leaf;

/// The values of one event.
pub(crate) struct PathValues<'e> {
    found: Vec<PathValue<'e>>,
    /// For each value, one more than the place of the one before it in its list; 0 is none.
    before: Vec<u32>,
    /// The last value of each list, in the same way. A path's last bits say in which list its values are.
    last: [u32; LISTS],
}

/// One value.
pub(crate) struct PathValue<'e> {
    pub(crate) leaf: Leaf<'e>,
    /// The number of the innermost object of a list that it lies in, or 0.
    pub(crate) item: u32,
    path: u32,
}

/// An event has some dozen values.
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

    /// All values at a path, the last first.
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
