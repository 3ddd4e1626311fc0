//! Decides where HTTP may lead.
//! Owns the judgement of URLs and the resolver of the HTTP client: a name is resolved when a connection is opened, and
//! the connection goes to an address that was judged, so nothing is looked up twice. Refuses whatever is not public,
//! unless `allow_networks` names it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use domain::delivery::Failure;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::networks;

/// The URL, if requests may be sent to it as far as can be told without resolving its host.
pub(crate) fn target(text: &str, allow: &[IpNet]) -> Result<Url, Failure> {
    let url = Url::parse(text.trim()).map_err(|_| not_a_url())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Failure::Blocked("only http and https URLs can be sent to".to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Failure::Blocked("the URL carries a user name or password; take it out".to_owned()));
    }
    let literal = match url.host() {
        None => return Err(not_a_url()),
        Some(Host::Domain(_)) => None,
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
    };
    match literal.and_then(|address| networks::refusal(address, allow)) {
        Some(class) => Err(blocked(class)),
        None => Ok(url),
    }
}

fn not_a_url() -> Failure {
    Failure::Misconfigured("the transport's url is not one; write it like https://host/path".to_owned())
}

pub(crate) fn blocked(class: &str) -> Failure {
    Failure::Blocked(format!(
        "the target's address is {class}, not public; if that is meant, put its network under allow_networks"
    ))
}

/// Why a name led to no address.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreachable {
    #[error("no such host")]
    Unknown,
    #[error("all addresses are blocked")]
    Blocked(&'static str),
}

/// Resolves names to the addresses among theirs that may be reached.
pub(crate) struct Guard {
    allow: Arc<[IpNet]>,
}

impl Guard {
    pub(crate) fn new(allow: &[IpNet]) -> Self {
        Self { allow: allow.into() }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let allow = Arc::clone(&self.allow);
        Box::pin(async move {
            // The port is the URL's; zero stands for it.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|_| Unreachable::Unknown)?;
            let addresses = admitted(found.collect(), &allow)?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Leaves out what is blocked. A name with one public and one private address leads to the public one only.
fn admitted(found: Vec<SocketAddr>, allow: &[IpNet]) -> Result<Vec<SocketAddr>, Unreachable> {
    let mut class = None;
    let mut addresses = Vec::with_capacity(found.len());
    for address in found {
        match networks::refusal(address.ip(), allow) {
            None => addresses.push(address),
            Some(refusal) => class = class.or(Some(refusal)),
        }
    }
    match (addresses.is_empty(), class) {
        (false, _) => Ok(addresses),
        (true, Some(class)) => Err(Unreachable::Blocked(class)),
        (true, None) => Err(Unreachable::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(url: &str) -> String {
        target(url, &[]).expect_err(url).to_string()
    }

    #[test]
    fn every_spelling_of_a_blocked_address() {
        for (url, class) in [
            ("http://127.0.0.1/", "loopback"),
            ("http://127.0.0.1./", "loopback"),
            ("http://127.1/", "loopback"),
            ("http://2130706433/", "loopback"),
            ("http://0x7f000001/", "loopback"),
            ("http://0177.0.0.1/", "loopback"),
            ("http://0x7f.0.0.0x1/", "loopback"),
            ("http://①②⑦.⓪.⓪.①/", "loopback"),
            ("http://%31%32%37.0.0.1/", "loopback"),
            ("http://[::1]/", "loopback"),
            ("http://[::ffff:7f00:1]/", "loopback"),
            ("http://[::ffff:127.0.0.1]/", "loopback"),
            ("http://0/", "unspecified"),
            ("http://[::]:8787/", "unspecified"),
            ("https://169.254.169.254/latest/meta-data/", "link-local"),
            ("http://2852039166/", "link-local"),
            ("http://[64:ff9b::a9fe:a9fe]/", "link-local"),
            ("http://10.0.0.1:9200/", "private"),
            ("http://[fd00:ec2::254]/", "private"),
            ("http://[2002:c0a8:101::]/", "private"),
            ("http:\\\\192.168.0.1\\", "private"),
        ] {
            let text = reason(url);
            assert!(text.contains(&format!("address is {class},")) && text.contains("allow_networks"), "{url}: {text}");
        }
    }

    #[test]
    fn what_is_no_target() {
        for url in ["file:///etc/passwd", "gopher://example.org/", "ftp://example.org/", "unix:/run/x", "data:,x"] {
            assert!(reason(url).contains("only http and https"), "{url}");
        }
        for url in ["http://user@example.org/", "https://user:pw@example.org/", "https://:pw@example.org/"] {
            assert!(reason(url).contains("user name or password"), "{url}");
        }
        for url in ["", "example.org/in", "http://", "https://256.0.0.1/", "http://a b/"] {
            assert!(matches!(target(url, &[]), Err(Failure::Misconfigured(_))), "{url}");
        }
    }

    #[test]
    fn public_targets_pass() {
        for url in [
            "https://example.org/in?token=x",
            "http://8.8.8.8:8080/",
            "https://[2606:4700::1111]/",
            "http://localhost.",
        ] {
            assert!(target(url, &[]).is_ok(), "{url}");
        }
    }

    #[test]
    fn only_admitted_addresses_are_connected_to() {
        let found =
            |addresses: &[&str]| addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0)).collect();
        let public: Vec<SocketAddr> = found(&["8.8.8.8"]);
        assert_eq!(admitted(found(&["127.0.0.1", "8.8.8.8", "::ffff:10.0.0.1"]), &[]).unwrap(), public);
        assert!(matches!(admitted(found(&["::1", "127.0.0.1"]), &[]), Err(Unreachable::Blocked("loopback"))));
        assert!(matches!(admitted(found(&[]), &[]), Err(Unreachable::Unknown)));
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_blocked() {
        let error = Guard::new(&[]).resolve("localhost".parse().unwrap()).await.err().unwrap();
        assert!(matches!(error.downcast_ref(), Some(Unreachable::Blocked("loopback"))), "{error}");
        let allowed: Vec<IpNet> = vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        assert!(Guard::new(&allowed).resolve("localhost".parse().unwrap()).await.unwrap().count() > 0);
    }
}
