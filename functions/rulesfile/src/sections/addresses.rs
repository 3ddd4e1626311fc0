//! Reads mail addresses, networks and URLs in all sections.
//!
//! Checks their form and connects to none of them. No fault repeats one.

use std::borrow::Cow;

use std::net::IpAddr;

use domain::mail_address::MailAddress;
use domain::rules_document::Text;
use ipnet::IpNet;
use url::{Host, Url};

use super::secrets;
use crate::diagnostics::Diagnostics;
use crate::shape;
use crate::source_map::Position;
use crate::tree::Node;

/// Reads a mail address: `somebody@example.org`.
pub(crate) fn email<'n>(text: &'n str, at: Position, diagnostics: &mut Diagnostics) -> Option<&'n str> {
    match MailAddress::parse(text) {
        Ok(_) => Some(text),
        Err(why) => {
            diagnostics.fault(at, why.to_string(), "write one such as somebody@example.org");
            None
        }
    }
}

/// Reads a mailbox: `somebody@example.org` or `Name <somebody@example.org>`.
pub(crate) fn mailbox(node: &Node, name: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    let text = shape::text(node, name, diagnostics)?.trim();
    let (label, address) = match text.strip_suffix('>').and_then(|text| text.split_once('<')) {
        Some((label, address)) => (label.trim(), address),
        None => ("", text),
    };
    let quoted = label.len() > 1 && label.starts_with('"') && label.ends_with('"');
    let bare = if quoted { &label[1..label.len() - 1] } else { label };
    let is_valid_label =
        !bare.contains(|one: char| one.is_control() || one == '"' || (!quoted && "<>,;:@".contains(one)));
    if is_valid_label && MailAddress::parse(address).is_ok() {
        return Some(text.to_owned());
    }
    let hint = "write somebody@example.org or Name <somebody@example.org>";
    diagnostics.fault(node.at, format!("{name} is not a mailbox"), hint);
    None
}

/// Reads an IP address or a network in CIDR notation. Warns of bits beyond the prefix, and clears them.
pub(crate) fn network(node: &Node, name: &str, diagnostics: &mut Diagnostics) -> Option<IpNet> {
    let text = shape::text(node, name, diagnostics)?;
    let address = || text.parse().map(|address: IpAddr| IpNet::from(address.to_canonical()));
    let Ok(net) = text.parse::<IpNet>().or_else(|_| address()) else {
        let what = format!("{name} contains an invalid network address");
        diagnostics.fault(node.at, what, "write an address or a network, such as 192.0.2.7 or 192.0.2.0/24");
        return None;
    };
    if net != net.trunc() {
        let what = "the address has bits beyond the prefix, so it means the whole network";
        diagnostics.warning(node.at, what, "clear them, or remove the prefix if a single address is intended");
    }
    Some(net.trunc())
}

/// Reads an `http` or `https` URL, or a reference to a secret that holds one.
pub(crate) fn web_url(node: &Node, name: &str, diagnostics: &mut Diagnostics) -> Option<Text> {
    let text = shape::text(node, name, diagnostics)?;
    if secrets::looks_like_reference(text) {
        return secrets::reference(node, name, diagnostics).map(Text::Secret);
    }
    url(node, text, name, &["http", "https"], "https://example.org/in", diagnostics)?;
    Some(Text::Plain(text.to_owned()))
}

/// Reads an `smtp` or `smtps` URL, or a reference to a secret that holds one.
pub(crate) fn smtp_url(node: &Node, name: &str, diagnostics: &mut Diagnostics) -> Option<Text> {
    let text = shape::text(node, name, diagnostics)?;
    if secrets::looks_like_reference(text) {
        return secrets::reference(node, name, diagnostics).map(Text::Secret);
    }
    let url = url(node, text, name, &["smtp", "smtps"], "smtp://mail.example.org:587", diagnostics)?;
    // The mailer accepts no other parameter. It would reject one only when the first mail is sent.
    let is_known = |(key, value): (Cow<'_, str>, Cow<'_, str>)| {
        key == "tls" && (url.scheme() == "smtps" || matches!(&*value, "required" | "opportunistic"))
    };
    if !url.query_pairs().all(is_known) {
        let hint = "the only parameter is tls: ?tls=required or ?tls=opportunistic";
        diagnostics.fault(node.at, format!("{name} has an unknown parameter"), hint);
        return None;
    }
    if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
        diagnostics.fault(node.at, format!("{name} has a path"), "end it after the host and port");
        return None;
    }
    Some(Text::Plain(text.to_owned()))
}

/// Reads the URL of the console; removes slashes at its end.
pub(crate) fn public_url(node: &Node, diagnostics: &mut Diagnostics) -> Option<String> {
    let text = shape::text(node, "public_url", diagnostics)?;
    let url = url(node, text, "public_url", &["http", "https"], "https://nuncio.example.org", diagnostics)?;
    if url.query().is_some() || url.fragment().is_some() {
        diagnostics.fault(node.at, "public_url has a query or fragment", "end it before the ? or #");
        return None;
    }
    Some(text.trim_end_matches('/').to_owned())
}

fn url(
    node: &Node,
    text: &str,
    name: &str,
    schemes: &[&str],
    example: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Url> {
    let (what, hint) = match Url::parse(text) {
        // The URL parser would drop these characters silently, but the stored text would keep them.
        _ if text.contains(|one: char| one.is_control() || one.is_whitespace()) => {
            ("contains spaces or line breaks", format!("write one such as {example}"))
        }
        Err(_) => {
            ("is not a URL", format!("write one such as {example}, or refer to a secret that holds it: env:NAME"))
        }
        Ok(url) if !schemes.contains(&url.scheme()) => {
            ("has an unsupported scheme", format!("it must start with {}://", schemes.join(":// or ")))
        }
        Ok(url) if !has_host(&url) => ("has no host", format!("write one such as {example}")),
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            ("contains a user name or password", "refer to a secret that holds the whole URL: env:NAME".to_owned())
        }
        Ok(url) => return Some(url),
    };
    diagnostics.fault(node.at, format!("{name} {what}"), hint);
    None
}

fn has_host(url: &Url) -> bool {
    url.host().is_some_and(|host| !matches!(host, Host::Domain("")))
}
