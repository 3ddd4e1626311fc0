//! Analyses conditions: for which events they can be true, for which they can be false, and whether they can raise.
//!
//! Owns the forms that are understood: comparisons of the event's action, app and address with constants; `and`, `or`,
//! `not`; and constants. Knows no statements.

use std::collections::HashMap;
use std::net::IpAddr;

use domain::event::{Action, ActionPattern};
use ipnet::IpNet;
use ruff_python_ast::{BoolOp, CmpOp, Expr, ExprCall, UnaryOp};
use ruff_text_size::{Ranged, TextSize};

use super::event_set::EventSet;

/// The possible results of a condition.
pub(super) struct ConditionResult {
    /// The condition can be true only for these events. For all others it is false and has no effect.
    pub(super) yes: EventSet,
    /// The condition can be false only for these events. For all others it is true and has no effect.
    pub(super) no: EventSet,
    /// Whether evaluating the condition never raises and has no effect, for any event.
    pub(super) safe: bool,
}

impl ConditionResult {
    fn unknown(safe: bool) -> Self {
        Self { yes: EventSet::Any, no: EventSet::Any, safe }
    }

    fn constant(holds: bool) -> Self {
        let (yes, no) = if holds { (EventSet::Any, EventSet::Never) } else { (EventSet::Never, EventSet::Any) };
        Self { yes, no, safe: true }
    }

    fn when(yes: EventSet, safe: bool) -> Self {
        Self { yes, no: EventSet::Any, safe }
    }

    fn not(self) -> Self {
        Self { yes: self.no, no: self.yes, safe: self.safe }
    }

    /// The condition `self and second`; `second` is evaluated only if `self` is true.
    fn and(self, second: &Self) -> Self {
        let yes = if self.safe { self.yes.and(&second.yes) } else { self.yes };
        Self { yes, no: self.no.or(&second.no), safe: self.safe && second.safe }
    }
}

/// Analyses the conditions of one body, in which it knows the names of the event.
pub(super) struct ConditionReader {
    /// The names that are bound to the event, each with the position from which on they are.
    pub(super) events: HashMap<String, TextSize>,
}

/// The field of the event that a comparison reads.
enum ComparedField {
    Action,
    App,
    /// `event.client_ip`: a text or None.
    ClientIp,
    /// `ak_client_ip` or `ip_address(event.client_ip)`: raises if the event has no address.
    Address,
}

impl ConditionReader {
    /// For which events the expression can be true, and for which it can be false, as the condition of an `if`.
    pub(super) fn truth(&self, expression: &Expr) -> ConditionResult {
        if self.is_event(expression) {
            return ConditionResult::constant(true);
        }
        match expression {
            Expr::BoolOp(both) => {
                let mut parts = both.values.iter().map(|part| self.truth(part));
                let Some(first) = parts.next() else { return ConditionResult::unknown(false) };
                match both.op {
                    BoolOp::And => parts.fold(first, |one, other| one.and(&other)),
                    // By De Morgan's law; the second part is evaluated only if the first is false.
                    BoolOp::Or => parts.fold(first, |one, other| one.not().and(&other.not()).not()),
                }
            }
            Expr::UnaryOp(one) if one.op == UnaryOp::Not => self.truth(&one.operand).not(),
            Expr::Compare(compare) => match (&*compare.ops, &*compare.comparators) {
                ([op], [right]) => self.comparison(&compare.left, *op, right),
                _ => ConditionResult::unknown(false),
            },
            Expr::Call(call) => {
                self.starts_with(call).unwrap_or_else(|| ConditionResult::unknown(self.is_plain(expression)))
            }
            Expr::BooleanLiteral(literal) => ConditionResult::constant(literal.value),
            Expr::NoneLiteral(_) => ConditionResult::constant(false),
            _ if matches!(self.subject(expression), Some(ComparedField::ClientIp)) => {
                ConditionResult { yes: EventSet::with_address(), no: EventSet::addresses(Vec::new(), true), safe: true }
            }
            _ => ConditionResult::unknown(self.is_plain(expression)),
        }
    }

    fn comparison(&self, left: &Expr, op: CmpOp, right: &Expr) -> ConditionResult {
        match op {
            CmpOp::NotEq => return self.comparison(left, CmpOp::Eq, right).not(),
            CmpOp::NotIn => return self.comparison(left, CmpOp::In, right).not(),
            CmpOp::IsNot => return self.comparison(left, CmpOp::Is, right).not(),
            _ => {}
        }
        if op == CmpOp::In && text(left) == Some("event") && is_context(right) {
            return ConditionResult::constant(true);
        }
        let subject = match op {
            CmpOp::Eq if self.subject(right).is_some() => return self.equals(right, left),
            CmpOp::Eq => return self.equals(left, right),
            CmpOp::Is if right.is_none_literal_expr() && self.is_event(left) => {
                return ConditionResult::constant(false);
            }
            CmpOp::Is if right.is_none_literal_expr() => self.subject(left),
            CmpOp::In => self.subject(left),
            _ => None,
        };
        match (subject, op) {
            (Some(ComparedField::ClientIp), CmpOp::Is) => {
                ConditionResult { yes: EventSet::addresses(Vec::new(), true), no: EventSet::with_address(), safe: true }
            }
            (Some(ComparedField::Address), CmpOp::In) => match network(right) {
                // Raises if the event has no address.
                Some(net) => ConditionResult::when(reached_by(net), false),
                None => ConditionResult::unknown(false),
            },
            (Some(subject), CmpOp::In) => match texts(right) {
                Some(texts) => ConditionResult::when(one_of(&subject, &texts), true),
                None => ConditionResult::unknown(false),
            },
            _ => ConditionResult::unknown(matches!(op, CmpOp::Is) && self.is_plain(left) && self.is_plain(right)),
        }
    }

    fn equals(&self, left: &Expr, right: &Expr) -> ConditionResult {
        match (self.subject(left), text(right)) {
            (Some(subject), Some(text)) => {
                ConditionResult::when(one_of(&subject, &[text]), !matches!(subject, ComparedField::Address))
            }
            (Some(ComparedField::Address), _) => ConditionResult::unknown(false),
            _ => ConditionResult::unknown(self.is_plain(left) && self.is_plain(right)),
        }
    }

    /// Analyses a call such as `event.action.startswith("model_")`; `None` if it has another form or can raise.
    fn starts_with(&self, call: &ExprCall) -> Option<ConditionResult> {
        let Expr::Attribute(method) = &*call.func else { return None };
        if method.attr.as_str() != "startswith" || !call.arguments.keywords.is_empty() {
            return None;
        }
        let subject = self.subject(&method.value)?;
        let starts = match &*call.arguments.args {
            [only] => text(only).map(|only| vec![only]).or_else(|| texts(only).filter(|_| only.is_tuple_expr()))?,
            _ => return None,
        };
        match (subject, &*starts) {
            (ComparedField::Action, starts) => {
                let patterns = starts.iter().filter_map(|start| ActionPattern::parse(&format!("{start}*")).ok());
                Some(ConditionResult::when(actions(patterns.collect()), true))
            }
            (ComparedField::App, [start]) => {
                let app = start.strip_suffix('.');
                Some(app.map_or_else(
                    || ConditionResult::unknown(true),
                    |app| ConditionResult::when(EventSet::app(app), true),
                ))
            }
            (ComparedField::App, _) => Some(ConditionResult::unknown(true)),
            // Raises for an event without an address, because `None` has no such method.
            (ComparedField::ClientIp | ComparedField::Address, _) => None,
        }
    }

    fn subject(&self, expression: &Expr) -> Option<ComparedField> {
        match expression {
            Expr::Attribute(attribute) if self.is_event(&attribute.value) => match attribute.attr.as_str() {
                "action" => Some(ComparedField::Action),
                "app" => Some(ComparedField::App),
                "client_ip" => Some(ComparedField::ClientIp),
                _ => None,
            },
            Expr::Name(name) if name.id == "ak_client_ip" => Some(ComparedField::Address),
            Expr::Call(_) => {
                let inner = self.subject(called(expression, "ip_address")?)?;
                matches!(inner, ComparedField::ClientIp).then_some(ComparedField::Address)
            }
            _ => None,
        }
    }

    /// Whether the expression certainly is the event.
    pub(super) fn is_event(&self, expression: &Expr) -> bool {
        match expression {
            Expr::Name(name) => self.events.get(name.id.as_str()).is_some_and(|bound| *bound <= expression.start()),
            Expr::Attribute(attribute) => attribute.attr.as_str() == "obj" && is_request(&attribute.value),
            Expr::Subscript(subscript) => is_context(&subscript.value) && text(&subscript.slice) == Some("event"),
            Expr::Call(call) => match (&*call.func, &*call.arguments.args) {
                (Expr::Attribute(method), [key] | [key, Expr::NoneLiteral(_)]) => {
                    method.attr.as_str() == "get"
                        && call.arguments.keywords.is_empty()
                        && is_context(&method.value)
                        && text(key) == Some("event")
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether evaluating the expression has no effect and cannot raise, and its value can be compared with any other.
    fn is_plain(&self, expression: &Expr) -> bool {
        const OBJECTS: [&str; 3] = ["context", "user", "brand"];
        let object = |expression: &Expr| match expression {
            Expr::Attribute(attribute) => OBJECTS.contains(&attribute.attr.as_str()) && self.is_event(&attribute.value),
            _ => false,
        };
        match expression {
            Expr::Attribute(attribute) => {
                object(expression)
                    || (self.is_event(&attribute.value)
                        && ["action", "app", "client_ip", "pk"].contains(&attribute.attr.as_str()))
            }
            Expr::Call(call) => match (&*call.func, &*call.arguments.args, &*call.arguments.keywords) {
                (Expr::Attribute(method), [Expr::StringLiteral(_)], []) => {
                    method.attr.as_str() == "get" && object(&method.value)
                }
                _ => false,
            },
            _ => is_constant(expression),
        }
    }
}

fn one_of(subject: &ComparedField, texts: &[&str]) -> EventSet {
    match subject {
        ComparedField::Action => {
            let exact = texts.iter().map(|text| Action::parse(text).map(ActionPattern::Exact));
            actions(exact.filter_map(Result::ok).collect())
        }
        ComparedField::App => match texts {
            [app] if !app.is_empty() => EventSet::app(app),
            _ => EventSet::Any,
        },
        ComparedField::ClientIp => {
            let nets = texts.iter().map(|text| text.parse::<IpAddr>().map(IpNet::from)).collect::<Result<_, _>>();
            nets.map_or(EventSet::Any, |nets| EventSet::addresses(nets, false))
        }
        ComparedField::Address => EventSet::Any,
    }
}

/// The events with one of these actions; no events if the list is empty, because the texts cannot be actions.
fn actions(patterns: Vec<ActionPattern>) -> EventSet {
    if patterns.is_empty() { EventSet::Never } else { EventSet::actions(patterns) }
}

/// The events whose address is in the network, and those without an address.
fn reached_by(net: IpNet) -> EventSet {
    // The network contains all IPv4-mapped addresses. An event set treats these as IPv4, Python does not.
    let mapped: IpNet = IpNet::V6(ipnet::Ipv6Net::new_assert([0, 0, 0, 0, 0, 0xffff, 0, 0].into(), 96));
    if net != mapped && net.contains(&mapped) { EventSet::Any } else { EventSet::addresses(vec![net], true) }
}

/// The network of `ip_network("192.0.2.0/24")`; `None` if the call might raise.
fn network(expression: &Expr) -> Option<IpNet> {
    let text = text(called(expression, "ip_network")?)?;
    let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()?;
    (net.trunc() == net).then_some(net)
}

/// The argument, if the expression is `name(argument)`.
fn called<'a>(expression: &'a Expr, name: &str) -> Option<&'a Expr> {
    let Expr::Call(call) = expression else { return None };
    match (&*call.func, &*call.arguments.args, &*call.arguments.keywords) {
        (Expr::Name(function), [argument], []) if function.id == name && !argument.is_starred_expr() => Some(argument),
        _ => None,
    }
}

fn text(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::StringLiteral(literal) => Some(literal.value.to_str()),
        _ => None,
    }
}

/// The items, if the expression is a list, tuple or set of string literals.
fn texts(expression: &Expr) -> Option<Vec<&str>> {
    let items = match expression {
        Expr::List(list) => &list.elts,
        Expr::Tuple(tuple) => &tuple.elts,
        Expr::Set(set) => &set.elts,
        _ => return None,
    };
    items.iter().map(text).collect()
}

fn is_request(expression: &Expr) -> bool {
    matches!(expression, Expr::Name(name) if name.id == "request")
}

fn is_context(expression: &Expr) -> bool {
    match expression {
        Expr::Name(name) => name.id == "context",
        Expr::Attribute(attribute) => attribute.attr.as_str() == "context" && is_request(&attribute.value),
        _ => false,
    }
}

fn is_constant(expression: &Expr) -> bool {
    matches!(
        expression,
        Expr::StringLiteral(_) | Expr::NumberLiteral(_) | Expr::BooleanLiteral(_) | Expr::NoneLiteral(_)
    )
}
