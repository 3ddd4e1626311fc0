//! Whether a silence is for what a rule would tell of an event.

use domain::Event;
use domain::rules_document::Silence;

use crate::clause;
use crate::facts::Facts;

/// Whether the silence keeps back the rule's notifications of this event while it lasts.
pub fn silences(silence: &Silence, rule: &str, event: &Event) -> bool {
    silence.is_of(rule)
        && silence
            .event_matcher
            .as_ref()
            .is_none_or(|matcher| clause::all(matcher, &Facts::of(event)).iter().all(|clause| clause.failure.is_none()))
}
