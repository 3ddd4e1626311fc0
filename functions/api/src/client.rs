//! Whom a request comes from, by its connection.
//!
//! Owns the header that carries the address from the connection to the door. What a caller writes
//! there is thrown away, and so is what proxies say: anybody can write that.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use http::{HeaderMap, HeaderName, HeaderValue};

const CLIENT: HeaderName = HeaderName::from_static("nuncio-client");

/// Puts the connection's address, if it is known, in the place of whatever the caller wrote there.
pub(crate) fn stamp(mut request: Request) -> Request {
    let known = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_string());
    request.headers_mut().remove(CLIENT);
    if let Some(value) = known.and_then(|text| HeaderValue::from_str(&text).ok()) {
        request.headers_mut().insert(CLIENT, value);
    }
    request
}

/// Whom failures are counted against: an IPv4 address, or the /64 that an IPv6 host has to itself. All whose
/// address is not known are one.
pub(crate) fn of(headers: &HeaderMap) -> IpAddr {
    let text = headers.get(CLIENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match text.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V6(v6)) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        Ok(v4) => v4,
        Err(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn seen(peer: Option<&str>, written: &str) -> String {
        let mut request = Request::builder().header("Nuncio-Client", written).body(Body::empty()).unwrap();
        if let Some(peer) = peer {
            request.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 7)));
        }
        of(stamp(request).headers()).to_string()
    }

    #[test]
    fn it_is_the_connections_and_not_what_the_caller_wrote() {
        assert_eq!(seen(Some("192.0.2.1"), "198.51.100.7"), "192.0.2.1");
        assert_eq!(seen(Some("::ffff:192.0.2.1"), ""), "192.0.2.1");
        assert_eq!(seen(Some("2001:db8:1:2:3:4:5:6"), ""), "2001:db8:1:2::");
        assert_eq!(seen(None, "198.51.100.7"), "::");
    }
}
