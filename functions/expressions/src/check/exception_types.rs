//! Comparisons of the type of an exception, which are always false in the interpreter: it has no class object of its own
//! for an exception that it raised.

use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{Expr, ExprCompare, Stmt};
use ruff_text_size::Ranged as _;

use super::body_names::BodyNames;
use crate::source;
use crate::unavailable::Missing;

/// Exceptions whose names do not end in `Error`.
const OTHERS: [&str; 3] = ["BaseException", "Exception", "StopIteration"];

/// The comparisons of `type(…)` with a built-in exception, in the order of the text.
pub(super) fn missing(text: &str, body: &[Stmt], bound: &BodyNames<'_>) -> Vec<Missing> {
    let mut search = Comparisons { text, bound, found: Vec::new() };
    search.visit_body(body);
    search.found
}

struct Comparisons<'a> {
    text: &'a str,
    bound: &'a BodyNames<'a>,
    found: Vec<Missing>,
}

impl Comparisons<'_> {
    fn compare(&mut self, compare: &ExprCompare) {
        let operands = || std::iter::once(&*compare.left).chain(&compare.comparators);
        let Some(exception) = operands().find_map(|operand| self.exception(operand)) else { return };
        if !operands().any(is_type) {
            return;
        }
        let (line, column) = source::position(self.text, compare.start());
        self.found.push(Missing {
            name: "type".to_owned(),
            line,
            column,
            problem: format!("the type of an exception never equals {exception} in Nuncio's Python"),
            hint: format!("write isinstance(…, {exception})"),
        });
    }

    fn exception<'e>(&self, operand: &'e Expr) -> Option<&'e str> {
        let elements = match operand {
            Expr::Name(name) => {
                let name = name.id.as_str();
                let is_exception = name.ends_with("Error") || OTHERS.contains(&name);
                return (is_exception && self.bound.count(name) == 0).then_some(name);
            }
            Expr::Tuple(tuple) => &tuple.elts,
            Expr::List(list) => &list.elts,
            Expr::Set(set) => &set.elts,
            _ => return None,
        };
        elements.iter().find_map(|element| self.exception(element))
    }
}

/// Whether the operand is `type(…)` or `….__class__`.
fn is_type(operand: &Expr) -> bool {
    match operand {
        Expr::Call(call) => call.func.as_name_expr().is_some_and(|name| name.id == "type"),
        Expr::Attribute(attribute) => attribute.attr.as_str() == "__class__",
        _ => false,
    }
}

impl<'e> Visitor<'e> for Comparisons<'_> {
    fn visit_expr(&mut self, expression: &'e Expr) {
        if let Expr::Compare(compare) = expression {
            self.compare(compare);
        }
        walk_expr(self, expression);
    }
}
