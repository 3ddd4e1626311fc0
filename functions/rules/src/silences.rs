//! Whether a silence is for what a rule would tell of an event.

use domain::Event;
use domain::suppression::Silence;

use crate::event_view::EventView;
use crate::matcher_clauses;

/// Whether the silence keeps back the rule's notifications of this event while it lasts.
pub fn silence_covers(silence: &Silence, rule: &str, event: &Event) -> bool {
    silence.is_of(rule)
        && silence.event_matcher.as_ref().is_none_or(|matcher| {
            matcher_clauses::check_all(matcher, &EventView::of(event)).iter().all(|clause| clause.failure.is_none())
        })
}
