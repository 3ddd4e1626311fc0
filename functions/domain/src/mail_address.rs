//! Mail addresses that Nuncio can send to.
//!
//! Owns which addresses Nuncio accepts, wherever they come from: the syntax of RFC 5321, section 4.1.2, with the local
//! parts of RFC 6531. A domain outside ASCII is kept as its A-labels (RFC 5891), so that only a local part outside
//! ASCII needs a server with SMTPUTF8. Refuses to compare people: [`crate::person`] does.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest local part, in octets (RFC 5321, section 4.5.3.1.1).
pub const MAX_LOCAL_BYTES: usize = 64;

/// The longest address, in octets (RFC 5321, section 4.5.3.1.3: 256 with the angle brackets).
pub const MAX_BYTES: usize = 254;

/// An address as it is written in an envelope: `ann@xn--bcher-kva.example`, `"ann b"@example.org`, `ann@[192.0.2.7]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailAddress {
    local: String,
    domain: String,
}

/// The text is not an address that mail can be sent to. Does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// There is no `@` with something before and after it, or a character that is not allowed there.
    #[error("this is not a mail address")]
    Syntax,
    /// The local part is longer than [`MAX_LOCAL_BYTES`].
    #[error("the part before the @ has more than {MAX_LOCAL_BYTES} octets, which no mail server accepts")]
    LongLocalPart,
    /// The address is longer than [`MAX_BYTES`].
    #[error("the address has more than {MAX_BYTES} octets, which no mail server accepts")]
    Long,
    /// What follows the `@` is neither a domain nor an address literal.
    #[error("the part after the @ is not a domain")]
    Domain,
}

impl MailAddress {
    /// Reads one address without a display name, ignoring surrounding blanks.
    pub fn parse(text: &str) -> Result<Self, InvalidAddress> {
        let (local, domain) = text.trim().rsplit_once('@').ok_or(InvalidAddress::Syntax)?;
        if domain.is_empty() || !(is_dot_string(local) || is_quoted_string(local)) {
            return Err(InvalidAddress::Syntax);
        }
        if local.len() > MAX_LOCAL_BYTES {
            return Err(InvalidAddress::LongLocalPart);
        }
        let domain = if is_literal(domain) { Some(domain.to_owned()) } else { a_labels(domain) };
        let address = Self { local: local.to_owned(), domain: domain.ok_or(InvalidAddress::Domain)? };
        if address.local.len() + 1 + address.domain.len() > MAX_BYTES {
            return Err(InvalidAddress::Long);
        }
        Ok(address)
    }

    /// The part before the `@`, with its quotation marks if it has any.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The part after the `@`, in ASCII.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Whether only a server with SMTPUTF8 can take it.
    pub fn needs_smtputf8(&self) -> bool {
        !self.local.is_ascii()
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@{}", self.local, self.domain)
    }
}

/// `Dot-string`, with the characters of RFC 6531 beyond ASCII.
fn is_dot_string(local: &str) -> bool {
    let is_atext = |char: char| {
        let in_ascii = char.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(char);
        in_ascii || (!char.is_ascii() && is_visible(char))
    };
    local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

/// `Quoted-string`: quotation marks and backslashes within it are escaped.
fn is_quoted_string(local: &str) -> bool {
    let Some(inner) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return false };
    let is_text = |char: char| char == ' ' || char.is_ascii_graphic() || (!char.is_ascii() && is_visible(char));
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        let holds = match char {
            '\\' => chars.next().is_some_and(|escaped| escaped == ' ' || escaped.is_ascii_graphic()),
            '"' => false,
            other => is_text(other),
        };
        if !holds {
            return false;
        }
    }
    true
}

/// Not a control character, a blank or a character that turns the direction of writing.
fn is_visible(char: char) -> bool {
    !char.is_control()
        && !char.is_whitespace()
        && !matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Whether the domain is an address literal, such as `[192.0.2.7]` or `[IPv6:2001:db8::1]`.
fn is_literal(domain: &str) -> bool {
    let Some(inner) = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else { return false };
    let v6 = inner.get(..5).filter(|tag| tag.eq_ignore_ascii_case("IPv6:")).map(|_| &inner[5..]);
    v6.map_or_else(|| inner.parse::<Ipv4Addr>().is_ok(), |inner| inner.parse::<Ipv6Addr>().is_ok())
}

fn a_labels(domain: &str) -> Option<String> {
    idna::domain_to_ascii_strict(domain).ok().filter(|ascii| !ascii.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_as_an_envelope_has_them() {
        for (text, sent) in [
            ("ann@example.org", "ann@example.org"),
            (" Ann@Example.ORG ", "Ann@example.org"),
            ("root@localhost", "root@localhost"),
            ("a+b.c_d@sub.example.org", "a+b.c_d@sub.example.org"),
            ("a@bücher.example", "a@xn--bcher-kva.example"),
            ("a@BÜCHER.example", "a@xn--bcher-kva.example"),
            ("a@例え.テスト", "a@xn--r8jz45g.xn--zckzah"),
            ("ünï@example.org", "ünï@example.org"),
            ("\"x y\"@example.org", "\"x y\"@example.org"),
            ("\"a@b\\\"c\"@example.org", "\"a@b\\\"c\"@example.org"),
            ("a@[127.0.0.1]", "a@[127.0.0.1]"),
            ("a@[IPv6:::1]", "a@[IPv6:::1]"),
        ] {
            assert_eq!(MailAddress::parse(text).map(|address| address.to_string()).as_deref(), Ok(sent), "{text}");
        }
        assert!(MailAddress::parse("ünï@example.org").unwrap().needs_smtputf8());
        assert!(!MailAddress::parse("a@bücher.example").unwrap().needs_smtputf8());
    }

    #[test]
    fn what_no_mail_server_takes_is_refused() {
        use InvalidAddress::{Domain, LongLocalPart, Syntax};
        for (text, fault) in [
            ("", Syntax),
            ("nonsense", Syntax),
            ("@example.org", Syntax),
            ("a@", Syntax),
            ("a b@example.org", Syntax),
            ("a..b@example.org", Syntax),
            (".a@example.org", Syntax),
            ("a@b@example.org", Syntax),
            ("a\r\nRCPT TO:<b@example.org>@example.org", Syntax),
            ("a>@example.org", Syntax),
            ("\"a\"b\"@example.org", Syntax),
            ("\"a\\\"@example.org", Syntax),
            ("\"a\nb\"@example.org", Syntax),
            ("a\u{202e}b@example.org", Syntax),
            ("a@example..org", Domain),
            ("a@-example.org", Domain),
            ("a@exa_mple.org", Domain),
            ("a@exam ple.org", Domain),
            ("a@example.org>", Domain),
            ("a@[::1]", Domain),
            ("a@[nonsense]", Domain),
            ("a@[127.0.0.1", Domain),
        ] {
            assert_eq!(MailAddress::parse(text), Err(fault), "{text:?}");
        }
        let with_local = |octets: usize| MailAddress::parse(&format!("{}@example.org", "a".repeat(octets)));
        assert!(with_local(64).is_ok());
        assert_eq!(with_local(65), Err(LongLocalPart));
        assert_eq!(MailAddress::parse(&format!("{}@example.org", "é".repeat(33))), Err(LongLocalPart), "octets count");
        assert_eq!(MailAddress::parse(&format!("a@{}.org", "b".repeat(64))), Err(Domain));
        let long = ["b".repeat(63), "c".repeat(63), "d".repeat(63), "e".repeat(60)].join(".");
        assert_eq!(MailAddress::parse(&format!("ab@{long}")), Err(InvalidAddress::Long));
    }

    proptest! {
        #[test]
        fn an_address_is_one_line_and_reads_back(text in "[ -~äß\r\n\\PC]{0,12}@[ -~ü\\PC]{1,12}") {
            if let Ok(address) = MailAddress::parse(&text) {
                prop_assert!(!address.to_string().contains(char::is_control));
                prop_assert_eq!(MailAddress::parse(&address.to_string()), Ok(address));
            }
        }
    }
}
