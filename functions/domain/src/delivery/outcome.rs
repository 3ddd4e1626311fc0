//! What became of an attempt, and who caused its failure: one table for every transport.
//!
//! Each failure is attributed exactly once, by [`Failure::attribution`]. Only the endpoint's own failures pause it, so
//! that neither a recipient who cannot be reached nor a message that nobody accepts holds up anybody else's.
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
//! | a mail that cannot be composed; SES refuses the message | message | dies | nothing |
//! | SES throttles or fails | endpoint | retries | fails |
//! | a mapping raises, or returns what cannot be sent | message | retries | nothing |
//! | no connection, no such host, TLS, no answer in time, a connection that broke | endpoint | retries | fails |
//! | settings that cannot work, a secret that cannot be read | endpoint | retries | fails |
//! | the store failed; the target is not allowed; what was configured or stored is gone | Nuncio | see [`Class`] | nothing |

use jiff::{SignedDuration, Timestamp};

use crate::mail_address::InvalidAddress;
use crate::text::cut;

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

/// How an attempt failed. The text never holds a secret, an address or a body; what the receiver said is in
/// [`Failure::with_answer`] alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The receiver answered, but not with success.
    #[error("the receiver answered {status}")]
    Answered {
        /// HTTP status.
        status: u16,
        /// The receiver's `Retry-After`, as an instant.
        retry_after: Option<Timestamp>,
        /// What it said, without secrets; at most 1 KiB. Never logged.
        answer: String,
    },
    /// The connection broke while a large body was sent, as it does when a receiver does not want to read it.
    #[error("the connection broke while {bytes} bytes were sent: {why}")]
    Interrupted {
        /// Of the body.
        bytes: usize,
        /// What broke it.
        why: String,
    },
    /// A mail server answered with something else than success.
    #[error("the mail server answered {code}{}", stage.to_what())]
    Mail {
        /// What it answered to.
        stage: MailStage,
        /// SMTP reply code: 4xx is temporary.
        code: u16,
        /// What it said, without secrets; at most 1 KiB. Never logged.
        answer: String,
    },
    /// A mail server stopped answering in the middle of a mail.
    #[error("the mail server gave no answer{}: {why}", stage.to_what())]
    MailUnanswered {
        /// What it did not answer.
        stage: MailStage,
        /// A time-out, or what broke the connection.
        why: String,
    },
    /// The mail service asked us to slow down or had an error of its own.
    #[error("the mail service cannot take it now: {0}")]
    MailService(String),
    /// The mail service will not take this message.
    #[error("the mail service refused the message: {0}")]
    MailRefused(String),
    /// The mail cannot be composed.
    #[error("the mail cannot be composed: {0}")]
    Unsendable(String),
    /// Mail cannot be sent to the recipient's address.
    #[error("mail cannot be sent to the recipient: {0}")]
    Address(#[from] InvalidAddress),
    /// The mail server does not take addresses outside ASCII.
    #[error("mail cannot be sent to the recipient: the mail server takes no addresses outside ASCII (SMTPUTF8)")]
    NoSmtputf8,
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

/// Where in an SMTP session something went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailStage {
    /// Greeting, `EHLO`, `STARTTLS` or `AUTH`.
    Greeting,
    /// `MAIL`, which names the sender.
    Sender,
    /// `RCPT`, which names the recipient.
    Recipient,
    /// `DATA`.
    Data,
    /// The end of the message.
    Message,
}

impl MailStage {
    /// ` to RCPT`, to follow what it did.
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

/// Who caused a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribution {
    /// This recipient cannot be reached; others may be.
    Recipient,
    /// This message is not accepted; others may be.
    Message,
    /// The endpoint, or its configuration: nothing gets through.
    Endpoint,
    /// Nuncio itself, before or beside the attempt.
    Nuncio,
}

impl Outcome {
    /// What it shows of the endpoint.
    pub fn sign(&self) -> Sign {
        match self {
            Self::Delivered { .. } => Sign::Well,
            Self::Failed(failure) => failure.sign(),
        }
    }
}

/// Characters of a receiver's answer that an error repeats.
const ANSWER_CHARS: usize = 300;

impl Failure {
    /// The status code that was answered, if any.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Answered { status, .. } => Some(*status),
            Self::Mail { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// What the receiver said, where it said something.
    pub fn answer(&self) -> Option<&str> {
        match self {
            Self::Answered { answer, .. } | Self::Mail { answer, .. } => {
                Some(answer.trim()).filter(|said| !said.is_empty())
            }
            _ => None,
        }
    }

    /// The failure with what the receiver said of it, in one line of bounded length. For the delivery's own record:
    /// receivers like to repeat addresses, which a log must not hold.
    pub fn with_answer(&self) -> String {
        self.answer().map_or_else(|| self.to_string(), |said| format!("{self}: {}", excerpt(said)))
    }

    /// What it means for the delivery.
    pub fn class(&self) -> Class {
        self.table().0
    }

    /// Who caused it.
    pub fn attribution(&self) -> Attribution {
        self.table().1
    }

    fn sign(&self) -> Sign {
        match self.table() {
            (Class::Permanent, Attribution::Endpoint) => Sign::Gone,
            (Class::Temporary { not_before }, Attribution::Endpoint) => Sign::Ailing { not_before },
            (_, Attribution::Recipient | Attribution::Message) if self.has_answered() => Sign::Well,
            _ => Sign::Nothing,
        }
    }

    fn has_answered(&self) -> bool {
        self.status().is_some() || *self == Self::NoSmtputf8
    }

    /// The table above. What is permanent and the endpoint's is that it is gone.
    #[expect(clippy::match_same_arms, reason = "one line a case, each with its reason")]
    fn table(&self) -> (Class, Attribution) {
        use Attribution::{Endpoint, Message, Nuncio, Recipient};
        let temporary = Class::Temporary { not_before: None };
        match self {
            Self::Answered { status: 408 | 425 | 429, retry_after, .. } => asked(*retry_after),
            Self::Answered { status: 410, .. } => (Class::Permanent, Endpoint),
            Self::Answered { status: 400..=499, .. } => (Class::Permanent, Message),
            // A redirect is never followed; the receiver may be mended to answer itself.
            Self::Answered { retry_after, .. } => asked(*retry_after),
            Self::Interrupted { .. } => (temporary, Message),
            // The server is closing down, cannot log anybody in, or wants a login or TLS first.
            Self::Mail { code: 421 | 454 | 530, .. } => (temporary, Endpoint),
            Self::Mail { stage: stage @ (MailStage::Greeting | MailStage::Sender), .. } => {
                (temporary, stage.attribution())
            }
            Self::Mail { stage, code: 400..=499, .. } => (temporary, stage.attribution()),
            Self::Mail { stage, code: 500..=599, .. } => (Class::Permanent, stage.attribution()),
            Self::Mail { .. } => (temporary, Endpoint),
            // A server may ask the recipient's own, which strangers run, before it answers.
            Self::MailUnanswered { stage, .. } => (temporary, stage.attribution()),
            Self::MailService(_) => (temporary, Endpoint),
            Self::MailRefused(_) | Self::Unsendable(_) => (Class::Permanent, Message),
            Self::Address(_) | Self::NoAddress | Self::NoSmtputf8 => (Class::Permanent, Recipient),
            Self::Connect(_) | Self::Resolve | Self::Tls(_) | Self::Timeout(_) | Self::Broken(_) => {
                (temporary, Endpoint)
            }
            // An operator can mend the document within the retry schedule.
            Self::Misconfigured(_) => (temporary, Endpoint),
            Self::Mapping(_) => (temporary, Message),
            Self::Store(_) => (temporary, Nuncio),
            Self::Blocked(_) | Self::NoTransport | Self::NoEvent => (Class::Permanent, Nuncio),
            Self::Disabled { .. } | Self::Unreachable(_) => (Class::Permanent, Nuncio),
        }
    }
}

/// The receiver can be tried again, but not before it wants to.
fn asked(not_before: Option<Timestamp>) -> (Class, Attribution) {
    (Class::Temporary { not_before }, Attribution::Endpoint)
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
    cut(&line, ANSWER_CHARS)
}

/// Control characters, and those that turn the direction of writing.
fn is_unshown(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Reads a `Retry-After` header: seconds, or an HTTP date that the caller has already read.
pub fn retry_after(seconds: Option<u64>, now: Timestamp) -> Option<Timestamp> {
    let seconds = i64::try_from(seconds?).unwrap_or(i64::MAX);
    Some(crate::time::later(now, SignedDuration::from_secs(seconds)))
}
