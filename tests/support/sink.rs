//! A receiver of webhooks that keeps the requests it gets and responds as configured.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How it answers one request.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    delay: Duration,
    hangs: bool,
}

impl Answer {
    /// At once, with this status and nothing else.
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new(), delay: Duration::ZERO, hangs: false }
    }

    /// Never responds.
    pub fn hang() -> Self {
        Self { hangs: true, ..Self::status(200) }
    }

    /// With this header too.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the response's body.
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    /// Only after a while.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Received {
    /// When it was read to its end.
    pub at: Instant,
    /// The request's method.
    pub method: Method,
    /// Its path, without the query.
    pub path: String,
    /// The request's headers.
    pub headers: HeaderMap,
    /// The request's body.
    pub body: Bytes,
}

impl Received {
    /// A header's text; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

#[derive(Debug, Default)]
struct Book {
    received: Mutex<Vec<Received>>,
    answers: Mutex<BTreeMap<String, VecDeque<Answer>>>,
    arrived: Notify,
}

/// The receiver. It stops when it is dropped.
#[derive(Debug)]
pub struct Sink {
    address: std::net::SocketAddr,
    book: Arc<Book>,
    server: JoinHandle<()>,
}

impl Sink {
    /// Starts one that answers 200 to everything.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port on 127.0.0.1");
        let address = listener.local_addr().expect("the port's address");
        let book = Arc::new(Book::default());
        let router = axum::Router::new().fallback(receive).with_state(book.clone());
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("the sink serves");
        });
        Self { address, book, server }
    }

    /// Where a path of it is.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers the next requests to `path` in this order; the last answer stays for all that follow.
    pub fn answer(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        let answers: VecDeque<_> = answers.into_iter().collect();
        assert!(!answers.is_empty(), "at least one answer");
        lock(&self.book.answers).insert(path.to_owned(), answers);
    }

    /// Everything it got so far, in order.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.book.received).clone()
    }

    /// What it got at `path` so far, in order.
    pub fn received_at(&self, path: &str) -> Vec<Received> {
        lock(&self.book.received).iter().filter(|request| request.path == path).cloned().collect()
    }

    /// Waits until it got `n` requests in all; says which.
    pub async fn wait_for(&self, n: usize, timeout: Duration) -> Vec<Received> {
        let waiting = async {
            loop {
                // Asked for before looking, so that none that comes in between goes unnoticed.
                let mut arrived = std::pin::pin!(self.book.arrived.notified());
                arrived.as_mut().enable();
                let received = self.received();
                if received.len() >= n {
                    return received;
                }
                arrived.await;
            }
        };
        let received = tokio::time::timeout(timeout, waiting).await;
        received.unwrap_or_else(|_| panic!("{} of {n} requests came within {timeout:?}", self.received().len()))
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn receive(State(book): State<Arc<Book>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let path = parts.uri.path().to_owned();
    let answer = next_answer(&mut lock(&book.answers), &path);
    lock(&book.received).push(Received {
        at: Instant::now(),
        method: parts.method,
        path,
        headers: parts.headers,
        body,
    });
    book.arrived.notify_waiters();
    if answer.hangs {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(answer.delay).await;
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).expect("the programmed answer is HTTP")
}

fn next_answer(answers: &mut BTreeMap<String, VecDeque<Answer>>, path: &str) -> Answer {
    match answers.get_mut(path) {
        Some(queue) if queue.len() > 1 => queue.pop_front(),
        Some(queue) => queue.front().cloned(),
        None => None,
    }
    .unwrap_or_else(|| Answer::status(200))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_answers_as_told_and_keeps_what_came() {
        let sink = Sink::start().await;
        sink.answer("/a", [Answer::status(503).header("retry-after", "7"), Answer::status(204)]);
        let client = reqwest::Client::new();
        let post = |path| client.post(sink.url(path)).header("x-n", "1").body("{\"n\":1}").send();
        let first = post("/a").await.unwrap();
        assert_eq!((first.status().as_u16(), first.headers()["retry-after"].to_str().unwrap()), (503, "7"));
        for (path, status) in [("/a", 204), ("/a", 204), ("/b", 200)] {
            assert_eq!(post(path).await.unwrap().status().as_u16(), status);
        }
        let received = sink.wait_for(4, Duration::from_secs(5)).await;
        assert_eq!((received[3].path.as_str(), received[3].header("x-n")), ("/b", "1"));
        assert_eq!(received[0].json(), serde_json::json!({ "n": 1 }));
        assert_eq!(sink.received_at("/a").len(), 3);
    }

    #[tokio::test]
    async fn it_can_be_slow_or_say_nothing() {
        let sink = Sink::start().await;
        let pause = Duration::from_millis(50);
        sink.answer("/slow", [Answer::status(200).after(pause)]);
        sink.answer("/never", [Answer::hang()]);
        let client = reqwest::Client::new();
        let began = Instant::now();
        client.post(sink.url("/slow")).send().await.unwrap();
        assert!(began.elapsed() >= pause);
        let unanswered = client.post(sink.url("/never")).timeout(pause).send().await;
        assert!(unanswered.unwrap_err().is_timeout());
        assert_eq!(sink.wait_for(2, pause * 20).await.len(), 2);
    }
}
