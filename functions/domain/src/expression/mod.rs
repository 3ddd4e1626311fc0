//! Expressions: what a policy's or a mapping's Python body is shown, what it comes to, and what is kept of it.
//!
//! Owns the words for it on both sides of the sandbox, and how what a body did becomes events.
//! Runs nothing: that is the `expressions` crate's, behind the port [`Expressions`](crate::ports::Expressions).

mod effects;
mod evaluation;
mod scope;

pub use effects::{Effects, Part, Runner};
pub use evaluation::{Called, Created, Evaluation, LogLine, NoPolicies, Policies, Raised, Returned};
pub use scope::{Groups, Kind, Scope, View};
