//! Rules tried on history: what the rules in force and other rules would have made of past events.
//!
//! Owns the counting; whoever reads the events feeds them in one by one, so that any number of them
//! takes no more memory than the report. Sends nothing.

use std::collections::BTreeMap;

use domain::document::RulesDocument;
use domain::event::{Event, EventPk};
use domain::ports::Expressions;
use serde::{Deserialize, Serialize};

use crate::{Plan, RuleSet};

/// Examples kept of each kind of difference, per rule.
const EXAMPLES: usize = 5;

/// What came of it. Reports of parts of the history add up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Report {
    /// Events tried.
    pub events: u64,
    /// By rule, then by day (`2026-01-31`, UTC, of the event's time).
    pub rules: BTreeMap<String, BTreeMap<String, Compared>>,
    /// By rule, for rules whose verdict changes on some event.
    pub differences: BTreeMap<String, Difference>,
    /// Messages the new rules would have sent: by rule, then by recipient.
    pub messages: BTreeMap<String, BTreeMap<String, u64>>,
}

/// The rules in force beside the new ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Compared {
    /// The rules in force.
    pub old: Counts,
    /// The new ones.
    pub new: Counts,
}

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Events that the rule matched.
    pub matches: u64,
    /// Deliveries they led to.
    pub deliveries: u64,
}

/// Events on which old and new disagree: how many, and the first examples.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Difference {
    /// Matched only by the new rule.
    pub gained: u64,
    /// Some of them, newest first.
    pub gained_examples: Vec<EventPk>,
    /// Matched only by the old rule.
    pub lost: u64,
    /// Some of them, newest first.
    pub lost_examples: Vec<EventPk>,
}

/// A trial under way.
#[derive(Debug)]
pub struct Rehearsal {
    old: (RulesDocument, RuleSet),
    new: (RulesDocument, RuleSet),
    report: Report,
}

impl Rehearsal {
    /// Of the rules in force against the new ones.
    pub fn new(old: RulesDocument, new: RulesDocument) -> Self {
        let ready = |document: RulesDocument| {
            let rules = RuleSet::compile(&document);
            (document, rules)
        };
        Self { old: ready(old), new: ready(new), report: Report::default() }
    }

    /// Whether trying an event may take its time.
    pub fn has_expressions(&self) -> bool {
        self.old.1.has_expressions() || self.new.1.has_expressions()
    }

    /// Tries one event.
    pub fn event(&mut self, event: &Event, expressions: &dyn Expressions) {
        let old = self.old.1.plan(event, &self.old.0, expressions);
        let new = self.new.1.plan(event, &self.new.0, expressions);
        let report = &mut self.report;
        report.events += 1;
        let day = domain::time::format(event.created)[..10].to_owned();
        report.count(&old, &day, |compared| &mut compared.old);
        report.count(&new, &day, |compared| &mut compared.new);
        for telling in &new.told {
            let people = report.messages.entry(telling.rule.name.clone()).or_default();
            *people.entry(telling.recipient.label().to_owned()).or_default() += 1;
        }
        let matches = |plan: &Plan<'_>, name: &str| plan.matched.iter().any(|rule| rule.name == name);
        for rule in new.matched.iter().filter(|rule| !matches(&old, &rule.name)) {
            let difference = report.differences.entry(rule.name.clone()).or_default();
            difference.gained += 1;
            remember(&mut difference.gained_examples, event.pk);
        }
        for rule in old.matched.iter().filter(|rule| !matches(&new, &rule.name)) {
            let difference = report.differences.entry(rule.name.clone()).or_default();
            difference.lost += 1;
            remember(&mut difference.lost_examples, event.pk);
        }
    }

    /// What came of it so far.
    pub fn finish(self) -> Report {
        self.report
    }
}

impl Report {
    fn count(&mut self, plan: &Plan<'_>, day: &str, side: impl Fn(&mut Compared) -> &mut Counts) {
        for rule in &plan.matched {
            let compared = self.rules.entry(rule.name.clone()).or_default().entry(day.to_owned()).or_default();
            let counts = side(compared);
            counts.matches += 1;
            counts.deliveries += plan.told.iter().filter(|telling| telling.rule.name == rule.name).count() as u64;
        }
    }

    /// Adds the report of an older part of the history.
    pub fn add(&mut self, older: Self) {
        self.events += older.events;
        for (rule, days) in older.rules {
            let own = self.rules.entry(rule).or_default();
            for (day, compared) in days {
                let own = own.entry(day).or_default();
                own.old.add(compared.old);
                own.new.add(compared.new);
            }
        }
        for (rule, difference) in older.differences {
            let own = self.differences.entry(rule).or_default();
            own.gained += difference.gained;
            own.lost += difference.lost;
            difference.gained_examples.into_iter().for_each(|pk| remember(&mut own.gained_examples, pk));
            difference.lost_examples.into_iter().for_each(|pk| remember(&mut own.lost_examples, pk));
        }
        for (rule, people) in older.messages {
            let own = self.messages.entry(rule).or_default();
            for (recipient, count) in people {
                *own.entry(recipient).or_default() += count;
            }
        }
    }
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.matches += other.matches;
        self.deliveries += other.deliveries;
    }
}

fn remember(examples: &mut Vec<EventPk>, pk: EventPk) {
    if examples.len() < EXAMPLES {
        examples.push(pk);
    }
}
