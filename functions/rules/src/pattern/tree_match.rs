//! Decides exactly whether an event passes a pattern.
//!
//! A field passes if one of the values at its path passes; lists are searched at any depth. Fields inside the objects
//! of a list must all pass for one and the same object. `exists: false` refers to that object if another field selects
//! it, and otherwise to all objects.
//!
//! Therefore a part of a pattern can pass in two ways, which [`PartOutcome`] distinguishes. A part is evaluated for
//! each value at its path at most once per level, so that the cost is bounded by pattern size × event size × depth.

use super::tree_matcher::{FieldMatcher, ObjectMatcher, TreeMatcher, is_absentable};
use crate::event_view::{EventView, FieldValue, ObjectView};

/// How a part of a pattern passes at one place of an event. Ordered: a later outcome is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum PartOutcome {
    Fails,
    /// Passes because nothing is at any of its paths and that is wanted, or because the part has no conditions.
    Absent,
    /// Passes with a value. If the place is inside a list object, this selects the object.
    Present,
}

impl PartOutcome {
    fn and(self, other: Self) -> Self {
        if self.min(other) == Self::Fails { Self::Fails } else { self.max(other) }
    }

    /// Prefers a value: everything that absence permits, a value permits, too.
    fn or(self, other: Self) -> Self {
        self.max(other)
    }
}

impl TreeMatcher {
    pub(crate) fn matches(&self, view: &EventView<'_>) -> bool {
        self.root.outcome(ObjectView::Event(view)) != PartOutcome::Fails
    }
}

impl ObjectMatcher {
    fn outcome(&self, holder: ObjectView<'_>) -> PartOutcome {
        let mut outcome = PartOutcome::Absent;
        for (key, node) in &self.fields {
            outcome = outcome.and(node.outcome(holder.get(key).as_ref()));
            if outcome == PartOutcome::Fails {
                return outcome;
            }
        }
        for choice in &self.choices {
            let mut either = PartOutcome::Fails;
            for alternative in choice {
                either = either.or(alternative.outcome(holder));
                if either == PartOutcome::Present {
                    break;
                }
            }
            outcome = outcome.and(either);
            if outcome == PartOutcome::Fails {
                return outcome;
            }
        }
        outcome
    }

    /// Whether all paths are missing in all of the objects. One alternative must apply to all of them.
    fn is_absent(&self, holders: &[ObjectView<'_>]) -> bool {
        self.absentable
            && self.fields.iter().all(|(key, node)| {
                let slots: Vec<_> = holders.iter().filter_map(|holder| holder.get(key)).collect();
                node.is_absent(&slots)
            })
            && self.choices.iter().all(|choice| choice.iter().any(|alternative| alternative.is_absent(holders)))
    }
}

impl FieldMatcher {
    fn outcome(&self, slot: Option<&FieldValue<'_>>) -> PartOutcome {
        let Some(slot) = slot else {
            return if self.absentable() { PartOutcome::Absent } else { PartOutcome::Fails };
        };
        if self.is_present(slot) {
            PartOutcome::Present
        } else if self.is_absent(std::slice::from_ref(slot)) {
            PartOutcome::Absent
        } else {
            PartOutcome::Fails
        }
    }

    fn is_present(&self, slot: &FieldValue<'_>) -> bool {
        let passed = self.values.iter().all(|tests| slot.any_leaf(&mut |leaf| leaf.passes_one(tests)));
        if passed && !self.values.is_empty() {
            // A plain value selects no list object, so that the inner conditions may pass in any object, or by absence.
            self.is_present_inside(slot) || self.is_absent_inside(std::slice::from_ref(slot))
        } else {
            (passed || self.values_are_absent(slot)) && self.is_present_inside(slot)
        }
    }

    fn values_are_absent(&self, slot: &FieldValue<'_>) -> bool {
        self.values.iter().all(|tests| is_absentable(tests)) && !slot.any_leaf(&mut |_| true)
    }

    fn is_present_inside(&self, slot: &FieldValue<'_>) -> bool {
        let Some(inside) = &self.inside else { return false };
        slot.any_object(&mut |object| inside.outcome(ObjectView::Object(object)) == PartOutcome::Present)
    }

    fn is_absent(&self, slots: &[FieldValue<'_>]) -> bool {
        let values = self.values.is_empty() || slots.iter().all(|slot| self.values_are_absent(slot));
        self.absentable() && values && self.is_absent_inside(slots)
    }

    fn is_absent_inside(&self, slots: &[FieldValue<'_>]) -> bool {
        let Some(inside) = &self.inside else { return true };
        let mut holders = Vec::new();
        for slot in slots.iter().filter(|_| inside.absentable) {
            slot.any_object(&mut |object| {
                holders.push(ObjectView::Object(object));
                false
            });
        }
        inside.is_absent(&holders)
    }
}
