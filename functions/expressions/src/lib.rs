//! The sandbox for authentik's expression bodies, as written: policies, and the bodies and headers of
//! webhooks.
//!
//! Owns what a body can see and do. Refuses files, network, clock, chance and environment; an evaluation
//! is a function of the body and its [`Scope`], and everything a body *does* comes back as a note in the
//! [`Evaluation`]. These words are the domain's; the way in is its port
//! [`Expressions`](domain::ports::Expressions), of which [`worker::Workers`] is the implementation.
//!
//! ```
//! use expressions::{Expression, SyntaxFault};
//!
//! let fault = Expression::parse("if x\n    return 1").unwrap_err();
//! assert_eq!(fault.to_string(), "line 1, column 5: Expected `:`, found newline");
//! ```
#![doc = include_str!("../README.md")]

mod attributes;
mod edit;
mod expression;
mod host;
mod precondition;
mod program;
mod returned;
mod rewrite;
mod run;
mod source;
mod unavailable;
mod value;
pub mod worker;

pub use domain::expression::{
    Called, Created, Evaluation, Groups, Kind, LogLine, NoPolicies, Policies, Raised, Returned, Scope, View,
};
pub use expression::Expression;
pub use run::MAX_RUN;
pub use source::{MAX_SOURCE_BYTES, SyntaxFault};
pub use unavailable::Missing;
