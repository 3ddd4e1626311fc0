//! The file as a tree of lists, mappings and scalars, each with its position.
//!
//! Owns the subset of YAML that a rules file may use: one document without tags, with limited aliases and nesting. A
//! file that is JSON is read as JSON, because YAML does not contain all of JSON. Knows nothing of rules. Duplicate keys
//! are kept; the reader of a section reports them.

mod builder;
mod json;
mod syntax;

use std::rc::Rc;

use saphyr_parser::{Event, Marker, Parser};

use crate::diagnostics::Diagnostics;
use crate::scalar::Scalar;
use crate::source_map::Position;
use builder::{Abort, Builder};

/// One value of the file.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) value: NodeValue,
    /// The cost of visiting the node and everything in it, aliases included: 1 per node and 1 per byte of text.
    weight: usize,
    /// The number of nested levels below it.
    height: usize,
}

/// The content of a node. Aliases share the node that they refer to.
#[derive(Debug)]
pub(crate) enum NodeValue {
    Scalar(Scalar),
    List(Vec<Rc<Node>>),
    Map(Vec<(Key, Rc<Node>)>),
}

/// A key of a mapping, always as a text: the key `1` is the name "1".
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) at: Position,
    pub(crate) text: String,
}

/// Parses a file. Reports a fault and returns `None` if it is neither JSON nor valid YAML, or is empty.
pub(crate) fn parse(text: &str, diagnostics: &mut Diagnostics) -> Option<Rc<Node>> {
    let is_json = domain::json::is_json_by_grammar(text.as_bytes());
    if is_json {
        diagnostics.set_json();
    }
    let mut builder = Builder::new(diagnostics);
    let read = if is_json { json::read(text, &mut builder) } else { read_yaml(text, &mut builder) };
    let Ok(()) = read else { return None };
    let root = builder.root.filter(|root| !root.is_null());
    if root.is_none() {
        let hint = "write at least retention: days=365; without a file, the built-in rules apply";
        diagnostics.fault(Position::START, "the file is empty", hint);
    }
    root
}

fn read_yaml(text: &str, builder: &mut Builder<'_>) -> Result<(), Abort> {
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let at = at(*error.marker());
                builder.diagnostics.fault(at, syntax::what(error.info()), syntax::hint(error.info(), text, at));
                return Err(Abort);
            }
        };
        let at = at(span.start);
        if matches!(event, Event::DocumentStart(_)) {
            documents += 1;
            if documents > 1 {
                builder.diagnostics.fault(at, "a second document starts here", "use a single document, without ---");
                return Err(Abort);
            }
        }
        builder.take(event, at)?;
    }
    Ok(())
}

fn at(marker: Marker) -> Position {
    Position { line: marker.line().max(1), column: marker.col() + 1 }
}
