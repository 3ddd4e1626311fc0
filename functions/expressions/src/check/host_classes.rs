//! The objects that the host supplies, and their attributes.
//!
//! Owns the attribute names of the request, the event, the notification and their parts, and the types of those
//! attributes that always have one type.

use domain::expression::ExpressionKind;

use super::nearest::nearest;
use super::values::Known;
use super::witness::Witness;

/// One of the host's objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HostClass {
    Request,
    Event,
    Notification,
    /// A user, who may have any attribute.
    User,
    /// What `request.user.groups` is, and its `filter(…)` returns.
    GroupList,
    /// The object that `ak_call_policy` returns.
    PolicyResult,
    /// `request.context`: a dict of which one value is known.
    Context,
}

impl HostClass {
    #[cfg(test)]
    pub(super) const ALL: [Self; 5] =
        [Self::Request, Self::Event, Self::Notification, Self::GroupList, Self::PolicyResult];

    /// `None` if the object may have others. What bodies may read or call, `save` and `delete` included: they raise
    /// with a reason of their own.
    pub(super) const fn attributes(self) -> Option<&'static [&'static str]> {
        Some(match self {
            Self::Request => &["context", "user", "obj", "http_request", "debug"],
            Self::Event => &[
                "action",
                "app",
                "client_ip",
                "context",
                "user",
                "brand",
                "tenant",
                "created",
                "expires",
                "pk",
                "event_uuid",
                "summary",
                "hyperlink",
                "hyperlink_label",
                "expiring",
                "save",
                "delete",
            ],
            Self::Notification => {
                &["body", "severity", "hyperlink", "hyperlink_label", "event", "user", "created", "seen", "save"]
            }
            Self::GroupList => &["all", "filter", "exists", "count", "first", "values_list"],
            Self::PolicyResult => &["passing", "messages", "raw_result"],
            Self::User | Self::Context => return None,
        })
    }

    /// What to use instead of an attribute that the object cannot have; `None` if it may have it.
    pub(super) fn instead(self, name: &str) -> Option<String> {
        let known = match self {
            Self::Context => return None,
            // A user may have any attribute; what is written almost as a known one is a mistake.
            Self::User => return misspelt(name).map(|near| format!("did you mean {near}?")),
            _ => self.attributes().unwrap_or_default(),
        };
        if known.contains(&name) {
            return None;
        }
        let near = nearest(name, known.iter().copied());
        Some(near.map_or_else(|| self.hint().to_owned(), |near| format!("did you mean {near}?")))
    }

    /// What an attribute is; `None` if it may have several types.
    pub(super) fn attribute(self, name: &str, kind: ExpressionKind) -> Option<Known> {
        let is_policy = kind == ExpressionKind::Policy;
        let text = || Known::Value(Witness::literal("str", "''"));
        let dict = || Known::Value(Witness::literal("dict", "{}"));
        let truth = || Known::Value(Witness::literal("bool", "True"));
        Some(match (self, name) {
            (Self::Notification, "event") => Known::Object(Self::Event),
            (Self::Request, "obj") if is_policy => Known::Object(Self::Event),
            (Self::Request | Self::Notification, "user") => Known::Object(Self::User),
            (Self::Request, "context") => Known::Object(Self::Context),
            (Self::User, "groups" | "ak_groups") => Known::Object(Self::GroupList),
            (Self::Event, "action" | "app" | "summary" | "pk" | "event_uuid")
            | (Self::User, "username")
            | (Self::Notification, "body" | "severity") => text(),
            (Self::Event, "context" | "user" | "brand" | "tenant") => dict(),
            (Self::Event, "created" | "expires") | (Self::Notification, "created") => {
                Known::Value(Witness::module("datetime").member("datetime").called()?)
            }
            (Self::Request, "debug") | (Self::PolicyResult, "passing") => truth(),
            (Self::PolicyResult, "messages") => Known::Value(Witness::literal("tuple", "()")),
            _ => return None,
        })
    }

    const fn hint(self) -> &'static str {
        match self {
            Self::Request => "a request has the attributes context, user, obj, http_request and debug",
            Self::Event => {
                "an event has the attributes action, app, client_ip, user, context, brand, created, expires, pk, summary, \
                 hyperlink and hyperlink_label; what a caller sent besides is in context"
            }
            Self::Notification => {
                "a notification has the attributes body, severity, hyperlink, hyperlink_label, event, user, created and seen"
            }
            Self::User => "a user has the attributes pk, username, email, name and groups, and what the event says",
            Self::Context => "the context is a dict; write request.context[\"event\"]",
            Self::GroupList => "groups have the methods all, filter, exists, count, first and values_list",
            Self::PolicyResult => "the result of a policy has the attributes passing, messages and raw_result",
        }
    }
}

/// The attribute of a user that was probably meant: the same letters in another order, or one letter more or less
/// within a longer name.
fn misspelt(name: &str) -> Option<&'static str> {
    const KNOWN: [&str; 7] =
        ["username", "email", "groups", "is_active", "is_authenticated", "is_anonymous", "attributes"];
    let near = nearest(name, KNOWN)?;
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    let is_inside = |short: &str, long: &str| !long.starts_with(short) && !long.ends_with(short);
    let is_one_letter = strsim::osa_distance(name, near) == 1 && near.len() >= 5;
    let is_mistake = sorted(name) == sorted(near) || (is_one_letter && is_inside(name, near) && is_inside(near, name));
    is_mistake.then_some(near)
}

#[cfg(test)]
#[path = "host_classes_tests.rs"]
mod tests;
