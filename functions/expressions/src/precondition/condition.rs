//! Conditions: for which events they are true, for which false, and whether asking can raise.
//!
//! Owns the forms that are understood: comparisons of the event's action, app and address with constants,
//! `and`, `or`, `not`, and what is always so. Knows no statements.

use std::collections::HashMap;
use std::net::IpAddr;

use domain::event::{Action, ActionPattern};
use ipnet::IpNet;
use ruff_python_ast::{BoolOp, CmpOp, Expr, ExprCall, UnaryOp};
use ruff_text_size::{Ranged, TextSize};

use super::reach::Reach;

/// A condition put to any event.
pub(super) struct Truth {
    /// An event without it finds the condition false; asking does nothing else.
    pub(super) yes: Reach,
    /// An event without it finds the condition true; asking does nothing else.
    pub(super) no: Reach,
    /// Whether asking never does anything else, whatever the event.
    pub(super) safe: bool,
}

impl Truth {
    fn unknown(safe: bool) -> Self {
        Self { yes: Reach::Any, no: Reach::Any, safe }
    }

    fn constant(holds: bool) -> Self {
        let (yes, no) = if holds { (Reach::Any, Reach::Never) } else { (Reach::Never, Reach::Any) };
        Self { yes, no, safe: true }
    }

    fn when(yes: Reach, safe: bool) -> Self {
        Self { yes, no: Reach::Any, safe }
    }

    fn not(self) -> Self {
        Self { yes: self.no, no: self.yes, safe: self.safe }
    }

    /// The second is asked only where the first is true.
    fn and(self, second: &Self) -> Self {
        let yes = if self.safe { self.yes.and(&second.yes) } else { self.yes };
        Self { yes, no: self.no.or(&second.no), safe: self.safe && second.safe }
    }
}

/// Reads conditions, knowing which names stand for the event.
pub(super) struct Conditions {
    pub(super) events: HashMap<String, TextSize>,
}

/// What a comparison may be about.
enum Subject {
    Action,
    App,
    /// As a text, or None.
    ClientIp,
    /// As an address; there is none where the event has none.
    Address,
}

impl Conditions {
    /// Reads one.
    pub(super) fn truth(&self, expression: &Expr) -> Truth {
        if self.is_event(expression) {
            return Truth::constant(true);
        }
        match expression {
            Expr::BoolOp(both) => {
                let mut parts = both.values.iter().map(|part| self.truth(part));
                let Some(first) = parts.next() else { return Truth::unknown(false) };
                match both.op {
                    BoolOp::And => parts.fold(first, |one, other| one.and(&other)),
                    // By De Morgan; the second is asked only where the first is false.
                    BoolOp::Or => parts.fold(first, |one, other| one.not().and(&other.not()).not()),
                }
            }
            Expr::UnaryOp(one) if one.op == UnaryOp::Not => self.truth(&one.operand).not(),
            Expr::Compare(compare) => match (&*compare.ops, &*compare.comparators) {
                ([op], [right]) => self.comparison(&compare.left, *op, right),
                _ => Truth::unknown(false),
            },
            Expr::Call(call) => self.starts_with(call).unwrap_or_else(|| Truth::unknown(self.is_plain(expression))),
            Expr::BooleanLiteral(literal) => Truth::constant(literal.value),
            Expr::NoneLiteral(_) => Truth::constant(false),
            _ if matches!(self.subject(expression), Some(Subject::ClientIp)) => {
                Truth { yes: Reach::somewhere(), no: Reach::addresses(Vec::new(), true), safe: true }
            }
            _ => Truth::unknown(self.is_plain(expression)),
        }
    }

    fn comparison(&self, left: &Expr, op: CmpOp, right: &Expr) -> Truth {
        match op {
            CmpOp::NotEq => return self.comparison(left, CmpOp::Eq, right).not(),
            CmpOp::NotIn => return self.comparison(left, CmpOp::In, right).not(),
            CmpOp::IsNot => return self.comparison(left, CmpOp::Is, right).not(),
            _ => {}
        }
        if op == CmpOp::In && text(left) == Some("event") && is_context(right) {
            return Truth::constant(true);
        }
        let subject = match op {
            CmpOp::Eq if self.subject(right).is_some() => return self.equals(right, left),
            CmpOp::Eq => return self.equals(left, right),
            CmpOp::Is if right.is_none_literal_expr() && self.is_event(left) => return Truth::constant(false),
            CmpOp::Is if right.is_none_literal_expr() => self.subject(left),
            CmpOp::In => self.subject(left),
            _ => None,
        };
        match (subject, op) {
            (Some(Subject::ClientIp), CmpOp::Is) => {
                Truth { yes: Reach::addresses(Vec::new(), true), no: Reach::somewhere(), safe: true }
            }
            (Some(Subject::Address), CmpOp::In) => match network(right) {
                // Without an address it raises.
                Some(net) => Truth::when(reached_by(net), false),
                None => Truth::unknown(false),
            },
            (Some(subject), CmpOp::In) => match texts(right) {
                Some(texts) => Truth::when(one_of(&subject, &texts), true),
                None => Truth::unknown(false),
            },
            _ => Truth::unknown(matches!(op, CmpOp::Is) && self.is_plain(left) && self.is_plain(right)),
        }
    }

    fn equals(&self, left: &Expr, right: &Expr) -> Truth {
        match (self.subject(left), text(right)) {
            (Some(subject), Some(text)) => Truth::when(one_of(&subject, &[text]), !matches!(subject, Subject::Address)),
            (Some(Subject::Address), _) => Truth::unknown(false),
            _ => Truth::unknown(self.is_plain(left) && self.is_plain(right)),
        }
    }

    /// `event.action.startswith("model_")`
    fn starts_with(&self, call: &ExprCall) -> Option<Truth> {
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
            (Subject::Action, starts) => {
                let patterns = starts.iter().filter_map(|start| ActionPattern::parse(&format!("{start}*")).ok());
                Some(Truth::when(actions(patterns.collect()), true))
            }
            (Subject::App, [start]) => {
                let app = start.strip_suffix('.');
                Some(app.map_or_else(|| Truth::unknown(true), |app| Truth::when(Reach::app(app), true)))
            }
            (Subject::App, _) => Some(Truth::unknown(true)),
            // There may be none.
            (Subject::ClientIp | Subject::Address, _) => None,
        }
    }

    fn subject(&self, expression: &Expr) -> Option<Subject> {
        match expression {
            Expr::Attribute(attribute) if self.is_event(&attribute.value) => match attribute.attr.as_str() {
                "action" => Some(Subject::Action),
                "app" => Some(Subject::App),
                "client_ip" => Some(Subject::ClientIp),
                _ => None,
            },
            Expr::Name(name) if name.id == "ak_client_ip" => Some(Subject::Address),
            Expr::Call(_) => {
                let of = self.subject(called(expression, "ip_address")?)?;
                matches!(of, Subject::ClientIp).then_some(Subject::Address)
            }
            _ => None,
        }
    }

    /// Whether it is the event, for sure.
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

    /// Whether to look at it does nothing and cannot raise, and it can be compared with anything.
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

fn one_of(subject: &Subject, texts: &[&str]) -> Reach {
    match subject {
        Subject::Action => {
            let exact = texts.iter().map(|text| Action::parse(text).map(ActionPattern::Exact));
            actions(exact.filter_map(Result::ok).collect())
        }
        Subject::App => match texts {
            [app] if !app.is_empty() => Reach::app(app),
            _ => Reach::Any,
        },
        Subject::ClientIp => {
            let nets = texts.iter().map(|text| text.parse::<IpAddr>().map(IpNet::from)).collect::<Result<_, _>>();
            nets.map_or(Reach::Any, |nets| Reach::addresses(nets, false))
        }
        Subject::Address => Reach::Any,
    }
}

/// What can be no action, or start none, is no event's.
fn actions(patterns: Vec<ActionPattern>) -> Reach {
    if patterns.is_empty() { Reach::Never } else { Reach::actions(patterns) }
}

/// The events with an address of the network, and those without one.
fn reached_by(net: IpNet) -> Reach {
    // It holds IPv4 addresses in IPv6 form, which are taken for what they stand for elsewhere.
    let mapped: IpNet = IpNet::V6(ipnet::Ipv6Net::new_assert([0, 0, 0, 0, 0, 0xffff, 0, 0].into(), 96));
    if net != mapped && net.contains(&mapped) { Reach::Any } else { Reach::addresses(vec![net], true) }
}

/// `ip_network("192.0.2.0/24")`, as far as it is sure not to raise.
fn network(expression: &Expr) -> Option<IpNet> {
    let text = text(called(expression, "ip_network")?)?;
    let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()?;
    (net.trunc() == net).then_some(net)
}

/// The argument of `name(argument)`.
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

/// A list, tuple or set of texts.
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
