//! `request.user.groups.filter(…)` where it is used as a list.
//!
//! In authentik, the result is a query: its methods can be called, and it is false when it is empty, has a length and can
//! be iterated. An object of the host can only be one of the two, so a result of which no method is called becomes a list.

use std::collections::{HashMap, HashSet};

use ruff_python_ast::{Expr, ExprCall, Stmt};
use ruff_text_size::{Ranged as _, TextRange};

use crate::edit::Edit;

/// The method of the host that returns a list.
pub(crate) const FILTER_LIST: &str = "filter_list";

/// The calls of `groups.filter(…)` in a body.
#[derive(Debug, Default)]
pub(super) struct GroupFilters {
    /// The names `filter` to replace.
    lists: Vec<TextRange>,
    /// The calls whose result a method is called of, or a name is bound to.
    kept: HashSet<TextRange>,
    /// The names that are bound to a result, and its `filter`.
    bound: Vec<(String, TextRange)>,
    /// By name: how often it is read, and how often of these to get an attribute.
    reads: HashMap<String, (usize, usize)>,
}

impl GroupFilters {
    pub(super) fn statement(&mut self, statement: &Stmt) {
        if let Stmt::Assign(assign) = statement
            && let ([Expr::Name(name)], Expr::Call(call)) = (&*assign.targets, &*assign.value)
            && let Some(filter) = filter_name(call)
        {
            self.kept.insert(call.range());
            self.bound.push((name.id.to_string(), filter));
        }
    }

    pub(super) fn read(&mut self, name: &str) {
        self.reads.entry(name.to_owned()).or_default().0 += 1;
    }

    /// Called for the value of each attribute, before the value itself is visited.
    pub(super) fn attribute_of(&mut self, value: &Expr) {
        match value {
            Expr::Call(call) => drop(self.kept.insert(call.range())),
            Expr::Name(name) => self.reads.entry(name.id.to_string()).or_default().1 += 1,
            _ => {}
        }
    }

    pub(super) fn call(&mut self, call: &ExprCall) {
        if let Some(filter) = filter_name(call).filter(|_| !self.kept.contains(&call.range())) {
            self.lists.push(filter);
        }
    }

    /// A name that is only read for its attributes keeps the object with the methods.
    pub(super) fn edits(self) -> impl Iterator<Item = Edit> {
        let Self { lists, bound, reads, .. } = self;
        let is_list = move |name: &str| reads.get(name).is_some_and(|(all, attributes)| all != attributes);
        let bound = bound.into_iter().filter(move |(name, _)| is_list(name)).map(|(_, filter)| filter);
        let range = |name: TextRange| name.start().to_usize()..name.end().to_usize();
        lists.into_iter().chain(bound).map(move |name| Edit::replace(range(name), FILTER_LIST))
    }
}

/// The place of `filter` if this is a call of `….groups.filter(…)`, or of the same on its result.
fn filter_name(call: &ExprCall) -> Option<TextRange> {
    let Expr::Attribute(method) = &*call.func else { return None };
    let of_groups = match &*method.value {
        Expr::Attribute(groups) => matches!(groups.attr.as_str(), "groups" | "ak_groups"),
        Expr::Call(inner) => filter_name(inner).is_some(),
        _ => false,
    };
    (of_groups && method.attr.as_str() == "filter").then(|| method.attr.range())
}
