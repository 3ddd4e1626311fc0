//! Rules tried on history: what the rules in force and other rules would have made of past events.
//!
//! Owns the counting; whoever reads the events feeds them in one by one, so that any number of them
//! takes no more memory than the report. StormSimulation control is applied too, an event's own time taking the place of now:
//! silences of the document and mute windows at once, throttles and digests when the report is settled. Silences that
//! were posted are left out: they are none of the rules. Sends nothing.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use domain::Timestamp;
use domain::document::{Rule, RulesDocument};
use domain::event::{Event, EventPk};
use domain::ports::Expressions;
use domain::suppression::Standing;
use serde::{Deserialize, Serialize};

use crate::dry_run_examples;
pub use crate::dry_run_examples::Example;
use crate::storm_simulation::{SimulatedOutcome, StormSimulation};
use crate::{Plan, RuleSet, muted_until, silence_covers};

/// Examples kept of each kind of difference, per rule.
const EXAMPLES: usize = 5;

/// What throttles and digests are to decide in one report is up to about a hundred bytes each when written; more is a matter for
/// the next part.
const MOST_UNDECIDED: usize = 30_000;

/// What came of it. Reports of parts of the history add up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DryRunReport {
    /// Events tried.
    pub events: u64,
    /// By rule, then by day (`2026-01-31`, UTC, of the event's time).
    pub rules: BTreeMap<String, BTreeMap<String, Compared>>,
    /// By rule, for rules whose verdict changes on some event.
    pub differences: BTreeMap<String, Difference>,
    /// Messages the new rules would have sent: by rule, then by recipient.
    pub messages: BTreeMap<String, BTreeMap<String, u64>>,
    /// Deliveries that storm control would have kept back with the new rules: by rule, then by mechanism.
    #[serde(default)]
    pub suppressed: BTreeMap<String, BTreeMap<String, u64>>,
    /// What throttles and digests of the rules in force are to decide.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    old_storms: BTreeMap<String, StormSimulation>,
    /// What throttles and digests of the new rules are to decide.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    new_storms: BTreeMap<String, StormSimulation>,
}

/// The rules in force beside the new ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Compared {
    /// The rules in force.
    pub old: MatchCounts,
    /// The new ones.
    pub new: MatchCounts,
}

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MatchCounts {
    /// Events that the rule matched.
    pub matches: u64,
    /// Deliveries they led to, those aside that storm control keeps back.
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
pub struct DryRun {
    old: (RulesDocument, RuleSet),
    new: (RulesDocument, RuleSet),
    report: DryRunReport,
    examples: Option<Vec<Example>>,
}

impl DryRun {
    /// Of the rules in force against the new ones.
    pub fn new(old: RulesDocument, new: RulesDocument) -> Self {
        let ready = |document: RulesDocument| {
            let rules = RuleSet::compile(&document);
            (document, rules)
        };
        Self { old: ready(old), new: ready(new), report: DryRunReport::default(), examples: None }
    }

    /// Whether trying an event may take its time.
    pub fn has_expressions(&self) -> bool {
        self.old.1.has_expressions() || self.new.1.has_expressions()
    }

    /// Keeps some of what the new rules would tell, newest first.
    pub fn keep_examples(&mut self) {
        self.examples.get_or_insert_default();
    }

    /// What was kept; none unless it was asked for.
    pub fn take_examples(&mut self) -> Option<Vec<Example>> {
        self.examples.take()
    }

    /// Tries one event.
    pub fn event(&mut self, event: &Event, expressions: &dyn Expressions) {
        let old = self.old.1.plan(event, &self.old.0, expressions);
        let new = self.new.1.plan(event, &self.new.0, expressions);
        let report = &mut self.report;
        report.events += 1;
        report.plan(ComparedSide::Old, &old, event, &self.old.0);
        report.plan(ComparedSide::New, &new, event, &self.new.0);
        if let Some(examples) = &mut self.examples {
            let told = new.notices.iter().filter(|notice| kept_back(notice.rule, event, &self.new.0).is_none());
            for notice in told {
                dry_run_examples::add_example(examples, event, notice);
            }
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

    /// Whether the report has become so large that another one should go on.
    pub fn is_full(&self) -> bool {
        let storms = self.report.old_storms.values().chain(self.report.new_storms.values());
        storms.map(StormSimulation::len).sum::<usize>() >= MOST_UNDECIDED
    }

    /// What came of it so far, throttles and digests undecided.
    pub fn finish(self) -> DryRunReport {
        self.report
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ComparedSide {
    Old,
    New,
}

/// What keeps back what a rule tells of an event, whatever came before.
fn kept_back(rule: &Rule, event: &Event, document: &RulesDocument) -> Option<&'static str> {
    let mut active = document.silences.iter().filter(|silence| silence.standing(event.created) == Standing::Active);
    if active.any(|silence| silence_covers(silence, &rule.name, event)) {
        return Some("silence");
    }
    muted_until(&rule.mute, event.created).map(|_| "mute")
}

impl DryRunReport {
    fn plan(&mut self, side: ComparedSide, plan: &Plan<'_>, event: &Event, document: &RulesDocument) {
        for rule in &plan.matched {
            self.counts(side, &rule.name, event.created).matches += 1;
        }
        // What one rule tells of an event stands together.
        for told in plan.notices.chunk_by(|one, next| std::ptr::eq(one.rule, next.rule)) {
            let rule = told[0].rule;
            if let Some(mechanism) = kept_back(rule, event, document) {
                for _ in told {
                    self.suppress(side, &rule.name, mechanism);
                }
            } else if let Some(storm) = StormSimulation::of(rule) {
                let storms = if side == ComparedSide::Old { &mut self.old_storms } else { &mut self.new_storms };
                storms.entry(rule.name.clone()).or_insert(storm).remember(rule, event, told);
            } else {
                for one in told {
                    self.deliver(side, &rule.name, event.created, &one.recipient.name());
                }
            }
        }
    }

    fn counts(&mut self, side: ComparedSide, rule: &str, at: Timestamp) -> &mut MatchCounts {
        let day = domain::time::format(at)[..10].to_owned();
        let compared = self.rules.entry(rule.to_owned()).or_default().entry(day).or_default();
        match side {
            ComparedSide::Old => &mut compared.old,
            ComparedSide::New => &mut compared.new,
        }
    }

    fn deliver(&mut self, side: ComparedSide, rule: &str, at: Timestamp, recipient: &str) {
        self.counts(side, rule, at).deliveries += 1;
        if side == ComparedSide::New {
            *self.messages.entry(rule.to_owned()).or_default().entry(recipient.to_owned()).or_default() += 1;
        }
    }

    fn suppress(&mut self, side: ComparedSide, rule: &str, mechanism: &str) {
        if side == ComparedSide::New {
            *self.suppressed.entry(rule.to_owned()).or_default().entry(mechanism.to_owned()).or_default() += 1;
        }
    }

    /// The same with throttles and digests decided, over everything that was added up so far.
    pub fn settled(mut self) -> Self {
        let storms = [
            (ComparedSide::Old, std::mem::take(&mut self.old_storms)),
            (ComparedSide::New, std::mem::take(&mut self.new_storms)),
        ];
        for (side, storms) in storms {
            for (rule, storm) in storms {
                storm.decide(|at, fate| match fate {
                    SimulatedOutcome::Sent(recipient) => self.deliver(side, &rule, at, recipient),
                    SimulatedOutcome::Throttled => self.suppress(side, &rule, "throttle"),
                    SimulatedOutcome::Collected => self.suppress(side, &rule, "digest"),
                });
            }
        }
        self
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
        for (own, older) in [(&mut self.messages, older.messages), (&mut self.suppressed, older.suppressed)] {
            for (rule, counts) in older {
                let own = own.entry(rule).or_default();
                for (key, count) in counts {
                    *own.entry(key).or_default() += count;
                }
            }
        }
        for (own, older) in [(&mut self.old_storms, older.old_storms), (&mut self.new_storms, older.new_storms)] {
            for (rule, storm) in older {
                match own.entry(rule) {
                    Entry::Occupied(mut own) => own.get_mut().add(storm),
                    Entry::Vacant(own) => drop(own.insert(storm)),
                }
            }
        }
    }
}

impl MatchCounts {
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

#[cfg(test)]
#[path = "dry_run_tests.rs"]
mod tests;
