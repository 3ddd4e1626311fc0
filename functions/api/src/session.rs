//! The cookie of a browser's session, which carries a secret of the session's own.
//!
//! Scripts cannot read it (`HttpOnly`) and other sites cannot send it (`SameSite=Strict`). Over TLS its name says that
//! no other host and no page without TLS has set it (`__Host-`). On top of that, [`refuse_foreign`] takes nothing that
//! changes something from another origin. Owns the cookie's form; whether its session is any good is the door's to say.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::Problem;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// How a cookie travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Over TLS alone.
    Secure,
    /// Over plain HTTP, which is for loopback: there a browser keeps no cookie that is only for TLS.
    Plain,
}

impl Kind {
    pub(crate) fn of(secure: bool) -> Self {
        if secure { Self::Secure } else { Self::Plain }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Secure => "__Host-nuncio_session",
            Self::Plain => "nuncio_session",
        }
    }

    /// The `Set-Cookie` of a session with this secret.
    pub(crate) fn begin(self, secret: &str) -> HeaderValue {
        self.cookie(secret, "")
    }

    /// The `Set-Cookie` that has the browser forget it.
    pub(crate) fn end(self) -> HeaderValue {
        self.cookie("", "; Max-Age=0")
    }

    fn cookie(self, secret: &str, age: &str) -> HeaderValue {
        let secure = if self == Self::Secure { "; Secure" } else { "" };
        let text = format!("{}={secret}; Path=/; HttpOnly; SameSite=Strict{secure}{age}", self.name());
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
    }
}

/// The secret that a session's cookie carries, and how the cookie travels.
pub(crate) fn secret(headers: &HeaderMap) -> Option<(Kind, &str)> {
    let value = |kind: Kind| {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, value)| *name == kind.name() && !value.is_empty()).map(|(_, value)| (kind, value))
    };
    value(Kind::Secure).or_else(|| value(Kind::Plain))
}

/// The scheme of the page that a browser's request comes from, which it names for whatever is no GET.
pub(crate) fn is_from_https(headers: &HeaderMap) -> Option<bool> {
    Some(text(headers, &ORIGIN)?.starts_with("https:"))
}

/// Refuses what another site could make a browser do by its session: a request that changes something,
/// carries the cookie and no bearer token, and does not come from this very origin.
pub(crate) async fn refuse_foreign(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let by_session = !headers.contains_key(AUTHORIZATION) && secret(headers).is_some();
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
    fn a_secret_comes_back_from_its_cookie() {
        for kind in [Kind::Secure, Kind::Plain] {
            let cookie = kind.begin("aB-9");
            let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
            let sent = headers(&[("cookie", &format!("theme=dark; nuncio_session_old=x; {pair}"))]);
            assert_eq!(secret(&sent), Some((kind, "aB-9")));
        }
        let both = headers(&[("cookie", "nuncio_session=planted"), ("cookie", "__Host-nuncio_session=own")]);
        assert_eq!(secret(&both), Some((Kind::Secure, "own")));
        for none in ["", "nuncio_session=", "nuncio_session_old=x", "x=nuncio_session=y", "nuncio_session"] {
            assert_eq!(secret(&headers(&[("cookie", none)])), None, "{none}");
        }
    }

    #[test]
    fn the_cookie_is_for_tls_alone_where_there_is_tls() {
        let shown = |value: HeaderValue| value.to_str().unwrap().to_owned();
        assert_eq!(
            shown(Kind::Secure.begin("s")),
            "__Host-nuncio_session=s; Path=/; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(shown(Kind::Plain.begin("s")), "nuncio_session=s; Path=/; HttpOnly; SameSite=Strict");
        assert!(shown(Kind::Secure.end()).ends_with("; Secure; Max-Age=0"));
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
