//! Python bodies: a policy's `expression`, a transport's `body` and `headers`.
//!
//! Owns where their faults are told. What is Python, and what of it is there, is the `expressions`
//! crate's; nothing is run.

use domain::expression::Kind;
use domain::rules_document::Expression;

use crate::fault::{At, Findings};
use crate::shape;
use crate::tree::{Node, Value};

/// A policy's.
pub(crate) fn policy(node: &Node, findings: &mut Findings) -> Option<Expression> {
    let read = read(node, "expression", Kind::Policy, findings)?;
    Some(Expression { source: read.source().to_owned(), precondition: read.precondition() })
}

/// A transport's, under this key.
pub(crate) fn mapping(node: &Node, name: &str, findings: &mut Findings) -> Option<String> {
    read(node, name, Kind::Mapping, findings).map(|read| read.source().to_owned())
}

fn read(node: &Node, name: &str, kind: Kind, findings: &mut Findings) -> Option<expressions::Expression> {
    let source = shape::text(node, name, findings)?;
    match expressions::Expression::parse_as(source, kind) {
        Ok(read) => {
            for missing in read.missing(kind) {
                let at = place(node, missing.line, missing.column, findings);
                findings.fault(at, format!("{} is not there for expressions", missing.name), missing.hint);
            }
            Some(read)
        }
        Err(fault) => {
            let at = place(node, fault.line, fault.column, findings);
            let what = format!("{name} cannot be read as Python: {}", fault.message);
            findings.fault(at, what, format!("mend line {} of it", fault.line));
            None
        }
    }
}

fn place(node: &Node, line: usize, column: usize, findings: &mut Findings) -> At {
    match &node.value {
        Value::Scalar(scalar) => findings.place(scalar, node.at, line, column),
        Value::List(_) | Value::Map(_) => node.at,
    }
}
