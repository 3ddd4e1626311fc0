//! The file as lists, mappings and scalars, each of which knows where it stands.
//!
//! Owns what of YAML a rules file may use: one document without tags, aliases within bounds, nesting
//! within bounds. Knows nothing of rules; repeated keys are kept for the reader of a section to judge.

mod builder;
mod syntax;

use std::rc::Rc;

use saphyr_parser::{Event, Marker, Parser};

use crate::diagnostics::{Diagnostics, Position};
use crate::scalar::Scalar;
use builder::{Abort, Builder};

/// One value of the file.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) value: NodeValue,
    /// What walking it costs, aliases followed: a unit a node and one a byte of text.
    weight: usize,
    /// How many levels of nesting it spans.
    height: usize,
}

/// Aliases share what they name.
#[derive(Debug)]
pub(crate) enum NodeValue {
    Scalar(Scalar),
    List(Vec<Rc<Node>>),
    Map(Vec<(Key, Rc<Node>)>),
}

/// A key of a mapping, as it is written: `1` is the name "1".
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) at: Position,
    pub(crate) text: String,
}

/// The tree of a file, or the fault that kept it from being read.
pub(crate) fn parse(text: &str, diagnostics: &mut Diagnostics) -> Option<Rc<Node>> {
    let mut builder = Builder::new(diagnostics);
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let at = at(*error.marker());
                builder.diagnostics.fault(at, syntax::what(error.info()), syntax::hint(error.info(), text, at));
                return None;
            }
        };
        let at = at(span.start);
        if matches!(event, Event::DocumentStart(_)) {
            documents += 1;
            if documents > 1 {
                builder.diagnostics.fault(at, "a second document starts here", "put everything into one, without ---");
                return None;
            }
        }
        if let Err(Abort) = builder.take(event, at) {
            return None;
        }
    }
    let root = builder.root.filter(|root| !root.is_null());
    if root.is_none() {
        let hint = "write at least retention: days=365; without any file the built-in rules hold";
        diagnostics.fault(Position::START, "the file is empty", hint);
    }
    root
}

fn at(marker: Marker) -> Position {
    Position { line: marker.line().max(1), column: marker.col() + 1 }
}
