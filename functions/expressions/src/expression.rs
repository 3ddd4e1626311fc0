//! A checked body of an expression or mapping.
//!
//! Owns what is known about the body without running it, and its programs, each compiled once.

use std::sync::{Arc, OnceLock};

use crate::check::{self, CalledPolicy};
use crate::program::{self, Compiled};
use crate::run;
use crate::source::SyntaxFault;
use crate::unavailable::Missing;
use domain::expression::ExpressionKind;
use domain::expression::ExpressionScope;
use domain::expression::{Evaluation, PolicyCaller};
use domain::rules_document::Precondition;

/// A policy's expression, or a transport's body or headers, ready to be evaluated. Clones share the compiled programs.
#[derive(Debug, Clone)]
pub struct Expression(Arc<SharedBody>);

#[derive(Debug)]
struct SharedBody {
    source: String,
    policy: OnceLock<Result<Compiled, SyntaxFault>>,
    mapping: OnceLock<Result<Compiled, SyntaxFault>>,
}

impl Expression {
    /// Parses a body as a policy.
    ///
    /// # Errors
    /// The first fault, with its position in the body as written.
    pub fn parse(source: &str) -> Result<Self, SyntaxFault> {
        Self::parse_as(source, ExpressionKind::Policy)
    }

    /// Parses a body as a policy or a mapping.
    ///
    /// # Errors
    /// The first fault, with its position in the body as written.
    pub fn parse_as(source: &str, kind: ExpressionKind) -> Result<Self, SyntaxFault> {
        let expression =
            Self(Arc::new(SharedBody { source: source.to_owned(), policy: OnceLock::new(), mapping: OnceLock::new() }));
        expression.compiled(kind).map_err(Clone::clone)?;
        Ok(expression)
    }

    /// The body as written.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The names, modules and members that the body uses but that are not available, in the order of their places. The
    /// body may still run, if it never reaches them. Empty if the body cannot be parsed.
    pub fn missing(&self, kind: ExpressionKind) -> Vec<Missing> {
        check::missing(&self.0.source, kind, kind == ExpressionKind::Mapping)
    }

    /// The same of a mapping that has no `original_body`, such as that of headers.
    pub fn missing_without_original(&self) -> Vec<Missing> {
        check::missing(&self.0.source, ExpressionKind::Mapping, false)
    }

    /// The policies that the body calls by `ak_call_policy` with a name that it writes out, in the order of the text.
    /// Empty for a body without such calls.
    pub fn called_policies(&self) -> Vec<CalledPolicy> {
        check::called_policies(&self.0.source)
    }

    /// The precondition of the policy: for an event that does not meet it, the body would return a false value without
    /// any effect.
    pub fn precondition(&self) -> Precondition {
        self.compiled(ExpressionKind::Policy).map(|compiled| compiled.precondition.clone()).unwrap_or_default()
    }

    /// Whether the body may read the groups of the rules document.
    pub fn uses_groups(&self) -> bool {
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
        self.compiled(ExpressionKind::Policy)
            .is_ok_and(|compiled| WORDS.iter().any(|word| compiled.mentions.contains(*word)))
    }

    /// Runs the body in this process.
    ///
    /// Time, recursion and output are limited, but memory is not: an allocation that fails aborts the process. Run
    /// untrusted bodies in a [`worker`](crate::worker).
    pub fn evaluate(&self, scope: &ExpressionScope, policies: &dyn PolicyCaller) -> Evaluation {
        match self.compiled(scope.kind) {
            Ok(compiled) => run::run(&compiled.program, scope, policies),
            Err(fault) => Evaluation::raised("SyntaxError", fault.to_string()),
        }
    }

    fn compiled(&self, kind: ExpressionKind) -> Result<&Compiled, &SyntaxFault> {
        let slot = match kind {
            ExpressionKind::Policy => &self.0.policy,
            ExpressionKind::Mapping => &self.0.mapping,
        };
        slot.get_or_init(|| program::compile(&self.0.source, kind)).as_ref()
    }
}
