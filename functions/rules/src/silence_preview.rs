//! Counts the notifications of past events that a silence would have suppressed, had it been active all the time.
//!
//! The caller reads the events and passes them one by one, newest first.

use std::collections::BTreeMap;

use domain::event::{Event, EventPk};
use domain::ports::Expressions;
use domain::rules_document::RulesDocument;
use domain::rules_document::Silence;
use serde::Serialize;

use crate::{RuleSet, silence_covers};

/// How many silenced events are kept as examples.
const MAX_EXAMPLES: usize = 5;

/// The counts of a preview.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct SilencedReport {
    /// How many events were evaluated, silenced or not.
    pub events: u64,
    /// Events with at least one suppressed notification.
    pub silenced: u64,
    /// The suppressed notifications, by rule name.
    pub rules: BTreeMap<String, SilencedCounts>,
    /// Some of the silenced events, newest first.
    pub examples: Vec<EventPk>,
}

/// What the silence would have suppressed of one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct SilencedCounts {
    /// Events with a suppressed notification of this rule.
    pub events: u64,
    /// The suppressed notifications of these events, one for each recipient and transport.
    pub deliveries: u64,
}

/// Counts, event by event, what a silence would have suppressed.
#[derive(Debug)]
pub struct SilencePreview {
    document: RulesDocument,
    rules: RuleSet,
    silence: Silence,
    report: SilencedReport,
}

impl SilencePreview {
    /// Starts a preview of this silence with the rules of this document.
    pub fn new(document: RulesDocument, silence: Silence) -> Self {
        Self { rules: RuleSet::compile(&document), document, silence, report: SilencedReport::default() }
    }

    /// Whether evaluating an event may take long, because a policy is an expression.
    pub fn has_expressions(&self) -> bool {
        self.rules.has_expressions()
    }

    /// Evaluates one event. The effects of expressions are discarded.
    pub fn add_event(&mut self, event: &Event, expressions: &dyn Expressions) {
        self.report.events += 1;
        let plan = self.rules.plan(event, &self.document, expressions);
        let mut last: Option<&str> = None;
        for notice in plan.notices {
            let name = notice.rule.name.as_str();
            if !silence_covers(&self.silence, name, event) {
                continue;
            }
            let counts = self.report.rules.entry(name.to_owned()).or_default();
            counts.deliveries += 1;
            // The notices of one rule are adjacent.
            if last != Some(name) {
                counts.events += 1;
                if last.is_none() {
                    self.report.silenced += 1;
                    if self.report.examples.len() < MAX_EXAMPLES {
                        self.report.examples.push(event.pk);
                    }
                }
                last = Some(name);
            }
        }
    }

    /// Ends the preview and returns its counts.
    pub fn finish(self) -> SilencedReport {
        self.report
    }
}
