//! Every transport against a real receiver on this machine.

mod email;
mod fixtures;
mod leaks;
mod mime;
mod sink;
mod slack;
mod smtp;
mod webhook;

#[path = "../../../../tests/support/smtp.rs"]
#[expect(unreachable_pub, reason = "shared with the flow tests, which use all of it")]
mod recorder;
