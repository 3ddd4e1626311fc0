//! What a silence would have report back of past events, had it been in force all the time.
//!
//! Owns the counting; whoever reads the events feeds them in one by one, newest first.

use std::collections::BTreeMap;

use domain::document::RulesDocument;
use domain::event::{Event, EventPk};
use domain::ports::Expressions;
use domain::suppression::Silence;
use serde::Serialize;

use crate::{RuleSet, silence_covers};

/// Events shown as examples.
const EXAMPLES: usize = 5;

/// What came of it. Reports of parts of the history add up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct SilencedReport {
    /// Events tried.
    pub events: u64,
    /// Events of which some notification would have been report back.
    pub silenced: u64,
    /// By rule.
    pub rules: BTreeMap<String, SilencedCounts>,
    /// Some of the silenced events, newest first.
    pub examples: Vec<EventPk>,
}

/// How much of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct SilencedCounts {
    /// Events that it would have told nobody of.
    pub events: u64,
    /// Deliveries that it would not have made.
    pub deliveries: u64,
}

/// A preview under way.
#[derive(Debug)]
pub struct SilencePreview {
    document: RulesDocument,
    rules: RuleSet,
    silence: Silence,
    report: SilencedReport,
}

impl SilencePreview {
    /// Of this silence with these rules.
    pub fn new(document: RulesDocument, silence: Silence) -> Self {
        Self { rules: RuleSet::compile(&document), document, silence, report: SilencedReport::default() }
    }

    /// Whether trying an event may take its time.
    pub fn has_expressions(&self) -> bool {
        self.rules.has_expressions()
    }

    /// Tries one event.
    pub fn event(&mut self, event: &Event, expressions: &dyn Expressions) {
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
            // What one rule tells of an event stands together.
            if last != Some(name) {
                counts.events += 1;
                if last.is_none() {
                    self.report.silenced += 1;
                    if self.report.examples.len() < EXAMPLES {
                        self.report.examples.push(event.pk);
                    }
                }
                last = Some(name);
            }
        }
    }

    /// What came of it so far.
    pub fn finish(self) -> SilencedReport {
        self.report
    }
}
