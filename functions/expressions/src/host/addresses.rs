//! IP addresses and networks with the behaviour of Python's module `ipaddress`.
//!
//! Owns parsing and attributes. The classes themselves are Python code of the prelude; they are constructed from a
//! tuple that this module returns: the fixed fields, then those attributes that the body mentions.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use monty_types::{ExcType, MontyException, MontyObject};

use super::{CallResult, Host, raise};
use crate::value;

impl Host<'_> {
    /// The fields of the `ip_address(…)` that a body calls, as a tuple. Raises `ValueError` if the argument is not an
    /// address.
    pub(crate) fn ip_address(&self, argument: &MontyObject, version: Option<u8>) -> CallResult {
        read_address(argument, version).map(|address| self.address(address))
    }

    /// The fields of the `ip_network(…)` that a body calls, as a tuple. With `strict`, raises `ValueError` for host
    /// bits.
    pub(crate) fn ip_network(&self, argument: &MontyObject, strict: bool, version: Option<u8>) -> CallResult {
        let network = read_network(argument, strict, version)?;
        let (first, last) = (network.network(), network.broadcast());
        let mut fields = vec![
            version_of(first),
            hexadecimal(first),
            hexadecimal(last),
            value::text(network.to_string()),
            MontyObject::Int(i64::from(network.prefix_len())),
        ];
        for name in &self.program.network_attributes {
            fields.push(match *name {
                "network_address" => self.address(first),
                "broadcast_address" => self.address(last),
                "netmask" => self.address(network.netmask()),
                "hostmask" => self.address(network.hostmask()),
                "num_addresses" => MontyObject::Int(i64::from(network.max_prefix_len() - network.prefix_len())),
                "with_prefixlen" | "compressed" => value::text(network.to_string()),
                "exploded" => value::text(format!("{}/{}", exploded(first), network.prefix_len())),
                "max_prefixlen" => MontyObject::Int(i64::from(network.max_prefix_len())),
                "with_netmask" => value::text(format!("{first}/{}", network.netmask())),
                "with_hostmask" => value::text(format!("{first}/{}", network.hostmask())),
                "is_private" => MontyObject::Bool(is_private_network(&network)),
                "is_global" => MontyObject::Bool(match network {
                    IpNet::V4(v4) => !within_network(v4, &["100.64.0.0/10"]) && !is_private_network(&network),
                    IpNet::V6(_) => !is_private_network(&network),
                }),
                // As in Python, a network has such a property if its first and last address have it.
                other => match (property(first, other), property(last, other)) {
                    (Some(first), Some(last)) => MontyObject::Bool(first && last),
                    _ => MontyObject::None,
                },
            });
        }
        Ok(MontyObject::Tuple(fields))
    }

    fn address(&self, address: IpAddr) -> MontyObject {
        let mut fields = vec![version_of(address), hexadecimal(address), value::text(address.to_string())];
        for name in &self.program.address_attributes {
            fields.push(match *name {
                "compressed" => value::text(address.to_string()),
                "exploded" => value::text(exploded(address)),
                "max_prefixlen" => MontyObject::Int(if address.is_ipv4() { 32 } else { 128 }),
                "reverse_pointer" => value::text(reverse_pointer(address)),
                "packed" => MontyObject::Bytes(octets(address)),
                "ipv4_mapped" => match address {
                    IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(MontyObject::None, |v4| self.address(IpAddr::V4(v4))),
                    IpAddr::V4(_) => MontyObject::None,
                },
                other => property(address, other).map_or(MontyObject::None, MontyObject::Bool),
            });
        }
        MontyObject::Tuple(fields)
    }
}

/// The result of `ip_address(a) in ip_network(b)` as a Python `bool`.
pub(crate) fn contains(address: &MontyObject, network: &MontyObject) -> CallResult {
    let address = read_address(address, None)?;
    Ok(MontyObject::Bool(read_network(network, true, None)?.contains(&address)))
}

fn read_address(argument: &MontyObject, version: Option<u8>) -> Result<IpAddr, MontyException> {
    let read = match argument {
        MontyObject::String(text) => text.parse().ok(),
        MontyObject::Int(_) | MontyObject::BigInt(_) => from_number(argument, version),
        MontyObject::Bytes(bytes) => from_bytes(bytes),
        other => object_text(other).and_then(|text| text.parse().ok()),
    };
    read.filter(|address| has_version(address, version)).ok_or_else(|| not_one(argument, "address", version))
}

fn has_version(address: &IpAddr, version: Option<u8>) -> bool {
    version.is_none_or(|version| address.is_ipv4() == (version == 4))
}

/// The error for what is no address or network.
fn not_one(argument: &MontyObject, what: &str, version: Option<u8>) -> MontyException {
    let has_scope = matches!(argument, MontyObject::String(text) if text.split_once('%').is_some_and(|(address, scope)| {
        !scope.is_empty() && address.parse::<Ipv6Addr>().is_ok()
    }));
    let shown = argument.py_repr();
    let message = match version {
        _ if has_scope => format!("{shown}: Nuncio's Python has no scopes of addresses; use the part before %"),
        None => format!("{shown} does not appear to be an IPv4 or IPv6 {what}"),
        Some(version) => format!("{shown} is not an IPv{version} {what}"),
    };
    raise(ExcType::ValueError, message)
}

/// As Python does, a number below 2**32 is an IPv4 address.
fn from_number(argument: &MontyObject, version: Option<u8>) -> Option<IpAddr> {
    let number = match argument {
        MontyObject::Int(number) => u128::try_from(*number).ok()?,
        MontyObject::BigInt(number) => u128::try_from(number).ok()?,
        _ => return None,
    };
    match u32::try_from(number) {
        Ok(number) if version != Some(6) => Some(IpAddr::V4(Ipv4Addr::from(number))),
        _ => Some(IpAddr::V6(Ipv6Addr::from(number))),
    }
}

fn from_bytes(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
    v4.or_else(|| <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from))
}

fn read_network(argument: &MontyObject, strict: bool, version: Option<u8>) -> Result<IpNet, MontyException> {
    let read = match argument {
        MontyObject::String(text) => parse_network(text),
        MontyObject::Int(_) | MontyObject::BigInt(_) => from_number(argument, version).map(IpNet::from),
        MontyObject::Bytes(bytes) => from_bytes(bytes).map(IpNet::from),
        MontyObject::Tuple(parts) => match &parts[..] {
            [address] => Some(IpNet::from(read_address(address, version)?)),
            [address, mask] => {
                let address = read_address(address, version)?;
                let mask = match mask {
                    MontyObject::String(mask) => mask.clone(),
                    other => other.to_string(),
                };
                parse_network(&format!("{address}/{mask}"))
            }
            _ => None,
        },
        other => object_text(other).and_then(parse_network),
    };
    let Some(network) = read.filter(|network| has_version(&network.addr(), version)) else {
        return Err(not_one(argument, "network", version));
    };
    if strict && network.addr() != network.network() {
        let text = match argument {
            MontyObject::String(text) => text.clone(),
            _ => network.to_string(),
        };
        return Err(raise(ExcType::ValueError, format!("{text} has host bits set")));
    }
    Ok(network.trunc())
}

fn parse_network(text: &str) -> Option<IpNet> {
    let Some((address, suffix)) = text.split_once('/') else {
        return text.parse::<IpAddr>().ok().map(IpNet::from);
    };
    if !suffix.is_empty() && suffix.chars().all(|digit| digit.is_ascii_digit()) {
        return IpNet::new(address.parse().ok()?, suffix.parse().ok()?).ok();
    }
    // `10.0.0.0/255.0.0.0` or `10.0.0.0/0.255.255.255`: a netmask or a hostmask.
    let (address, mask): (Ipv4Addr, Ipv4Addr) = (address.parse().ok()?, suffix.parse().ok()?);
    let prefix = ipnet::ipv4_mask_to_prefix(mask)
        .or_else(|_| ipnet::ipv4_mask_to_prefix(Ipv4Addr::from(!u32::from(mask))))
        .ok()?;
    Ipv4Net::new(address, prefix).ok().map(IpNet::V4)
}

/// The text of an address object of the prelude.
fn object_text(argument: &MontyObject) -> Option<&str> {
    let MontyObject::ClassInstance(instance) = argument else {
        return None;
    };
    instance.attrs.iter().find_map(|(key, value)| match (key, value) {
        (MontyObject::String(key), MontyObject::String(text)) if key == "_text" => Some(text.as_str()),
        _ => None,
    })
}

fn version_of(address: IpAddr) -> MontyObject {
    MontyObject::Int(if address.is_ipv4() { 4 } else { 6 })
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// The address in hexadecimal digits, of a fixed length per version, so that the texts sort like the addresses.
fn hexadecimal(address: IpAddr) -> MontyObject {
    value::text(super::hashes::hexadecimal(&octets(address)))
}

fn exploded(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            address.segments().iter().map(|segment| format!("{segment:04x}")).collect::<Vec<_>>().join(":")
        }
    }
}

fn reverse_pointer(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(_) => {
            let digits: Vec<_> =
                exploded(address).chars().rev().filter(|digit| *digit != ':').map(String::from).collect();
            format!("{}.ip6.arpa", digits.join("."))
        }
    }
}

/// The boolean property of an address; `None` if there is no such property.
fn property(address: IpAddr, attribute: &str) -> Option<bool> {
    Some(match attribute {
        "is_loopback" => address.is_loopback(),
        "is_multicast" => address.is_multicast(),
        "is_unspecified" => address.is_unspecified(),
        "is_link_local" => match address {
            IpAddr::V4(address) => address.is_link_local(),
            IpAddr::V6(address) => within_v6(address, &["fe80::/10"]),
        },
        "is_site_local" => matches!(address, IpAddr::V6(address) if within_v6(address, &["fec0::/10"])),
        "is_reserved" => match address {
            IpAddr::V4(address) => within_v4(address, &["240.0.0.0/4"]),
            IpAddr::V6(address) => within_v6(address, &RESERVED_V6),
        },
        "is_private" => is_private(address),
        "is_global" => match address {
            IpAddr::V4(v4) => !within_v4(v4, &["100.64.0.0/10"]) && !is_private(address),
            IpAddr::V6(_) => !is_private(address),
        },
        _ => return None,
    })
}

/// Whether one of the private networks contains all of the network.
fn is_private_network(network: &IpNet) -> bool {
    match network {
        IpNet::V4(v4) => within_network(*v4, &PRIVATE_V4),
        IpNet::V6(v6) => PRIVATE_V6.iter().filter_map(|one| one.parse::<Ipv6Net>().ok()).any(|one| one.contains(v6)),
    }
}

fn within_network(network: Ipv4Net, networks: &[&str]) -> bool {
    networks.iter().filter_map(|one| one.parse::<Ipv4Net>().ok()).any(|one| one.contains(&network))
}

/// Whether IANA's special-purpose registries list the address as not globally reachable, as in Python 3.13.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            within_v4(address, &PRIVATE_V4) && !within_v4(address, &["192.0.0.9/32", "192.0.0.10/32"])
        }
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => is_private(IpAddr::V4(address)),
            None => within_v6(address, &PRIVATE_V6) && !within_v6(address, &PRIVATE_V6_EXCEPT),
        },
    }
}

const PRIVATE_V4: [&str; 14] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.0.170/31",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
    "255.255.255.255/32",
];
const PRIVATE_V6: [&str; 11] = [
    "::1/128",
    "::/128",
    "::ffff:0:0/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "fc00::/7",
    "fe80::/10",
];
const PRIVATE_V6_EXCEPT: [&str; 6] =
    ["2001:1::1/128", "2001:1::2/128", "2001:3::/32", "2001:4:112::/48", "2001:20::/28", "2001:30::/28"];
const RESERVED_V6: [&str; 15] = [
    "::/8", "100::/8", "200::/7", "400::/6", "800::/5", "1000::/4", "4000::/3", "6000::/3", "8000::/3", "a000::/3",
    "c000::/3", "e000::/4", "f000::/5", "f800::/6", "fe00::/9",
];

fn within_v4(address: Ipv4Addr, networks: &[&str]) -> bool {
    networks.iter().filter_map(|network| network.parse::<Ipv4Net>().ok()).any(|network| network.contains(&address))
}

fn within_v6(address: Ipv6Addr, networks: &[&str]) -> bool {
    networks.iter().filter_map(|network| network.parse::<Ipv6Net>().ok()).any(|network| network.contains(&address))
}
