//! Stands between the deployed functions and the emulator. It records which action of which service each function
//! calls, and can refuse requests to a table, which the emulator never does.

mod call;
mod refusal;

pub use call::Call;
pub(crate) use refusal::error;
pub use refusal::{Refusal, RefusingTable, WriteThrottles};

use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::Response;

use refusal::Refusals;

/// A running gateway. It ends with the process.
#[derive(Debug)]
pub struct Gateway {
    address: String,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    emulator: String,
    client: reqwest::Client,
    calls: Mutex<Vec<Call>>,
    refusals: Refusals,
}

impl Gateway {
    /// Starts one in front of the emulator at this URL.
    ///
    /// # Panics
    /// When 127.0.0.1 has no free port.
    pub(crate) fn start(emulator: String) -> Self {
        let client = reqwest::Client::new();
        let shared = Arc::new(Shared { emulator, client, calls: Mutex::default(), refusals: Refusals::default() });
        let address = serve_apart(Router::new().fallback(pass).with_state(shared.clone()));
        Self { address, shared }
    }

    /// Where the functions reach all services.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The different calls so far that were signed with this key.
    pub fn calls(&self, access_key: &str) -> Vec<Call> {
        let calls = self.shared.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.iter().filter(|call| call.access_key == access_key).cloned().collect()
    }

    /// Refuses requests to a table until the result is dropped.
    pub fn refuse(&self, table: &str, refusal: Refusal) -> RefusingTable<'_> {
        self.shared.refusals.begin(table, refusal)
    }
}

/// Serves a router until the process ends; returns the address. It has a thread and a runtime of its own, because each
/// test has a runtime that ends with the test.
pub(crate) fn serve_apart(router: Router) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("127.0.0.1 has a free port");
    listener.set_nonblocking(true).expect("the listener can be asked without waiting");
    let address = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("the listener is not blocking");
            axum::serve(listener, router).await
        })
    });
    address
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("the request can be read");
    let called = Call::read(&parts, &body);
    if let Some(refusal) = shared.refusals.refuse(&called, &body) {
        return refusal;
    }
    {
        let mut calls = shared.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if !calls.contains(&called) {
            calls.push(called);
        }
    }
    // The host stays: it is part of what the function signed.
    let mut headers = parts.headers;
    for name in ["connection", "transfer-encoding"] {
        headers.remove(name);
    }
    let url = format!("{}{}", shared.emulator, parts.uri);
    let request = shared.client.request(parts.method, url).headers(headers).body(body);
    let answer = request.send().await.expect("the emulator answers");
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = answer.bytes().await.expect("its answer can be read");
    crate::proxy::Passed { status, headers, body }.into()
}
