//! Ranges of IP addresses, for filters: one address, or a network.

use std::cmp::Ordering;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Deserializer};

/// One IP address, or a network such as `192.0.2.0/24`. An IPv4 address equals the same one in IPv6 notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange(IpNet);

/// The text is neither an address nor a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither an address such as 192.0.2.7 nor a network such as 192.0.2.0/24")]
pub struct AddressRangeError(String);

impl AddressRange {
    /// Whether the address lies in the range.
    pub fn contains(self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// How the address lies to the range: before it, in it, or after it. IPv4 comes before IPv6.
    pub fn compare(self, address: IpAddr) -> Ordering {
        if self.contains(address) { Ordering::Equal } else { address.to_canonical().cmp(&self.0.network()) }
    }

    /// What the text of every address in the range begins with: the whole address if it is the only one, else the parts
    /// of an IPv4 address that the network fixes, such as `192.0.2.`. Empty if it fixes none.
    pub fn text_prefix(self) -> String {
        match self.0 {
            _ if self.0.prefix_len() == self.0.max_prefix_len() => self.0.addr().to_string(),
            IpNet::V4(net) => {
                let parts = net.network().octets().map(|part| part.to_string());
                let fixed = &parts[..usize::from(net.prefix_len() / 8)];
                if fixed.is_empty() { String::new() } else { fixed.join(".") + "." }
            }
            IpNet::V6(_) => String::new(),
        }
    }

    /// The only address of the range; `None` for a network of several.
    pub fn only(self) -> Option<IpAddr> {
        (self.0.prefix_len() == self.0.max_prefix_len()).then(|| self.0.addr())
    }
}

impl From<IpAddr> for AddressRange {
    fn from(address: IpAddr) -> Self {
        Self(address.to_canonical().into())
    }
}

impl FromStr for AddressRange {
    type Err = AddressRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(address.into());
        }
        text.parse().map(|net| Self(canonical(net))).map_err(|_| AddressRangeError(text.to_owned()))
    }
}

/// A network of IPv4 addresses in IPv6 notation as the IPv4 network.
fn canonical(net: IpNet) -> IpNet {
    let IpNet::V6(six) = net.trunc() else { return net.trunc() };
    let (Some(address), Some(prefix)) = (six.network().to_ipv4_mapped(), six.prefix_len().checked_sub(96)) else {
        return net.trunc();
    };
    Ipv4Net::new(address, prefix).map_or(net.trunc(), IpNet::V4)
}

impl fmt::Display for AddressRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.only() {
            Some(address) => address.fmt(formatter),
            None => self.0.fmt(formatter),
        }
    }
}

impl<'de> Deserialize<'de> for AddressRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(text: &str) -> AddressRange {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_or_a_network() {
        for (text, shown, prefix) in [
            ("192.0.2.7", "192.0.2.7", "192.0.2.7"),
            ("192.0.2.7/32", "192.0.2.7", "192.0.2.7"),
            ("192.0.2.7/24", "192.0.2.0/24", "192.0.2."),
            ("192.0.2.7/23", "192.0.2.0/23", "192.0."),
            ("0.0.0.0/0", "0.0.0.0/0", ""),
            ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.0/120", "192.0.2.0/24", "192.0.2."),
            ("2001:db8::7", "2001:db8::7", "2001:db8::7"),
            ("2001:db8::/32", "2001:db8::/32", ""),
        ] {
            assert_eq!(
                (range(text).to_string().as_str(), range(text).text_prefix().as_str()),
                (shown, prefix),
                "{text}"
            );
        }
        for bad in ["", "office", "192.0.2", "192.0.2.0/33", "192.0.2.0/", "2001:db8::/129"] {
            let error = bad.parse::<AddressRange>().unwrap_err().to_string();
            assert!(error.contains("neither an address such as"), "{error}");
        }
    }

    #[test]
    fn addresses_lie_before_in_or_after_a_network() {
        let net = range("192.0.2.0/24");
        for (address, order) in [
            ("192.0.1.255", Ordering::Less),
            ("192.0.2.0", Ordering::Equal),
            ("::ffff:192.0.2.255", Ordering::Equal),
            ("192.0.3.0", Ordering::Greater),
            ("2001:db8::", Ordering::Greater),
        ] {
            assert_eq!(net.compare(address.parse().unwrap()), order, "{address}");
        }
    }

    proptest! {
        #[test]
        fn every_address_in_a_range_begins_with_its_prefix(bits: u32, other: u32, length in 0_u8..=32) {
            let net = range(&format!("{}/{length}", std::net::Ipv4Addr::from(bits)));
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            let inside = IpAddr::from(std::net::Ipv4Addr::from((bits & mask) | (other & !mask)));
            prop_assert!(net.contains(inside));
            prop_assert!(inside.to_string().starts_with(&net.text_prefix()));
            prop_assert_eq!(net.contains(std::net::Ipv4Addr::from(other).into()), (bits & mask) == (other & mask));
        }
    }
}
