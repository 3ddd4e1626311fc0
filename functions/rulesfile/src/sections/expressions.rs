//! Python bodies: a policy's `expression`, a transport's `body` and `headers`.
//!
//! Owns where their faults are told. What is Python, and what of it is there, is the `expressions`
//! crate's; nothing is run.

use domain::document::Expression;
use domain::expression::Kind;

use crate::diagnostics::{Diagnostics, Position};
use crate::shape;
use crate::tree::{Node, NodeValue};

/// A policy's.
pub(crate) fn policy(node: &Node, diagnostics: &mut Diagnostics) -> Option<Expression> {
    let read = read(node, "expression", Kind::Policy, diagnostics)?;
    Some(Expression { source: read.source().to_owned(), precondition: read.precondition() })
}

/// A transport's, under this key.
pub(crate) fn mapping(node: &Node, name: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    read(node, name, Kind::Mapping, diagnostics).map(|read| read.source().to_owned())
}

fn read(node: &Node, name: &str, kind: Kind, diagnostics: &mut Diagnostics) -> Option<expressions::Expression> {
    let source = shape::text(node, name, diagnostics)?;
    match expressions::Expression::parse_as(source, kind) {
        Ok(read) => {
            for missing in read.missing(kind) {
                let at = place(node, missing.line, missing.column, diagnostics);
                diagnostics.fault(at, format!("{} is not there for expressions", missing.name), missing.hint);
            }
            Some(read)
        }
        Err(fault) => {
            let at = place(node, fault.line, fault.column, diagnostics);
            let what = format!("{name} cannot be read as Python: {}", fault.message);
            diagnostics.fault(at, what, format!("mend line {} of it", fault.line));
            None
        }
    }
}

fn place(node: &Node, line: usize, column: usize, diagnostics: &mut Diagnostics) -> Position {
    match &node.value {
        NodeValue::Scalar(scalar) => diagnostics.place(scalar, node.at, line, column),
        NodeValue::List(_) | NodeValue::Map(_) => node.at,
    }
}
