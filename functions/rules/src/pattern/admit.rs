//! Whether an event passes a pattern.
//!
//! A field passes if one of the values at its path does; lists are looked through at any depth. Fields
//! inside one object of a list pass together or not at all: there is one object for all of them. That
//! nothing is at a path means: nothing in that one object if a field picks it, else nothing anywhere.
//!
//! Therefore each part of a pattern can hold in two ways, which [`Outcome`] keeps apart. Every part is put
//! to every value once, so the cost is at most that of the pattern times that of the event.

use domain::Event;

use super::shape::{Node, Object, Shape, is_absentable};
use super::view::{Holder, Slot};

/// How a part of a pattern can hold at one place of an event.
#[derive(Debug, Clone, Copy)]
struct Outcome {
    /// Because nothing is at any of its paths, and that is wanted.
    absent: bool,
    /// With a value that passes: if the place is in an object of a list, that object is picked.
    present: bool,
}

impl Outcome {
    const NEITHER: Self = Self { absent: false, present: false };
    /// Of what wants nothing.
    const NOTHING_WANTED: Self = Self { absent: true, present: false };

    fn holds(self) -> bool {
        self.absent || self.present
    }

    fn and(self, other: Self) -> Self {
        let present = self.holds() && other.holds() && (self.present || other.present);
        Self { absent: self.absent && other.absent, present }
    }

    fn or(self, other: Self) -> Self {
        Self { absent: self.absent || other.absent, present: self.present || other.present }
    }
}

impl Shape {
    pub(crate) fn admits(&self, event: &Event) -> bool {
        self.root.outcome(Holder::Event(event)).holds()
    }
}

impl Object {
    fn outcome(&self, holder: Holder<'_>) -> Outcome {
        let mut outcome = Outcome::NOTHING_WANTED;
        for (key, node) in &self.fields {
            outcome = outcome.and(node.outcome(holder.get(key).as_ref()));
            if !outcome.holds() {
                return Outcome::NEITHER;
            }
        }
        for choice in &self.choices {
            let mut either = Outcome::NEITHER;
            for alternative in choice {
                either = either.or(alternative.outcome(holder));
                if either.present && (either.absent || !self.absentable) {
                    break;
                }
            }
            outcome = outcome.and(either);
            if !outcome.holds() {
                return Outcome::NEITHER;
            }
        }
        outcome
    }

    /// Whether none of the objects has anything at any of the paths. One alternative is chosen for all of them.
    fn is_absent(&self, holders: &[Holder<'_>]) -> bool {
        self.absentable
            && self.fields.iter().all(|(key, node)| {
                let slots: Vec<_> = holders.iter().filter_map(|holder| holder.get(key)).collect();
                node.is_absent(&slots)
            })
            && self.choices.iter().all(|choice| choice.iter().any(|alternative| alternative.is_absent(holders)))
    }
}

impl Node {
    fn outcome(&self, slot: Option<&Slot<'_>>) -> Outcome {
        let absentable = self.absentable();
        let Some(slot) = slot else { return Outcome { absent: absentable, present: false } };
        let passed = self.values.iter().all(|tests| slot.any_leaf(&mut |leaf| leaf.passes_one(tests)));
        let present = if passed && !self.values.is_empty() {
            // A value in a list picks no object, so what is wanted inside can hold in any of them or in none.
            self.is_absent_inside(std::slice::from_ref(slot)) || self.is_present_inside(slot)
        } else {
            (passed || self.values_are_absent(slot)) && self.is_present_inside(slot)
        };
        Outcome { absent: absentable && self.is_absent(std::slice::from_ref(slot)), present }
    }

    fn values_are_absent(&self, slot: &Slot<'_>) -> bool {
        self.values.iter().all(|tests| is_absentable(tests)) && !slot.any_leaf(&mut |_| true)
    }

    fn is_present_inside(&self, slot: &Slot<'_>) -> bool {
        let Some(inside) = &self.inside else { return false };
        slot.any_object(&mut |object| inside.outcome(Holder::Object(object)).present)
    }

    fn is_absent(&self, slots: &[Slot<'_>]) -> bool {
        let values = self.values.is_empty() || slots.iter().all(|slot| self.values_are_absent(slot));
        self.absentable() && values && self.is_absent_inside(slots)
    }

    fn is_absent_inside(&self, slots: &[Slot<'_>]) -> bool {
        let Some(inside) = &self.inside else { return true };
        let mut holders = Vec::new();
        for slot in slots.iter().filter(|_| inside.absentable) {
            slot.any_object(&mut |object| {
                holders.push(Holder::Object(object));
                false
            });
        }
        inside.is_absent(&holders)
    }
}
