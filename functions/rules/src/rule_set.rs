//! The fast path: the policies that an event could pass, then the rules that these could let fire.
//!
//! Owns the compiled form of a document. Says nothing about reasons; that is `explain`'s.

use std::sync::Arc;

use domain::Event;
use domain::document::{Binding, Expression, Mode, Policy, Rule, RulesDocument};
use domain::expression::{Effects, Groups};
use domain::loop_guard::{self, Looping};
use domain::ports::Expressions;

use crate::event_view::EventView;
use crate::expression_runner::{ExpressionRunner, ExpressionVerdict};
use crate::index::PolicyIndex;
use crate::policy_table::{PolicyNumbers, PolicyTable, may_pass};
use crate::rules_by_policy::RulesByPolicy;

/// The rules of one document, ready to be asked.
#[derive(Debug, Clone)]
pub struct RuleSet {
    policies: PolicyTable,
    index: PolicyIndex,
    compiled: Vec<CompiledRule>,
    /// Of all compiled rules, one after the other.
    checks: Vec<CompiledBinding>,
    /// Compiled rules by the policies that they cannot fire without.
    bound: RulesByPolicy,
    /// Bindings of enabled rules whose verdict does not count.
    tried: Vec<DryRunBinding>,
    /// The document's, where a policy is an expression that may ask for them.
    groups: Option<Arc<Groups>>,
}

/// The rules that fire for an event, and what finding out has left behind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RuleMatches {
    /// As their places in the document, in its order.
    pub matched: Vec<usize>,
    /// Why nobody is told all the same.
    pub loop_guard: Option<Looping>,
    /// Of the expressions that were run, where there are any.
    pub effects: Vec<Effects>,
}

/// A rule that can fire; those that cannot are not compiled at all.
#[derive(Debug, Clone, Copy)]
struct CompiledRule {
    /// In the document's `rules`.
    index: u32,
    mode: Mode,
    /// Where its checks end; they begin where those of the rule before end.
    checks: u32,
}

/// A binding to a policy that is there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CompiledBinding {
    pub(crate) policy: u32,
    pub(crate) negate: bool,
    failure_result: bool,
}

/// A binding whose verdict does not count, by its places in the document.
#[derive(Debug, Clone, Copy)]
struct DryRunBinding {
    rule: usize,
    binding: usize,
    check: CompiledBinding,
}

/// What the policies say to an event.
struct PolicyVerdicts {
    /// In order, as `raised`.
    passed: Vec<u32>,
    raised: Vec<u32>,
}

impl PolicyVerdicts {
    /// Every policy that the event passes was a candidate, so the others have not passed.
    fn hold(&self, check: CompiledBinding) -> bool {
        if self.raised.binary_search(&check.policy).is_ok() {
            check.failure_result
        } else {
            self.passed.binary_search(&check.policy).is_ok() != check.negate
        }
    }
}

impl RuleSet {
    /// Makes a document's rules ready.
    pub fn compile(document: &RulesDocument) -> Self {
        let (policies, names) = PolicyTable::of(document);
        let mut compiled = Vec::new();
        let mut checks: Vec<CompiledBinding> = Vec::new();
        for (index, rule) in (0u32..).zip(&document.rules).filter(|(_, rule)| rule.enabled) {
            let Some((mode, bound)) = compile(rule, &names) else { continue };
            checks.extend(bound);
            compiled.push(CompiledRule { index, mode, checks: place(checks.len()) });
        }
        compiled.shrink_to_fit();
        checks.shrink_to_fit();
        let tried = tried(document, &names);
        let mut used = vec![false; policies.distinct().len()];
        for check in checks.iter().chain(tried.iter().map(|tried| &tried.check)) {
            used[check.policy as usize] = true;
        }
        let distinct = (0u32..).zip(policies.distinct().iter().map(Arc::as_ref));
        let index = PolicyIndex::of(distinct.filter(|(at, _)| used[*at as usize]));
        let each = (0..).zip(&compiled).map(|(at, rule)| (rule.mode, checks_of(at, &compiled, &checks)));
        let bound = RulesByPolicy::of(used.len(), each);
        let groups = document.has_expressions().then(|| Arc::new(document.groups.clone()));
        Self { policies, index, compiled, checks, bound, tried, groups }
    }

    /// The rules that fire for the event, as their places in the document, in its order. Every expression
    /// raises: there is nobody to run it; see [`Self::evaluate`].
    ///
    /// The loop guard is not asked; see `domain::loop_guard::check`.
    pub fn matches(&self, event: &Event) -> Vec<usize> {
        self.fired(&self.verdicts(&EventView::of(event), |_, _| ExpressionVerdict::Raised))
    }

    /// The rules that fire for the event, its expressions run. Each is run once, if the event has what
    /// it needs, however many rules it is bound to. `document` is the one this was compiled from.
    ///
    /// Where there are expressions or bindings that do not count, an event that the loop guard holds back fires
    /// nothing: what a policy has caused must not cause the same again.
    pub fn evaluate(&self, event: &Event, document: &RulesDocument, expressions: &dyn Expressions) -> RuleMatches {
        let view = EventView::of(event);
        let looping = || loop_guard::check(event, document);
        if (self.groups.is_some() || !self.tried.is_empty())
            && let loop_guard @ Some(_) = looping()
        {
            return RuleMatches { loop_guard, ..RuleMatches::default() };
        }
        let mut effects = Vec::new();
        let verdicts = match &self.groups {
            None => self.verdicts(&view, |_, _| ExpressionVerdict::Raised),
            Some(groups) => {
                let runner = ExpressionRunner::new(&view, document, Arc::clone(groups), expressions);
                self.verdicts(&view, |policy, expression| {
                    let ran = runner.run(self.policies.name(policy), expression);
                    let verdict = ran.verdict();
                    effects.extend(ran.effects);
                    verdict
                })
            }
        };
        let passed = self.tried.iter().filter(|tried| verdicts.hold(tried.check));
        effects.extend(passed.filter_map(|tried| {
            let rule = document.rules.get(tried.rule)?;
            Some(Effects::tried(&rule.name, rule.bindings.get(tried.binding)?))
        }));
        let matched = self.fired(&verdicts);
        let loop_guard = if matched.is_empty() { None } else { looping() };
        RuleMatches { matched, loop_guard, effects }
    }

    /// Whether finding out what fires may take its time.
    pub fn has_expressions(&self) -> bool {
        self.groups.is_some()
    }

    fn verdicts(
        &self,
        view: &EventView<'_>,
        mut run: impl FnMut(u32, &Expression) -> ExpressionVerdict,
    ) -> PolicyVerdicts {
        let (mut passed, values) = self.index.candidates(view);
        let mut raised = Vec::new();
        passed.retain(|&policy| match self.policies.distinct()[policy as usize].as_ref() {
            Policy::Expression(expression) => {
                may_pass(&expression.precondition, view) && {
                    let verdict = run(policy, expression);
                    if verdict == ExpressionVerdict::Raised {
                        raised.push(policy);
                    }
                    verdict == ExpressionVerdict::Passed
                }
            }
            Policy::EventMatcher(_) | Policy::EventPattern(_) => {
                self.policies.admits(policy, view, &values, self.index.paths())
            }
        });
        PolicyVerdicts { passed, raised }
    }

    fn fired(&self, verdicts: &PolicyVerdicts) -> Vec<usize> {
        let fires = |&at: &u32| {
            let checks = checks_of(at, &self.compiled, &self.checks);
            match self.compiled[at as usize].mode {
                Mode::Any => checks.iter().any(|check| verdicts.hold(*check)),
                Mode::All => checks.iter().all(|check| verdicts.hold(*check)),
            }
        };
        // What has raised may hold, too: by its bindings' `failure_result`.
        let mut rules = self.bound.candidates(verdicts.passed.iter().chain(&verdicts.raised).copied());
        rules.retain(fires);
        rules.into_iter().map(|at| self.compiled[at as usize].index as usize).collect()
    }

    /// Bytes that matching holds on the heap, the policies themselves aside.
    pub fn index_bytes(&self) -> usize {
        self.index.heap_bytes()
            + self.bound.heap_bytes()
            + self.compiled.capacity() * size_of::<CompiledRule>()
            + self.checks.capacity() * size_of::<CompiledBinding>()
    }
}

fn checks_of<'c>(rule: u32, compiled: &[CompiledRule], checks: &'c [CompiledBinding]) -> &'c [CompiledBinding] {
    let start = rule.checked_sub(1).map_or(0, |before| compiled[before as usize].checks);
    &checks[start as usize..compiled[rule as usize].checks as usize]
}

/// The rule without the bindings whose verdict stands already, or `None` if it cannot fire.
///
/// A policy that is not there has such a verdict, `failure_result`. What always fires is left with
/// [`Mode::All`] of nothing.
fn compile(rule: &Rule, names: &PolicyNumbers<'_>) -> Option<(Mode, Vec<CompiledBinding>)> {
    let mut checks = Vec::new();
    let mut stands = None;
    for binding in rule.bindings.iter().filter(|binding| binding.enabled && !binding.dry_run) {
        if let Some(check) = check(binding, names) {
            checks.push(check);
        } else if stands != Some(rule.mode == Mode::Any) {
            stands = Some(binding.failure_result);
        }
    }
    match (rule.mode, stands) {
        (Mode::Any, Some(true)) => Some((Mode::All, Vec::new())),
        (Mode::All, Some(false)) => None,
        (Mode::All, Some(true)) => Some((Mode::All, checks)),
        (mode, _) => (!checks.is_empty()).then_some((mode, checks)),
    }
}

fn check(binding: &Binding, names: &PolicyNumbers<'_>) -> Option<CompiledBinding> {
    let (negate, failure_result) = (binding.negate, binding.failure_result);
    names.get(binding.policy.as_str()).map(|&policy| CompiledBinding { policy, negate, failure_result })
}

fn tried(document: &RulesDocument, names: &PolicyNumbers<'_>) -> Vec<DryRunBinding> {
    let rules = document.rules.iter().enumerate().filter(|(_, rule)| rule.enabled);
    let bindings = rules.flat_map(|(at, rule)| rule.bindings.iter().enumerate().map(move |binding| (at, binding)));
    let meant = bindings.filter(|(_, (_, binding))| binding.enabled && binding.dry_run);
    meant
        .filter_map(|(rule, (at, binding))| Some(DryRunBinding { rule, binding: at, check: check(binding, names)? }))
        .collect()
}

fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The enabled bindings, by `order`, then by their place in the file.
pub(crate) fn in_order(rule: &Rule) -> impl Iterator<Item = &Binding> {
    let mut bindings: Vec<&Binding> = rule.bindings.iter().filter(|binding| binding.enabled).collect();
    bindings.sort_by_key(|binding| binding.order);
    bindings.into_iter()
}
