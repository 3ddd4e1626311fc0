//! Evaluates the rules for an event on the fast path: first the policies that the index proposes, then the rules that
//! these policies could fire.
//!
//! Owns the compiled form of a document. Refuses to give reasons; `explain` does.

use std::sync::Arc;

use domain::Event;
use domain::detection::DetectionId;
use domain::expression::{Effects, Groups};
use domain::loop_guard::{self, Looping};
use domain::ports::Expressions;
use domain::rules_document::{Binding, BindingMode, Detection, Policy, PolicyExpression, Rule, RulesDocument};

use crate::event_view::EventView;
use crate::expression_runner::{ExpressionRunner, ExpressionVerdict};
use crate::index::PolicyIndex;
use crate::policy_table::{PolicyNumbers, PolicyTable, may_pass};
use crate::rules_by_policy::{CompiledBinding, RulesByPolicy};
use crate::watches::{EnteredDetection, Watches};

/// The compiled rules of one document.
#[derive(Debug, Clone)]
pub struct RuleSet {
    policies: PolicyTable,
    index: PolicyIndex,
    compiled: Vec<CompiledRule>,
    /// The bindings of all compiled rules, one rule after the other.
    bindings: Vec<CompiledBinding>,
    /// Finds compiled rules by the policies that passed.
    rules_by_policy: RulesByPolicy,
    /// The `dry_run` bindings of enabled rules.
    dry_run_bindings: Vec<DryRunBinding>,
    /// The document's groups, which expressions may read; `None` if no policy is an expression.
    groups: Option<Arc<Groups>>,
    watches: Watches,
}

/// The rules that fire for an event, and the effects of the expressions that were run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RuleMatches {
    /// Indexes into the document's `rules`, in ascending order.
    pub matched: Vec<usize>,
    /// Why the loop guard suppresses all notifications of the event; `None` if it does not.
    pub loop_guard: Option<Looping>,
    /// One entry for each expression or dry-run binding that had effects.
    pub effects: Vec<Effects>,
    /// The detections that the event enters. Empty if the loop guard stops the event.
    pub entered: Vec<EnteredDetection>,
}

/// A rule that can fire. Rules that can never fire are not compiled.
#[derive(Debug, Clone, Copy)]
struct CompiledRule {
    /// The index into the document's `rules`.
    index: u32,
    mode: BindingMode,
    /// The end of its range in [`RuleSet::bindings`]. The range begins at the end of the previous rule.
    bindings_end: u32,
}

/// A binding with `dry_run`: its result is recorded as an event, but does not decide whether the rule fires.
#[derive(Debug, Clone, Copy)]
struct DryRunBinding {
    /// The index into the document's `rules`.
    rule: usize,
    /// The index into the rule's `bindings`.
    binding: usize,
    compiled: CompiledBinding,
}

/// The results of the candidate policies for one event.
struct PolicyVerdicts {
    /// Policy numbers in ascending order.
    passed: Vec<u32>,
    /// The policies whose expression raised, in ascending order.
    raised: Vec<u32>,
}

impl PolicyVerdicts {
    /// Whether the binding holds. A policy that was no candidate has not passed: the index proposes every policy that
    /// the event could pass.
    fn hold(&self, binding: CompiledBinding) -> bool {
        if self.raised.binary_search(&binding.policy).is_ok() {
            binding.failure_result
        } else {
            self.passed.binary_search(&binding.policy).is_ok() != binding.negate
        }
    }
}

impl RuleSet {
    /// Compiles the rules of a checked document.
    pub fn compile(document: &RulesDocument) -> Self {
        let (policies, names) = PolicyTable::from_document(document);
        let mut compiled = Vec::new();
        let mut bindings: Vec<CompiledBinding> = Vec::new();
        for (index, rule) in (0u32..).zip(&document.rules).filter(|(_, rule)| rule.enabled) {
            let Some((mode, own)) = compile(rule, &names) else { continue };
            bindings.extend(own);
            compiled.push(CompiledRule { index, mode, bindings_end: to_u32(bindings.len()) });
        }
        compiled.shrink_to_fit();
        bindings.shrink_to_fit();
        let dry_run_bindings = dry_run_bindings(document, &names);
        let mut used = vec![false; policies.distinct().len()];
        for binding in bindings.iter().chain(dry_run_bindings.iter().map(|binding| &binding.compiled)) {
            used[binding.policy as usize] = true;
        }
        let watches = Watches::compile(document, &names);
        watches.policies().for_each(|policy| used[policy as usize] = true);
        let distinct = (0u32..).zip(policies.distinct().iter().map(Arc::as_ref));
        let index = PolicyIndex::build(distinct.filter(|(at, _)| used[*at as usize]));
        let each = (0..).zip(&compiled).map(|(at, rule)| (rule.mode, bindings_of(at, &compiled, &bindings)));
        let rules_by_policy = RulesByPolicy::from_rules(used.len(), each);
        let groups = document.has_expressions().then(|| Arc::new(document.groups.clone()));
        Self { policies, index, compiled, bindings, rules_by_policy, dry_run_bindings, groups, watches }
    }

    /// The rules that fire for the event, as indexes into the document's `rules`, in ascending order. Runs no
    /// expression: each counts as one that raised. [`Self::evaluate`] runs them.
    ///
    /// The loop guard is not applied; see `domain::loop_guard::check`.
    pub fn matches(&self, event: &Event) -> Vec<usize> {
        self.fired(&self.verdicts(&EventView::from_event(event), |_, _| ExpressionVerdict::Raised))
    }

    /// The rules that fire for the event, with the effects of the expressions that were run. Each expression is run at
    /// most once, however many rules it is bound to, and only if the event meets its precondition. `document` must be
    /// the document that this set was compiled from.
    ///
    /// If the document has expressions or dry-run bindings, an event that the loop guard stops fires no rule at all: an
    /// event that a policy has caused must not make the same policy cause it again.
    pub fn evaluate(&self, event: &Event, document: &RulesDocument, expressions: &dyn Expressions) -> RuleMatches {
        let view = EventView::from_event(event);
        let looping = || loop_guard::check(event, document);
        if (self.groups.is_some() || !self.dry_run_bindings.is_empty())
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
                    let run = runner.run(self.policies.name(policy), expression);
                    let verdict = run.verdict();
                    effects.extend(run.effects);
                    verdict
                })
            }
        };
        let passed = self.dry_run_bindings.iter().filter(|binding| verdicts.hold(binding.compiled));
        effects.extend(passed.filter_map(|binding| {
            let rule = document.rules.get(binding.rule)?;
            Some(Effects::dry_run_passed(&rule.name, rule.bindings.get(binding.binding)?))
        }));
        let matched = self.fired(&verdicts);
        let mut entered = self.watches.entered(event, &verdicts.passed);
        let mut loop_guard = if matched.is_empty() && entered.is_empty() { None } else { looping() };
        if loop_guard.is_some() {
            entered.clear();
            loop_guard = loop_guard.filter(|_| !matched.is_empty());
        }
        RuleMatches { matched, loop_guard, effects, entered }
    }

    /// The detection of an entry, with its id.
    pub fn detection(&self, entered: EnteredDetection) -> (&Detection, DetectionId) {
        self.watches.detection(entered)
    }

    /// The detection of this id; `None` if the document has none, because it was changed or removed.
    pub fn detection_by_id(&self, id: DetectionId) -> Option<&Detection> {
        self.watches.by_id(id)
    }

    /// All detections with their ids, in the order of their names.
    pub fn detections(&self) -> &[(Detection, DetectionId)] {
        self.watches.all()
    }

    /// Whether a policy is an expression, so that evaluating an event may take long and should not block an async
    /// thread.
    pub fn has_expressions(&self) -> bool {
        self.groups.is_some()
    }

    fn verdicts(
        &self,
        view: &EventView<'_>,
        mut run: impl FnMut(u32, &PolicyExpression) -> ExpressionVerdict,
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
            Policy::EventMatcher(_) | Policy::EventPattern(_) | Policy::Detection(_) => {
                self.policies.matches(policy, view, &values, self.index.paths())
            }
        });
        PolicyVerdicts { passed, raised }
    }

    fn fired(&self, verdicts: &PolicyVerdicts) -> Vec<usize> {
        let fires = |&at: &u32| {
            let bindings = bindings_of(at, &self.compiled, &self.bindings);
            match self.compiled[at as usize].mode {
                BindingMode::Any => bindings.iter().any(|binding| verdicts.hold(*binding)),
                BindingMode::All => bindings.iter().all(|binding| verdicts.hold(*binding)),
            }
        };
        // A policy that raised may make a rule fire, too, by the `failure_result` of its binding.
        let mut rules = self.rules_by_policy.candidates(verdicts.passed.iter().chain(&verdicts.raised).copied());
        rules.retain(fires);
        rules.into_iter().map(|at| self.compiled[at as usize].index as usize).collect()
    }

    /// The heap memory of the index in bytes, without the policies themselves.
    pub fn index_bytes(&self) -> usize {
        self.index.heap_bytes()
            + self.rules_by_policy.heap_bytes()
            + self.compiled.capacity() * size_of::<CompiledRule>()
            + self.bindings.capacity() * size_of::<CompiledBinding>()
    }
}

fn bindings_of<'c>(rule: u32, compiled: &[CompiledRule], bindings: &'c [CompiledBinding]) -> &'c [CompiledBinding] {
    let start = rule.checked_sub(1).map_or(0, |before| compiled[before as usize].bindings_end);
    &bindings[start as usize..compiled[rule as usize].bindings_end as usize]
}

/// The rule's mode and bindings, without the bindings whose result is constant; `None` if the rule can never fire.
///
/// A binding to a missing policy has the constant result `failure_result`. A rule that always fires becomes
/// [`BindingMode::All`] of no bindings.
fn compile(rule: &Rule, names: &PolicyNumbers<'_>) -> Option<(BindingMode, Vec<CompiledBinding>)> {
    let mut bindings = Vec::new();
    let mut constant = None;
    for binding in rule.bindings.iter().filter(|binding| binding.enabled && !binding.dry_run) {
        if let Some(compiled) = compile_binding(binding, names) {
            bindings.push(compiled);
        } else if constant != Some(rule.mode == BindingMode::Any) {
            // A constant that alone decides the rule (true for `any`, false for `all`) is not overwritten.
            constant = Some(binding.failure_result);
        }
    }
    match (rule.mode, constant) {
        (BindingMode::Any, Some(true)) => Some((BindingMode::All, Vec::new())),
        (BindingMode::All, Some(false)) => None,
        (BindingMode::All, Some(true)) => Some((BindingMode::All, bindings)),
        (mode, _) => (!bindings.is_empty()).then_some((mode, bindings)),
    }
}

/// `None` if the policy does not exist.
fn compile_binding(binding: &Binding, names: &PolicyNumbers<'_>) -> Option<CompiledBinding> {
    let (negate, failure_result) = (binding.negate, binding.failure_result);
    names.get(binding.policy.as_str()).map(|&policy| CompiledBinding { policy, negate, failure_result })
}

fn dry_run_bindings(document: &RulesDocument, names: &PolicyNumbers<'_>) -> Vec<DryRunBinding> {
    let rules = document.rules.iter().enumerate().filter(|(_, rule)| rule.enabled);
    let bindings = rules.flat_map(|(at, rule)| rule.bindings.iter().enumerate().map(move |binding| (at, binding)));
    let dry_run = bindings.filter(|(_, (_, binding))| binding.enabled && binding.dry_run);
    dry_run
        .filter_map(|(rule, (at, binding))| {
            Some(DryRunBinding { rule, binding: at, compiled: compile_binding(binding, names)? })
        })
        .collect()
}

/// Saturates: a document with 2^32 bindings cannot be stored.
fn to_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The rule's enabled bindings, by `order`, then by their position in the file.
pub(crate) fn in_order(rule: &Rule) -> impl Iterator<Item = &Binding> {
    let mut bindings: Vec<&Binding> = rule.bindings.iter().filter(|binding| binding.enabled).collect();
    bindings.sort_by_key(|binding| binding.order);
    bindings.into_iter()
}
