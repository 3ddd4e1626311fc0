//! Dry run: evaluates the active rules and new rules on past events, and compares the results.
//!
//! Owns the counting. The caller reads the events and passes them one by one, so that memory depends on the size of the
//! report and not on the number of events. Storm control is applied with the event's own time as the current time: the
//! document's silences and mute windows at once, throttles and digests in [`DryRunReport::settled`]. Silences created
//! over the API are ignored, because they are not part of the rules. Sends nothing.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use domain::Timestamp;
use domain::event::{Event, EventPk};
use domain::ports::Expressions;
use domain::rules_document::SilenceState;
use domain::rules_document::{Rule, RulesDocument};
use serde::{Deserialize, Serialize};

use crate::dry_run_examples;
pub use crate::dry_run_examples::Example;
use crate::storm_simulation::{SimulatedOutcome, StormSimulation};
use crate::{Plan, RuleSet, muted_until, silence_covers};

/// How many example events are kept per rule and kind of difference.
const MAX_EXAMPLES: usize = 5;

/// How many firings one report keeps for throttles and digests to decide. Each takes up to about 100 bytes as JSON; a
/// report with more would become too large, so that the caller continues with another one.
const MAX_UNDECIDED: usize = 30_000;

/// The result of a dry run. The reports of parts of the history can be added up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DryRunReport {
    /// How many events were evaluated, each with both versions of the rules.
    pub events: u64,
    /// Counts by rule, then by the UTC day of the event (`2026-01-31`).
    pub rules: BTreeMap<String, BTreeMap<String, CountComparison>>,
    /// By rule; only rules that match an event with one version and not with the other.
    pub differences: BTreeMap<String, Difference>,
    /// Messages that the new rules would have sent, by rule, then by recipient.
    pub messages: BTreeMap<String, BTreeMap<String, u64>>,
    /// Deliveries that storm control would have suppressed with the new rules, by rule, then by mechanism.
    #[serde(default)]
    pub suppressed: BTreeMap<String, BTreeMap<String, u64>>,
    /// Firings of the active rules that a throttle or digest is still to decide, by rule.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    old_storms: BTreeMap<String, StormSimulation>,
    /// Firings of the new rules that a throttle or digest is still to decide, by rule.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    new_storms: BTreeMap<String, StormSimulation>,
}

/// The counts of the active rules beside those of the new rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CountComparison {
    /// With the active rules.
    pub old: MatchCounts,
    /// With the new rules.
    pub new: MatchCounts,
}

/// The counts of one rule on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MatchCounts {
    /// Events that the rule matched.
    pub matches: u64,
    /// Deliveries for these events, without those that storm control suppresses.
    pub deliveries: u64,
}

/// The events on which the active and the new rule disagree.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Difference {
    /// Number of events that only the new rule matches.
    pub gained: u64,
    /// Up to five of them, newest first.
    pub gained_examples: Vec<EventPk>,
    /// Number of events that only the active rule matches.
    pub lost: u64,
    /// Up to five of them, newest first.
    pub lost_examples: Vec<EventPk>,
}

/// A running dry run.
#[derive(Debug)]
pub struct DryRun {
    old: (RulesDocument, RuleSet),
    new: (RulesDocument, RuleSet),
    report: DryRunReport,
    examples: Option<Vec<Example>>,
}

impl DryRun {
    /// Starts a dry run that compares the active rules with new ones.
    pub fn new(old: RulesDocument, new: RulesDocument) -> Self {
        let compiled = |document: RulesDocument| {
            let rules = RuleSet::compile(&document);
            (document, rules)
        };
        Self { old: compiled(old), new: compiled(new), report: DryRunReport::default(), examples: None }
    }

    /// Whether evaluating an event may take long, because a policy is an expression.
    pub fn has_expressions(&self) -> bool {
        self.old.1.has_expressions() || self.new.1.has_expressions()
    }

    /// Makes the dry run collect examples of the deliveries of the new rules.
    pub fn keep_examples(&mut self) {
        self.examples.get_or_insert_default();
    }

    /// Takes the collected examples, newest event first; `None` without [`Self::keep_examples`].
    pub fn take_examples(&mut self) -> Option<Vec<Example>> {
        self.examples.take()
    }

    /// Evaluates one event with both versions. The effects of expressions are discarded.
    pub fn add_event(&mut self, event: &Event, expressions: &dyn Expressions) {
        let old = self.old.1.plan(event, &self.old.0, expressions);
        let new = self.new.1.plan(event, &self.new.0, expressions);
        let report = &mut self.report;
        report.events += 1;
        report.add_plan(ComparedSide::Old, &old, event, &self.old.0);
        report.add_plan(ComparedSide::New, &new, event, &self.new.0);
        if let Some(examples) = &mut self.examples {
            let sent = new.notices.iter().filter(|notice| suppressed_by(notice.rule, event, &self.new.0).is_none());
            for notice in sent {
                dry_run_examples::add_example(examples, event, notice);
            }
        }
        let matches = |plan: &Plan<'_>, name: &str| plan.matched.iter().any(|rule| rule.name == name);
        for rule in new.matched.iter().filter(|rule| !matches(&old, &rule.name)) {
            let difference = report.differences.entry(rule.name.clone()).or_default();
            difference.gained += 1;
            add_example_pk(&mut difference.gained_examples, event.pk);
        }
        for rule in old.matched.iter().filter(|rule| !matches(&new, &rule.name)) {
            let difference = report.differences.entry(rule.name.clone()).or_default();
            difference.lost += 1;
            add_example_pk(&mut difference.lost_examples, event.pk);
        }
    }

    /// Whether the report has reached its size limit, so that the caller should continue with another dry run.
    pub fn is_full(&self) -> bool {
        let storms = self.report.old_storms.values().chain(self.report.new_storms.values());
        storms.map(StormSimulation::len).sum::<usize>() >= MAX_UNDECIDED
    }

    /// Ends the dry run. Throttles and digests of the report are still undecided; see [`DryRunReport::settled`].
    pub fn finish(self) -> DryRunReport {
        self.report
    }
}

/// The active rules or the new ones.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ComparedSide {
    Old,
    New,
}

/// The stateless mechanism, `silence` or `mute`, that suppresses the rule's notifications of the event.
fn suppressed_by(rule: &Rule, event: &Event, document: &RulesDocument) -> Option<&'static str> {
    let mut active = document.silences.iter().filter(|silence| silence.state_at(event.created) == SilenceState::Active);
    if active.any(|silence| silence_covers(silence, &rule.name, event)) {
        return Some("silence");
    }
    muted_until(&rule.mute, event.created).map(|_| "mute")
}

impl DryRunReport {
    fn add_plan(&mut self, side: ComparedSide, plan: &Plan<'_>, event: &Event, document: &RulesDocument) {
        for rule in &plan.matched {
            self.counts(side, &rule.name, event.created).matches += 1;
        }
        // The notices of one rule are adjacent.
        for notices in plan.notices.chunk_by(|one, next| std::ptr::eq(one.rule, next.rule)) {
            let rule = notices[0].rule;
            if let Some(mechanism) = suppressed_by(rule, event, document) {
                for _ in notices {
                    self.suppress(side, &rule.name, mechanism);
                }
            } else if let Some(storm) = StormSimulation::for_rule(rule) {
                let storms = if side == ComparedSide::Old { &mut self.old_storms } else { &mut self.new_storms };
                storms.entry(rule.name.clone()).or_insert(storm).remember(rule, event, notices);
            } else {
                for notice in notices {
                    self.deliver(side, &rule.name, event.created, &notice.recipient.name());
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

    /// Decides the throttles and digests, over all reports that were added. Call it once, at the end.
    pub fn settled(mut self) -> Self {
        let storms = [
            (ComparedSide::Old, std::mem::take(&mut self.old_storms)),
            (ComparedSide::New, std::mem::take(&mut self.new_storms)),
        ];
        for (side, storms) in storms {
            for (rule, storm) in storms {
                storm.decide(|at, outcome| match outcome {
                    SimulatedOutcome::Sent(recipient) => self.deliver(side, &rule, at, recipient),
                    SimulatedOutcome::Throttled => self.suppress(side, &rule, "throttle"),
                    SimulatedOutcome::Collected => self.suppress(side, &rule, "digest"),
                });
            }
        }
        self
    }

    /// Adds the report of an older part of the history; the examples of this report come first.
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
            difference.gained_examples.into_iter().for_each(|pk| add_example_pk(&mut own.gained_examples, pk));
            difference.lost_examples.into_iter().for_each(|pk| add_example_pk(&mut own.lost_examples, pk));
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

fn add_example_pk(examples: &mut Vec<EventPk>, pk: EventPk) {
    if examples.len() < MAX_EXAMPLES {
        examples.push(pk);
    }
}

#[cfg(test)]
#[path = "dry_run_tests.rs"]
mod tests;
