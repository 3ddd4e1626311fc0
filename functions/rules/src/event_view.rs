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

use crate::pattern::FieldValue;

/// The fields of one event that a matcher may ask about.
pub(crate) struct EventView<'a> {
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

impl<'a> EventView<'a> {
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
    pub(crate) fn field(&self, key: &str) -> Option<FieldValue<'_>> {
        let event = self.event;
        Some(match key {
            "pk" => FieldValue::Text(self.pk.get_or_init(|| event.pk.to_string())),
            "user" => FieldValue::Object(&event.user),
            "action" => FieldValue::Text(self.action.as_str()),
            "app" => FieldValue::Text(self.app),
            "context" => FieldValue::Object(&event.context),
            "client_ip" => match event.client_ip {
                None => FieldValue::Null,
                Some(address) => FieldValue::Text(self.client_ip_text.get_or_init(|| address.to_string())),
            },
            "created" => FieldValue::Text(self.created.get_or_init(|| domain::time::format(event.created))),
            "expires" => FieldValue::Text(self.expires.get_or_init(|| domain::time::format(event.expires))),
            "brand" => FieldValue::Object(&event.brand),
            "id" => FieldValue::Text(event.id.as_deref()?),
            "source" => FieldValue::Text(event.source.as_deref()?),
            "traceparent" => {
                let trace = event.traceparent?;
                FieldValue::Text(self.traceparent.get_or_init(|| trace.to_string()))
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
