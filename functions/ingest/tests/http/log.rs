//! Each accepted event is one log line; nothing else of a caller's is in the log.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::world::{JSON, world};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn an_accepted_event_is_logged_once_and_masked() {
    // For the whole process: of subscribers for one thread, the others' events decide what is recorded.
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(captured.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let world = world().await;
    let named = json!({ "action": "login", "id": "7", "app": "logged-app", "context": { "password": "hunter2" } });
    let refused = json!({ "action": "nope!", "context": { "mail": "someone@example.org" } });
    world.post(JSON, json!([named, named, refused]).to_string()).await;

    let log = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("logged-app")).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let json = world.only().await.to_json();
    assert!(lines[0].contains(&format!("nuncio::event: event accepted event={json:?}")), "{lines:?}");
    for secret in ["hunter2", "someone@example.org", "poster"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}
