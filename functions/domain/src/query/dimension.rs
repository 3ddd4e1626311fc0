//! Dimensions by which events are ranked, such as the users with the most events.

use serde::Deserialize;

use crate::event::Event;
use crate::person::is_same_name;

/// A field of an event whose most frequent values are of interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// `user.username` and `context.username`, as the filter `username` compares them.
    Username,
    /// `client_ip`: the IP address that the action came from.
    ClientIp,
    /// `app`: the application that reported the event.
    App,
    /// The location in `context.geo`, as `LATITUDE,LONGITUDE,COUNTRY,CITY`; country and city may be empty.
    Place,
    /// `action`: what happened. The hourly counts contain it already.
    Action,
}

impl Dimension {
    /// The dimensions that need counts of their own; the hourly counts contain the actions already.
    pub const COUNTED: [Self; 4] = [Self::Username, Self::ClientIp, Self::App, Self::Place];

    /// The event's values: at most one, except for two different usernames. Leaves out values that are empty or longer
    /// than 1 KiB.
    pub fn values_in(self, event: &Event) -> impl Iterator<Item = String> {
        let (value, other) = match self {
            Self::Username => {
                let (user, named) = (event.user_str("username"), event.context_str("username"));
                let other = named.filter(|named| !user.is_some_and(|user| is_same_name(user, named)));
                (user.map(str::to_owned), other.map(str::to_owned))
            }
            Self::ClientIp => (event.client_ip.map(|address| address.to_string()), None),
            Self::App => (Some(event.app.clone()), None),
            Self::Place => (place(event), None),
            Self::Action => (Some(event.action.to_string()), None),
        };
        [value, other].into_iter().flatten().filter(|value| !value.is_empty() && value.len() <= 1024)
    }
}

fn place(event: &Event) -> Option<String> {
    let geo = event.context.get("geo")?.as_object()?;
    let number = |key| geo.get(key)?.as_f64();
    let text = |key| geo.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
    let (latitude, longitude) = (number("lat")?, number("long")?);
    let on_earth = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
    on_earth.then(|| format!("{latitude},{longitude},{},{}", text("country").replace(',', " "), text("city")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_place_is_one_on_earth() {
        let bare = json!({ "pk": "018650dd-2c93-7f1e-8afe-ad5af90bf680", "user": {}, "action": "login", "app": "", "context": {},
            "client_ip": null, "created": "2026-01-02T03:04:05Z", "expires": "2027-01-02T03:04:05Z", "brand": {} });
        let mut event: Event = serde_json::from_value(bare).unwrap();
        let mut place = |geo: serde_json::Value| {
            event.context.insert("geo".to_owned(), geo);
            Dimension::Place.values_in(&event).next()
        };
        let berlin = json!({ "lat": 52.5, "long": 13, "country": "DE", "city": "Berlin, Mitte" });
        assert_eq!(place(berlin).as_deref(), Some("52.5,13,DE,Berlin, Mitte"));
        assert_eq!(place(json!({ "lat": -1, "long": 2.25 })).as_deref(), Some("-1,2.25,,"));
        assert_eq!(place(json!({ "lat": 91, "long": 2 })), None);
        assert_eq!(place(json!({ "lat": "1", "long": 2 })), None);
    }

    #[test]
    fn the_acting_user_and_the_named_one_count_if_they_differ() {
        let names = |user: serde_json::Value, context: serde_json::Value| {
            let event = crate::testing::event("login_failed").user(user).context(context).build();
            Dimension::Username.values_in(&event).collect::<Vec<_>>()
        };
        assert_eq!(names(json!({ "username": "root" }), json!({ "username": "ann" })), ["root", "ann"]);
        assert_eq!(names(json!({ "username": "Ann" }), json!({ "username": "ann" })), ["Ann"]);
        assert_eq!(names(json!({}), json!({ "username": "ann" })), ["ann"]);
        assert_eq!(names(json!({ "username": "" }), json!({})), [""; 0]);
    }
}
