//! Evaluates which rules each event fires.
//!
//! Owns where the evaluation runs. Expressions are slow, so that they are run on blocking threads, a few messages at a
//! time, while the deliveries that need none are sent at once. To tell the two apart, each event is first evaluated
//! without expressions. If the rules ask for one, the event is evaluated again with expressions; but the rules that
//! fire whatever the expressions return notify at once.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::Timestamp;
use domain::event::{Event, EventPk};
use domain::expression::{Evaluation, ExpressionScope, PolicyCaller};
use domain::ports::{ActiveRules, Expressions, NoExpressions};
use domain::rules_document::{Policy, RulesDocument};
use jiff::SignedDuration;
use rules::{EnteredDetection, RuleMatches, RuleSet};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::DispatchPorts;

/// How many messages run expressions at a time; more would only compete for the processors.
pub(crate) const MAX_CONCURRENT: usize = 4;

/// How long a message waits to run its expressions before it is deferred. The wait and the evaluation must end before
/// the queue hands the message out again.
const MAX_WAIT: Duration = Duration::from_mins(1);

/// How long before the deadline no further expression is run: longer than opening the deliveries of the evaluated
/// events and attempting them takes.
const MARGIN: SignedDuration = SignedDuration::from_secs(25);

/// An event with the rules that it fires.
pub(crate) type MatchedEvent = (Arc<Event>, RuleMatches);

/// An event that needs expressions.
pub(crate) struct UndecidedEvent {
    event: Arc<Event>,
    /// The rules that fire whatever the expressions return, as indexes into the document's `rules`.
    decided: Vec<usize>,
    /// The detections that the event enters by policies that are no expressions.
    entered: Vec<EnteredDetection>,
}

/// Evaluates the events without expressions. Returns the rules that fire whatever the expressions would return, in the
/// order of the events, and the events that need expressions for the other rules.
pub(crate) fn without_expressions(
    events: Vec<Arc<Event>>,
    active: &ActiveRules,
    rules: &RuleSet,
) -> (Vec<MatchedEvent>, Vec<UndecidedEvent>) {
    let (mut matched, mut undecided) = (Vec::with_capacity(events.len()), Vec::new());
    for event in events {
        let probe = ExpressionProbe::default();
        let mut matches = rules.evaluate(&event, &active.document, &probe);
        if probe.0.load(Ordering::Relaxed) {
            matches.matched.retain(|&rule| is_decided(&active.document, rule));
            let decided = matches.matched.clone();
            let entered = matches.entered.clone();
            undecided.push(UndecidedEvent { event: Arc::clone(&event), decided, entered });
            if matches.matched.is_empty() && matches.entered.is_empty() {
                continue;
            }
            // The evaluation with expressions produces the effects.
            matches.effects.clear();
        }
        matched.push((event, matches));
    }
    (matched, undecided)
}

/// Whether a rule that fired although each expression raised fires whatever the expressions return. A binding whose
/// expression raised does not hold, unless its `failure_result` is true. If it did not hold, others made the rule fire.
fn is_decided(document: &RulesDocument, rule: usize) -> bool {
    let is_expression =
        |name: &str| document.policies.get(name).is_some_and(|policy| matches!(**policy, Policy::Expression(_)));
    document.rules.get(rule).is_some_and(|rule| {
        let mut deciding = rule.bindings.iter().filter(|binding| binding.enabled && !binding.dry_run);
        deciding.all(|binding| !binding.failure_result || !is_expression(&binding.policy))
    })
}

/// Runs no expression, and remembers whether the rules asked for one.
#[derive(Default)]
struct ExpressionProbe(AtomicBool);

impl Expressions for ExpressionProbe {
    fn evaluate(&self, source: &str, scope: &ExpressionScope, policies: &dyn PolicyCaller) -> Evaluation {
        self.0.store(true, Ordering::Relaxed);
        NoExpressions.evaluate(source, scope, policies)
    }
}

/// The events that were evaluated with expressions, and those for which no time was left.
#[derive(Default)]
pub(crate) struct EvaluatedEvents {
    /// With the rules that fire, without those that were decided before.
    pub(crate) matched: Vec<MatchedEvent>,
    /// In the order of the message.
    pub(crate) left: Vec<EventPk>,
}

/// Evaluates events with expressions, as soon as one of the `permits` is free, and until [`MARGIN`] before `deadline`.
/// Returns `None` if no permit is free within [`MAX_WAIT`].
pub(crate) async fn with_expressions(
    ports: &DispatchPorts,
    permits: &Semaphore,
    events: Vec<UndecidedEvent>,
    active: &Arc<ActiveRules>,
    rules: &Arc<RuleSet>,
    deadline: Timestamp,
) -> Option<EvaluatedEvents> {
    let end = domain::time::later(deadline, -MARGIN);
    let remaining = Duration::try_from(ports.clock.now().duration_until(end)).unwrap_or_default();
    // `acquire` fails only on a closed semaphore, and this one is never closed.
    let Ok(_permit) = timeout(MAX_WAIT.min(remaining), permits.acquire()).await else {
        let left = || events.iter().map(|undecided| undecided.event.pk).collect();
        return (remaining < MAX_WAIT).then(|| EvaluatedEvents { matched: Vec::new(), left: left() });
    };
    let (expressions, clock) = (Arc::clone(&ports.expressions), Arc::clone(&ports.clock));
    let (active, rules) = (Arc::clone(active), Arc::clone(rules));
    let evaluated = tokio::task::spawn_blocking(move || {
        let mut evaluated = EvaluatedEvents::default();
        for UndecidedEvent { event, decided, entered } in events {
            if clock.now() >= end {
                evaluated.left.push(event.pk);
                continue;
            }
            let mut matches = rules.evaluate(&event, &active.document, &*expressions);
            matches.matched.retain(|rule| !decided.contains(rule));
            matches.entered.retain(|one| !entered.contains(one));
            evaluated.matched.push((event, matches));
        }
        evaluated
    });
    Some(evaluated.await.unwrap_or_else(|error| resume_unwind(error.into_panic())))
}

#[cfg(test)]
mod tests {
    use domain::event::ActionPattern;
    use domain::rules_document::{Binding, BindingMode, EventMatcher, PolicyExpression, Precondition, Rule};

    use super::*;

    /// Whether each of these rules is decided without expressions, for an event that passes `passes` and not `fails`.
    fn decided(rules: &[(BindingMode, &[Binding])]) -> Vec<bool> {
        let mut document = RulesDocument::default();
        let expression = PolicyExpression { source: "return True".to_owned(), precondition: Precondition::default() };
        let matcher = |action: &str| EventMatcher {
            action: vec![ActionPattern::parse(action).unwrap()],
            ..EventMatcher::default()
        };
        for (name, policy) in [
            ("expression", Policy::Expression(expression)),
            ("passes", Policy::EventMatcher(matcher("login"))),
            ("fails", Policy::EventMatcher(matcher("logout"))),
        ] {
            document.policies.insert(name.to_owned(), Arc::new(policy));
        }
        for (mode, bindings) in rules {
            let name = document.rules.len().to_string();
            document.rules.push(Rule { mode: *mode, bindings: bindings.to_vec(), ..Rule::named(name) });
        }
        let active = ActiveRules { document, ..ActiveRules::built_in("") };
        let event = Arc::new(domain::testing::event("login").build());
        let set = RuleSet::compile(&active.document);
        let (matched, undecided) = without_expressions(vec![event], &active, &set);
        assert_eq!(undecided.len(), 1, "the rules ask for the expression");
        let fired: Vec<usize> = matched.into_iter().flat_map(|(_, matches)| matches.matched).collect();
        assert_eq!(fired, undecided[0].decided);
        (0..rules.len()).map(|rule| fired.contains(&rule)).collect()
    }

    #[test]
    fn rules_fire_at_once_only_if_no_expression_can_change_that() {
        let bind = Binding::to_policy;
        let negated = |policy| Binding { negate: true, ..bind(policy) };
        let failing_open = |policy| Binding { failure_result: true, ..bind(policy) };
        let on_trial = |policy| Binding { dry_run: true, ..bind(policy) };
        let rules: [(BindingMode, &[Binding], bool); 9] = [
            (BindingMode::Any, &[bind("passes")], true),
            (BindingMode::Any, &[bind("fails")], false),
            (BindingMode::Any, &[bind("expression"), bind("passes")], true),
            (BindingMode::Any, &[bind("expression"), negated("fails")], true),
            (BindingMode::All, &[bind("expression"), bind("passes")], false),
            (BindingMode::All, &[negated("expression"), bind("passes")], false),
            (BindingMode::All, &[failing_open("expression"), bind("passes")], false),
            (BindingMode::Any, &[failing_open("expression")], false),
            (BindingMode::All, &[on_trial("expression"), failing_open("passes")], true),
        ];
        let expected: Vec<bool> = rules.iter().map(|(.., expected)| *expected).collect();
        assert_eq!(decided(&rules.map(|(mode, bindings, _)| (mode, bindings))), expected);
    }
}
