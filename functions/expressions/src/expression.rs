//! One body, checked.
//!
//! Owns what is known of it without running it, and its programs, each compiled once.

use std::sync::{Arc, OnceLock};

use crate::program::{self, Compiled};
use crate::run;
use crate::source::SyntaxFault;
use crate::unavailable::Missing;
use domain::expression::Kind;
use domain::expression::Scope;
use domain::expression::{Evaluation, Policies};
use domain::rules_document::Precondition;

/// A policy's expression, or a webhook's body or headers, that can be evaluated.
#[derive(Debug, Clone)]
pub struct Expression(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: String,
    policy: OnceLock<Result<Compiled, SyntaxFault>>,
    mapping: OnceLock<Result<Compiled, SyntaxFault>>,
}

impl Expression {
    /// Reads a body, whatever it is for.
    ///
    /// # Errors
    /// The first fault, at its place in the body as written.
    pub fn parse(source: &str) -> Result<Self, SyntaxFault> {
        Self::parse_as(source, Kind::Policy)
    }

    /// Reads a body for one use.
    ///
    /// # Errors
    /// The first fault, at its place in the body as written.
    pub fn parse_as(source: &str, kind: Kind) -> Result<Self, SyntaxFault> {
        let expression =
            Self(Arc::new(Inner { source: source.to_owned(), policy: OnceLock::new(), mapping: OnceLock::new() }));
        expression.compiled(kind).map_err(Clone::clone)?;
        Ok(expression)
    }

    /// The body as written.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// What the body asks for that is not there in such use. It may still run, if it never gets to that place.
    pub fn missing(&self, kind: Kind) -> &[Missing] {
        self.compiled(kind).map_or(&[], |compiled| &compiled.missing)
    }

    /// What an event must have for a policy of this body to do anything but say no.
    pub fn precondition(&self) -> Precondition {
        self.compiled(Kind::Policy).map(|compiled| compiled.precondition.clone()).unwrap_or_default()
    }

    /// Whether the groups of the rules document can matter to it.
    pub fn asks_for_groups(&self) -> bool {
        const WORDS: [&str; 8] = [
            "ak_is_group_member",
            "ak_user_by",
            "groups",
            "ak_groups",
            "all_groups",
            "group_attributes",
            "getattr",
            "ak_call_policy",
        ];
        self.compiled(Kind::Policy).is_ok_and(|compiled| WORDS.iter().any(|word| compiled.mentions.contains(*word)))
    }

    /// Runs it in this process.
    ///
    /// Bounds of time, recursion and output hold, but a body that asks for more memory than there is
    /// ends the process. For bodies that nobody vouches for there is the [`worker`](crate::worker).
    pub fn evaluate(&self, scope: &Scope, policies: &dyn Policies) -> Evaluation {
        match self.compiled(scope.kind) {
            Ok(compiled) => run::run(&compiled.program, scope, policies),
            Err(fault) => Evaluation::raised("SyntaxError", fault.to_string()),
        }
    }

    fn compiled(&self, kind: Kind) -> Result<&Compiled, &SyntaxFault> {
        let slot = match kind {
            Kind::Policy => &self.0.policy,
            Kind::Mapping => &self.0.mapping,
        };
        slot.get_or_init(|| program::compile(&self.0.source, kind)).as_ref()
    }
}
