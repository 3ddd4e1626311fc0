//! The fast path: policies that say the same are one check, evaluated at most once an event.
//!
//! Owns the compiled form of a document. Says nothing about reasons; that is `explain`'s.

use std::collections::{BTreeMap, HashMap};

use domain::Event;
use domain::document::{Binding, EventMatcher, EventPattern, Mode, Policy, Rule, RulesDocument};
use domain::event::ActionPattern;
use domain::ports::app_admits;
use ipnet::IpNet;

use crate::explain::{self, Explanation};
use crate::facts::{Facts, canonical_net};
use crate::pattern::Shape;

/// The rules of one document, ready to be asked.
#[derive(Debug, Clone)]
pub struct RuleSet {
    checks: Vec<Check>,
    compiled: Vec<CompiledRule>,
    /// What `explain` reads: names and reasons stand in the document's own form.
    rules: Vec<Rule>,
    policies: BTreeMap<String, Policy>,
}

/// A rule that can fire; those that cannot are not compiled at all.
#[derive(Debug, Clone)]
struct CompiledRule {
    /// In the document's `rules`.
    index: usize,
    mode: Mode,
    bindings: Vec<CompiledBinding>,
}

#[derive(Debug, Clone, Copy)]
enum CompiledBinding {
    /// The check at `at`, its verdict turned round if `negate`.
    Check { at: usize, negate: bool },
    /// Nothing to evaluate: the policy is not there, so the binding's `failure_result` stands.
    Failed(bool),
}

/// A policy in the form in which it is evaluated.
#[derive(Debug, Clone)]
enum Check {
    Matcher(Matcher),
    Pattern(Shape),
}

/// What makes two policies the same check.
#[derive(PartialEq, Eq, Hash)]
enum Meaning<'d> {
    Matcher(Matcher),
    Pattern(&'d EventPattern),
}

/// An event matcher with everything in the form in which it is compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Matcher {
    action: Vec<ActionPattern>,
    app: Option<String>,
    model: Option<String>,
    client_ip: Option<IpNet>,
}

impl RuleSet {
    /// Makes a document's rules ready.
    pub fn compile(document: &RulesDocument) -> Self {
        let mut checks = Vec::new();
        let mut known: HashMap<Meaning<'_>, usize> = HashMap::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (name, policy) in &document.policies {
            let meaning = match policy {
                Policy::EventMatcher(matcher) => Meaning::Matcher(Matcher::of(matcher)),
                Policy::EventPattern(pattern) => Meaning::Pattern(pattern),
            };
            let at = *known.entry(meaning).or_insert_with_key(|meaning| {
                checks.push(match meaning {
                    Meaning::Matcher(matcher) => Check::Matcher(matcher.clone()),
                    Meaning::Pattern(pattern) => Check::Pattern(Shape::of(pattern)),
                });
                checks.len() - 1
            });
            places.insert(name, at);
        }
        let compiled = document
            .rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.enabled)
            .map(|(index, rule)| CompiledRule {
                index,
                mode: rule.mode,
                bindings: in_order(rule)
                    .map(|binding| match places.get(binding.policy.as_str()) {
                        Some(&at) => CompiledBinding::Check { at, negate: binding.negate },
                        None => CompiledBinding::Failed(binding.failure_result),
                    })
                    .collect(),
            })
            .filter(|rule| !rule.bindings.is_empty())
            .collect();
        Self { checks, compiled, rules: document.rules.clone(), policies: document.policies.clone() }
    }

    /// The rules that fire for the event, as their places in the document, in its order.
    ///
    /// The loop guard is not asked; see `domain::loop_guard::check`.
    pub fn matches(&self, event: &Event) -> Vec<usize> {
        let facts = Facts::of(event);
        let mut verdicts: Vec<Option<bool>> = vec![None; self.checks.len()];
        let mut passes = |binding: &CompiledBinding| match *binding {
            CompiledBinding::Check { at, negate } => {
                *verdicts[at].get_or_insert_with(|| self.checks[at].admits(&facts)) != negate
            }
            CompiledBinding::Failed(verdict) => verdict,
        };
        self.compiled
            .iter()
            .filter(|rule| match rule.mode {
                Mode::Any => rule.bindings.iter().any(&mut passes),
                Mode::All => rule.bindings.iter().all(&mut passes),
            })
            .map(|rule| rule.index)
            .collect()
    }

    /// For every rule of the document, disabled ones too: whether it fires for the event, and why.
    pub fn explain(&self, event: &Event) -> Vec<Explanation> {
        let facts = Facts::of(event);
        self.rules.iter().map(|rule| explain::rule(rule, &self.policies, &facts)).collect()
    }
}

impl Check {
    fn admits(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::Matcher(matcher) => matcher.admits(facts),
            Self::Pattern(shape) => shape.admits(facts.event),
        }
    }
}

impl Matcher {
    fn of(matcher: &EventMatcher) -> Self {
        Self {
            action: matcher.action.clone(),
            app: matcher.app.clone(),
            model: matcher.model.clone(),
            client_ip: matcher.client_ip.map(canonical_net),
        }
    }

    fn admits(&self, facts: &Facts<'_>) -> bool {
        (self.action.is_empty() || self.action.iter().any(|pattern| pattern.admits(facts.action)))
            && self.app.as_ref().is_none_or(|app| app_admits(app, facts.app))
            && self.model.as_ref().is_none_or(|model| facts.model.as_ref() == Some(model))
            && self.client_ip.is_none_or(|net| facts.client_ip.is_some_and(|address| net.contains(&address)))
    }
}

/// The enabled bindings, by `order`, then by their place in the file.
pub(crate) fn in_order(rule: &Rule) -> impl Iterator<Item = &Binding> {
    let mut bindings: Vec<&Binding> = rule.bindings.iter().filter(|binding| binding.enabled).collect();
    bindings.sort_by_key(|binding| binding.order);
    bindings.into_iter()
}
