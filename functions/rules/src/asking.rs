//! Expressions put to one event: what they are shown, and the other policies that they may call.
//!
//! Owns what one expression may call and how much. Runs nothing itself; that is the port's.

use std::cell::{Cell, OnceCell, RefCell};
use std::sync::Arc;

use domain::Event;
use domain::event::Object;
use domain::expression::{
    Called, Created, Effects, Evaluation, Groups, LogLine, Policies, Raised, Returned, Runner, Scope,
};
use domain::ports::Expressions;
use domain::rules_document::{Expression, Policy, RulesDocument};

use crate::facts::Facts;
use crate::policies::admits;

/// How many expressions one expression may call, and these in turn: together they end within the shortest
/// timeout that a binding can have, which is a second.
const MAX_RUNS: usize = 8;

/// What an expression says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Failed,
    Raised,
}

/// One expression that was run.
#[derive(Debug, Clone)]
pub(crate) struct Ran {
    pub(crate) outcome: Result<Returned, Raised>,
    pub(crate) messages: Vec<String>,
    pub(crate) effects: Option<Effects>,
}

impl Ran {
    pub(crate) fn verdict(&self) -> Verdict {
        match &self.outcome {
            Ok(returned) if returned.truthy => Verdict::Passed,
            Ok(_) => Verdict::Failed,
            Err(_) => Verdict::Raised,
        }
    }
}

/// One event's expressions.
pub(crate) struct Asking<'a> {
    facts: &'a Facts<'a>,
    /// Copied when the first expression is run.
    event: OnceCell<Arc<Event>>,
    document: &'a RulesDocument,
    groups: Arc<Groups>,
    expressions: &'a dyn Expressions,
}

impl<'a> Asking<'a> {
    pub(crate) fn new(
        facts: &'a Facts<'a>,
        document: &'a RulesDocument,
        groups: Arc<Groups>,
        expressions: &'a dyn Expressions,
    ) -> Self {
        Self { facts, event: OnceCell::new(), document, groups, expressions }
    }

    /// Runs the policy of that name.
    pub(crate) fn run(&self, policy: &str, expression: &Expression) -> Ran {
        let event = Arc::clone(self.event.get_or_init(|| Arc::new(self.facts.event.clone())));
        let user = event.user.clone();
        let scope = Scope::policy(event, user, Arc::clone(&self.groups));
        let left = Left::default();
        let calls = Calls { asking: self, scope: &scope, left: &left };
        let mut evaluation = self.expressions.evaluate(&expression.source, &scope, &calls);
        left.add_to(&mut evaluation);
        // What a called policy did is the caller's doing: the loop guard knows policies that are bound.
        let effects = Effects::take(Runner::Policy(policy.to_owned()), &mut evaluation);
        Ran { outcome: evaluation.outcome, messages: evaluation.messages, effects }
    }
}

/// What the called policies leave behind.
#[derive(Default)]
struct Left {
    runs: Cell<usize>,
    events: RefCell<Vec<Created>>,
    log: RefCell<Vec<LogLine>>,
}

impl Left {
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
struct Calls<'a> {
    asking: &'a Asking<'a>,
    scope: &'a Scope,
    left: &'a Left,
}

impl Policies for Calls<'_> {
    fn call(&self, name: &str, context: Object) -> Result<Option<Called>, String> {
        let Some(policy) = self.asking.document.policies.get(name) else { return Ok(None) };
        let Policy::Expression(expression) = policy.as_ref() else {
            let passing = admits(policy, self.asking.facts);
            return Ok(Some(Called { passing, messages: Vec::new(), raw_result: passing.into() }));
        };
        let runs = self.left.runs.get() + 1;
        if runs > MAX_RUNS {
            return Err(format!("more than {MAX_RUNS} expressions are called"));
        }
        self.left.runs.set(runs);
        let scope = self.scope.called(context);
        let calls = Calls { scope: &scope, ..*self };
        let mut evaluation = self.asking.expressions.evaluate(&expression.source, &scope, &calls);
        self.left.take(&mut evaluation);
        let returned = evaluation.outcome.map_err(|raised| format!("the policy {name:?} raised {raised}"))?;
        let (passing, raw_result) = (returned.truthy, returned.value);
        Ok(Some(Called { passing, messages: evaluation.messages, raw_result }))
    }
}
