//! Reads Python bodies: the `expression` of a policy, and the `body` and `headers` of a transport.
//!
//! Owns the positions of their faults. The `expressions` crate parses them and knows which names are available. Nothing
//! is run.

use std::collections::BTreeSet;

use domain::expression::ExpressionKind;
use domain::rules_document::PolicyExpression;

use crate::diagnostics::Diagnostics;
use crate::names;
use crate::shape;
use crate::source_map::Position;
use crate::tree::{Node, NodeValue};

/// Reads the expression of a policy. `policies` are the names of all policies of the file.
pub(crate) fn policy(
    node: &Node,
    policies: &BTreeSet<&str>,
    diagnostics: &mut Diagnostics,
) -> Option<PolicyExpression> {
    let read = read(node, "expression", ExpressionKind::Policy, diagnostics)?;
    for called in read.called_policies().iter().filter(|called| !policies.contains(&called.name.as_str())) {
        let at = position(node, called.line, called.column, diagnostics);
        let name = names::shown(&called.name);
        let hint = match names::nearest(&called.name, policies.iter().copied(), diagnostics) {
            Some(near) => format!("did you mean {near:?}?"),
            None => "define it under policies".to_owned(),
        };
        diagnostics.fault(at, format!("ak_call_policy calls the policy {name}, which does not exist"), hint);
    }
    Some(PolicyExpression { source: read.source().to_owned(), precondition: read.precondition() })
}

/// Reads the mapping of a transport at the key `name`.
pub(crate) fn mapping(node: &Node, name: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    read(node, name, ExpressionKind::Mapping, diagnostics).map(|read| read.source().to_owned())
}

fn read(
    node: &Node,
    name: &str,
    kind: ExpressionKind,
    diagnostics: &mut Diagnostics,
) -> Option<expressions::Expression> {
    let source = shape::text(node, name, diagnostics)?;
    match expressions::Expression::parse_as(source, kind) {
        Ok(read) => {
            let missing = if name == "headers" { read.missing_without_original() } else { read.missing(kind) };
            for missing in missing {
                let at = position(node, missing.line, missing.column, diagnostics);
                diagnostics.fault(at, missing.problem, missing.hint);
            }
            Some(read)
        }
        Err(fault) => {
            let at = position(node, fault.line, fault.column, diagnostics);
            let what = format!("{name} cannot be read as Python: {}", fault.message);
            diagnostics.fault(at, what, format!("correct line {} of it", fault.line));
            None
        }
    }
}

/// The position in the file of a line and column in the text of `node`.
fn position(node: &Node, line: usize, column: usize, diagnostics: &mut Diagnostics) -> Position {
    match &node.value {
        NodeValue::Scalar(scalar) => diagnostics.position_in(scalar, node.at, line, column),
        NodeValue::List(_) | NodeValue::Map(_) => node.at,
    }
}
