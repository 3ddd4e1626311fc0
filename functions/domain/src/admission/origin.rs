//! Where an event's IP address is located and which network it belongs to.
//!
//! Owns the shapes of `context.geo` and `context.asn`, which are authentik's, and the rule that the caller's own values
//! take precedence. The database of addresses is behind [`OriginLookup`].

use std::fmt;
use std::net::IpAddr;

use serde::Serialize;

use crate::event::Object;

/// The location and network of an IP address, as far as they are known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Origin {
    /// The location, for `context.geo`; `None` if it is unknown.
    pub geo: Option<Geo>,
    /// The autonomous system, for `context.asn`; `None` if it is unknown.
    pub asn: Option<Asn>,
}

/// A location, in the shape of `context.geo`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Geo {
    /// Two letters, such as `EU`; `""` when unknown.
    pub continent: String,
    /// ISO 3166-1 alpha-2, such as `DE`; `""` when unknown.
    pub country: String,
    /// Degrees north. Absent if unknown, because 0 is a latitude.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lat: Option<f64>,
    /// Degrees east. Absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub long: Option<f64>,
    /// The city's English name; `""` if unknown.
    pub city: String,
}

/// An autonomous system, in the shape of `context.asn`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asn {
    /// The number of the autonomous system, such as 64500.
    pub asn: u32,
    /// The organisation that runs it, where the database names one.
    pub as_org: Option<String>,
    /// The network that contains the address, such as `192.0.2.0/24`.
    pub network: Option<String>,
}

impl Origin {
    /// Adds `geo` and `asn` to an event's context. Keys that the caller set stay: the caller knows best.
    pub fn add_to(self, context: &mut Object) {
        let geo = self.geo.and_then(|geo| serde_json::to_value(geo).ok());
        let asn = self.asn.and_then(|asn| serde_json::to_value(asn).ok());
        for (key, value) in [("geo", geo), ("asn", asn)] {
            if let Some(value) = value {
                context.entry(key).or_insert(value);
            }
        }
    }
}

/// Resolves an IP address to its location. `()` resolves none.
pub trait OriginLookup: fmt::Debug + Send + Sync {
    /// What the database knows of the address; both parts are `None` if it is unknown.
    fn look_up(&self, address: IpAddr) -> Origin;
}

impl OriginLookup for () {
    fn look_up(&self, _: IpAddr) -> Origin {
        Origin::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_caller_knows_best_and_nothing_unknown_is_said() {
        let geo = Geo { continent: "EU".into(), country: "SE".into(), lat: None, long: None, city: String::new() };
        let asn = Asn { asn: 64500, as_org: None, network: Some("192.0.2.0/24".into()) };
        let origin = Origin { geo: Some(geo), asn: Some(asn) };
        let mut context = json!({ "geo": "here" }).as_object().cloned().unwrap();
        origin.clone().add_to(&mut context);
        let added = json!({ "asn": 64500, "as_org": null, "network": "192.0.2.0/24" });
        assert_eq!(Value::Object(context), json!({ "geo": "here", "asn": added }));
        let mut context = Object::new();
        Origin { asn: None, ..origin }.add_to(&mut context);
        assert_eq!(Value::Object(context), json!({ "geo": { "continent": "EU", "country": "SE", "city": "" } }));
    }
}
