//! Decides whether a silence covers the notifications of a rule for an event.

use domain::Event;
use domain::rules_document::Silence;

use crate::event_view::EventView;
use crate::matcher_clauses;

/// Whether the silence, while active, suppresses the notifications of this rule for this event.
pub fn silence_covers(silence: &Silence, rule: &str, event: &Event) -> bool {
    silence.is_of(rule)
        && silence.event_matcher.as_ref().is_none_or(|matcher| {
            matcher_clauses::check_all(matcher, &EventView::from_event(event))
                .iter()
                .all(|clause| clause.failure.is_none())
        })
}
