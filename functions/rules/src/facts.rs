//! What matchers look at, taken out of an event once instead of once a matcher.
//!
//! Owns nothing that outlives the event, and judges nothing.

use std::net::IpAddr;

use domain::Event;
use domain::event::Action;
use ipnet::{IpNet, Ipv4Net};

/// The fields of one event that a matcher may ask about.
pub(crate) struct Facts<'a> {
    pub(crate) event: &'a Event,
    pub(crate) action: &'a Action,
    pub(crate) app: &'a str,
    pub(crate) model: Option<String>,
    /// An IPv4-mapped IPv6 address in its IPv4 form.
    pub(crate) client_ip: Option<IpAddr>,
}

impl<'a> Facts<'a> {
    pub(crate) fn of(event: &'a Event) -> Self {
        Self {
            event,
            action: &event.action,
            app: &event.app,
            model: event.model(),
            client_ip: event.client_ip.map(|address| address.to_canonical()),
        }
    }
}

/// A network of IPv4-mapped addresses as the IPv4 network it stands for; any other one as it is.
pub(crate) fn canonical_net(net: IpNet) -> IpNet {
    const MAPPED_BITS: u8 = 96;
    let IpNet::V6(six) = net else { return net };
    let (Some(address), Some(prefix)) = (six.addr().to_ipv4_mapped(), six.prefix_len().checked_sub(MAPPED_BITS)) else {
        return net;
    };
    Ipv4Net::new(address, prefix).map_or(net, IpNet::V4)
}
