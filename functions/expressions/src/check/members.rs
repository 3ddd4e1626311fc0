//! Members that a module, a value or an object of the host does not have, such as `re.nonsense`, `'a'.nonsense()` or
//! `notification.titel`.
//!
//! Owns the search. Reports only what cannot work: where it is certain what stands before the dot, and where the body
//! neither tests for the attribute nor stores it itself. About other objects this says nothing, except that no object
//! has a special attribute that the sandbox does not know, such as `__dict__`.

use domain::expression::ExpressionKind;
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, ExprAttribute, ExprCall, Stmt};
use ruff_text_size::Ranged;

use super::body_names::BodyNames;
use super::member_hints;
use super::names::handles;
use super::probe::{self, MAX_REPORTED};
use super::values::{Known, KnownValues};
use super::witness::{self, Witness};
use crate::source::position;
use crate::unavailable::{self, Missing};

/// What handles a missing attribute.
const ATTRIBUTE_ERRORS: [&str; 3] = ["AttributeError", "Exception", "BaseException"];
/// What handles a module that is missing, or a member that it does not have.
const IMPORT_ERRORS: [&str; 4] = ["ImportError", "ModuleNotFoundError", "Exception", "BaseException"];

/// The modules and members that the body asks for and that the sandbox does not have.
pub(super) fn missing<'a>(
    text: &str,
    body: &'a [Stmt],
    names: &'a BodyNames<'a>,
    kind: ExpressionKind,
) -> Vec<Missing> {
    let values = KnownValues::learn(names, kind);
    let is_object = |class: &Stmt| matches!(class, Stmt::ClassDef(_));
    let mut search =
        MemberSearch { text, values: &values, has_classes: body.iter().any(is_object), missing: Vec::new() };
    search.visit_body(body);
    search.missing
}

struct MemberSearch<'a> {
    text: &'a str,
    values: &'a KnownValues<'a>,
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
        let is_missing = self.missing.len() < MAX_REPORTED && Witness::module(module).is_missing(self.values.kind);
        if is_missing {
            self.add(module.to_owned(), range, unavailable::module(module));
        }
        is_missing
    }

    fn attribute(&mut self, attribute: &ExprAttribute, called: bool) {
        let name = attribute.attr.as_str();
        if self.values.names.has_own_attribute(name) || self.missing.len() >= MAX_REPORTED {
            return;
        }
        let kind = self.values.kind;
        let known = self.values.known(&attribute.value);
        if let Some(Known::Object(class)) = known
            && let Some(hint) = class.instead(name)
        {
            self.add(written(self.text, attribute), &attribute.attr, hint);
            return;
        }
        // What a body stores, only an object of the host refuses.
        if !attribute.ctx.is_load() {
            return;
        }
        let is_object = known.is_some();
        match known.and_then(Known::witness) {
            Some(owner) => {
                let member = owner.member(name);
                let is_missing = if called { member.is_missing_call(kind) } else { member.is_missing(kind) };
                if is_missing {
                    let hint = member_hints::hint(&owner, name);
                    self.add(member.label().to_owned(), &attribute.attr, hint);
                }
            }
            None if !is_object
                && name.starts_with("__")
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
        if !is_exception || !is_plain || self.values.names.count(&name.id) > 0 {
            return;
        }
        let values: Vec<String> = arguments.args.iter().map(|argument| self.values.closed(argument)).collect();
        let made = format!("{}({})", name.id, values.join(", "));
        // Not an exception of this class, but a failure to make one.
        if probe::exception(&made, self.values.kind).as_deref() == Some("RuntimeError") {
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
                    if self.missing.len() < MAX_REPORTED && owner.is_missing_import(&alias.name, self.values.kind) {
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
            Expr::Attribute(attribute) => {
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

/// `notification.titel`, as the body writes it; over several lines, the attribute alone.
fn written(text: &str, attribute: &ExprAttribute) -> String {
    let whole = &text[attribute.start().to_usize()..attribute.end().to_usize()];
    if whole.contains('\n') { format!(".{}", attribute.attr) } else { whole.to_owned() }
}
