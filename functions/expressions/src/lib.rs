//! The sandbox for authentik's expression bodies, as written: policies, and the bodies and headers of
//! webhooks.
//!
//! Owns what a body can see and do. Refuses files, network, clock, chance and environment; an evaluation
//! is a function of the body and its [`ExpressionScope`], and everything a body *does* comes back as a note in the
//! [`Evaluation`]. These words are the domain's; the way in is its port
//! [`Expressions`](domain::ports::Expressions), of which [`worker::Workers`] is the implementation.
//!
//! ```
//! use expressions::{Expression, SyntaxFault};
//!
//! let fault = Expression::parse("if x\n    return 1").unwrap_err();
//! assert_eq!(fault.to_string(), "line 1, column 5: Expected `:`, found newline");
//! ```
//!
//! # One evaluation
//!
//! 1. `source` puts the body into a function, so that `return` works at its top, and parses it.
//! 2. `rewrite` says in other words what the interpreter does not know, line for line.
//! 3. `program` adds the helpers that the body mentions, and compiles: once for each body.
//! 4. [`ExpressionScope`] is what there is to see. `host` answers while the body runs: an attribute of the event is
//!    converted when the body reads it, so a body pays for what it looks at.
//! 5. `run` bounds time, recursion and questions. [`worker`] bounds memory, by being a process that may die.
//!
//! Before there is an event, `precondition` reads off a policy what an event must have for it to do anything
//! but say no: the leading guards, comparisons and network questions that cannot raise. A rule's index asks
//! for that, so the body runs for few events.
//!
//! # The interpreter
//!
//! `monty` 0.0.23 (MIT), Python in Rust on its own bytecode machine. Of what was measured (starlark,
//! CEL, Rhai, minijinja) it is the only one that takes these bodies as they are: `try`/`except`,
//! `import`, `is`, generator expressions and tabs are in them. A released 1.x wants a newer compiler.
//!
//! Microseconds, the median on two busy cores (`cargo bench -p expressions` prints them anew):
//!
//! | body | compile | here | in a worker |
//! |---|---|---|---|
//! | `return True` | 7 | 1.9 | 14 |
//! | `ip_address(event.client_ip) in ip_network('192.0.2.0/24')` | 14 | 4.3 | 17 |
//! | the same address in any of three networks, as objects | 148 | 22 | 37 |
//! | `event.action` and one look into `event.context` | 16 | 8 | 22 |
//! | `regex_match(request.user.username, '.*admin.*')` | 11 | 6 | 20 |
//! | a mapping that loops over the context | 36 | 23 | 39 |
//!
//! Time is the body's own: one that others kept from the processor is run again, or waited for.
//! A worker is up within 1 ms, and its binary is 8.5 MB, stripped. `tests/bombs.rs` holds some fifty bombs: each
//! ends within 100 ms, those of memory within 64 MiB.
//!
//! # Differences from Python
//!
//! * Not there: `match`, `yield`, `async`, inheritance, `@property`, `super`, `callable`, `dir`,
//!   `issubclass`, `eval`, `exec`; unpacking into attributes (`a.x, a.y = 1, 2`). They are refused when
//!   the body is read or raise where they stand.
//! * `del name` leaves the name `None`; `del x[i:j]` is refused.
//! * Modules: `json`, `re`, `datetime`, `math`, `base64`, `binascii`, `collections`, `functools`,
//!   `itertools`, `typing`, `dataclasses`, and from here `hmac`, `hashlib` and `ipaddress`. Others raise
//!   `ModuleNotFoundError` with what to use instead, and [`Expression::missing`] knows them beforehand.
//! * `datetime.now()` is the time of the event, in UTC. There is no clock. `timedelta` takes whole numbers.
//! * Generator expressions are lists. `dict | dict` and a function as the replacement of `re.sub` raise
//!   `TypeError`; a slice cannot be assigned to.
//! * `regex_match` and `regex_replace` run in linear time and know no look-around and no
//!   back-references in the pattern; the module `re` does, with a bounded search.
//! * Addresses and networks have their usual attributes and operators except `<` and arithmetic, are of one
//!   class each for both versions, and a network's `hosts()` and `subnets()` are not there.
//! * `str(request.user)` is not the user's name; write `request.user.username`.
//! * Whole numbers beyond 64 bits reach a body as floats and leave it as text.
//! * `print` goes nowhere; `ak_logger` and `ak_message` are kept.
//!
//! # Differences from authentik
//!
//! * Users are the event's and those of the groups in `nuncio.yaml`; `ak_user_by` and `ak_is_group_member`
//!   take `username`, `email`, `name` and `pk` with Django's look-ups (`__iexact`, `__startswith`, …).
//!   Usernames and addresses are compared as [people](domain::person) are, also without a look-up; `ak_user_by` gives the
//!   address of a group's member as `nuncio.yaml` has it, whatever the event says.
//! * `ak_client_ip` is there in policies of rules, from the event.
//! * `ak_call_policy` is there in policies: it evaluates any policy of the rules document. One that raises makes the
//!   caller raise.
//! * `ak_create_event` takes the names that actions may have.
//! * `requests`, `ak_send_email`, `ak_create_jwt`, `resolve_dns`, `reverse_dns`,
//!   `ak_user_has_authenticator` and the models are not there; the error says what to use instead.
//! * The text of a string over several lines is what its author wrote: it is not indented.

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
    CreatedEvent, Evaluation, ExpressionKind, ExpressionScope, Groups, LogLine, NoPolicies, NotificationView,
    PolicyCaller, PolicyResult, RaisedException, ReturnedValue,
};
pub use expression::Expression;
pub use run::MAX_RUN;
pub use source::{MAX_SOURCE_BYTES, SyntaxFault};
pub use unavailable::Missing;
