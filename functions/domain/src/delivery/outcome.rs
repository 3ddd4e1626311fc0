//! What became of an attempt: one table for every transport.

use jiff::{SignedDuration, Timestamp};

use crate::expression::Effects;

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Delivered {
        /// Its status code, where it has such.
        status: Option<u16>,
        /// What it said, for the operator's test button; at most 1 KiB.
        answer: String,
    },
    /// The receiver does not have it, or we cannot know.
    Failed(Failure),
}

/// An attempt that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// What became of it.
    pub outcome: Outcome,
    /// What the transport's mappings did on the way.
    pub effects: Vec<Effects>,
}

impl From<Outcome> for Sent {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, effects: Vec::new() }
    }
}

/// How an attempt failed. The text never holds a secret, an address or a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The receiver answered, but not with success.
    #[error("the receiver answered {status}")]
    Answered {
        /// HTTP status.
        status: u16,
        /// The receiver's `Retry-After`, as an instant.
        retry_after: Option<Timestamp>,
        /// What it said, for the operator's test button; at most 1 KiB. Never logged.
        answer: String,
    },
    /// A mail server answered with an error code.
    #[error("the mail server answered {code}")]
    Mail {
        /// SMTP reply code: 4xx is temporary.
        code: u16,
    },
    /// The mail service asked us to slow down or had an error of its own.
    #[error("the mail service cannot take it now: {0}")]
    MailService(String),
    /// The mail service will not take this message.
    #[error("the mail service refused the message: {0}")]
    MailRefused(String),
    /// No connection.
    #[error("could not connect: {0}")]
    Connect(String),
    /// The host's name has no address.
    #[error("the host's name could not be resolved")]
    Resolve,
    /// TLS failed.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// No answer in time.
    #[error("no answer within {0} s")]
    Timeout(u64),
    /// The connection broke before the answer was read.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The target is not allowed.
    #[error("not allowed: {0}")]
    Blocked(String),
    /// The transport's settings cannot work.
    #[error("{0}")]
    Misconfigured(String),
    /// The transport's own Python raised, or returned what cannot be sent.
    #[error("{0}")]
    Mapping(String),
    /// The recipient cannot be reached this way.
    #[error("the recipient has no e-mail address")]
    NoAddress,
    /// The transport is no longer in the rules document.
    #[error("the transport is no longer configured")]
    NoTransport,
    /// The event is no longer stored.
    #[error("the event has expired")]
    NoEvent,
    /// The receiver said that it is gone for good.
    #[error("the transport is disabled since {} ({why}); mend or test it, or enable it, then redeliver", crate::time::format(*since))]
    Disabled {
        /// Since when.
        since: Timestamp,
        /// What the receiver said.
        why: String,
    },
    /// Its transport was paused for as long as all attempts would have taken.
    #[error("the transport stayed paused until this was given up: {0}")]
    Unreachable(String),
    /// The store that holds the inbox failed.
    #[error("the store failed: {0}")]
    Store(String),
}

/// What a failure means for the delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Trying again may help; not before the instant, if one is given.
    Temporary {
        /// From the receiver's `Retry-After`.
        not_before: Option<Timestamp>,
    },
    /// Trying again cannot help.
    Permanent,
}

/// What an attempt shows of its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It answers, be it that it refuses this one message.
    Well,
    /// It does not take what it should; nothing for it before the instant, if one is given.
    Ailing {
        /// From the receiver's `Retry-After`.
        not_before: Option<Timestamp>,
    },
    /// It says itself that it is gone for good.
    Gone,
    /// Nothing: it was not reached, and not for a reason of its own.
    Nothing,
}

impl Outcome {
    /// What it shows of the endpoint.
    pub fn sign(&self) -> Sign {
        match self {
            Self::Delivered { .. } => Sign::Well,
            Self::Failed(failure) => failure.table().1,
        }
    }
}

impl Failure {
    /// The status code that was answered, if any.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Answered { status, .. } => Some(*status),
            Self::Mail { code } => Some(*code),
            _ => None,
        }
    }

    /// What it means for the delivery.
    pub fn class(&self) -> Class {
        self.table().0
    }

    /// The table, for every transport.
    #[expect(clippy::match_same_arms, reason = "one line a case, each with its reason")]
    fn table(&self) -> (Class, Sign) {
        let temporary = Class::Temporary { not_before: None };
        let ailing = Sign::Ailing { not_before: None };
        match self {
            Self::Answered { status: 408 | 425 | 429, retry_after, .. } => asked(*retry_after),
            Self::Answered { status: 410, .. } => (Class::Permanent, Sign::Gone),
            Self::Answered { status: 400..=499, .. } => (Class::Permanent, Sign::Well),
            // A redirect is never followed; the receiver may be mended to answer itself. What is no status of HTTP's
            // is a fault of the receiver's, not of the message.
            Self::Answered { retry_after, .. } => asked(*retry_after),
            // The server as a whole is closing down, cannot log anybody in, or wants a login or TLS first.
            Self::Mail { code: 421 | 454 | 530 } => (temporary, ailing),
            // One mailbox is full, one sender not known yet: others' mail may pass.
            Self::Mail { code: 400..=499 } => (temporary, Sign::Well),
            Self::Mail { .. } => (Class::Permanent, Sign::Well),
            Self::MailService(_) => (temporary, ailing),
            Self::MailRefused(_) => (Class::Permanent, Sign::Nothing),
            Self::Connect(_) | Self::Resolve | Self::Tls(_) | Self::Timeout(_) | Self::Broken(_) => (temporary, ailing),
            // An operator can mend the document within the retry schedule.
            Self::Misconfigured(_) => (temporary, ailing),
            Self::Mapping(_) | Self::Store(_) => (temporary, Sign::Nothing),
            Self::Blocked(_) | Self::NoAddress | Self::NoTransport | Self::NoEvent => (Class::Permanent, Sign::Nothing),
            Self::Disabled { .. } | Self::Unreachable(_) => (Class::Permanent, Sign::Nothing),
        }
    }
}

/// The receiver can be tried again, but not before it wants to.
fn asked(not_before: Option<Timestamp>) -> (Class, Sign) {
    (Class::Temporary { not_before }, Sign::Ailing { not_before })
}

/// Reads a `Retry-After` header: seconds, or an HTTP date that the caller has already read.
pub fn retry_after(seconds: Option<u64>, now: Timestamp) -> Option<Timestamp> {
    let seconds = i64::try_from(seconds?).unwrap_or(i64::MAX);
    Some(crate::time::later(now, SignedDuration::from_secs(seconds)))
}
