//! The one way out by HTTP.
//! Owns the client, its timeouts, how much of an answer is read, and what an answer or its absence is called.
//! Refuses redirects and proxies: both would lead elsewhere than was judged.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::Timestamp;
use domain::delivery::{Failure, Outcome, retry_after};
use domain::notification::Notification;
use domain::ports::Clock;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use ipnet::IpNet;
use reqwest::{Certificate, Client, Response, redirect};

use crate::guard::{self, Guard, Names, Unreachable};
use crate::hidden::Hidden;
use crate::secret::Resolved;
use crate::within::within;
use crate::{Error, VERSION, fault};

/// How much of an answer is read, so that the connection can serve again.
const READ: usize = 64 * 1024;
/// A receiver that does not want to read a body of more than this may hang up without an answer.
const LARGE: usize = 64 * 1024;
/// Fields of an answer's head. What is more than this is not read as HTTP.
const MAX_ANSWER_HEADERS: usize = 1000;
/// How much of it is kept.
const KEPT: usize = 1024;
/// What frames a request on its connection, or names another host: nobody's to set.
pub(crate) const FRAMING: [HeaderName; 10] = [
    HOST,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    CONNECTION,
    TE,
    TRAILER,
    UPGRADE,
    EXPECT,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// How long a receiver may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// To be found and connected to, TLS included.
    pub(crate) connect: Duration,
    /// All in all.
    pub(crate) total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), total: Duration::from_secs(15) }
    }
}

/// What to send.
pub(crate) struct Post<'a> {
    pub(crate) url: &'a Resolved,
    /// What is taken out of the answer.
    pub(crate) hidden: &'a Hidden,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) allow: &'a [IpNet],
    /// The authorities that the receiver is known by, as PEM; the system's where there is none.
    pub(crate) ca: Option<&'a str>,
}

/// The headers that every request starts from: the event's trace, in a span of the delivery's own.
pub(crate) fn traced(notification: &Notification) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let trace = notification.delivery.span_in(notification.event.trace());
    if let Ok(text) = HeaderValue::try_from(trace.to_string()) {
        headers.insert("traceparent", text);
    }
    headers
}

/// Sends, over connections that are kept for the next time.
pub(crate) struct Http {
    clock: Arc<dyn Clock>,
    names: Arc<dyn Names>,
    timeouts: Timeouts,
    current: Mutex<Clients>,
}

/// Clients for the networks that they may reach: their open connections were judged by them.
struct Clients {
    allow: Vec<IpNet>,
    /// Knows receivers by the system's authorities.
    usual: Client,
    /// Knows receivers by these authorities alone.
    by_ca: HashMap<String, Client>,
}

/// Authorities that clients are kept for. More are hardly written into one rules document; a secret that is replaced
/// again and again leaves old ones behind.
const MOST_AUTHORITIES: usize = 64;

impl Http {
    pub(crate) fn new(clock: Arc<dyn Clock>, names: Arc<dyn Names>, timeouts: Timeouts) -> Result<Self, Error> {
        let usual = client(&names, &[], None, timeouts).map_err(|error| Error::Client(error.to_string()))?;
        let current = Clients { allow: Vec::new(), usual, by_ca: HashMap::new() };
        Ok(Self { clock, names, timeouts, current: Mutex::new(current) })
    }

    /// Makes one attempt.
    pub(crate) async fn post(&self, post: Post<'_>) -> Result<Outcome, Failure> {
        let url = guard::target(post.url.text(), post.allow)?;
        if let Some(name) = FRAMING.iter().find(|name| post.headers.contains_key(*name)) {
            return Err(Failure::Misconfigured(format!("the header {name} is the connection's own; leave it out")));
        }
        let bytes = post.body.len();
        let request = self.client(post.allow, post.ca)?.post(url).headers(post.headers).body(post.body);
        let began = Instant::now();
        let sent = within(self.timeouts.total, request.send()).await;
        let response = sent.ok_or(Failure::Timeout(self.timeouts.total.as_secs()))?;
        let response = response.map_err(|error| match self.failure(&error) {
            Failure::Broken(why) if bytes > LARGE => Failure::Interrupted { bytes, why },
            failure => failure,
        })?;
        let status = response.status().as_u16();
        let retry_after = self.retry_after(response.headers());
        let delivered = response.status().is_success();
        let mut said = Vec::new();
        within(self.timeouts.total.saturating_sub(began.elapsed()), read(response, &mut said)).await;
        let mut answer = post.hidden.removed_from(String::from_utf8_lossy(&said).into_owned());
        answer.truncate(answer.floor_char_boundary(KEPT));
        if delivered {
            Ok(Outcome::Delivered { status: Some(status), answer })
        } else {
            Err(Failure::Answered { status, retry_after, answer })
        }
    }

    fn client(&self, allow: &[IpNet], ca: Option<&str>) -> Result<Client, Failure> {
        let unbuilt = |_| Failure::Misconfigured("the HTTP client cannot be built anew".to_owned());
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.allow != allow {
            let usual = client(&self.names, allow, None, self.timeouts).map_err(unbuilt)?;
            *current = Clients { allow: allow.to_vec(), usual, by_ca: HashMap::new() };
        }
        let Some(ca) = ca else { return Ok(current.usual.clone()) };
        if let Some(known) = current.by_ca.get(ca) {
            return Ok(known.clone());
        }
        let authorities = authorities(ca)?;
        let made = client(&self.names, allow, Some(authorities), self.timeouts).map_err(|_| no_authorities())?;
        if current.by_ca.len() >= MOST_AUTHORITIES {
            current.by_ca.clear();
        }
        current.by_ca.insert(ca.to_owned(), made.clone());
        Ok(made)
    }

    fn retry_after(&self, headers: &HeaderMap) -> Option<Timestamp> {
        let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        match seconds(text) {
            Some(seconds) => retry_after(Some(seconds), self.clock.now()),
            // HTTP knows dates after the last instant here, which is as far away as anybody can ask for.
            None => Some(Timestamp::try_from(httpdate::parse_http_date(text).ok()?).unwrap_or(Timestamp::MAX)),
        }
    }

    fn failure(&self, error: &reqwest::Error) -> Failure {
        match fault::find::<Unreachable>(error) {
            Some(Unreachable::Unknown) => return Failure::Resolve,
            Some(Unreachable::Blocked(class)) => return guard::blocked(class),
            None => {}
        }
        if error.is_timeout() {
            let limit = if error.is_connect() { self.timeouts.connect } else { self.timeouts.total };
            return Failure::Timeout(limit.as_secs());
        }
        if let Some(words) = fault::tls_words(error) {
            return Failure::Tls(words.to_owned());
        }
        if error.is_connect() {
            return Failure::Connect(fault::io_words(error).unwrap_or_else(|| "no reason given".to_owned()));
        }
        let words = fault::io_words(error);
        Failure::Broken(words.unwrap_or_else(|| "the receiver closed it, or what it said is not HTTP".to_owned()))
    }
}

fn authorities(pem: &str) -> Result<Vec<Certificate>, Failure> {
    let read = Certificate::from_pem_bundle(pem.as_bytes()).map_err(|_| no_authorities())?;
    if read.is_empty() { Err(no_authorities()) } else { Ok(read) }
}

fn no_authorities() -> Failure {
    Failure::Misconfigured("the transport's ca holds no certificates; it must be PEM".to_owned())
}

fn client(
    names: &Arc<dyn Names>,
    allow: &[IpNet],
    authorities: Option<Vec<Certificate>>,
    timeouts: Timeouts,
) -> reqwest::Result<Client> {
    let builder = Client::builder();
    let builder = match authorities {
        Some(authorities) => builder.tls_certs_only(authorities),
        None => builder,
    };
    builder
        .user_agent(format!("Nuncio/{VERSION}"))
        .redirect(redirect::Policy::none())
        .no_proxy()
        .dns_resolver(Guard::new(Arc::clone(names), allow))
        .http1_max_headers(MAX_ANSWER_HEADERS)
        .connect_timeout(timeouts.connect)
        // Shorter than most servers wait: a connection that they closed meanwhile costs an attempt.
        .pool_idle_timeout(Duration::from_secs(30))
        .build()
}

/// A number of seconds, rounded up where it has a fraction, which it should not; the most that there is for more.
fn seconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = !whole.is_empty() && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    is_number.then(|| whole.parse::<u64>().unwrap_or(u64::MAX).saturating_add(u64::from(!fraction.is_empty())))
}

/// What is read of the answer. It may break off: the status line has said all that counts.
async fn read(mut response: Response, bytes: &mut Vec<u8>) {
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk[..chunk.len().min(READ - bytes.len())]);
        if bytes.len() >= READ {
            break;
        }
    }
}
