//! Tells public addresses from others. Owns the IANA special-purpose registries, and the IPv6 forms that contain an
//! IPv4 address, which decides for them. An address counts as public only if it is known to be. `tests/corpus/ssrf` has
//! an address for each line here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// The class of the address, such as `private`, if it may not be reached; `None` if it is public or in `allow`.
pub(crate) fn blocked_class(address: IpAddr, allow: &[IpNet]) -> Option<&'static str> {
    if allow.iter().any(|network| network.contains(&address)) {
        return None;
    }
    match address {
        IpAddr::V4(v4) => special_v4(v4),
        IpAddr::V6(v6) => match embedded(v6) {
            EmbeddedV4::Nothing => special_v6(v6),
            EmbeddedV4::One(v4) => blocked_class(v4.into(), allow),
            EmbeddedV4::Two(v4, other) => {
                blocked_class(v4.into(), allow).or_else(|| blocked_class(other.into(), allow))
            }
        },
    }
}

enum EmbeddedV4 {
    Nothing,
    One(Ipv4Addr),
    Two(Ipv4Addr, Ipv4Addr),
}

/// The IPv4 addresses that packets to an IPv6 address may reach.
fn embedded(address: Ipv6Addr) -> EmbeddedV4 {
    let bits = address.to_bits();
    let v4 = |shift: u32| {
        let bytes = (bits >> shift).to_be_bytes();
        Ipv4Addr::new(bytes[12], bytes[13], bytes[14], bytes[15])
    };
    match address.segments() {
        // `::` and `::1` are themselves, not compatible forms of 0.0.0.0 and 0.0.0.1.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => EmbeddedV4::Nothing,
        // Compatible, mapped, translated (SIIT), NAT64.
        [0, 0, 0, 0, 0 | 0xffff, 0, ..] | [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
            EmbeddedV4::One(v4(0))
        }
        // 6to4.
        [0x2002, ..] => EmbeddedV4::One(v4(80)),
        // Teredo: its server, and its client with all bits inverted.
        [0x2001, 0, ..] => EmbeddedV4::Two(v4(64), Ipv4Addr::from_bits(!v4(0).to_bits())),
        // ISATAP may follow any prefix; the prefix itself must be public too.
        [.., 0x0000 | 0x0200, 0x5efe, _, _] if special_v6(address).is_none() => EmbeddedV4::One(v4(0)),
        _ => EmbeddedV4::Nothing,
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    Some(match address.octets() {
        [0, ..] => "unspecified",
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => "private",
        [100, 64..=127, ..] => "carrier-grade NAT",
        [127, ..] => "loopback",
        [169, 254, ..] => "link-local",
        [192, 0, 0, _] => "protocol assignment",
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => "documentation",
        [192, 31, 196, _] | [192, 175, 48, _] => "AS112",
        [192, 52, 193, _] => "multicast tunnelling",
        [192, 88, 99, _] => "6to4 relay",
        [198, 18..=19, ..] => "benchmarking",
        [224..=239, ..] => "multicast",
        [255, 255, 255, 255] => "broadcast",
        [240..=255, ..] => "reserved",
        _ => return None,
    })
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    Some(match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => "unspecified",
        [0, 0, 0, 0, 0, 0, 0, 1] => "loopback",
        [0x64, 0xff9b, 1, ..] => "local translation",
        [0x100, 0, 0, 0 | 1, ..] => "discard",
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => "documentation",
        [0x2001, 2, 0, ..] => "benchmarking",
        [0x2001, 0x10..=0x2f, ..] => "ORCHID",
        [0x2001, 0..=0x1ff, ..] => "protocol assignment",
        [0x2620, 0x4f, 0x8000, ..] => "AS112",
        [0x5f00, ..] => "segment routing",
        [0xfc00..=0xfdff, ..] => "private",
        [0xfe80..=0xfebf, ..] => "link-local",
        [0xfec0..=0xfeff, ..] => "site-local",
        [0xff00..=0xffff, ..] => "multicast",
        [0x2000..=0x3fff, ..] => return None,
        _ => "reserved",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(address: &str, allow: &[&str]) -> Option<&'static str> {
        let allow: Vec<IpNet> = allow.iter().map(|network| network.parse().unwrap()).collect();
        blocked_class(address.parse().unwrap(), &allow)
    }

    #[test]
    fn the_operator_may_allow_networks() {
        assert_eq!(judged("127.0.0.1", &["127.0.0.0/8"]), None);
        assert_eq!(judged("::ffff:127.0.0.1", &["127.0.0.0/8"]), None);
        assert_eq!(judged("fd00::1", &["fd00::/8"]), None);
        assert_eq!(judged("::1", &["127.0.0.0/8"]), Some("loopback"));
        assert_eq!(judged("10.1.0.1", &["10.0.0.0/16"]), Some("private"));
    }
}
