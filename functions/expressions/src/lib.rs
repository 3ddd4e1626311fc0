//! The sandbox that runs authentik's Python expressions unchanged: policies, and the bodies and headers of webhooks.
//!
//! Owns what a body can see and do. Refuses files, network, clock, randomness and environment: an evaluation is a
//! function of the body and its [`ExpressionScope`]. Effects, such as created events, are returned in the
//! [`Evaluation`] for the caller to perform. [`worker::WorkerPool`] implements the domain's port
//! [`Expressions`](domain::ports::Expressions).
//!
//! ```
//! use expressions::{Expression, SyntaxFault};
//!
//! let fault = Expression::parse("if x\n    return 1").unwrap_err();
//! assert_eq!(fault.to_string(), "line 1, column 5: Expected `:`, found newline");
//! ```
#![doc = include_str!("../README.md")]

mod check;
mod cpython;
mod difference;
mod edit;
mod emulate;
mod expression;
mod host;
mod precondition;
mod prelude;
mod program;
mod python_pattern;
mod returned_function;
mod rewrite;
mod run;
mod source;
mod unavailable;
mod value;
pub mod worker;

pub use check::CalledPolicy;
pub use domain::expression::{
    CreatedEvent, Evaluation, ExpressionKind, ExpressionScope, Groups, LogLine, NoPolicies, NotificationView,
    PolicyCaller, PolicyResult, RaisedException, ReturnedValue,
};
pub use expression::Expression;
pub use run::MAX_RUN;
pub use source::{MAX_SOURCE_BYTES, SyntaxFault};
pub use unavailable::Missing;
