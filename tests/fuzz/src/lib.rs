//! The code that the fuzz targets share: requests built from an input's bytes, and the routers that handle them.
//!
//! Owns a world that stands still: one instant, one token, and stores of its own. What must hold of an input is
//! the targets'.

mod posting;
mod reading;
mod world;

pub use posting::{Answer, Posted, Posting};
pub use reading::Reading;
pub use world::now;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use domain::rules_document::RulesDocument;
use http_body_util::BodyExt;
use tower::ServiceExt;

/// The rules document in force in the targets' world.
pub fn document() -> RulesDocument {
    rulesfile::read(include_str!("../rules.yaml")).expect("a rules file")
}

/// The events of the corpus.
pub fn corpus() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../corpus/events");
    let mut files: Vec<_> = std::fs::read_dir(folder).expect(folder).map(|file| file.expect(folder).path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read_to_string(file).expect("an event")).collect()
}

/// For what catches the panics of a library it does not own: by itself, libFuzzer ends the process at a panic, also
/// at one that is caught. A target's own still ends it.
pub fn let_panics_be_caught() {
    let _ = std::panic::take_hook();
}

fn answer(router: &Router, request: Request<Body>) -> (StatusCode, HeaderMap, Bytes) {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    }
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let (head, body) = router.clone().oneshot(request).await.expect("routers answer").into_parts();
            (head.status, head.headers, body.collect().await.expect("a body").to_bytes())
        })
    })
}
