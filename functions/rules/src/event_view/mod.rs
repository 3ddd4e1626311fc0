//! The fields of one event as matchers read them, extracted once for all matchers.
//!
//! Owns no data beyond the event and evaluates no matcher. Values that must be formatted first, such as times, are
//! formatted on first use.

mod field_value;

pub(crate) use field_value::{FieldValue, Leaf, ObjectView};

use std::cell::OnceCell;
use std::net::IpAddr;

use domain::Event;
use domain::event::{Action, Object};
use ipnet::{IpNet, Ipv4Net};
use serde_json::Value;

/// The fields of one event that a matcher may read.
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
    received: OnceCell<String>,
    expires: OnceCell<String>,
    traceparent: OnceCell<String>,
    produced_by: OnceCell<Value>,
}

impl<'a> EventView<'a> {
    pub(crate) fn from_event(event: &'a Event) -> Self {
        Self {
            event,
            action: &event.action,
            app: &event.app,
            client_ip: event.client_ip.map(|address| address.to_canonical()),
            model: OnceCell::new(),
            pk: OnceCell::new(),
            client_ip_text: OnceCell::new(),
            created: OnceCell::new(),
            received: OnceCell::new(),
            expires: OnceCell::new(),
            traceparent: OnceCell::new(),
            produced_by: OnceCell::new(),
        }
    }

    /// The model that the event is about, `app_label.model_name`, as [`Event::model`]; `None` if it names none.
    pub(crate) fn model(&self) -> Option<&str> {
        let read = || {
            let model = member(&self.event.context, "model")?.as_object()?;
            let (app, name) = (member(model, "app")?.as_str()?, member(model, "model_name")?.as_str()?);
            Some([app, ".", name].concat())
        };
        self.model.get_or_init(read).as_deref()
    }

    /// The value of a top-level key of the event's JSON, one of [`EVENT_KEYS`](domain::event::EVENT_KEYS). `None` if
    /// the event has no such key.
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
            "received" => {
                let received = event.received?;
                FieldValue::Text(self.received.get_or_init(|| domain::time::format(received)))
            }
            "expires" => FieldValue::Text(self.expires.get_or_init(|| domain::time::format(event.expires))),
            "brand" => FieldValue::Object(&event.brand),
            "id" => FieldValue::Text(event.id.as_deref()?),
            "source" => FieldValue::Text(event.source.as_deref()?),
            "traceparent" => {
                let trace = event.traceparent?;
                FieldValue::Text(self.traceparent.get_or_init(|| trace.to_string()))
            }
            "produced_by" => {
                let producer = event.produced_by.as_ref()?;
                // A producer is an enum of texts, which every JSON can hold, so this cannot fail.
                let json = || serde_json::to_value(producer).unwrap_or_default();
                FieldValue::Json(self.produced_by.get_or_init(json))
            }
            _ => return None,
        })
    }
}

/// The object's value at `key`. In a small object, comparing the keys is faster than hashing one.
fn member<'o>(object: &'o Object, key: &str) -> Option<&'o Value> {
    const SMALL: usize = 32;
    if object.len() > SMALL {
        return object.get(key);
    }
    object.iter().find_map(|(other, value)| (other == key).then_some(value))
}

/// Converts a network of IPv4-mapped addresses to the IPv4 network; returns any other network unchanged.
pub(crate) fn canonical_net(net: IpNet) -> IpNet {
    const MAPPED_BITS: u8 = 96;
    let IpNet::V6(six) = net else { return net };
    let (Some(address), Some(prefix)) = (six.addr().to_ipv4_mapped(), six.prefix_len().checked_sub(MAPPED_BITS)) else {
        return net;
    };
    Ipv4Net::new(address, prefix).map_or(net, IpNet::V4)
}
