//! The HTTP client of all transports.
//! Owns the timeouts, how much of a response is read, and how responses and errors are classified.
//! Refuses redirects and proxies: both lead to targets that the guard has not checked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::Timestamp;
use domain::delivery::{AttemptOutcome, Failure, retry_after};
use domain::notification::Notification;
use domain::ports::Clock;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use ipnet::IpNet;
use reqwest::{Certificate, Client, Response, redirect};

use crate::guard::{self, Guard, NameResolver, ResolveError};
use crate::redact::Redactor;
use crate::secret::Resolved;
use crate::timeout::with_timeout;
use crate::{Error, VERSION, fault};

/// The most bytes of a response that are read. The whole body must be read for the connection to be reused.
const MAX_READ: usize = 64 * 1024;
/// A receiver may close the connection without a response if it does not accept a body larger than this.
const LARGE_BODY: usize = 64 * 1024;
/// The most headers of a response. A response with more is not accepted as HTTP.
const MAX_ANSWER_HEADERS: usize = 1000;
/// The most bytes of a response that the ledger keeps.
const MAX_ANSWER: usize = 1024;
/// The headers that frame a request or name its host. Neither settings nor mappings may set them.
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

/// Time limits of one attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// For resolving and connecting, including TLS.
    pub(crate) connect: Duration,
    /// For the whole attempt.
    pub(crate) total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), total: Duration::from_secs(15) }
    }
}

/// A request to be sent.
pub(crate) struct PostRequest<'a> {
    pub(crate) url: &'a Resolved,
    /// Removes secrets from the response.
    pub(crate) redactor: &'a Redactor,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) allow: &'a [IpNet],
    /// The certificate authorities of the receiver, as PEM; `None` for the system's.
    pub(crate) ca: Option<&'a str>,
}

/// The headers of every request: the event's trace context, with the delivery as a span.
pub(crate) fn traced(notification: &Notification) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let trace = notification.delivery.span_in(notification.event.trace());
    if let Ok(text) = HeaderValue::try_from(trace.to_string()) {
        headers.insert("traceparent", text);
    }
    headers
}

/// Sends requests, over pooled connections.
pub(crate) struct Http {
    clock: Arc<dyn Clock>,
    names: Arc<dyn NameResolver>,
    timeouts: Timeouts,
    current: Mutex<Clients>,
}

/// The clients for one `allow_networks`. When that changes, they are replaced: their pooled connections were checked
/// against the old one.
struct Clients {
    allow: Vec<IpNet>,
    /// Trusts the system's certificate authorities.
    default: Client,
    /// Trust only the authorities in the key (PEM).
    by_ca: HashMap<String, Client>,
}

/// The most entries of `by_ca`. A rules document hardly has as many authorities, but a secret that is rotated often
/// leaves old entries behind.
const MAX_CLIENTS: usize = 64;

impl Http {
    pub(crate) fn new(clock: Arc<dyn Clock>, names: Arc<dyn NameResolver>, timeouts: Timeouts) -> Result<Self, Error> {
        let default = client(&names, &[], None, timeouts).map_err(|error| Error::Client(error.to_string()))?;
        let current = Clients { allow: Vec::new(), default, by_ca: HashMap::new() };
        Ok(Self { clock, names, timeouts, current: Mutex::new(current) })
    }

    /// Makes one attempt to send the request, and reads the start of the response.
    ///
    /// # Errors
    /// If the request is not allowed or cannot be sent, if no response arrives in time, or if its status is not 2xx.
    pub(crate) async fn post(&self, post: PostRequest<'_>) -> Result<AttemptOutcome, Failure> {
        let url = guard::target(post.url.text(), post.allow)?;
        if let Some(name) = FRAMING.iter().find(|name| post.headers.contains_key(*name)) {
            return Err(Failure::Misconfigured(format!(
                "the header {name} belongs to the connection and cannot be set; remove it"
            )));
        }
        let bytes = post.body.len();
        let request = self.client(post.allow, post.ca)?.post(url).headers(post.headers).body(post.body);
        let began = Instant::now();
        let sent = with_timeout(self.timeouts.total, request.send()).await;
        let response = sent.ok_or(Failure::Timeout(self.timeouts.total.as_secs()))?;
        let response = response.map_err(|error| match self.failure(&error) {
            Failure::Broken(why) if bytes > LARGE_BODY => Failure::Interrupted { bytes, why },
            failure => failure,
        })?;
        let status = response.status().as_u16();
        let retry_after = self.retry_after(response.headers());
        let delivered = response.status().is_success();
        let mut said = Vec::new();
        with_timeout(self.timeouts.total.saturating_sub(began.elapsed()), read(response, &mut said)).await;
        let mut answer = post.redactor.redact(String::from_utf8_lossy(&said).into_owned());
        answer.truncate(answer.floor_char_boundary(MAX_ANSWER));
        if delivered {
            Ok(AttemptOutcome::Delivered { status: Some(status), answer })
        } else {
            Err(Failure::Answered { status, retry_after, answer })
        }
    }

    fn client(&self, allow: &[IpNet], ca: Option<&str>) -> Result<Client, Failure> {
        let unbuilt = |_| Failure::Misconfigured("the HTTP client cannot be rebuilt".to_owned());
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.allow != allow {
            let default = client(&self.names, allow, None, self.timeouts).map_err(unbuilt)?;
            *current = Clients { allow: allow.to_vec(), default, by_ca: HashMap::new() };
        }
        let Some(ca) = ca else { return Ok(current.default.clone()) };
        if let Some(client) = current.by_ca.get(ca) {
            return Ok(client.clone());
        }
        let authorities = authorities(ca)?;
        let built = client(&self.names, allow, Some(authorities), self.timeouts).map_err(|_| no_authorities())?;
        if current.by_ca.len() >= MAX_CLIENTS {
            current.by_ca.clear();
        }
        current.by_ca.insert(ca.to_owned(), built.clone());
        Ok(built)
    }

    fn retry_after(&self, headers: &HeaderMap) -> Option<Timestamp> {
        let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        match seconds(text) {
            Some(seconds) => retry_after(Some(seconds), self.clock.now()),
            // HTTP dates may lie after the last timestamp: then wait as long as possible.
            None => Some(Timestamp::try_from(httpdate::parse_http_date(text).ok()?).unwrap_or(Timestamp::MAX)),
        }
    }

    fn failure(&self, error: &reqwest::Error) -> Failure {
        match fault::find::<ResolveError>(error) {
            Some(ResolveError::NotFound) => return Failure::Resolve,
            Some(ResolveError::Blocked(class)) => return guard::blocked(class),
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
        Failure::Broken(
            words.unwrap_or_else(|| "the receiver closed the connection, or its response is not HTTP".to_owned()),
        )
    }
}

fn authorities(pem: &str) -> Result<Vec<Certificate>, Failure> {
    let read = Certificate::from_pem_bundle(pem.as_bytes()).map_err(|_| no_authorities())?;
    if read.is_empty() { Err(no_authorities()) } else { Ok(read) }
}

fn no_authorities() -> Failure {
    Failure::Misconfigured("the transport's ca contains no certificates; it must be PEM".to_owned())
}

fn client(
    names: &Arc<dyn NameResolver>,
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
        // Shorter than most servers keep connections: a request on a connection that the server has closed fails.
        .pool_idle_timeout(Duration::from_secs(30))
        .build()
}

/// Parses a number of seconds. Rounds a fraction up, although HTTP does not allow one; saturates at the maximum.
fn seconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = !whole.is_empty() && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    is_number.then(|| whole.parse::<u64>().unwrap_or(u64::MAX).saturating_add(u64::from(!fraction.is_empty())))
}

/// Reads the beginning of the body. Ignores an error: the status decides the outcome.
async fn read(mut response: Response, bytes: &mut Vec<u8>) {
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk[..chunk.len().min(MAX_READ - bytes.len())]);
        if bytes.len() >= MAX_READ {
            break;
        }
    }
}
