//! What matchers look at, taken out of an event once instead of once a matcher.
//!
//! Owns nothing that outlives the event, and judges nothing. What has to be written first, as the texts of
//! times, is written when it is asked for.

use std::cell::OnceCell;
use std::net::IpAddr;

use domain::Event;
use domain::event::{Action, Object};
use ipnet::{IpNet, Ipv4Net};
use serde_json::Value;

use crate::pattern::Slot;

/// The fields of one event that a matcher may ask about.
pub(crate) struct Facts<'a> {
    pub(crate) event: &'a Event,
    pub(crate) action: &'a Action,
    pub(crate) app: &'a str,
    /// An IPv4-mapped IPv6 address in its IPv4 form.
    pub(crate) client_ip: Option<IpAddr>,
    model: OnceCell<Option<String>>,
    pk: OnceCell<String>,
    client_ip_text: OnceCell<String>,
    created: OnceCell<String>,
    expires: OnceCell<String>,
    traceparent: OnceCell<String>,
}

impl<'a> Facts<'a> {
    pub(crate) fn of(event: &'a Event) -> Self {
        Self {
            event,
            action: &event.action,
            app: &event.app,
            client_ip: event.client_ip.map(|address| address.to_canonical()),
            model: OnceCell::new(),
            pk: OnceCell::new(),
            client_ip_text: OnceCell::new(),
            created: OnceCell::new(),
            expires: OnceCell::new(),
            traceparent: OnceCell::new(),
        }
    }

    /// `app_label.model_name` of what the event is about: what [`Event::model`] says.
    pub(crate) fn model(&self) -> Option<&str> {
        let read = || {
            let model = member(&self.event.context, "model")?.as_object()?;
            let (app, name) = (member(model, "app")?.as_str()?, member(model, "model_name")?.as_str()?);
            Some([app, ".", name].concat())
        };
        self.model.get_or_init(read).as_deref()
    }

    /// What the event has at the key, one of [`EVENT_KEYS`](crate::pattern::EVENT_KEYS), in the JSON that it is shown as.
    pub(crate) fn field(&self, key: &str) -> Option<Slot<'_>> {
        let event = self.event;
        Some(match key {
            "pk" => Slot::Text(self.pk.get_or_init(|| event.pk.to_string())),
            "user" => Slot::Object(&event.user),
            "action" => Slot::Text(self.action.as_str()),
            "app" => Slot::Text(self.app),
            "context" => Slot::Object(&event.context),
            "client_ip" => match event.client_ip {
                None => Slot::Null,
                Some(address) => Slot::Text(self.client_ip_text.get_or_init(|| address.to_string())),
            },
            "created" => Slot::Text(self.created.get_or_init(|| domain::time::format(event.created))),
            "expires" => Slot::Text(self.expires.get_or_init(|| domain::time::format(event.expires))),
            "brand" => Slot::Object(&event.brand),
            "id" => Slot::Text(event.id.as_deref()?),
            "source" => Slot::Text(event.source.as_deref()?),
            "traceparent" => {
                let trace = event.traceparent?;
                Slot::Text(self.traceparent.get_or_init(|| trace.to_string()))
            }
            _ => return None,
        })
    }
}

/// Looking at the keys of a small object is faster than hashing one.
fn member<'o>(object: &'o Object, key: &str) -> Option<&'o Value> {
    const SMALL: usize = 32;
    if object.len() > SMALL {
        return object.get(key);
    }
    object.iter().find_map(|(other, value)| (other == key).then_some(value))
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
