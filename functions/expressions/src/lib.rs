//! The sandbox for authentik's expression bodies.
//!
//! TODO

mod edit;
mod evaluation;
mod expression;
mod host;
mod program;
mod rewrite;
mod run;
mod scope;
mod source;
mod unavailable;
mod value;
pub mod worker;

pub use evaluation::{Called, Created, Evaluation, LogLine, NoPolicies, Policies, Raised, Returned};
pub use expression::Expression;
pub use program::Kind;
pub use run::MAX_RUN;
pub use scope::{Groups, Scope, View};
pub use source::{MAX_SOURCE_BYTES, SyntaxFault};
pub use unavailable::Missing;
