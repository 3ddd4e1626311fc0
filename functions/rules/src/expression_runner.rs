//! Runs the expressions of policies for one event.
//!
//! Owns what an expression sees, which other policies it may call, and how many. The port
//! [`Expressions`] does the evaluation.

use std::cell::{Cell, OnceCell, RefCell};
use std::sync::Arc;

use domain::Event;
use domain::event::Object;
use domain::expression::{
    Called, Created, Effects, Evaluation, Groups, LogLine, Policies, Raised, Returned, Runner, Scope,
};
use domain::ports::Expressions;
use domain::rules_document::{Expression, Policy, RulesDocument};

use crate::event_view::EventView;
use crate::policy_table::admits;

/// How many expressions one expression may call, nested calls included. All of them end within one second, which is the
/// shortest timeout that a binding can have.
const MAX_CALLS: usize = 8;

/// The result of an expression, before a binding applies `negate` and `failure_result`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExpressionVerdict {
    /// It returned a true value.
    Passed,
    /// It returned a false value.
    Failed,
    /// It raised an exception.
    Raised,
}

/// The run of one expression.
#[derive(Debug, Clone)]
pub(crate) struct ExpressionRun {
    pub(crate) outcome: Result<Returned, Raised>,
    /// The texts given to `ak_message`.
    pub(crate) messages: Vec<String>,
    /// Created events and log lines, those of called policies included; `None` if there are none.
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

/// Runs expressions for one event.
pub(crate) struct ExpressionRunner<'a> {
    view: &'a EventView<'a>,
    /// A copy of the event, made for the first expression: most events run none.
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

    /// Runs the expression of the policy named `policy`.
    pub(crate) fn run(&self, policy: &str, expression: &Expression) -> ExpressionRun {
        let event = Arc::clone(self.event.get_or_init(|| Arc::new(self.view.event.clone())));
        let user = event.user.clone();
        let scope = Scope::policy(event, user, Arc::clone(&self.groups));
        let called = CalledEffects::default();
        let calls = CallablePolicies { runner: self, scope: &scope, called: &called };
        let mut evaluation = self.expressions.evaluate(&expression.source, &scope, &calls);
        called.move_into(&mut evaluation);
        // The effects of called policies are attributed to the caller: the loop guard looks only at bound policies.
        let effects = Effects::take(Runner::Policy(policy.to_owned()), &mut evaluation);
        ExpressionRun { outcome: evaluation.outcome, messages: evaluation.messages, effects }
    }
}

/// The effects of the policies that an expression called.
#[derive(Default)]
struct CalledEffects {
    /// How many expressions were called.
    calls: Cell<usize>,
    events: RefCell<Vec<Created>>,
    log: RefCell<Vec<LogLine>>,
}

impl CalledEffects {
    /// Moves the effects of one called policy out of its evaluation.
    fn take_from(&self, evaluation: &mut Evaluation) {
        self.events.borrow_mut().append(&mut evaluation.events);
        self.log.borrow_mut().append(&mut evaluation.log);
    }

    /// Moves all effects into the evaluation of the caller.
    fn move_into(self, evaluation: &mut Evaluation) {
        evaluation.events.append(&mut self.events.into_inner());
        evaluation.log.append(&mut self.log.into_inner());
    }
}

/// The document's policies, for an expression to call.
struct CallablePolicies<'a> {
    runner: &'a ExpressionRunner<'a>,
    scope: &'a Scope,
    called: &'a CalledEffects,
}

impl Policies for CallablePolicies<'_> {
    fn call(&self, name: &str, context: Object) -> Result<Option<Called>, String> {
        let Some(policy) = self.runner.document.policies.get(name) else { return Ok(None) };
        let Policy::Expression(expression) = policy.as_ref() else {
            let passing = admits(policy, self.runner.view);
            return Ok(Some(Called { passing, messages: Vec::new(), raw_result: passing.into() }));
        };
        let count = self.called.calls.get() + 1;
        if count > MAX_CALLS {
            return Err(format!("an expression may call at most {MAX_CALLS} others, nested calls included"));
        }
        self.called.calls.set(count);
        let scope = self.scope.called(context);
        let calls = CallablePolicies { scope: &scope, ..*self };
        let mut evaluation = self.runner.expressions.evaluate(&expression.source, &scope, &calls);
        self.called.take_from(&mut evaluation);
        let returned = evaluation.outcome.map_err(|raised| format!("the policy {name:?} raised {raised}"))?;
        let (passing, raw_result) = (returned.truthy, returned.value);
        Ok(Some(Called { passing, messages: evaluation.messages, raw_result }))
    }
}
