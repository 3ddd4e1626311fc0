//! Attributes that the host's objects do not have, such as `notification.titel`, found before a body runs.
//!
//! Owns the attribute names of the request, the event and the notification. Reports only what cannot work: a name stands
//! for an object only where the body binds it once, and an attribute that the body tests for or stores itself is left
//! alone. Users, groups and dicts may have other attributes, so nothing is said about theirs.

use std::collections::{HashMap, HashSet};

use domain::expression::ExpressionKind;
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_parameter, walk_stmt};
use ruff_python_ast::{Expr, ExprAttribute, ExprCall, ExprContext, Parameter, Stmt};
use ruff_text_size::Ranged;

use crate::source::position;
use crate::unavailable::Missing;

/// One of the host's objects whose attributes are all known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Request,
    Event,
    Notification,
}

impl Class {
    #[cfg(test)]
    const ALL: [Self; 3] = [Self::Request, Self::Event, Self::Notification];

    /// What bodies may read or call, `save` and `delete` included: they raise with a reason of their own.
    const fn attributes(self) -> &'static [&'static str] {
        match self {
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
        }
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
        }
    }
}

/// The attributes that the body asks for and that its objects do not have, in the order of their places.
pub(crate) fn missing(text: &str, body: &[Stmt], kind: ExpressionKind) -> Vec<Missing> {
    let mut names = Names::default();
    names.visit_body(body);
    let mut objects = Objects { kind, aliases: HashMap::new(), bound: names.bound };
    for (name, value) in names.assigned {
        if objects.count(name) == 1
            && let Some(class) = objects.class_of(value)
        {
            objects.aliases.insert(name, class);
        }
    }
    let mut search = AttributeSearch { objects: &objects, found: Vec::new() };
    search.visit_body(body);
    let unknown = |(class, attribute): &(Class, &ExprAttribute)| {
        let name = attribute.attr.as_str();
        let is_own = names.stored.contains(name) && names.loaded.contains(name);
        !class.attributes().contains(&name) && !names.tested.contains(name) && !is_own
    };
    let mut missing: Vec<Missing> = search
        .found
        .into_iter()
        .filter(unknown)
        .map(|(class, attribute)| {
            let (line, column) = position(text, attribute.attr.start());
            Missing { name: written(text, attribute), line, column, hint: class.hint() }
        })
        .collect();
    missing.sort_by_key(|missing| (missing.line, missing.column));
    missing
}

/// `notification.titel`, as the body writes it; over several lines, the attribute alone.
fn written(text: &str, attribute: &ExprAttribute) -> String {
    let whole = &text[attribute.start().to_usize()..attribute.end().to_usize()];
    if whole.contains('\n') { format!(".{}", attribute.attr) } else { whole.to_owned() }
}

/// What the body binds, and the attributes that it has dealings with.
#[derive(Default)]
struct Names<'a> {
    /// How often each name is bound, in any scope.
    bound: HashMap<&'a str, usize>,
    /// Plain assignments `name = value`, in order.
    assigned: Vec<(&'a str, &'a Expr)>,
    stored: HashSet<&'a str>,
    loaded: HashSet<&'a str>,
    /// Named in a text, as `hasattr` does.
    tested: HashSet<&'a str>,
}

impl<'a> Names<'a> {
    fn bind(&mut self, name: &'a str) {
        *self.bound.entry(name).or_default() += 1;
    }
}

impl<'a> Visitor<'a> for Names<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Assign(assign) => {
                if let [Expr::Name(name)] = &*assign.targets {
                    self.assigned.push((name.id.as_str(), &assign.value));
                }
            }
            Stmt::FunctionDef(function) => self.bind(function.name.as_str()),
            Stmt::ClassDef(class) => self.bind(class.name.as_str()),
            Stmt::Import(import) => {
                import.names.iter().for_each(|alias| self.bind(alias.asname.as_ref().unwrap_or(&alias.name).as_str()));
            }
            Stmt::ImportFrom(import) => {
                import.names.iter().for_each(|alias| self.bind(alias.asname.as_ref().unwrap_or(&alias.name).as_str()));
            }
            Stmt::Try(attempt) => {
                for ruff_python_ast::ExceptHandler::ExceptHandler(handler) in &attempt.handlers {
                    handler.name.iter().for_each(|name| self.bind(name.as_str()));
                }
            }
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_parameter(&mut self, parameter: &'a Parameter) {
        self.bind(parameter.name.as_str());
        walk_parameter(self, parameter);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) if name.ctx != ExprContext::Load => self.bind(name.id.as_str()),
            Expr::Attribute(attribute) if attribute.ctx == ExprContext::Load => {
                self.loaded.insert(attribute.attr.as_str());
            }
            Expr::Attribute(attribute) => {
                self.stored.insert(attribute.attr.as_str());
            }
            Expr::Call(call) => self.tested.extend(tested(call)),
            _ => {}
        }
        walk_expr(self, expression);
    }
}

/// The attribute of `hasattr(object, "name")`, also `getattr` and `setattr`.
fn tested(call: &ExprCall) -> Option<&str> {
    let Expr::Name(function) = &*call.func else { return None };
    if !["hasattr", "getattr", "setattr"].contains(&function.id.as_str()) {
        return None;
    }
    match call.arguments.args.get(1) {
        Some(Expr::StringLiteral(name)) => Some(name.value.to_str()),
        _ => None,
    }
}

/// Which object an expression is.
struct Objects<'a> {
    kind: ExpressionKind,
    aliases: HashMap<&'a str, Class>,
    bound: HashMap<&'a str, usize>,
}

impl Objects<'_> {
    fn count(&self, name: &str) -> usize {
        self.bound.get(name).copied().unwrap_or_default()
    }

    fn class_of(&self, expression: &Expr) -> Option<Class> {
        match expression {
            Expr::Name(name) => match (name.id.as_str(), self.kind) {
                ("request", _) if self.count("request") == 0 => Some(Class::Request),
                ("notification", ExpressionKind::Mapping) if self.count("notification") == 0 => {
                    Some(Class::Notification)
                }
                (name, _) => self.aliases.get(name).copied(),
            },
            Expr::Attribute(attribute) => {
                match (self.class_of(&attribute.value)?, attribute.attr.as_str(), self.kind) {
                    (Class::Notification, "event", _) | (Class::Request, "obj", ExpressionKind::Policy) => {
                        Some(Class::Event)
                    }
                    _ => None,
                }
            }
            Expr::Subscript(subscript) if self.is_context(&subscript.value) => self.member(&subscript.slice),
            Expr::Call(call) => {
                let Expr::Attribute(method) = &*call.func else { return None };
                let absent = call.arguments.args.get(1).is_none_or(Expr::is_none_literal_expr);
                let is_get = method.attr.as_str() == "get" && absent && self.is_context(&method.value);
                call.arguments.args.first().filter(|_| is_get).and_then(|key| self.member(key))
            }
            _ => None,
        }
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

/// Attributes of known objects, except where an exception would be caught.
struct AttributeSearch<'o, 'a> {
    objects: &'o Objects<'a>,
    found: Vec<(Class, &'a ExprAttribute)>,
}

impl<'a> Visitor<'a> for AttributeSearch<'_, 'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            // An `except` may be there for this very attribute.
            Stmt::Try(attempt) if !attempt.handlers.is_empty() => {
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
