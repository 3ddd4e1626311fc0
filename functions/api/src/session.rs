//! The cookie of a browser's session. It carries a secret that belongs to the session, never the token.
//!
//! Scripts cannot read it (`HttpOnly`) and other sites cannot send it (`SameSite=Strict`). Over TLS, its name
//! guarantees that neither another host nor a page without TLS has set it (`__Host-`). In addition,
//! [`reject_cross_origin`] refuses every change that another origin requests. Owns the form of the cookie; the
//! authenticator checks its session.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::Problem;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The two forms of the session cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CookieKind {
    /// Sent over TLS only.
    Secure,
    /// Sent over plain HTTP, which is meant for loopback: browsers drop `Secure` cookies there.
    Plain,
}

impl CookieKind {
    /// The form for a connection with or without TLS.
    pub(crate) fn for_connection(is_secure: bool) -> Self {
        if is_secure { Self::Secure } else { Self::Plain }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Secure => "__Host-nuncio_session",
            Self::Plain => "nuncio_session",
        }
    }

    /// The `Set-Cookie` value of a session with this secret.
    pub(crate) fn set(self, secret: &str) -> HeaderValue {
        self.cookie(secret, "")
    }

    /// The `Set-Cookie` value that makes the browser delete the cookie.
    pub(crate) fn clear(self) -> HeaderValue {
        self.cookie("", "; Max-Age=0")
    }

    fn cookie(self, secret: &str, max_age: &str) -> HeaderValue {
        let secure = if self == Self::Secure { "; Secure" } else { "" };
        let text = format!("{}={secret}; Path=/; HttpOnly; SameSite=Strict{secure}{max_age}", self.name());
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
    }
}

/// The secret in the request's session cookie and the form of that cookie; `None` without a session cookie. The secure
/// form takes precedence, because a page without TLS could have set the other.
pub(crate) fn secret(headers: &HeaderMap) -> Option<(CookieKind, &str)> {
    let value = |kind: CookieKind| {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, value)| *name == kind.name() && !value.is_empty()).map(|(_, value)| (kind, value))
    };
    value(CookieKind::Secure).or_else(|| value(CookieKind::Plain))
}

/// Whether the page that sent the request was loaded over HTTPS; `None` when the browser names no `Origin`, as in a
/// GET.
pub(crate) fn is_from_https(headers: &HeaderMap) -> Option<bool> {
    Some(text(headers, &ORIGIN)?.starts_with("https:"))
}

/// Rejects what another site could make a browser do with its session (CSRF): a request that changes something, carries
/// the cookie and no bearer token, and comes from another origin.
pub(crate) async fn reject_cross_origin(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let by_session = !headers.contains_key(AUTHORIZATION) && secret(headers).is_some();
    if by_session && !request.method().is_safe() && !is_same_origin(headers) {
        return cross_origin().into_response();
    }
    next.run(request).await
}

/// Whether the browser says that a page of this same origin sent the request. `false` when it says nothing.
pub fn is_same_origin(headers: &HeaderMap) -> bool {
    match (text(headers, &SEC_FETCH_SITE), text(headers, &ORIGIN), text(headers, &HOST)) {
        (Some(site), _, _) => site == "same-origin",
        (None, Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, authority)| authority == host),
        _ => false,
    }
}

/// 403, for a request that another origin sent with a session.
pub fn cross_origin() -> Problem {
    Problem::forbidden("sessions work only on the console's own pages; send a bearer token instead")
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
    fn a_secret_is_read_back_from_its_cookie() {
        for kind in [CookieKind::Secure, CookieKind::Plain] {
            let cookie = kind.set("aB-9");
            let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
            let sent = headers(&[("cookie", &format!("theme=dark; nuncio_session_old=x; {pair}"))]);
            assert_eq!(secret(&sent), Some((kind, "aB-9")));
        }
        let both = headers(&[("cookie", "nuncio_session=planted"), ("cookie", "__Host-nuncio_session=own")]);
        assert_eq!(secret(&both), Some((CookieKind::Secure, "own")));
        for none in ["", "nuncio_session=", "nuncio_session_old=x", "x=nuncio_session=y", "nuncio_session"] {
            assert_eq!(secret(&headers(&[("cookie", none)])), None, "{none}");
        }
    }

    #[test]
    fn the_cookie_is_limited_to_tls_where_tls_is_used() {
        let shown = |value: HeaderValue| value.to_str().unwrap().to_owned();
        assert_eq!(
            shown(CookieKind::Secure.set("s")),
            "__Host-nuncio_session=s; Path=/; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(shown(CookieKind::Plain.set("s")), "nuncio_session=s; Path=/; HttpOnly; SameSite=Strict");
        assert!(shown(CookieKind::Secure.clear()).ends_with("; Secure; Max-Age=0"));
    }

    #[tokio::test]
    async fn only_the_same_origin_changes_anything_with_a_session() {
        let router = crate::with_middleware(Router::new().route("/", get(async || "read").post(async || "changed")));
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
