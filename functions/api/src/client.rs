//! The address of a request's client: the connection's own or, behind proxies that the operator trusts, the one that
//! they report.
//!
//! Owns the internal header that carries the connection's address to the authenticator, and the reading of `Forwarded`
//! (RFC 7239) and `X-Forwarded-For`. Refuses to believe what a client writes into either: only the entries that trusted
//! proxies have added count.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use http::header::FORWARDED;
use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

const CONNECTION: HeaderName = HeaderName::from_static("nuncio-client");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Sets the internal header to the connection's address, if it is known. Removes what the caller wrote there.
pub(crate) fn record_peer_address(mut request: Request) -> Request {
    let known = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_string());
    request.headers_mut().remove(CONNECTION);
    if let Some(value) = known.and_then(|text| HeaderValue::from_str(&text).ok()) {
        request.headers_mut().insert(CONNECTION, value);
    }
    request
}

/// The client's address: the nearest one, seen from here, that does not belong to a trusted proxy. `None` when the
/// connection's address is unknown.
pub(crate) fn address(headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let connection = connection(headers)?;
    let by = |hops: Vec<Option<IpAddr>>| nearest_untrusted(connection, &hops, trusted);
    let forwarded = headers.contains_key(FORWARDED).then(|| by(forwarded(headers).iter().map(Hop::address).collect()));
    let x_forwarded = headers.contains_key(X_FORWARDED_FOR).then(|| by(x_forwarded_for(headers)));
    Some(match (forwarded, x_forwarded) {
        (Some(one), None) | (None, Some(one)) => one,
        (Some(one), Some(other)) if one == other => one,
        // A proxy writes one of the headers and may pass on the other as its client wrote it; nothing tells them apart.
        (None, None) | (Some(_), Some(_)) => connection,
    })
}

/// The address that failures are counted against: an IPv4 address, or the /64 network of an IPv6 address, because one
/// host may use all of it. Clients without a known address share one entry, `::`.
pub(crate) fn network(address: Option<IpAddr>) -> IpAddr {
    match address {
        Some(IpAddr::V6(v6)) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        Some(v4) => v4,
        None => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

/// Whether the client reached the trusted proxy over HTTPS. `None` without a trusted proxy, or when it does not say.
pub(crate) fn is_https(headers: &HeaderMap, trusted: &[IpNet]) -> Option<bool> {
    if !is_trusted(connection(headers)?, trusted) {
        return None;
    }
    let last = headers.get_all(X_FORWARDED_PROTO).iter().next_back().and_then(|line| line.to_str().ok());
    let x_forwarded = last.and_then(|line| line.rsplit(',').next()).map(|proto| proto.trim().to_owned());
    let proto = x_forwarded.or_else(|| forwarded(headers).pop()?.proto)?;
    Some(proto.eq_ignore_ascii_case("https"))
}

fn connection(headers: &HeaderMap) -> Option<IpAddr> {
    headers.get(CONNECTION)?.to_str().ok()?.parse().map(|address: IpAddr| address.to_canonical()).ok()
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// Walks back from the connection, hop by hop, as long as each hop is reported by a trusted proxy.
fn nearest_untrusted(connection: IpAddr, hops: &[Option<IpAddr>], trusted: &[IpNet]) -> IpAddr {
    let mut known = connection;
    for hop in hops.iter().rev() {
        match hop {
            Some(address) if is_trusted(known, trusted) => known = *address,
            _ => break,
        }
    }
    known
}

fn x_forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let lines = headers.get_all(X_FORWARDED_FOR).iter();
    // A line that is not text hides everything before it: it parses to one unknown hop.
    lines.flat_map(|line| line.to_str().unwrap_or("-").split(',').map(node)).collect()
}

/// One element of a `Forwarded` header: the request that one proxy received.
#[derive(Default)]
struct Hop {
    node: Option<String>,
    proto: Option<String>,
}

impl Hop {
    fn address(&self) -> Option<IpAddr> {
        node(self.node.as_deref()?)
    }
}

fn forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let lines = headers.get_all(FORWARDED).iter();
    lines.flat_map(|line| line.to_str().map_or_else(|_| vec![Hop::default()], elements)).collect()
}

/// The elements of one `Forwarded` line, in order. A malformed element becomes an empty hop, which ends the walk back.
fn elements(line: &str) -> Vec<Hop> {
    split(line, ',')
        .into_iter()
        .map(|element| {
            let mut hop = Hop::default();
            for pair in split(element, ';').into_iter().filter(|pair| !pair.trim().is_empty()) {
                let Some((name, value)) = pair.split_once('=') else { return Hop::default() };
                let place = match name.trim().to_ascii_lowercase().as_str() {
                    "for" => &mut hop.node,
                    "proto" => &mut hop.proto,
                    _ => continue,
                };
                // RFC 7239 allows each parameter once.
                if place.replace(unquoted(value.trim())).is_some() {
                    return Hop::default();
                }
            }
            hop
        })
        .collect()
}

/// Splits `text` at `separator`, but not within quoted strings.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, char) in text.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if char == separator && !quoted => {
                parts.push(&text[start..at]);
                start = at + char.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return value.to_owned() };
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        plain.extend(if char == '\\' { chars.next() } else { Some(char) });
    }
    plain
}

/// Parses an address with or without brackets and port. `None` for `unknown`, obfuscated names such as `_hidden`, and
/// anything else that is not an address.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let address = match text.strip_prefix('[') {
        Some(rest) => {
            let (inside, port) = rest.split_once(']')?;
            let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
            IpAddr::V6(inside.parse().ok().filter(|_| is_port)?)
        }
        None => text.parse().ok().or_else(|| {
            let (address, port) = text.split_once(':')?;
            address.parse().ok().filter(|_| is_port(port)).map(IpAddr::V4)
        })?,
    };
    Some(address.to_canonical())
}

/// Whether the text is a port number, or an obfuscated port such as `_port` (RFC 7239, 6.1).
fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok() || text.len() > 1 && text.starts_with('_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn headers(peer: Option<&str>, lines: &[(&str, &str)]) -> HeaderMap {
        let mut request = Request::builder().header("Nuncio-Client", "198.51.100.66");
        for (name, value) in lines {
            request = request.header(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let mut request = request.body(Body::empty()).unwrap();
        if let Some(peer) = peer {
            request.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 7)));
        }
        record_peer_address(request).headers().clone()
    }

    fn trusted(networks: &[&str]) -> Vec<IpNet> {
        networks.iter().map(|network| network.parse().unwrap()).collect()
    }

    /// By a proxy at 10.0.0.1, of the networks 10.0.0.0/8 and `2001:db8:ffff::/48`.
    fn seen(lines: &[(&str, &str)]) -> String {
        let trusted = trusted(&["10.0.0.0/8", "2001:db8:ffff::/48"]);
        address(&headers(Some("10.0.0.1"), lines), &trusted).unwrap().to_string()
    }

    #[test]
    fn without_trusted_proxies_the_client_is_the_connections_address() {
        for lines in [&[("x-forwarded-for", "198.51.100.7")][..], &[("forwarded", "for=198.51.100.7")], &[]] {
            let of = |peer| network(address(&headers(peer, lines), &[])).to_string();
            assert_eq!(of(Some("192.0.2.1")), "192.0.2.1");
            assert_eq!(of(Some("::ffff:192.0.2.1")), "192.0.2.1");
            assert_eq!(of(Some("2001:db8:1:2:3:4:5:6")), "2001:db8:1:2::");
            assert_eq!(of(None), "::");
            let others = trusted(&["10.0.0.0/8"]);
            assert_eq!(address(&headers(Some("192.0.2.1"), lines), &others), Some("192.0.2.1".parse().unwrap()));
        }
    }

    #[test]
    fn behind_trusted_proxies_the_client_is_the_nearest_other_address() {
        for (value, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("198.51.100.66, 192.0.2.7", "192.0.2.7"),
            ("198.51.100.66, 192.0.2.7, 10.1.2.3,10.0.0.9", "192.0.2.7"),
            ("192.0.2.7:4711", "192.0.2.7"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:4711", "2001:db8::7"),
            ("2001:db8::7, 2001:db8:ffff::1", "2001:db8::7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("192.0.2.7, ::ffff:10.0.0.4", "192.0.2.7"),
            ("10.0.0.5, 10.0.0.4", "10.0.0.5"),
            // An unreadable entry ends the walk at the proxy that wrote it.
            ("192.0.2.7, unknown", "10.0.0.1"),
            ("192.0.2.7, nonsense, 10.0.0.4", "10.0.0.4"),
            ("192.0.2.7,", "10.0.0.1"),
            ("192.0.2.7:99999", "10.0.0.1"),
            ("[192.0.2.7]", "10.0.0.1"),
            ("fe80::1%eth0", "10.0.0.1"),
            ("192.0.2.7, \u{e9}", "10.0.0.1"),
            ("", "10.0.0.1"),
        ] {
            assert_eq!(seen(&[("x-forwarded-for", value)]), expected, "{value}");
        }
        assert_eq!(seen(&[("x-forwarded-for", "198.51.100.66"), ("x-forwarded-for", "192.0.2.7")]), "192.0.2.7");
    }

    #[test]
    fn forwarded_is_parsed_as_rfc_7239_defines_it() {
        for (value, expected) in [
            ("for=192.0.2.7", "192.0.2.7"),
            ("For=\"192.0.2.7:4711\";proto=https;by=203.0.113.43", "192.0.2.7"),
            ("for=\"[2001:db8::7]:4711\"", "2001:db8::7"),
            ("for=198.51.100.66, for=192.0.2.7, FOR=10.0.0.3", "192.0.2.7"),
            ("for=198.51.100.66;by=\"a, for=192.0.2.9\" , for=192.0.2.7;host=\"x\\\",y\"", "192.0.2.7"),
            ("for=\"192.0.2.7:_port\"", "192.0.2.7"),
            ("for=192.0.2.7, for=unknown", "10.0.0.1"),
            ("for=192.0.2.7, for=_hidden", "10.0.0.1"),
            ("for=192.0.2.7, proto=https", "10.0.0.1"),
            ("for=192.0.2.7;for=192.0.2.8", "10.0.0.1"),
            ("192.0.2.7", "10.0.0.1"),
            ("for=\"192.0.2.7", "10.0.0.1"),
        ] {
            assert_eq!(seen(&[("forwarded", value)]), expected, "{value}");
        }
    }

    #[test]
    fn both_headers_count_only_if_they_agree() {
        assert_eq!(seen(&[("forwarded", "for=192.0.2.7"), ("x-forwarded-for", "9.9.9.9, 192.0.2.7")]), "192.0.2.7");
        assert_eq!(seen(&[("forwarded", "for=198.51.100.66"), ("x-forwarded-for", "192.0.2.7")]), "10.0.0.1");
    }

    #[test]
    fn only_a_trusted_proxy_can_report_https() {
        let said = |peer, lines: &[(&str, &str)]| is_https(&headers(Some(peer), lines), &trusted(&["10.0.0.0/8"]));
        assert_eq!(said("10.0.0.1", &[("x-forwarded-proto", "https")]), Some(true));
        assert_eq!(said("10.0.0.1", &[("x-forwarded-proto", "https, http")]), Some(false));
        assert_eq!(said("10.0.0.1", &[("forwarded", "for=192.0.2.7;proto=HTTPS")]), Some(true));
        assert_eq!(said("10.0.0.1", &[]), None);
        assert_eq!(said("192.0.2.1", &[("x-forwarded-proto", "https")]), None);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn entries_written_by_the_client_change_nothing(written in "[ -~]{0,40}", header in 0_usize..2) {
            // An unclosed quote would swallow the proxy's entry. Then only the proxy's own address counts.
            let (name, added) = [("x-forwarded-for", "192.0.2.7"), ("forwarded", "for=192.0.2.7")][header];
            let found = seen(&[(name, &format!("{written}, {added}"))]);
            proptest::prop_assert!(found == "192.0.2.7" || name == "forwarded" && found == "10.0.0.1", "{}", found);
            // On a separate line it cannot do even that.
            proptest::prop_assert_eq!(seen(&[(name, &written), (name, added)]), "192.0.2.7");
        }
    }
}
