//! Expressions: the scope that a policy's or a mapping's Python body sees, its result, and its effects.
//!
//! Owns the types on both sides of the sandbox, and how effects become events. Refuses to run a body: the `expressions`
//! crate does, behind the port [`Expressions`](crate::ports::Expressions).

mod effects;
mod evaluation;
mod scope;

pub use effects::{Effects, ExpressionOwner, MappingPart};
pub use evaluation::{
    CreatedEvent, Evaluation, LogLine, NoPolicies, PolicyCaller, PolicyResult, RaisedException, ReturnedValue,
};
pub use scope::{ExpressionKind, ExpressionScope, Groups, NotificationView};
