//! Access control: API tokens with their scopes, and the sessions that browsers begin with one.
//!
//! Owns what a token allows and how long a session lasts. Refuses to read requests, cookies or headers.

pub mod session;
pub mod token;
