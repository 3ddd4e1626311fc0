//! The middleware that every response passes, whatever its route.
//!
//! Owns the responses to unknown paths and methods, to panics, to requests without credentials and to cross-origin
//! requests; serves the description of the API; and adds the security headers. Refuses to replace a header that a route
//! has set itself.

use std::any::Any;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, Method, Uri};
use tower::util::{MapRequestLayer, MapResponseLayer};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{Problem, authenticator, client, openapi, session};

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

const SECURITY_HEADERS: [(HeaderName, HeaderValue); 6] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
];

/// Adds the middleware and the fallbacks to a router. Call it once, on the outermost router, after all routes are
/// added.
pub fn with_middleware(router: Router) -> Router {
    router
        .route("/openapi.json", get(openapi::show))
        .fallback(async || unknown_path())
        .method_not_allowed_fallback(async |method: Method, uri: Uri| {
            Problem::method_not_allowed(format!("{} does not support {method}; see the Allow header", uri.path()))
        })
        .layer(CatchPanicLayer::custom(on_panic))
        .layer(axum::middleware::from_fn(authenticator::require_credentials))
        .layer(axum::middleware::from_fn(session::reject_cross_origin))
        .layer(MapResponseLayer::new(add_security_headers))
        .layer(MapRequestLayer::new(client::record_peer_address))
}

/// The response to a path that no route has.
pub fn unknown_path() -> Problem {
    Problem::not_found("this path does not exist; see /openapi.json for all paths")
}

/// The panic's message may contain a caller's data, so it is not logged here. The panic hook logs the place.
fn on_panic(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a request handler panicked");
    Problem::internal().into_response()
}

fn add_security_headers(mut response: Response) -> Response {
    for (name, value) in SECURITY_HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Json, Path, Query};
    use axum::body::Body;
    use axum::routing::post;
    use http::{HeaderMap, Request};
    use serde::Deserialize;
    use serde_json::Value;
    use tower::ServiceExt;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Filters {
        limit: Option<u16>,
    }

    fn router() -> Router {
        let page = async || ([(CACHE_CONTROL, "max-age=60"), (CONTENT_SECURITY_POLICY, "default-src 'self'")], "page");
        let list = async |Query(filters): Query<Filters>| format!("{:?}", filters.limit);
        let item = async |Path(number): Path<u16>| number.to_string();
        let put = async |Json(filters): Json<Filters>| format!("{:?}", filters.limit);
        let posts = Router::new().route("/list", post(put));
        let gets = Router::new().route("/list", get(list)).route("/item/{number}", get(item)).route("/page", get(page));
        with_middleware(gets.merge(posts).route("/panic", get(async || -> &'static str { panic!("hidden") })))
    }

    async fn send(request: Request<Body>) -> (u16, HeaderMap, String) {
        let (parts, body) = router().oneshot(request).await.unwrap().into_parts();
        let bytes = axum::body::to_bytes(body, 10_000).await.unwrap();
        (parts.status.as_u16(), parts.headers, String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn get_(path: &str) -> (u16, HeaderMap, String) {
        send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    fn detail(body: &str) -> String {
        serde_json::from_str::<Value>(body).unwrap()["detail"].as_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn every_response_has_the_security_headers() {
        for path in ["/list", "/nowhere", "/panic", "/item/x"] {
            let (_, headers, _) = get_(path).await;
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("cache-control", "no-store"),
                ("x-frame-options", "DENY"),
                ("referrer-policy", "no-referrer"),
                ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
                ("cross-origin-resource-policy", "same-origin"),
            ] {
                assert_eq!(headers[name], value, "{path}");
            }
        }
        let (_, headers, _) = get_("/page").await;
        assert_eq!(headers["cache-control"], "max-age=60");
        assert_eq!(headers["content-security-policy"], "default-src 'self'");
        assert_eq!(headers["x-content-type-options"], "nosniff");
    }

    #[tokio::test]
    async fn unknown_paths_and_methods() {
        assert_eq!(get_("/nowhere").await.0, 404);
        let (status, headers, body) = send(Request::delete("/list").body(Body::empty()).unwrap()).await;
        assert_eq!((status, headers["content-type"].to_str().unwrap()), (405, "application/problem+json"));
        assert_eq!(headers["allow"], "GET,HEAD,POST");
        assert_eq!(detail(&body), "/list does not support DELETE; see the Allow header");
    }

    #[tokio::test]
    async fn a_request_without_credentials_is_not_read() {
        let router = with_middleware(Router::new().route("/v1/list", post(async |Json(_): Json<Filters>| "put")));
        let status = async |path: &str, header: (&str, &str)| {
            let request = Request::post(path).header("content-type", "application/json").header(header.0, header.1);
            router.clone().oneshot(request.body(Body::from("{")).unwrap()).await.unwrap().status().as_u16()
        };
        assert_eq!(status("/v1/list", ("accept", "*/*")).await, 401);
        assert_eq!(status("/v1/nowhere", ("accept", "*/*")).await, 401);
        assert_eq!(status("/v1/list", ("authorization", "Bearer x")).await, 400, "the handler checks it");
        assert_eq!(status("/v1/list", ("cookie", "nuncio_session=x")).await, 403, "it comes from another origin");
        assert_eq!(status("/v1/session", ("accept", "*/*")).await, 404, "the sign-in path is exempt");
    }

    #[tokio::test]
    async fn a_panic_is_a_500_that_reveals_nothing() {
        let (status, _, body) = get_("/panic").await;
        assert_eq!(status, 500);
        assert!(!body.contains("hidden"));
    }

    #[tokio::test]
    async fn bad_parameters_are_named() {
        assert_eq!(get_("/list?limit=7").await.2, "Some(7)");
        for (path, name) in [("/list?limit=many", "limit"), ("/list?limt=7", "limt"), ("/item/x", "x")] {
            let (status, _, body) = get_(path).await;
            assert_eq!(status, 400, "{path}");
            assert!(detail(&body).contains(name), "{body}");
        }
    }

    #[tokio::test]
    async fn json_bodies() {
        let post = |kind: &'static str, body: String| {
            send(Request::post("/list").header("content-type", kind).body(Body::from(body)).unwrap())
        };
        assert_eq!(post("application/json; charset=utf-8", r#"{"limit":7}"#.to_owned()).await.2, "Some(7)");
        assert_eq!(post("application/json", "\u{feff}{\"limit\":7}".to_owned()).await.2, "Some(7)");
        let large = format!("\"{}\"", "x".repeat(crate::MAX_JSON_BYTES));
        for (kind, body, status) in [
            ("text/plain", "{}".to_owned(), 415),
            ("application/json", "{".to_owned(), 400),
            ("application/json", r#"{"limit":-1}"#.to_owned(), 400),
            ("application/json", large, 413),
        ] {
            let (found, headers, _) = post(kind, body).await;
            assert_eq!(found, status);
            assert_eq!(headers["content-type"], "application/problem+json");
        }
    }
}
