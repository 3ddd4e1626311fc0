//! Attributes that the host's objects do not have, such as `notification.titel`, found before a body runs.
//!
//! Owns the attribute names of the request, the event and the notification. Reports only what cannot work: a name
//! stands for an object only where the body binds it once, and an attribute that the body tests for or stores itself is
//! left alone. Users, groups and dicts may have other attributes, so nothing is said about theirs.

use std::collections::HashMap;

use domain::expression::ExpressionKind;
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, ExprAttribute, Stmt};
use ruff_text_size::Ranged;

use super::body_names::BodyNames;
use super::names::handles;
use super::nearest::nearest;
use crate::source::position;
use crate::unavailable::Missing;

/// One of the host's objects whose attributes are all known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Request,
    Event,
    Notification,
    /// A user, who may have any attribute.
    User,
    /// What `request.user.groups` is, and its `filter(…)` returns.
    GroupList,
    /// The object that `ak_call_policy` returns.
    PolicyResult,
}

impl Class {
    #[cfg(test)]
    const ALL: [Self; 5] = [Self::Request, Self::Event, Self::Notification, Self::GroupList, Self::PolicyResult];

    /// `None` if the object may have others. What bodies may read or call, `save` and `delete` included: they raise
    /// with a reason of their own.
    const fn attributes(self) -> Option<&'static [&'static str]> {
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
            Self::User => return None,
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
            Self::GroupList => "groups have the methods all, filter, exists, count, first and values_list",
            Self::PolicyResult => "the result of a policy has the attributes passing, messages and raw_result",
        }
    }
}

/// The attributes that the body asks for and that its objects do not have.
pub(super) fn missing<'a>(
    text: &str,
    body: &'a [Stmt],
    names: &'a BodyNames<'a>,
    kind: ExpressionKind,
) -> Vec<Missing> {
    let mut objects = Objects { kind, aliases: HashMap::new(), names };
    for (name, value) in &names.assigned {
        if names.count(name) == 1
            && let Some(class) = objects.class_of(value)
        {
            objects.aliases.insert(name, class);
        }
    }
    let mut search = AttributeSearch { objects: &objects, found: Vec::new() };
    search.visit_body(body);
    let unknown = |(class, attribute): &(Class, &ExprAttribute)| {
        let name = attribute.attr.as_str();
        class.attributes().is_some_and(|known| !known.contains(&name)) && !names.has_own_attribute(name)
    };
    let missing = search.found.into_iter().filter(unknown).map(|(class, attribute)| {
        let (line, column) = position(text, attribute.attr.start());
        let near = nearest(attribute.attr.as_str(), class.attributes().into_iter().flatten().copied());
        let hint = near.map_or_else(|| class.hint().to_owned(), |near| format!("did you mean {near}?"));
        Missing::unavailable(written(text, attribute), line, column, hint)
    });
    missing.collect()
}

/// `notification.titel`, as the body writes it; over several lines, the attribute alone.
fn written(text: &str, attribute: &ExprAttribute) -> String {
    let whole = &text[attribute.start().to_usize()..attribute.end().to_usize()];
    if whole.contains('\n') { format!(".{}", attribute.attr) } else { whole.to_owned() }
}

/// Which object an expression is.
struct Objects<'a> {
    kind: ExpressionKind,
    aliases: HashMap<&'a str, Class>,
    names: &'a BodyNames<'a>,
}

impl Objects<'_> {
    fn count(&self, name: &str) -> usize {
        self.names.count(name)
    }

    fn class_of(&self, expression: &Expr) -> Option<Class> {
        match expression {
            Expr::Name(name) => match (name.id.as_str(), self.kind) {
                ("request", _) if self.count("request") == 0 => Some(Class::Request),
                ("notification", ExpressionKind::Mapping) if self.count("notification") == 0 => {
                    Some(Class::Notification)
                }
                ("user", ExpressionKind::Mapping) if self.count("user") == 0 => Some(Class::User),
                (name, _) => self.aliases.get(name).copied(),
            },
            Expr::Attribute(attribute) => {
                match (self.class_of(&attribute.value)?, attribute.attr.as_str(), self.kind) {
                    (Class::Notification, "event", _) | (Class::Request, "obj", ExpressionKind::Policy) => {
                        Some(Class::Event)
                    }
                    (Class::Request | Class::Notification, "user", _) => Some(Class::User),
                    (Class::User, "groups" | "ak_groups", _) => Some(Class::GroupList),
                    _ => None,
                }
            }
            Expr::Subscript(subscript) if self.is_context(&subscript.value) => self.member(&subscript.slice),
            Expr::Call(call) if call.func.as_name_expr().is_some_and(|name| self.is_call_policy(&name.id)) => {
                Some(Class::PolicyResult)
            }
            Expr::Call(call) => {
                let Expr::Attribute(method) = &*call.func else { return None };
                if method.attr.as_str() == "filter" && self.class_of(&method.value) == Some(Class::GroupList) {
                    return Some(Class::GroupList);
                }
                let absent = call.arguments.args.get(1).is_none_or(Expr::is_none_literal_expr);
                let is_get = method.attr.as_str() == "get" && absent && self.is_context(&method.value);
                call.arguments.args.first().filter(|_| is_get).and_then(|key| self.member(key))
            }
            _ => None,
        }
    }

    fn is_call_policy(&self, function: &str) -> bool {
        function == "ak_call_policy" && self.kind == ExpressionKind::Policy && self.count(function) == 0
    }

    /// `request.context`, or `context` of a policy.
    fn is_context(&self, expression: &Expr) -> bool {
        match expression {
            Expr::Name(name) => {
                name.id == "context" && self.kind == ExpressionKind::Policy && self.count("context") == 0
            }
            Expr::Attribute(attribute) => {
                attribute.attr.as_str() == "context" && self.class_of(&attribute.value) == Some(Class::Request)
            }
            _ => false,
        }
    }

    fn member(&self, key: &Expr) -> Option<Class> {
        let Expr::StringLiteral(key) = key else { return None };
        match (key.value.to_str(), self.kind) {
            ("event", ExpressionKind::Policy) => Some(Class::Event),
            ("notification", ExpressionKind::Mapping) => Some(Class::Notification),
            _ => None,
        }
    }
}

/// What handles a missing attribute.
pub(super) const ATTRIBUTE_ERRORS: [&str; 3] = ["AttributeError", "Exception", "BaseException"];

/// Attributes of known objects, except where an exception would be caught.
struct AttributeSearch<'o, 'a> {
    objects: &'o Objects<'a>,
    found: Vec<(Class, &'a ExprAttribute)>,
}

impl<'a> Visitor<'a> for AttributeSearch<'_, 'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            // An `except` may be there for this very attribute.
            Stmt::Try(attempt) if attempt.handlers.iter().any(|handler| handles(handler, &ATTRIBUTE_ERRORS)) => {
                attempt.handlers.iter().for_each(|handler| self.visit_except_handler(handler));
                self.visit_body(&attempt.orelse);
                self.visit_body(&attempt.finalbody);
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Attribute(attribute) = expression
            && let Some(class) = self.objects.class_of(&attribute.value)
        {
            self.found.push((class, attribute));
        }
        walk_expr(self, expression);
    }
}

#[cfg(test)]
#[path = "attributes_tests.rs"]
mod tests;
