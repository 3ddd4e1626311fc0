//! The outcome of an attempt, and who caused a failure: one table for every transport.
//!
//! Each failure is attributed exactly once, by [`Failure::attribution`]. Only the endpoint's own failures pause it, so
//! that an unreachable recipient, or a message that the receiver rejects, does not delay the deliveries to others.
//!
//! | failure | attributed to | the delivery | the endpoint |
//! |---|---|---|---|
//! | HTTP 408, 425, 429, 3xx, 5xx, or not a status of HTTP's | endpoint | retries | fails |
//! | HTTP 410 | endpoint | dies | disabled |
//! | any other HTTP 4xx, 413 for a body that is too large included | message | dies | works |
//! | the connection broke under a body of more than 64 KiB | message | retries | nothing |
//! | SMTP 421, 454 or 530, whenever it is said | endpoint | retries | fails |
//! | any refusal to greet, to start TLS or to log in; 4xx and 5xx to `MAIL` | endpoint | retries | fails |
//! | SMTP 4xx / 5xx to `RCPT` | recipient | retries / dies | works |
//! | SMTP 4xx / 5xx to `DATA` or after the message | message | retries / dies | works |
//! | a reply that SMTP does not have there, such as 354 after the message | endpoint | retries | fails |
//! | no answer, or a broken connection, at `RCPT` | recipient | retries | nothing |
//! | no answer, or a broken connection, at `DATA` or after the message | message | retries | nothing |
//! | no address, or one that mail cannot be sent to | recipient | dies | nothing |
//! | an address that needs SMTPUTF8, and a server without it | recipient | dies | works |
//! | SES has not verified the recipient, which the sandbox requires | recipient | retries | nothing |
//! | a mail that cannot be composed; SES refuses the message | message | dies | nothing |
//! | SES fails; it has not verified the sender, or does not authorise the function | endpoint | retries | fails |
//! | SES throttles: Nuncio sends faster than the account may | Nuncio | retries | nothing |
//! | a mapping raises, or returns what cannot be sent | message | retries | nothing |
//! | no connection, no such host, TLS, no answer in time, a connection that broke | endpoint | retries | fails |
//! | settings that cannot work, a secret that cannot be read | endpoint | retries | fails |
//! | the store failed; the target is not allowed; what was configured or stored is gone | Nuncio | see [`FailureClass`] | nothing |

use jiff::{SignedDuration, Timestamp};

use crate::mail_address::InvalidAddress;
use crate::text::truncate;

/// The outcome of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The receiver accepted the message.
    Delivered {
        /// The HTTP or SMTP status code, if the receiver sent one.
        status: Option<u16>,
        /// The receiver's response, for the operator's test; at most 1 KiB.
        answer: String,
    },
    /// The receiver did not accept the message, or the result is unknown.
    Failed(Failure),
}

/// How an attempt failed. The text never contains a secret, an address or a body. Only [`Failure::with_answer`]
/// includes the receiver's response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// An HTTP status other than success.
    #[error("the receiver answered {status}")]
    Answered {
        /// The HTTP status code, such as 503.
        status: u16,
        /// The receiver's `Retry-After`, as an instant.
        retry_after: Option<Timestamp>,
        /// The receiver's response, with secrets masked; at most 1 KiB. Never logged.
        answer: String,
    },
    /// The connection broke while a large body was sent, as it does if the receiver refuses to read it.
    #[error("the connection broke while {bytes} bytes were sent: {why}")]
    Interrupted {
        /// The length of the body.
        bytes: usize,
        /// The error of the connection, in words.
        why: String,
    },
    /// An SMTP reply other than success.
    #[error("the mail server answered {code}{}", stage.to_what())]
    Mail {
        /// The command that the server replied to.
        stage: MailStage,
        /// The SMTP reply code; 4xx is temporary.
        code: u16,
        /// The receiver's response, with secrets masked; at most 1 KiB. Never logged.
        answer: String,
    },
    /// The mail server stopped responding during a session.
    #[error("the mail server gave no answer{}: {why}", stage.to_what())]
    MailUnanswered {
        /// The command that the server did not reply to.
        stage: MailStage,
        /// The timeout, or the connection's error.
        why: String,
    },
    /// The mail service (SES) accepts mail more slowly than Nuncio sends it, or has accepted the day's quota.
    #[error("the mail service accepts no more messages at this rate: {0}")]
    MailThrottled(String),
    /// The mail service (SES) sends only to verified recipients, and this one is not verified.
    #[error("SES has not verified the recipient's address; verify it, or move the account out of the SES sandbox")]
    RecipientUnverified,
    /// The mail service (SES) has an internal error.
    #[error("the mail service cannot accept the message now: {0}")]
    MailService(String),
    /// The mail service (SES) rejects this message.
    #[error("the mail service refused the message: {0}")]
    MailRefused(String),
    /// The mail cannot be composed.
    #[error("the mail cannot be composed: {0}")]
    Unsendable(String),
    /// Mail cannot be sent to the recipient's address.
    #[error("mail cannot be sent to the recipient: {0}")]
    Address(#[from] InvalidAddress),
    /// The mail server does not take addresses outside ASCII.
    #[error("mail cannot be sent to the recipient: the mail server does not accept addresses outside ASCII (SMTPUTF8)")]
    NoSmtputf8,
    /// The connection could not be opened.
    #[error("could not connect: {0}")]
    Connect(String),
    /// The host name does not resolve to an address.
    #[error("the host's name could not be resolved")]
    Resolve,
    /// The TLS handshake failed.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// The receiver did not respond within this many seconds.
    #[error("no answer within {0} s")]
    Timeout(u64),
    /// The connection broke before the response was read.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The address guard does not allow the target.
    #[error("not allowed: {0}")]
    Blocked(String),
    /// The transport's settings cannot work.
    #[error("{0}")]
    Misconfigured(String),
    /// The transport's mapping raised, or returned a value that cannot be sent.
    #[error("{0}")]
    Mapping(String),
    /// The recipient has no mail address.
    #[error("the recipient has no e-mail address")]
    NoAddress,
    /// The transport is no longer in the rules document.
    #[error("the transport is no longer configured")]
    NoTransport,
    /// The event is no longer stored.
    #[error("the event has expired")]
    NoEvent,
    /// The endpoint is disabled, because the receiver answered 410.
    #[error("the transport is disabled since {} ({why}); fix or test it, or enable it, then redeliver", crate::time::in_words(*since))]
    Disabled {
        /// When the endpoint was disabled.
        since: Timestamp,
        /// The failure that disabled the endpoint, in words.
        why: String,
    },
    /// The transport was paused for as long as the whole retry schedule takes.
    #[error("the transport stayed paused until this was given up: {0}")]
    Unreachable(String),
    /// The store that holds the inbox failed.
    #[error("the store failed: {0}")]
    Store(String),
}

/// Whether a retry can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureClass {
    /// A retry may succeed, but not before `not_before`.
    Temporary {
        /// The time from the receiver's `Retry-After`, if it sent one.
        not_before: Option<Timestamp>,
    },
    /// No retry can succeed.
    Permanent,
}

/// What an attempt reveals about the health of its endpoint; the circuit breaker's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointSignal {
    /// The endpoint responded, even if it rejected this message.
    Healthy,
    /// The endpoint failed. Do not send to it before `not_before`.
    Failing {
        /// The time from the receiver's `Retry-After`, if it sent one.
        not_before: Option<Timestamp>,
    },
    /// The endpoint answered that it is gone for good (HTTP 410).
    Gone,
    /// The attempt did not reach the endpoint, for a reason that is not the endpoint's.
    Inconclusive,
}

/// The stage of an SMTP session at which it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailStage {
    /// Greeting, `EHLO`, `STARTTLS` or `AUTH`.
    Greeting,
    /// `MAIL`, which names the sender.
    Sender,
    /// `RCPT`, which names the recipient.
    Recipient,
    /// `DATA`, which announces the message.
    Data,
    /// The final dot, which ends the message.
    Message,
}

impl MailStage {
    /// The end of a sentence such as "the mail server answered 450 to RCPT".
    fn to_what(self) -> &'static str {
        match self {
            Self::Greeting => "",
            Self::Sender => " to MAIL",
            Self::Recipient => " to RCPT",
            Self::Data => " to DATA",
            Self::Message => " to the message",
        }
    }

    fn attribution(self) -> Attribution {
        match self {
            Self::Greeting | Self::Sender => Attribution::Endpoint,
            Self::Recipient => Attribution::Recipient,
            Self::Data | Self::Message => Attribution::Message,
        }
    }
}

/// The party that caused a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribution {
    /// The recipient cannot be reached; others may be.
    Recipient,
    /// The message is not accepted; others may be.
    Message,
    /// The endpoint or its configuration; no message gets through.
    Endpoint,
    /// Nuncio itself, not the attempt.
    Nuncio,
}

impl AttemptOutcome {
    /// What the outcome reveals about the endpoint's health.
    pub fn endpoint_signal(&self) -> EndpointSignal {
        match self {
            Self::Delivered { .. } => EndpointSignal::Healthy,
            Self::Failed(failure) => failure.endpoint_signal(),
        }
    }
}

/// The most characters of a receiver's response that an error text includes.
const ANSWER_CHARS: usize = 300;

impl Failure {
    /// The HTTP or SMTP status code, if the receiver sent one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Answered { status, .. } => Some(*status),
            Self::Mail { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// The receiver's response; `None` if it is blank.
    pub fn answer(&self) -> Option<&str> {
        match self {
            Self::Answered { answer, .. } | Self::Mail { answer, .. } => {
                Some(answer.trim()).filter(|said| !said.is_empty())
            }
            _ => None,
        }
    }

    /// The failure with the receiver's response, in one line of bounded length. For the ledger only: responses often
    /// repeat addresses, which must not reach the log.
    pub fn with_answer(&self) -> String {
        self.answer().map_or_else(|| self.to_string(), |said| format!("{self}: {}", excerpt(said)))
    }

    /// Whether a retry can help.
    pub fn class(&self) -> FailureClass {
        self.table().0
    }

    /// The party that caused the failure.
    pub fn attribution(&self) -> Attribution {
        self.table().1
    }

    fn endpoint_signal(&self) -> EndpointSignal {
        match self.table() {
            (FailureClass::Permanent, Attribution::Endpoint) => EndpointSignal::Gone,
            (FailureClass::Temporary { not_before }, Attribution::Endpoint) => EndpointSignal::Failing { not_before },
            (_, Attribution::Recipient | Attribution::Message) if self.has_answered() => EndpointSignal::Healthy,
            _ => EndpointSignal::Inconclusive,
        }
    }

    fn has_answered(&self) -> bool {
        self.status().is_some() || *self == Self::NoSmtputf8
    }

    /// The table above. The only permanent failure of an endpoint is that it is gone.
    #[expect(clippy::match_same_arms, reason = "one line a case, each with its reason")]
    fn table(&self) -> (FailureClass, Attribution) {
        use Attribution::{Endpoint, Message, Nuncio, Recipient};
        let temporary = FailureClass::Temporary { not_before: None };
        match self {
            Self::Answered { status: 408 | 425 | 429, retry_after, .. } => asked(*retry_after),
            Self::Answered { status: 410, .. } => (FailureClass::Permanent, Endpoint),
            Self::Answered { status: 400..=499, .. } => (FailureClass::Permanent, Message),
            // A redirect is never followed; the operator may fix the receiver.
            Self::Answered { retry_after, .. } => asked(*retry_after),
            Self::Interrupted { .. } => (temporary, Message),
            // The server is shutting down, cannot authenticate, or requires a login or TLS first.
            Self::Mail { code: 421 | 454 | 530, .. } => (temporary, Endpoint),
            Self::Mail { stage: stage @ (MailStage::Greeting | MailStage::Sender), .. } => {
                (temporary, stage.attribution())
            }
            Self::Mail { stage, code: 400..=499, .. } => (temporary, stage.attribution()),
            Self::Mail { stage, code: 500..=599, .. } => (FailureClass::Permanent, stage.attribution()),
            Self::Mail { .. } => (temporary, Endpoint),
            // The server may wait for the recipient's own server, which a third party runs.
            Self::MailUnanswered { stage, .. } => (temporary, stage.attribution()),
            Self::MailService(_) => (temporary, Endpoint),
            // Pausing the endpoint would hold back all mail, although a slower rate suffices.
            Self::MailThrottled(_) => (temporary, Nuncio),
            // An operator can verify the address within the retry schedule.
            Self::RecipientUnverified => (temporary, Recipient),
            Self::MailRefused(_) | Self::Unsendable(_) => (FailureClass::Permanent, Message),
            Self::Address(_) | Self::NoAddress | Self::NoSmtputf8 => (FailureClass::Permanent, Recipient),
            Self::Connect(_) | Self::Resolve | Self::Tls(_) | Self::Timeout(_) | Self::Broken(_) => {
                (temporary, Endpoint)
            }
            // An operator can fix the document within the retry schedule.
            Self::Misconfigured(_) => (temporary, Endpoint),
            Self::Mapping(_) => (temporary, Message),
            Self::Store(_) => (temporary, Nuncio),
            Self::Blocked(_) | Self::NoTransport | Self::NoEvent => (FailureClass::Permanent, Nuncio),
            Self::Disabled { .. } | Self::Unreachable(_) => (FailureClass::Permanent, Nuncio),
        }
    }
}

/// An endpoint's failure with the time of its `Retry-After`.
fn asked(not_before: Option<Timestamp>) -> (FailureClass, Attribution) {
    (FailureClass::Temporary { not_before }, Attribution::Endpoint)
}

/// One line of at most [`ANSWER_CHARS`] characters, with escapes in the place of characters that are not shown.
fn excerpt(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        let gap = if line.is_empty() { "" } else { " " };
        line.push_str(gap);
        for char in word.chars() {
            if is_unshown(char) {
                line.extend(char.escape_unicode());
            } else {
                line.push(char);
            }
        }
    }
    truncate(&line, ANSWER_CHARS)
}

/// Control characters, and characters that change the writing direction.
fn is_unshown(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The time that a `Retry-After` header of this many seconds names; `None` without a header.
pub fn retry_after(seconds: Option<u64>, now: Timestamp) -> Option<Timestamp> {
    let seconds = i64::try_from(seconds?).unwrap_or(i64::MAX);
    Some(crate::time::later(now, SignedDuration::from_secs(seconds)))
}
