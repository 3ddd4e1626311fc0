//! The web console's files, which are embedded in the binary.
//!
//! Owns compression and caching: a file is sent in the best encoding that the browser accepts; files with a content
//! hash in their name are cached forever, and the page itself is revalidated on each load. Refuses to be a general file
//! server: only files in the table exist.

use api::{Path, Problem};
use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap,
    IF_NONE_MATCH, VARY,
};
use http::{HeaderValue, Method, StatusCode, Uri};

/// One embedded file, plain and compressed.
struct Asset {
    /// The path below `web/dist`, such as `index.html`.
    path: &'static str,
    /// The value of the `ETag` header, with its quotes: a hash of the plain file.
    tag: &'static str,
    plain: &'static [u8],
    brotli: &'static [u8],
    gzip: &'static [u8],
}

const ASSETS: &[Asset] = &include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The paths that serve the page. Its script chooses what to show by the address, and says if there is no such page.
const PAGES: [&str; 9] =
    ["/", "/overview", "/events", "/events/{pk}", "/inbox", "/deliveries", "/rules", "/transports", "/silences"];

/// The content security policy: nothing from other origins, nothing inline, and no conversion of text to markup.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
);

const NOT_BUILT: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Nuncio</title>\
    <h1>The console is not built</h1><p>Run <code>npm install &amp;&amp; npm run build</code> in \
    <code>functions/console/web</code> and build again. The API at <code>/v1</code> works nevertheless.";

/// The routes of the page and its files.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let page = async |headers: HeaderMap| page(ASSETS, &headers);
    let file = async |Path(name): Path<String>, headers: HeaderMap| file(ASSETS, &name, &headers);
    let files = Router::new().route("/assets/{name}", get(file)).route("/{*path}", any(unknown));
    PAGES.iter().fold(files, |router, path| router.route(path, get(page)))
}

/// A browser that opens a path that does not exist gets the page, every other caller a problem.
async fn unknown(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let accepted = headers.get(ACCEPT).and_then(|types| types.to_str().ok()).unwrap_or_default();
    let is_of_api = uri.path() == "/v1" || uri.path().starts_with("/v1/");
    if method != Method::GET || is_of_api || !accepted.contains("text/html") {
        return api::unknown_path().into_response();
    }
    let mut response =
        page(ASSETS, &HeaderMap::from_iter(headers.get(ACCEPT_ENCODING).map(|one| (ACCEPT_ENCODING, one.clone()))));
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

fn page(assets: &'static [Asset], headers: &HeaderMap) -> Response {
    let mut response = match find(assets, "index.html") {
        Some(index) => respond(index, headers, HeaderValue::from_static("no-cache")),
        None => (StatusCode::NOT_IMPLEMENTED, [(CONTENT_TYPE, content_type("index.html"))], NOT_BUILT).into_response(),
    };
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY);
    response
}

fn file(assets: &'static [Asset], name: &str, headers: &HeaderMap) -> Response {
    match find(assets, &format!("assets/{name}")) {
        Some(asset) => respond(asset, headers, HeaderValue::from_static("public, max-age=31536000, immutable")),
        None => Problem::not_found("the console has no such file; reload the page").into_response(),
    }
}

fn find(assets: &'static [Asset], path: &str) -> Option<&'static Asset> {
    assets.iter().find(|asset| asset.path == path)
}

fn respond(asset: &'static Asset, request: &HeaderMap, cache_control: HeaderValue) -> Response {
    let tag = HeaderValue::from_static(asset.tag);
    let known = request.get(IF_NONE_MATCH).and_then(|line| line.to_str().ok());
    let mut response = if known.is_some_and(|known| known.split(',').any(|one| one.trim() == asset.tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else if accepts(request, "br") {
        ([(CONTENT_ENCODING, "br")], Body::from(asset.brotli)).into_response()
    } else if accepts(request, "gzip") {
        ([(CONTENT_ENCODING, "gzip")], Body::from(asset.gzip)).into_response()
    } else {
        Body::from(asset.plain).into_response()
    };
    let headers = [
        (CONTENT_TYPE, content_type(asset.path)),
        (CACHE_CONTROL, cache_control),
        (ETAG, tag),
        (VARY, HeaderValue::from_static("Accept-Encoding")),
    ];
    response.headers_mut().extend(headers);
    response
}

/// Whether `Accept-Encoding` names the coding with a weight above zero.
fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|part| {
        let (name, weight) = part.split_once(';').unwrap_or((part, ""));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1").trim().parse().unwrap_or(1.0);
        name.trim().eq_ignore_ascii_case(coding) && weight > 0.0
    })
}

fn content_type(path: &str) -> HeaderValue {
    HeaderValue::from_static(match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    })
}

#[cfg(test)]
#[path = "assets_tests.rs"]
mod tests;
