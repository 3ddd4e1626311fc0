//! A browser's session: the bearer token in a cookie.
//!
//! Scripts cannot read it (`HttpOnly`) and other sites cannot send it (`SameSite=Strict`). On top of
//! that, [`refuse_foreign`] takes nothing that changes something from another origin. Owns the
//! cookie's form; whether its token is any good is the door's to say.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::Problem;

const NAME: &str = "nuncio_session";
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The `Set-Cookie` that begins a session. It ends with the browser, or with [`end_session`].
pub fn begin_session(headers: &HeaderMap, token: &str) -> HeaderValue {
    cookie(headers, &utf8_percent_encode(token, NON_ALPHANUMERIC).to_string(), "")
}

/// The `Set-Cookie` that ends a session.
pub fn end_session(headers: &HeaderMap) -> HeaderValue {
    cookie(headers, "", "; Max-Age=0")
}

fn cookie(headers: &HeaderMap, value: &str, age: &str) -> HeaderValue {
    // Browsers name the scheme in the Origin of whatever is no GET; over plain HTTP, which is for
    // loopback, a cookie that is only for HTTPS would be lost.
    let secure = text(headers, &ORIGIN).is_some_and(|origin| origin.starts_with("https:"));
    let secure = if secure { "; Secure" } else { "" };
    HeaderValue::from_str(&format!("{NAME}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}"))
        .unwrap_or(HeaderValue::from_static(""))
}

/// The token that the session's cookie carries.
pub(crate) fn token(headers: &HeaderMap) -> Option<String> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
    let mut values = pairs.filter_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='));
    let value = values.find(|value| !value.is_empty())?;
    percent_decode_str(value).decode_utf8().ok().map(Into::into)
}

/// Refuses what another site could make a browser do by its session: a request that changes something,
/// carries the cookie and no bearer token, and does not come from this very origin.
pub(crate) async fn refuse_foreign(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let by_session = !headers.contains_key(AUTHORIZATION) && token(headers).is_some();
    if by_session && !request.method().is_safe() && !is_same_origin(headers) {
        return foreign().into_response();
    }
    next.run(request).await
}

/// Whether a browser says that its own page of this origin asks. The absence of any word is no.
pub fn is_same_origin(headers: &HeaderMap) -> bool {
    match (text(headers, &SEC_FETCH_SITE), text(headers, &ORIGIN), text(headers, &HOST)) {
        (Some(site), _, _) => site == "same-origin",
        (None, Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, authority)| authority == host),
        _ => false,
    }
}

/// The answer to what comes from elsewhere.
pub fn foreign() -> Problem {
    Problem::forbidden("a session is only good on the console's own pages; elsewhere send a bearer token")
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt;

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let line = |(name, value): &(&str, &str)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap());
        lines.iter().map(line).collect()
    }

    #[test]
    fn a_token_of_any_text_comes_back_from_its_cookie() {
        for text in ["nuncio_aB-9", "with space; and=more \"é\"", "%41"] {
            let set = begin_session(&HeaderMap::new(), text);
            let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            assert_eq!(token(&headers(&[("cookie", &format!("theme=dark; {pair}"))])).as_deref(), Some(text));
        }
        for none in ["", "nuncio_session=", "nuncio_session_old=x", "x=nuncio_session=y"] {
            assert_eq!(token(&headers(&[("cookie", none)])), None, "{none}");
        }
    }

    #[test]
    fn the_cookie_is_for_https_alone_where_there_is_https() {
        let cookie = |origin| begin_session(&headers(&[("origin", origin)]), "t").to_str().unwrap().to_owned();
        assert_eq!(cookie("https://n.example.org"), "nuncio_session=t; Path=/; HttpOnly; SameSite=Strict; Secure");
        assert_eq!(cookie("http://127.0.0.1:8787"), "nuncio_session=t; Path=/; HttpOnly; SameSite=Strict");
        assert!(end_session(&HeaderMap::new()).to_str().unwrap().ends_with("SameSite=Strict; Max-Age=0"));
    }

    #[tokio::test]
    async fn only_the_own_origin_changes_anything_by_a_session() {
        let router = crate::finish(Router::new().route("/", get(async || "read").post(async || "changed")));
        let status = async |method: &str, lines: &[(&str, &str)]| {
            let mut request = http::Request::builder().method(method).uri("/").body(Body::empty()).unwrap();
            *request.headers_mut() = headers(lines);
            router.clone().oneshot(request).await.unwrap().status().as_u16()
        };
        let session = ("cookie", "nuncio_session=t");
        let host = ("host", "n.example.org");
        for (lines, expected) in [
            (&[session, ("sec-fetch-site", "same-origin")][..], 200),
            (&[session, host, ("origin", "https://n.example.org")], 200),
            (&[session], 403),
            (&[session, host], 403),
            (&[session, ("sec-fetch-site", "same-site")], 403),
            (&[session, ("sec-fetch-site", "cross-site")], 403),
            (&[session, ("sec-fetch-site", "none")], 403),
            (&[session, host, ("origin", "https://evil.example.org")], 403),
            (&[session, host, ("origin", "null")], 403),
            (&[session, host, ("sec-fetch-site", "cross-site"), ("origin", "https://n.example.org")], 403),
            (&[session, ("authorization", "Bearer t")], 200),
            (&[("sec-fetch-site", "cross-site")], 200),
        ] {
            assert_eq!(status("POST", lines).await, expected, "{lines:?}");
            assert_eq!(status("GET", lines).await, 200, "{lines:?}");
        }
    }
}
