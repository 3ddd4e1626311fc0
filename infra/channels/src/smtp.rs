//! Sends mail through an SMTP server. Owns the parsing of `email.smtp`, a pool of connections, and how refusals are
//! classified. Drops a connection that was interrupted in the middle of a mail: the server would read the next mail as
//! part of this one. The server's address is not restricted: relays are mostly private, and the author of the rules
//! document names one server, which gets mail only.

use std::error::Error;
use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::delivery::{AttemptOutcome, Failure, MailStage};
use domain::mail_address::MailAddress;
use lettre::address::Address;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands;
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use lettre::transport::smtp::{self, SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT};
use tokio::time::Instant;
use url::{Host, Url};

use crate::fault;
use crate::timeout::with_timeout;

/// The time limit of each of the two steps: connecting with greeting and login, and sending the mail.
const STEP: Duration = Duration::from_secs(9);
/// The most idle connections in the pool.
const MAX_IDLE: usize = 4;

/// Sends mail. Pools connections to the server that was used last.
pub(crate) struct Smtp {
    step: Duration,
    idle: Mutex<(String, Vec<AsyncSmtpConnection>)>,
}

impl Default for Smtp {
    fn default() -> Self {
        Self::with_step_timeout(STEP)
    }
}

impl Smtp {
    pub(crate) fn with_step_timeout(step: Duration) -> Self {
        Self { step, idle: Mutex::default() }
    }

    /// Makes one attempt to send a mail.
    pub(crate) async fn send(&self, url: &str, from: &str, to: &str, mail: &[u8]) -> Result<AttemptOutcome, Failure> {
        let (from, to) = (address(from)?, address(to)?);
        let mut connection = self.within(self.connection(url)).await?;
        let until = Instant::now() + self.step;
        let mut session = SmtpSession { connection: &mut connection, until, timeout: self.step };
        let code = session.deliver(from, to, mail).await?;
        self.park(url, connection);
        // The server's reply is not kept: it often repeats the recipient's address.
        Ok(AttemptOutcome::Delivered { status: Some(code), answer: "the mail server took it".to_owned() })
    }

    async fn within<T>(&self, step: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        with_timeout(self.step, step).await.unwrap_or(Err(Failure::Timeout(self.step.as_secs())))
    }

    async fn connection(&self, url: &str) -> Result<AsyncSmtpConnection, Failure> {
        while let Some(mut connection) = self.parked(url) {
            if connection.test_connected().await {
                return Ok(connection);
            }
        }
        Server::read(url)?.connect(self.step / 3).await
    }

    fn parked(&self, url: &str) -> Option<AsyncSmtpConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.0 != url {
            *idle = (url.to_owned(), Vec::new());
        }
        idle.1.pop()
    }

    fn park(&self, url: &str, connection: AsyncSmtpConnection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.0 == url && idle.1.len() < MAX_IDLE && !connection.has_broken() {
            idle.1.push(connection);
        }
    }
}

fn address(text: &str) -> Result<Address, Failure> {
    let address = MailAddress::parse(text)?;
    Ok(Address::new_dangerous(address.local(), address.domain()))
}

/// Sends one mail over a connection that is logged in. A failure names the command that failed.
struct SmtpSession<'a> {
    connection: &'a mut AsyncSmtpConnection,
    /// The deadline of the whole mail.
    until: Instant,
    /// The time limit, for failures.
    timeout: Duration,
}

impl SmtpSession<'_> {
    /// Sends the mail, and returns the code of the final reply.
    async fn deliver(&mut self, from: Address, to: Address, mail: &[u8]) -> Result<u16, Failure> {
        let mut options = Vec::new();
        if !from.user().is_ascii() || !to.user().is_ascii() {
            let takes_utf8 = self.connection.server_info().supports_feature(Extension::SmtpUtfEight);
            if !takes_utf8 && !from.user().is_ascii() {
                let why = "the mail server does not take the address in email.from, which is outside ASCII (SMTPUTF8)";
                return Err(Failure::Misconfigured(why.to_owned()));
            }
            if !takes_utf8 {
                return Err(Failure::NoSmtputf8);
            }
            options.push(MailParameter::SmtpUtfEight);
        }
        if !mail.is_ascii() {
            if !self.connection.server_info().supports_feature(Extension::EightBitMime) {
                return Err(Failure::Unsendable("the mail server takes ASCII only (8BITMIME)".to_owned()));
            }
            options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        self.command(MailStage::Sender, commands::Mail::new(Some(from), options)).await?;
        self.command(MailStage::Recipient, commands::Rcpt::new(to, Vec::new())).await?;
        self.command(MailStage::Data, commands::Data).await?;
        let reply = with_timeout(left(self.until), self.connection.message(mail)).await;
        self.judge(MailStage::Message, reply)
    }

    async fn command(&mut self, stage: MailStage, command: impl Display) -> Result<u16, Failure> {
        let reply = with_timeout(left(self.until), self.connection.command(command)).await;
        self.judge(stage, reply)
    }

    fn judge(&self, stage: MailStage, reply: Option<Result<Response, smtp::Error>>) -> Result<u16, Failure> {
        let response = match reply {
            Some(Ok(response)) => response,
            Some(Err(error)) => return Err(refused(stage, &error)),
            None => {
                let why = format!("no reply within {} s", self.timeout.as_secs());
                return Err(Failure::MailUnanswered { stage, why });
            }
        };
        let code = u16::from(response.code());
        // The only success reply to `DATA` is 354, which no other command gets.
        let is_expected = if stage == MailStage::Data { code == 354 } else { (200..300).contains(&code) };
        if is_expected {
            return Ok(code);
        }
        let answer = response.message().collect::<Vec<_>>().join(" ");
        Err(Failure::Mail { stage, code, answer: bounded(answer) })
    }
}

fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}

/// The part of a reply's text that the ledger keeps.
fn bounded(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(1024));
    text
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Security {
    Plain,
    /// STARTTLS if the server offers it.
    Opportunistic,
    /// STARTTLS; the attempt fails if the server does not offer it.
    Required,
    /// TLS from the first byte.
    Wrapped,
}

/// The settings in `email.smtp`.
struct Server {
    host: String,
    port: u16,
    security: Security,
    hello: ClientId,
    credentials: Option<Credentials>,
}

impl Server {
    fn read(text: &str) -> Result<Self, Failure> {
        let fault = || {
            Failure::Misconfigured(
                "email.smtp is not valid; write it like smtp://host:25, smtps://host or smtp://host?tls=required"
                    .to_owned(),
            )
        };
        let url = Url::parse(text).map_err(|_| fault())?;
        let tls = url.query_pairs().find(|(key, _)| key == "tls").map(|(_, value)| value.into_owned());
        let (security, port) = match (url.scheme(), tls.as_deref()) {
            ("smtp", None) => (Security::Plain, SMTP_PORT),
            ("smtp", Some("opportunistic")) => (Security::Opportunistic, SUBMISSION_PORT),
            ("smtp", Some("required")) => (Security::Required, SUBMISSION_PORT),
            ("smtps", _) => (Security::Wrapped, SUBMISSIONS_PORT),
            _ => return Err(fault()),
        };
        let host = match url.host().ok_or_else(fault)? {
            Host::Ipv6(address) => address.to_string(),
            other => other.to_string(),
        };
        let hello = match url.path().trim_matches('/') {
            "" => ClientId::default(),
            name => ClientId::Domain(name.to_owned()),
        };
        let decoded = |text: &str| percent_decoded(text).ok_or_else(fault);
        let credentials = match url.password() {
            None => None,
            Some(password) => Some(Credentials::new(decoded(url.username())?, decoded(password)?)),
        };
        Ok(Self { host, port: url.port().unwrap_or(port), security, hello, credentials })
    }

    /// Connects and logs in. `timeout` applies to each of the host's addresses.
    async fn connect(&self, timeout: Duration) -> Result<AsyncSmtpConnection, Failure> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await.map_err(|_| Failure::Resolve)?;
        let addresses: Vec<SocketAddr> = found.collect();
        let tls = TlsParameters::new(self.host.clone()).map_err(|error| greeting(&error))?;
        let wrapped = (self.security == Security::Wrapped).then(|| tls.clone());
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(&addresses[..], Some(timeout), &self.hello, wrapped, None)
                .await
                .map_err(|error| greeting(&error))?;
        let upgrade = match self.security {
            Security::Required => true,
            Security::Opportunistic => connection.can_starttls(),
            Security::Plain | Security::Wrapped => false,
        };
        if upgrade {
            connection.starttls(tls, &self.hello).await.map_err(|error| upgrading(&error))?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await.map_err(|error| login(&error))?;
        }
        Ok(connection)
    }
}

/// Decodes percent escapes: `%40` is `@`. `None` if an escape or the UTF-8 is not valid.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        rest = more;
        if *first == b'%' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

/// Classifies a refused greeting as a misconfiguration: it is not about the mail, and can be fixed while retries go on.
fn greeting(error: &smtp::Error) -> Failure {
    if error.is_permanent() {
        return Failure::Misconfigured(
            "the mail server in email.smtp refuses connections from this machine".to_owned(),
        );
    }
    common(error).unwrap_or_else(|| Failure::Connect(io_words(error)))
}

fn upgrading(error: &smtp::Error) -> Failure {
    if error.is_client() {
        return Failure::Tls("the mail server offers no STARTTLS".to_owned());
    }
    if error.is_permanent() {
        return Failure::Tls("the mail server refuses STARTTLS".to_owned());
    }
    common(error).unwrap_or_else(|| Failure::Broken(io_words(error)))
}

/// Classifies a refused login as a misconfiguration, which can be fixed while retries go on. The mail is not lost.
fn login(error: &smtp::Error) -> Failure {
    if error.is_permanent() {
        return Failure::Misconfigured("the mail server refused the login in email.smtp".to_owned());
    }
    if error.is_client() {
        return Failure::Misconfigured("the mail server offers no login by PLAIN or LOGIN".to_owned());
    }
    common(error).unwrap_or_else(|| Failure::Broken(io_words(error)))
}

fn refused(stage: MailStage, error: &smtp::Error) -> Failure {
    let unanswered = || match stage {
        // A connection that broke before the recipient was named: the mail was certainly not accepted.
        MailStage::Greeting | MailStage::Sender => Failure::Broken(io_words(error)),
        stage => Failure::MailUnanswered { stage, why: io_words(error) },
    };
    reply(stage, error).unwrap_or_else(unanswered)
}

/// The failure for a negative reply; `None` if the error is not a reply.
fn reply(stage: MailStage, error: &smtp::Error) -> Option<Failure> {
    let answer = error.source().map(ToString::to_string).unwrap_or_default();
    error.status().map(|code| Failure::Mail { stage, code: code.into(), answer: bounded(answer) })
}

fn common(error: &smtp::Error) -> Option<Failure> {
    if let replied @ Some(_) = reply(MailStage::Greeting, error) {
        return replied;
    }
    if let Some(words) = fault::tls_words(error) {
        return Some(Failure::Tls(words.to_owned()));
    }
    error.is_tls().then(|| Failure::Tls("the handshake failed".to_owned()))
}

fn io_words(error: &(dyn Error + 'static)) -> String {
    fault::io_words(error)
        .unwrap_or_else(|| "the mail server closed the connection, or its reply is not SMTP".to_owned())
}
