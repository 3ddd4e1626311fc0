//! Members that a module or a value does not have, such as `re.nonsense` or `'a'.nonsense()`.
//!
//! Owns which expressions have a certain value or type: modules, their members, literals, and what some constructors
//! return. The sandbox says whether such a value has the member. About other objects this says nothing, except that no
//! object has a special attribute that the sandbox does not know, such as `__dict__`.

use std::collections::HashMap;

use domain::expression::ExpressionKind;
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, ExprAttribute, ExprCall, Number, Stmt};
use ruff_text_size::Ranged;

use super::attributes::ATTRIBUTE_ERRORS;
use super::body_names::BodyNames;
use super::member_hints;
use super::names::handles;
use super::probe::{self, MAX_REPORTED};
use super::witness::{self, Witness};
use crate::source::position;
use crate::unavailable::{self, Missing};

/// What handles a module that is missing, or a member that it does not have.
const IMPORT_ERRORS: [&str; 4] = ["ImportError", "ModuleNotFoundError", "Exception", "BaseException"];

/// The modules and members that the body asks for and that the sandbox does not have.
pub(super) fn missing<'a>(
    text: &str,
    body: &'a [Stmt],
    names: &'a BodyNames<'a>,
    kind: ExpressionKind,
) -> Vec<Missing> {
    let mut types = Types { kind, names, aliases: HashMap::new() };
    types.learn();
    let is_object = |class: &Stmt| matches!(class, Stmt::ClassDef(_));
    let mut search = MemberSearch { text, types: &types, has_classes: body.iter().any(is_object), missing: Vec::new() };
    search.visit_body(body);
    search.missing
}

/// The expressions of the body whose value or type is certain.
struct Types<'a> {
    kind: ExpressionKind,
    names: &'a BodyNames<'a>,
    aliases: HashMap<&'a str, Witness>,
}

impl Types<'_> {
    /// Learns the names that the body binds once.
    fn learn(&mut self) {
        for (name, module, member) in &self.names.imported {
            let module = Witness::module(module);
            let witness = match member {
                Some(member) => module.member(member),
                None => module,
            };
            if self.names.count(name) == 1 && !witness.is_missing(self.kind) {
                self.aliases.insert(name, witness);
            }
        }
        for (name, value) in &self.names.assigned {
            if self.names.count(name) == 1
                && let Some(witness) = self.witness(value)
            {
                self.aliases.insert(name, witness);
            }
        }
    }

    /// A closed expression for an argument. A text if its type is not known.
    fn value(&self, argument: &Expr) -> String {
        let witness = self.witness(argument).unwrap_or_else(|| Witness::literal("str", "''"));
        witness.closed().unwrap_or("''").to_owned()
    }

    fn witness(&self, expression: &Expr) -> Option<Witness> {
        Some(match expression {
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
            Expr::Name(name) => match self.aliases.get(name.id.as_str()) {
                Some(known) => known.clone(),
                None if self.names.count(&name.id) == 0 => Witness::builtin(&name.id)?,
                None => return None,
            },
            Expr::Attribute(attribute) => {
                let member = self.witness(&attribute.value)?.namespace()?.member(&attribute.attr);
                Some(member).filter(|member| !member.is_missing(self.kind))?
            }
            Expr::Call(call) => match &*call.func {
                // A method may be there to be called only.
                Expr::Attribute(method) => self.witness(&method.value)?.namespace()?.member(&method.attr).called()?,
                function => self.witness(function)?.called()?,
            },
            _ => return None,
        })
    }
}

struct MemberSearch<'a> {
    text: &'a str,
    types: &'a Types<'a>,
    /// Whether the body defines classes, whose attributes are not known.
    has_classes: bool,
    missing: Vec<Missing>,
}

impl MemberSearch<'_> {
    fn add(&mut self, name: String, range: &impl Ranged, hint: impl Into<String>) {
        let (line, column) = position(self.text, range.start());
        self.missing.push(Missing::unavailable(name, line, column, hint));
    }

    /// Whether the module is missing, which is then reported.
    fn is_missing_module(&mut self, module: &str, range: &impl Ranged) -> bool {
        let is_missing = self.missing.len() < MAX_REPORTED && Witness::module(module).is_missing(self.types.kind);
        if is_missing {
            self.add(module.to_owned(), range, unavailable::module(module));
        }
        is_missing
    }

    fn attribute(&mut self, attribute: &ExprAttribute, called: bool) {
        let name = attribute.attr.as_str();
        if self.types.names.has_own_attribute(name) || self.missing.len() >= MAX_REPORTED {
            return;
        }
        let kind = self.types.kind;
        match self.types.witness(&attribute.value) {
            Some(owner) => {
                let member = owner.member(name);
                let is_missing = if called { member.is_missing_call(kind) } else { member.is_missing(kind) };
                if is_missing {
                    let hint = member_hints::hint(&owner, name);
                    self.add(member.label().to_owned(), &attribute.attr, hint);
                }
            }
            None if name.starts_with("__")
                && name.ends_with("__")
                && !self.has_classes
                && witness::is_unknown_everywhere(name, kind) =>
            {
                self.add(format!(".{name}"), &attribute.attr, member_hints::special(name));
            }
            None => {}
        }
    }
}

impl MemberSearch<'_> {
    /// Reports arguments that an exception cannot have here, as in `ValueError("a", 2)`.
    fn exception(&mut self, call: &ExprCall) {
        let Expr::Name(name) = &*call.func else { return };
        let is_exception = name.id.ends_with("Error") || name.id.ends_with("Exception");
        let arguments = &call.arguments;
        let is_plain = arguments.keywords.is_empty() && !arguments.args.iter().any(Expr::is_starred_expr);
        if !is_exception || !is_plain || self.types.names.count(&name.id) > 0 {
            return;
        }
        let values: Vec<String> = arguments.args.iter().map(|argument| self.types.value(argument)).collect();
        let made = format!("{}({})", name.id, values.join(", "));
        // Not an exception of this class, but a failure to make one.
        if probe::exception(&made, self.types.kind).as_deref() == Some("RuntimeError") {
            let hint = format!("give it one text: {}(f\"…\")", name.id);
            self.add(format!("{} with these arguments", name.id), name, hint);
        }
    }
}

impl<'a> Visitor<'a> for MemberSearch<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Try(attempt) => {
                let guards = |exceptions: &[&str]| attempt.handlers.iter().any(|handler| handles(handler, exceptions));
                // An `except` may be there for this very import or attribute.
                if !guards(&ATTRIBUTE_ERRORS) && !guards(&IMPORT_ERRORS) {
                    self.visit_body(&attempt.body);
                }
                attempt.handlers.iter().for_each(|handler| self.visit_except_handler(handler));
                self.visit_body(&attempt.orelse);
                self.visit_body(&attempt.finalbody);
            }
            Stmt::Import(import) => {
                for alias in &import.names {
                    self.is_missing_module(&alias.name, alias);
                }
            }
            Stmt::ImportFrom(import) if import.level == 0 => {
                let module = import.module.as_ref().map_or("", |module| module.as_str());
                let Some(first) = import.names.first() else { return };
                if module == "__future__" || self.is_missing_module(module, first) {
                    return;
                }
                for alias in &import.names {
                    let owner = Witness::module(module);
                    if self.missing.len() < MAX_REPORTED && owner.is_missing_import(&alias.name, self.types.kind) {
                        let hint = member_hints::hint(&owner, &alias.name);
                        self.add(owner.member(&alias.name).label().to_owned(), alias, hint);
                    }
                }
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Attribute(attribute) if attribute.ctx.is_load() => {
                self.attribute(attribute, false);
                walk_expr(self, expression);
            }
            Expr::Call(call) => {
                match &*call.func {
                    Expr::Attribute(method) => {
                        self.attribute(method, true);
                        self.visit_expr(&method.value);
                    }
                    function => self.visit_expr(function),
                }
                self.exception(call);
                self.visit_arguments(&call.arguments);
            }
            _ => walk_expr(self, expression),
        }
    }

    /// Annotations are not evaluated.
    fn visit_annotation(&mut self, _: &'a Expr) {}
}
