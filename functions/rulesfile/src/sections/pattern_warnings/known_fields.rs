//! What is known of the fields that every event has: their types and the form of their texts.
//!
//! Owns no warning, only what an event can have. A form may be wider than the truth, never narrower.

use std::net::IpAddr;

use domain::event::{Action, EventPk};
use domain::trace::TraceParent;

/// What is known of a top-level field of the events.
pub(super) enum KnownField {
    /// An object with fields of the caller's; the text is an example of a pattern inside it.
    Object(&'static str),
    /// A text, of which the form may be known.
    Text(TextField),
    /// An object or a text, of which no more is known.
    Any,
}

/// What is known of a field that is a text.
pub(super) struct TextField {
    pub(super) presence: Presence,
    /// Whether an event can have the text.
    pub(super) is_possible: fn(&str) -> bool,
    /// Whether such a text can contain the character.
    pub(super) may_contain: fn(char) -> bool,
    pub(super) may_be_address: bool,
    /// Describes the form, as a hint.
    pub(super) form: &'static str,
}

/// Whether an event always has a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Always,
    /// Every event has the field, and `null` stands for no value.
    AlwaysOrNull,
    Optional,
}

/// The objects inside `context` and `user` that Nuncio or authentik add: an event hardly has their fields under one
/// name with a dot.
pub(super) const INNER_OBJECTS: [(&str, &str); 7] = [
    ("context", "geo"),
    ("context", "asn"),
    ("context", "model"),
    ("context", "subject"),
    ("context", "http_request"),
    ("user", "on_behalf_of"),
    ("user", "authenticated_as"),
];

/// The objects of which Nuncio or authentik is the source, each with an example of a pattern inside it. (`model`,
/// `subject` and `http_request` may be a text in the events of other senders.)
pub(super) const ADDED_OBJECTS: [(&[&str], &str); 4] = [
    (&["context", "geo"], "geo: { country: [{ exists: false }] }"),
    (&["context", "asn"], "asn: { asn: [{ exists: false }] }"),
    (&["user", "on_behalf_of"], "on_behalf_of: { username: [{ exists: false }] }"),
    (&["user", "authenticated_as"], "authenticated_as: { username: [{ exists: false }] }"),
];

/// What is known of the field; `None` if no event has it.
pub(super) fn known_field(name: &str) -> Option<KnownField> {
    let text = |presence, is_possible, may_contain, form| TextField {
        presence,
        is_possible,
        may_contain,
        may_be_address: false,
        form,
    };
    let address = |field: TextField| TextField { may_be_address: true, ..field };
    Some(KnownField::Text(match name {
        "user" => return Some(KnownField::Object("user: { username: [ann] }")),
        "context" => return Some(KnownField::Object("context: { message: [ok] }")),
        "brand" => return Some(KnownField::Object("brand: { name: [main] }")),
        "produced_by" => return Some(KnownField::Any),
        "pk" => text(
            Presence::Always,
            |text| text.parse().is_ok_and(|pk: EventPk| pk.to_string() == text),
            |character| matches!(character, '0'..='9' | 'a'..='f' | '-'),
            "a pk is a UUID in lower case, such as 018653ab-3bf8-7000-8000-000000000000",
        ),
        // An action such as fe80::1 is an address, too.
        "action" => address(text(
            Presence::Always,
            |text| Action::parse(text).is_ok(),
            |character| matches!(character, 'a'..='z' | '0'..='9' | '_' | '.' | ':' | '-'),
            "an action starts with a-z and has only a-z, 0-9, _ . : -, such as login_failed",
        )),
        "app" => address(text(Presence::Always, |_| true, |_| true, "")),
        "client_ip" => address(text(
            Presence::AlwaysOrNull,
            |text| text.parse().is_ok_and(|address: IpAddr| address.to_canonical().to_string() == text),
            |character| matches!(character, '0'..='9' | 'a'..='f' | '.' | ':'),
            "write an address in its shortest form and in lower case, or use cidr, which knows every spelling",
        )),
        "created" | "expires" | "received" => text(
            if name == "received" { Presence::Optional } else { Presence::Always },
            |text| domain::time::parse(text).is_some_and(|time| domain::time::format(time) == text),
            |character| matches!(character, '0'..='9' | '-' | '+' | ':' | '.' | 'T' | 'Z'),
            "a time has the form 2023-02-15T15:33:42.771091Z; for a day, write { prefix: \"2023-02-15\" }",
        ),
        "id" | "source" => address(text(
            Presence::Optional,
            |text| !text.is_empty(),
            |_| true,
            "for an event without an id or a source, write { exists: false }",
        )),
        "traceparent" => text(
            Presence::Optional,
            |text| text.parse().is_ok_and(|trace: TraceParent| trace.to_string() == text),
            |character| matches!(character, '0'..='9' | 'a'..='f' | '-'),
            "a traceparent has the form 00-<32 digits>-<16 digits>-01, in lower case",
        ),
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use domain::event::EVENT_KEYS;

    use super::*;

    #[test]
    fn every_field_of_an_event_is_known() {
        for name in EVENT_KEYS {
            assert!(known_field(name).is_some(), "{name}");
        }
    }
}
