//! Explains why each rule fires or does not.
//!
//! Evaluates the document itself, without the compiled form and without stopping early. Thus every policy gets a
//! reason, and tests can compare the fast path with an independent evaluation.

use std::collections::HashMap;
use std::sync::Arc;

use domain::Event;
use domain::expression::{Groups, RaisedException, ReturnedValue};
use domain::ports::Expressions;
use domain::rules_document::{
    Binding, BindingMode, Detection, EventMatcher, Policy, PolicyExpression, Rule, RulesDocument,
};
use domain::text::truncate;
use serde::Serialize;
use serde_json::Value;

use crate::event_view::EventView;
use crate::expression_runner::{ExpressionRun, ExpressionRunner};
use crate::matcher_clauses;
use crate::pattern;
use crate::rule_set::in_order;

/// How many characters of an expression's return value are shown.
const MAX_VALUE_CHARS: usize = 100;

/// Whether one rule fires for one event, and why. As JSON it is a line of `nuncio match`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The name of the rule, as in the rules document.
    pub rule: String,
    /// Whether the rule fires, by its mode and the verdicts that count. Always false if `why` is set.
    pub matched: bool,
    /// The enabled bindings' policies, in the order in which they are evaluated.
    pub policies: Vec<PolicyVerdict>,
    /// A reason that is not a policy's: the rule is disabled, or it has no binding that counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// The verdict of one binding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyVerdict {
    /// The name of the bound policy, as in the rules document.
    pub policy: String,
    /// The binding's verdict, after `negate`.
    pub passed: bool,
    /// The first clause that failed, with the event's value and the wanted one. If none failed, the clauses that hold.
    pub why: String,
    /// Whether the binding negates the policy's result.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub negated: bool,
    /// Whether the binding is a dry run, so that its verdict does not count.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// The texts that the expression gave to `ak_message`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<String>,
    /// The exception that the expression raised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<RaisedException>,
}

impl PolicyVerdict {
    fn new(binding: &Binding, passed: bool, why: String) -> Self {
        let why = if binding.dry_run { format!("does not count (dry run): {why}") } else { why };
        let (policy, dry_run) = (binding.policy.clone(), binding.dry_run);
        Self { policy, passed, why, negated: false, dry_run, messages: Vec::new(), error: None }
    }
}

/// For every rule of the document, disabled ones too: whether it fires for the event, and why. Runs each bound
/// expression once; its effects are discarded.
pub fn explain(document: &RulesDocument, event: &Event, expressions: &dyn Expressions) -> Vec<Explanation> {
    let view = EventView::from_event(event);
    let groups = if document.has_expressions() { document.groups.clone() } else { Groups::new() };
    let runner = ExpressionRunner::new(&view, document, Arc::new(groups), expressions);
    let mut evaluations = PolicyEvaluations { view: &view, document, runner, runs: HashMap::new() };
    document.rules.iter().map(|rule| explain_rule(rule, &mut evaluations)).collect()
}

/// Evaluates the policies for one event.
struct PolicyEvaluations<'a> {
    view: &'a EventView<'a>,
    document: &'a RulesDocument,
    runner: ExpressionRunner<'a>,
    /// The expressions that were run, by policy name.
    runs: HashMap<&'a str, ExpressionRun>,
}

fn explain_rule(rule: &Rule, evaluations: &mut PolicyEvaluations<'_>) -> Explanation {
    let policies: Vec<_> = in_order(rule).map(|binding| evaluations.verdict(binding)).collect();
    let mut counted = policies.iter().filter(|verdict| !verdict.dry_run).peekable();
    let why = if !rule.enabled {
        Some("disabled")
    } else if policies.is_empty() {
        Some("no enabled binding")
    } else if counted.peek().is_none() {
        Some("no enabled binding that counts")
    } else {
        None
    };
    let agreed = match rule.mode {
        BindingMode::Any => counted.any(|verdict| verdict.passed),
        BindingMode::All => counted.all(|verdict| verdict.passed),
    };
    Explanation { rule: rule.name.clone(), matched: why.is_none() && agreed, policies, why: why.map(str::to_owned) }
}

impl<'a> PolicyEvaluations<'a> {
    fn verdict(&mut self, binding: &Binding) -> PolicyVerdict {
        let Some((name, policy)) = self.document.policies.get_key_value(&binding.policy) else {
            // A checked document has no such binding. The fast path treats one like a policy that raised.
            let why = format!("the policy does not exist; failure_result is {}", binding.failure_result);
            return PolicyVerdict::new(binding, binding.failure_result, why);
        };
        let (admitted, reason) = match policy.as_ref() {
            Policy::EventMatcher(matcher) => explain_matcher(matcher, self.view),
            Policy::EventPattern(pattern) => pattern::explain_pattern(pattern, self.view),
            Policy::Expression(expression) => return self.expression(name, expression, binding),
            Policy::Detection(detection) => explain_detection(detection, self.view),
        };
        with_negate(binding, admitted, reason)
    }

    fn expression(&mut self, name: &'a str, expression: &PolicyExpression, binding: &Binding) -> PolicyVerdict {
        let run = self.runs.entry(name).or_insert_with(|| self.runner.run(name, expression));
        let mut verdict = match &run.outcome {
            Ok(returned) => {
                with_negate(binding, returned.truthy, format!("the expression returned {}", python_text(returned)))
            }
            Err(raised) => {
                let place = raised.line.map(|line| format!(" in line {line}")).unwrap_or_default();
                let why = format!(
                    "the expression raised {}{place}; failure_result is {}",
                    raised.kind, binding.failure_result
                );
                PolicyVerdict {
                    error: Some(raised.clone()),
                    ..PolicyVerdict::new(binding, binding.failure_result, why)
                }
            }
        };
        verdict.messages.clone_from(&run.messages);
        verdict
    }
}

/// The verdict after the binding's `negate`.
fn with_negate(binding: &Binding, admitted: bool, reason: String) -> PolicyVerdict {
    let why = if binding.negate { format!("negated: {reason}") } else { reason };
    PolicyVerdict { negated: binding.negate, ..PolicyVerdict::new(binding, admitted != binding.negate, why) }
}

/// The value as Python writes it; containers and texts are written as JSON, cut to [`MAX_VALUE_CHARS`].
fn python_text(returned: &ReturnedValue) -> String {
    match &returned.value {
        // Such as a match of `re`: JSON has no form of it, so that only its truth is known here.
        Value::Null if returned.truthy => "a true value that JSON cannot hold, such as a match".to_owned(),
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        other => truncate(&other.to_string(), MAX_VALUE_CHARS),
    }
}

fn explain_detection(detection: &Detection, view: &EventView<'_>) -> (bool, String) {
    let reason = match view.event.detection() {
        Some(name) if *name == detection.name => return (true, format!("the detection {name} wrote the event")),
        Some(other) => format!("the detection {other} wrote the event, wanted {}", detection.name),
        None => format!("no detection wrote the event, wanted {}", detection.name),
    };
    (false, reason)
}

fn explain_matcher(matcher: &EventMatcher, view: &EventView<'_>) -> (bool, String) {
    let clauses = matcher_clauses::check_all(matcher, view);
    if let Some(failure) = clauses.iter().find_map(|clause| clause.failure.clone()) {
        return (false, failure);
    }
    if clauses.is_empty() {
        return (true, "the matcher has no clauses, so every event passes".to_owned());
    }
    (true, clauses.into_iter().map(|clause| clause.found).collect::<Vec<_>>().join(", "))
}
