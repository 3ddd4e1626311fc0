//! What the expressions of a body are, where that is certain: an object of the host, a module, or a value of one type.
//!
//! Owns which names, attributes, calls and subscripts are known. A name is known only where the body binds it once, in
//! any scope.

use std::collections::HashMap;

use domain::expression::ExpressionKind;
use ruff_python_ast::{Expr, ExprCall, Number};

use super::body_names::BodyNames;
use super::host_classes::HostClass;
use super::witness::Witness;

/// What an expression is.
#[derive(Debug, Clone)]
pub(super) enum Known {
    Object(HostClass),
    Value(Witness),
}

impl Known {
    /// The value that stands for it in the sandbox; `None` for an object of the host.
    pub(super) fn witness(self) -> Option<Witness> {
        match self {
            Self::Value(witness) => Some(witness),
            Self::Object(HostClass::Context) => Some(Witness::literal("dict", "{}")),
            Self::Object(_) => None,
        }
    }
}

/// What the names of a body are.
pub(super) struct KnownValues<'a> {
    pub(super) kind: ExpressionKind,
    pub(super) names: &'a BodyNames<'a>,
    aliases: HashMap<&'a str, Known>,
}

impl<'a> KnownValues<'a> {
    /// Learns the names that the body binds once.
    pub(super) fn learn(names: &'a BodyNames<'a>, kind: ExpressionKind) -> Self {
        let mut values = Self { kind, names, aliases: HashMap::new() };
        for (name, module, member) in &names.imported {
            let module = Witness::module(module);
            let witness = match member {
                Some(member) => module.member(member),
                None => module,
            };
            if names.count(name) == 1 && !witness.is_missing(kind) {
                values.aliases.insert(name, Known::Value(witness));
            }
        }
        for (name, value) in &names.assigned {
            if names.count(name) == 1
                && let Some(known) = values.known(value)
            {
                values.aliases.insert(name, known);
            }
        }
        values
    }

    /// A closed expression for an argument. A text if its type is not known.
    pub(super) fn closed(&self, argument: &Expr) -> String {
        let witness = self.known(argument).and_then(Known::witness);
        let witness = witness.unwrap_or_else(|| Witness::literal("str", "''"));
        witness.closed().unwrap_or("''").to_owned()
    }

    /// What the expression is; `None` if it may be several things.
    pub(super) fn known(&self, expression: &Expr) -> Option<Known> {
        Some(Known::Value(match expression {
            Expr::StringLiteral(_) | Expr::FString(_) => Witness::literal("str", "''"),
            Expr::BytesLiteral(_) => Witness::literal("bytes", "b''"),
            Expr::NumberLiteral(number) => match number.value {
                Number::Int(_) => Witness::literal("int", "(0)"),
                Number::Float(_) => Witness::literal("float", "(0.0)"),
                Number::Complex { .. } => return None,
            },
            Expr::BooleanLiteral(_) => Witness::literal("bool", "True"),
            Expr::List(_) | Expr::ListComp(_) => Witness::literal("list", "[]"),
            Expr::Dict(_) | Expr::DictComp(_) => Witness::literal("dict", "{}"),
            Expr::Set(_) | Expr::SetComp(_) => Witness::literal("set", "{0}"),
            Expr::Tuple(_) => Witness::literal("tuple", "()"),
            Expr::Name(name) => return self.name(name.id.as_str()),
            Expr::Attribute(attribute) => match self.known(&attribute.value)? {
                Known::Object(class) if self.names.stores(&attribute.attr) => {
                    // The body may have put something else there.
                    let known = class.attribute(&attribute.attr, self.kind)?;
                    return matches!(known, Known::Object(_)).then_some(known);
                }
                Known::Object(class) => return class.attribute(&attribute.attr, self.kind),
                Known::Value(owner) => {
                    let member = owner.namespace()?.member(&attribute.attr);
                    Some(member).filter(|member| !member.is_missing(self.kind))?
                }
            },
            Expr::Subscript(subscript) => match self.known(&subscript.value)? {
                Known::Object(HostClass::Context) => return self.of_context(&subscript.slice),
                _ => return None,
            },
            Expr::Call(call) => return self.called(call),
            _ => return None,
        }))
    }

    fn name(&self, name: &str) -> Option<Known> {
        if let Some(known) = self.aliases.get(name) {
            return Some(known.clone());
        }
        if self.names.count(name) > 0 {
            return None;
        }
        let is_policy = self.kind == ExpressionKind::Policy;
        Some(match name {
            "request" => Known::Object(HostClass::Request),
            "context" if is_policy => Known::Object(HostClass::Context),
            "notification" if !is_policy => Known::Object(HostClass::Notification),
            "user" if !is_policy => Known::Object(HostClass::User),
            "ak_client_ip" if is_policy => Known::Value(Witness::builtin("ip_address")?.called()?),
            _ => Known::Value(Witness::builtin(name)?),
        })
    }

    fn called(&self, call: &ExprCall) -> Option<Known> {
        match &*call.func {
            Expr::Name(function) if self.names.count(&function.id) == 0 => match function.id.as_str() {
                "ak_call_policy" if self.kind == ExpressionKind::Policy => Some(Known::Object(HostClass::PolicyResult)),
                // Or `None`, which has none of the attributes of a user.
                "ak_user_by" => Some(Known::Object(HostClass::User)),
                "regex_match" | "ak_is_group_member" => Some(Known::Value(Witness::literal("bool", "True"))),
                "regex_replace" | "slugify" => Some(Known::Value(Witness::literal("str", "''"))),
                name => Some(Known::Value(self.name(name)?.witness()?.called()?)),
            },
            Expr::Attribute(method) => match (self.known(&method.value)?, method.attr.as_str()) {
                (Known::Object(HostClass::GroupList), "filter") => Some(Known::Object(HostClass::GroupList)),
                (Known::Object(HostClass::Context), "get") => {
                    let is_plain = call.arguments.args.get(1).is_none_or(Expr::is_none_literal_expr);
                    call.arguments.args.first().filter(|_| is_plain).and_then(|key| self.of_context(key))
                }
                (Known::Object(HostClass::User), "get_full_name" | "get_username") => {
                    Some(Known::Value(Witness::literal("str", "''")))
                }
                // A method may be there to be called only.
                (Known::Value(owner), name) => Some(Known::Value(owner.method_called(name)?)),
                _ => None,
            },
            function => Some(Known::Value(self.known(function)?.witness()?.called()?)),
        }
    }

    /// The value of `request.context` under a key.
    fn of_context(&self, key: &Expr) -> Option<Known> {
        let Expr::StringLiteral(key) = key else { return None };
        match (key.value.to_str(), self.kind) {
            ("event", ExpressionKind::Policy) => Some(Known::Object(HostClass::Event)),
            ("notification", ExpressionKind::Mapping) => Some(Known::Object(HostClass::Notification)),
            _ => None,
        }
    }
}
