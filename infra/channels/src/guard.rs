//! Decides which targets HTTP requests may reach (protection against server-side request forgery). Owns the check of
//! URLs and the resolver of the HTTP client. A name is resolved once, when a connection is opened, and the connection
//! goes to an address that was checked. Refuses addresses that are not public, unless `allow_networks` contains them.
//! Does not check mail servers: see `smtp`.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use domain::delivery::Failure;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::networks;

/// Parses and checks a URL, without resolving its host.
pub(crate) fn target(text: &str, allow: &[IpNet]) -> Result<Url, Failure> {
    let url = Url::parse(text.trim()).map_err(|_| not_a_url())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Failure::Blocked("only http and https URLs are supported".to_owned()));
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
    match literal.and_then(|address| networks::blocked_class(address, allow)) {
        Some(class) => Err(blocked(class)),
        None => Ok(url),
    }
}

fn not_a_url() -> Failure {
    Failure::Misconfigured("the transport's url is not a URL; write it like https://host/path".to_owned())
}

pub(crate) fn blocked(class: &str) -> Failure {
    Failure::Blocked(format!(
        "the target's address is {class}, not public; if that is meant, put its network under allow_networks"
    ))
}

/// Why a name could not be resolved to an address that may be reached.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResolveError {
    #[error("the host name does not resolve to any address")]
    NotFound,
    #[error("the host name resolves only to addresses that are blocked ({0})")]
    Blocked(&'static str),
}

/// Resolves the host names of targets. The guard then checks the addresses.
#[async_trait]
pub(crate) trait NameResolver: Send + Sync {
    /// Every address of the name, with port zero.
    async fn look_up(&self, name: &str) -> io::Result<Vec<SocketAddr>>;
}

/// Resolves names as other programs on this system do.
pub(crate) struct SystemResolver;

#[async_trait]
impl NameResolver for SystemResolver {
    async fn look_up(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.collect())
    }
}

/// The resolver of the HTTP client: returns only addresses that may be reached.
pub(crate) struct Guard {
    names: Arc<dyn NameResolver>,
    allow: Arc<[IpNet]>,
}

impl Guard {
    pub(crate) fn new(names: Arc<dyn NameResolver>, allow: &[IpNet]) -> Self {
        Self { names, allow: allow.into() }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (names, allow) = (Arc::clone(&self.names), Arc::clone(&self.allow));
        Box::pin(async move {
            // reqwest replaces port zero by the URL's port.
            let found = names.look_up(name.as_str()).await.map_err(|_| ResolveError::NotFound)?;
            let addresses = admitted(found, &allow)?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// The addresses that are not blocked. Of a public and a private address of one name, only the public one stays.
fn admitted(found: Vec<SocketAddr>, allow: &[IpNet]) -> Result<Vec<SocketAddr>, ResolveError> {
    let mut class = None;
    let mut addresses = Vec::with_capacity(found.len());
    for address in found {
        match networks::blocked_class(address.ip(), allow) {
            None => addresses.push(address),
            Some(blocked) => class = class.or(Some(blocked)),
        }
    }
    match (addresses.is_empty(), class) {
        (false, _) => Ok(addresses),
        (true, Some(class)) => Err(ResolveError::Blocked(class)),
        (true, None) => Err(ResolveError::NotFound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// The word that the corpus uses for the guard's verdict on a URL, before any name is resolved.
    fn verdict(url: &str) -> String {
        match target(url, &[]) {
            Ok(url) if matches!(url.host(), Some(Host::Domain(_))) => "name".to_owned(),
            Ok(_) => "public".to_owned(),
            Err(Failure::Misconfigured(_)) => "malformed".to_owned(),
            Err(Failure::Blocked(text)) if text.contains("only http and https") => "scheme".to_owned(),
            Err(Failure::Blocked(text)) if text.contains("user name or password") => "credentials".to_owned(),
            Err(Failure::Blocked(text)) => {
                let class = text.split_once("address is ").and_then(|(_, rest)| rest.split_once(", not public; "));
                class.map_or(text.as_str(), |(class, _)| class).to_owned()
            }
            Err(other) => panic!("{url}: {other:?}"),
        }
    }

    #[test]
    fn every_url_of_the_corpus() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/corpus/ssrf");
        let (mut judged, mut wrong) = (0, Vec::new());
        for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
            let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            for case in &cases {
                let (url, expected) = (case["url"].as_str().unwrap(), case["verdict"].as_str().unwrap());
                let found = verdict(url);
                if found != expected {
                    wrong.push(format!("{url:?} ({}) is {found}, not {expected}", case["why"]));
                }
                judged += 1;
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(judged > 200, "the corpus is there");
    }

    #[test]
    fn only_admitted_addresses_are_connected_to() {
        let found =
            |addresses: &[&str]| addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0)).collect();
        let public: Vec<SocketAddr> = found(&["8.8.8.8"]);
        assert_eq!(admitted(found(&["127.0.0.1", "8.8.8.8", "::ffff:10.0.0.1"]), &[]).unwrap(), public);
        assert!(matches!(admitted(found(&["::1", "127.0.0.1"]), &[]), Err(ResolveError::Blocked("loopback"))));
        assert!(matches!(admitted(found(&[]), &[]), Err(ResolveError::NotFound)));
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_blocked() {
        let guard = |allow: &[IpNet]| Guard::new(Arc::new(SystemResolver), allow);
        let error = guard(&[]).resolve("localhost".parse().unwrap()).await.err().unwrap();
        assert!(matches!(error.downcast_ref(), Some(ResolveError::Blocked("loopback"))), "{error}");
        let allowed: Vec<IpNet> = vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        assert!(guard(&allowed).resolve("localhost".parse().unwrap()).await.unwrap().count() > 0);
    }
}
