//! Checks the names of a body without running it: variables, modules, members and attributes.
//!
//! Owns what is reported, and the words. Reports only what cannot work, so that a body that Python runs is not refused
//! for a name; where the sandbox has to be asked, [`probe`] asks it.

mod bindings;
mod body_names;
mod called_policies;
mod exception_types;
mod host_classes;
mod member_hints;
mod members;
mod names;
mod nearest;
mod probe;
mod scopes;
mod values;
mod witness;

use domain::expression::ExpressionKind;
use ruff_python_ast::Stmt;

use crate::cpython;
use crate::program;
use crate::source::{self, Wrapped};
use crate::unavailable::{self, Missing};
use body_names::BodyNames;
pub use called_policies::CalledPolicy;
use names::UndefinedName;
use nearest::nearest;
use probe::MAX_REPORTED;

/// The names and members that the body uses but that are not available, in the order of their places. Empty if the body
/// cannot be parsed. `has_original` says whether a mapping has the default body.
pub(crate) fn missing(source: &str, kind: ExpressionKind, has_original: bool) -> Vec<Missing> {
    let Ok(Wrapped { text, parsed, .. }) = source::wrap(source, program::parameters(kind)) else { return Vec::new() };
    let Some(function) = parsed.suite().first().and_then(Stmt::as_function_def_stmt) else { return Vec::new() };
    let body = &function.body;
    let bound = BodyNames::from_body(body);
    let sandbox = Sandbox { kind, has_original };
    let mut missing = members::missing(&text, body, &bound, kind);
    missing.extend(exception_types::missing(&text, body, &bound));
    missing.extend(
        names::undefined(function).iter().filter_map(|name| sandbox.undefined(&text, name, &bound)).take(MAX_REPORTED),
    );
    missing.sort_by_key(|missing| (missing.line, missing.column));
    missing
}

/// The policies that the body of a policy calls by their names. Empty if the body cannot be parsed.
pub(crate) fn called_policies(source: &str) -> Vec<CalledPolicy> {
    let parameters = program::parameters(ExpressionKind::Policy);
    let Ok(Wrapped { text, parsed, .. }) = source::wrap(source, parameters) else { return Vec::new() };
    let Some(function) = parsed.suite().first().and_then(Stmt::as_function_def_stmt) else { return Vec::new() };
    called_policies::find(&text, &function.body, &BodyNames::from_body(&function.body))
}

/// What the sandbox offers to the body.
struct Sandbox {
    kind: ExpressionKind,
    has_original: bool,
}

impl Sandbox {
    /// Reports a name that the body reads where it has not bound it; `None` if the sandbox has it.
    fn undefined(&self, text: &str, undefined: &UndefinedName<'_>, bound: &BodyNames<'_>) -> Option<Missing> {
        let name = undefined.name;
        let (line, column) = source::position(text, undefined.range.start());
        let in_sandbox = is_in_sandbox(name, undefined.called, self.kind);
        if undefined.may_be_deleted {
            let problem = format!("{name} may be deleted here, which is not supported by Nuncio's Python");
            let hint = format!("use {name} = None instead of del {name}, and test it for None");
            return Some(Missing { name: name.to_owned(), line, column, problem, hint });
        }
        if undefined.bound_elsewhere {
            let problem = format!("{name} has no value here");
            let hint = if in_sandbox {
                format!(
                    "a name that the body assigns is its own variable everywhere in it; use another name than {name}"
                )
            } else {
                "assign it before, on each way that leads here".to_owned()
            };
            return Some(Missing { name: name.to_owned(), line, column, problem, hint });
        }
        // A policy and a mapping have different names, although the sandbox may know both.
        if let Some(hint) = self.special(name) {
            return Some(Missing::unavailable(name.to_owned(), line, column, hint));
        }
        if in_sandbox {
            return None;
        }
        if bound.count(name) == 0 && cpython::module_has("builtins", name) {
            let is_exception = name.ends_with("Error") || name.ends_with("Warning");
            let hint = if is_exception { "catch Exception" } else { "this part of Python is not supported" };
            return Some(Missing::unavailable(name.to_owned(), line, column, hint));
        }
        let hint = if bound.count(name) > 0 {
            "another function, class or comprehension has a variable of this name, which ends with it".to_owned()
        } else if let Some(near) = self.similar(name, bound) {
            format!("did you mean {near}?")
        } else if !witness::Witness::module(name).is_missing(self.kind) {
            format!("write import {name} before")
        } else {
            "assign it before; a text needs quotes".to_owned()
        };
        let problem = format!("{name} is not defined");
        Some(Missing { name: name.to_owned(), line, column, problem, hint })
    }

    /// The hint for a name that authentik or Python has, but this kind of body has not.
    fn special(&self, name: &str) -> Option<&'static str> {
        let is_hidden = name == "original_body" && !self.has_original;
        let kind = if is_hidden { ExpressionKind::Policy } else { self.kind };
        unavailable::name(name, kind)
    }

    /// The name that the author probably meant.
    fn similar<'a>(&self, name: &str, bound: &BodyNames<'a>) -> Option<&'a str> {
        let mut candidates: Vec<&str> = member_hints::members("builtins").chain(unavailable::VARIABLES).collect();
        candidates.extend(bound.all());
        let near = nearest(name, candidates)?;
        let is_known = bound.count(near) > 0 || (self.special(near).is_none() && is_in_sandbox(near, false, self.kind));
        is_known.then_some(near)
    }
}

/// Whether the sandbox has a name, as a value or only to be called.
fn is_in_sandbox(name: &str, called: bool, kind: ExpressionKind) -> bool {
    let raises = |body: &str| probe::exception(body, kind).is_some_and(|raised| raised == "NameError");
    !raises(name) || (called && !raises(&format!("{name}()")))
}

#[cfg(test)]
#[path = "members_tests.rs"]
mod members_tests;
