//! Where an event's address is, and whose network that is: what is added to a context that does not say so itself.
//!
//! Owns the two shapes, which are authentik's `context.geo` and `context.asn`. Who knows about addresses is behind
//! [`Origins`].

use std::fmt;
use std::net::IpAddr;

use serde::Serialize;

use crate::event::Object;

/// What is known of an address.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Origin {
    /// Where it is.
    pub geo: Option<Geo>,
    /// Whose network it is in.
    pub asn: Option<Asn>,
}

/// A place, as `context.geo` has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Geo {
    /// Two letters, such as `EU`; `""` when unknown.
    pub continent: String,
    /// ISO 3166-1 alpha-2, such as `DE`; `""` when unknown.
    pub country: String,
    /// Degrees north. Left out when unknown: 0 is a place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lat: Option<f64>,
    /// Degrees east.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub long: Option<f64>,
    /// Its English name; `""` when unknown.
    pub city: String,
}

/// An autonomous system, as `context.asn` has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asn {
    /// Its number.
    pub asn: u32,
    /// Who runs it.
    pub as_org: Option<String>,
    /// The network that the address is in, as `192.0.2.0/24`.
    pub network: Option<String>,
}

impl Origin {
    /// Adds to an event's context what is not there yet: the caller knows best.
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

/// Who knows where addresses are. `()` knows of none.
pub trait Origins: fmt::Debug + Send + Sync {
    /// What is known of this one.
    fn of(&self, address: IpAddr) -> Origin;
}

impl Origins for () {
    fn of(&self, _: IpAddr) -> Origin {
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
