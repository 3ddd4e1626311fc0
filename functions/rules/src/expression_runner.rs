//! Expressions put to one event: what they are shown, and the other policies that they may call.
//!
//! Owns what one expression may call and how much. Runs nothing itself; that is the port's.

use std::cell::{Cell, OnceCell, RefCell};
use std::sync::Arc;

use domain::Event;
use domain::document::{Expression, Policy, RulesDocument};
use domain::event::Object;
use domain::expression::{
    Called, Created, Effects, Evaluation, Groups, LogLine, Policies, Raised, Returned, Runner, Scope,
};
use domain::ports::Expressions;

use crate::event_view::EventView;
use crate::policy_table::admits;

/// How many expressions one expression may call, and these in turn: together they end within the shortest
/// timeout that a binding can have, which is a second.
const MAX_RUNS: usize = 8;

/// What an expression says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExpressionVerdict {
    Passed,
    Failed,
    Raised,
}

/// One expression that was run.
#[derive(Debug, Clone)]
pub(crate) struct ExpressionRun {
    pub(crate) outcome: Result<Returned, Raised>,
    pub(crate) messages: Vec<String>,
    pub(crate) effects: Option<Effects>,
}

impl ExpressionRun {
    pub(crate) fn verdict(&self) -> ExpressionVerdict {
        match &self.outcome {
            Ok(returned) if returned.truthy => ExpressionVerdict::Passed,
            Ok(_) => ExpressionVerdict::Failed,
            Err(_) => ExpressionVerdict::Raised,
        }
    }
}

/// One event's expressions.
pub(crate) struct ExpressionRunner<'a> {
    view: &'a EventView<'a>,
    /// Copied when the first expression is run.
    event: OnceCell<Arc<Event>>,
    document: &'a RulesDocument,
    groups: Arc<Groups>,
    expressions: &'a dyn Expressions,
}

impl<'a> ExpressionRunner<'a> {
    pub(crate) fn new(
        view: &'a EventView<'a>,
        document: &'a RulesDocument,
        groups: Arc<Groups>,
        expressions: &'a dyn Expressions,
    ) -> Self {
        Self { view, event: OnceCell::new(), document, groups, expressions }
    }

    /// Runs the policy of that name.
    pub(crate) fn run(&self, policy: &str, expression: &Expression) -> ExpressionRun {
        let event = Arc::clone(self.event.get_or_init(|| Arc::new(self.view.event.clone())));
        let user = event.user.clone();
        let scope = Scope::policy(event, user, Arc::clone(&self.groups));
        let left = CalledEffects::default();
        let calls = CallablePolicies { runner: self, scope: &scope, left: &left };
        let mut evaluation = self.expressions.evaluate(&expression.source, &scope, &calls);
        left.add_to(&mut evaluation);
        // What a called policy did is the caller's doing: the loop guard knows policies that are bound.
        let effects = Effects::take(Runner::Policy(policy.to_owned()), &mut evaluation);
        ExpressionRun { outcome: evaluation.outcome, messages: evaluation.messages, effects }
    }
}

/// What the called policies leave behind.
#[derive(Default)]
struct CalledEffects {
    runs: Cell<usize>,
    events: RefCell<Vec<Created>>,
    log: RefCell<Vec<LogLine>>,
}

impl CalledEffects {
    fn take(&self, evaluation: &mut Evaluation) {
        self.events.borrow_mut().append(&mut evaluation.events);
        self.log.borrow_mut().append(&mut evaluation.log);
    }

    fn add_to(self, evaluation: &mut Evaluation) {
        evaluation.events.append(&mut self.events.into_inner());
        evaluation.log.append(&mut self.log.into_inner());
    }
}

/// The document's policies, as one expression may call them.
struct CallablePolicies<'a> {
    runner: &'a ExpressionRunner<'a>,
    scope: &'a Scope,
    left: &'a CalledEffects,
}

impl Policies for CallablePolicies<'_> {
    fn call(&self, name: &str, context: Object) -> Result<Option<Called>, String> {
        let Some(policy) = self.runner.document.policies.get(name) else { return Ok(None) };
        let Policy::Expression(expression) = policy.as_ref() else {
            let passing = admits(policy, self.runner.view);
            return Ok(Some(Called { passing, messages: Vec::new(), raw_result: passing.into() }));
        };
        let runs = self.left.runs.get() + 1;
        if runs > MAX_RUNS {
            return Err(format!("more than {MAX_RUNS} expressions are called"));
        }
        self.left.runs.set(runs);
        let scope = self.scope.called(context);
        let calls = CallablePolicies { scope: &scope, ..*self };
        let mut evaluation = self.runner.expressions.evaluate(&expression.source, &scope, &calls);
        self.left.take(&mut evaluation);
        let returned = evaluation.outcome.map_err(|raised| format!("the policy {name:?} raised {raised}"))?;
        let (passing, raw_result) = (returned.truthy, returned.value);
        Ok(Some(Called { passing, messages: evaluation.messages, raw_result }))
    }
}
