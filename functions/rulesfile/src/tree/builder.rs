//! Builds the tree from the events of the YAML parser.
//!
//! Keeps its own stack, so that deep nesting cannot exhaust the stack of the thread. Aliases share the node that they
//! refer to, so that they cost no memory.

use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, ScalarStyle, Tag};

use super::{Key, Node, NodeValue};
use crate::diagnostics::Diagnostics;
use crate::scalar::{Scalar, ScalarValue, Style};
use crate::source_map::Position;

/// The maximum depth of nested lists and mappings.
const MAX_DEPTH: usize = 64;

/// The maximum total weight of the nodes that aliases repeat; see [`Node::weight`].
const MAX_ALIASED: usize = 1024 * 1024;

/// Reading must end here; the fault has been reported.
pub(super) struct Abort;

pub(super) struct Builder<'f> {
    pub(super) diagnostics: &'f mut Diagnostics,
    pub(super) root: Option<Rc<Node>>,
    open: Vec<OpenContainer>,
    anchors: HashMap<usize, Rc<Node>>,
    aliased: usize,
}

/// A list or mapping whose end has not been read yet.
struct OpenContainer {
    at: Position,
    anchor: usize,
    container: Container,
}

/// The kind of a container, with its content so far.
enum Container {
    List(Vec<Rc<Node>>),
    Map { entries: Vec<(Key, Rc<Node>)>, state: MapState },
}

/// What a mapping expects next.
enum MapState {
    Key,
    /// The value of this key; `None` if the key was faulty, so that the value is dropped.
    Value(Option<Key>),
}

impl<'f> Builder<'f> {
    pub(super) fn new(diagnostics: &'f mut Diagnostics) -> Self {
        Self { diagnostics, root: None, open: Vec::new(), anchors: HashMap::new(), aliased: 0 }
    }

    pub(super) fn take(&mut self, event: Event<'_>, at: Position) -> Result<(), Abort> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), at);
                let scalar = Scalar { text: text.into_owned(), style: style_of(style) };
                self.complete(Node::new(at, NodeValue::Scalar(scalar)), anchor);
                Ok(())
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), at);
                self.start(OpenContainer { at, anchor, container: Container::List(Vec::new()) })
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), at);
                self.start(OpenContainer {
                    at,
                    anchor,
                    container: Container::Map { entries: Vec::new(), state: MapState::Key },
                })
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                let value = match open.container {
                    Container::List(items) => NodeValue::List(items),
                    Container::Map { entries, .. } => NodeValue::Map(entries),
                };
                self.complete(Node::new(open.at, value), open.anchor);
                Ok(())
            }
            Event::Alias(anchor) => self.alias(anchor, at),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    fn refuse_tag(&mut self, tag: Option<&Tag>, at: Position) {
        if tag.is_some() {
            self.diagnostics.fault(
                at,
                "this value has a tag",
                "remove the word that starts with !; use quotes to make a text",
            );
        }
    }

    fn start(&mut self, open: OpenContainer) -> Result<(), Abort> {
        self.check_depth(self.open.len() + 1, open.at)?;
        self.open.push(open);
        Ok(())
    }

    fn check_depth(&mut self, depth: usize, at: Position) -> Result<(), Abort> {
        if depth <= MAX_DEPTH {
            return Ok(());
        }
        self.diagnostics.fault(at, format!("more than {MAX_DEPTH} levels of nesting"), "reduce the nesting");
        Err(Abort)
    }

    fn alias(&mut self, anchor: usize, at: Position) -> Result<(), Abort> {
        // The parser itself rejects unknown anchors. A known anchor without a node is still being read.
        let Some(named) = self.anchors.get(&anchor).map(Rc::clone) else {
            self.diagnostics.fault(at, "this alias refers to a value that contains it", "write the value out");
            return Err(Abort);
        };
        self.aliased = self.aliased.saturating_add(named.weight);
        if self.aliased > MAX_ALIASED {
            let what = format!("the aliases up to here repeat more than {MAX_ALIASED} bytes");
            self.diagnostics.fault(at, what, "use fewer aliases, or write the values out");
            return Err(Abort);
        }
        self.check_depth(self.open.len() + named.height, at)?;
        self.add(named, at);
        Ok(())
    }

    fn complete(&mut self, node: Node, anchor: usize) {
        let at = node.at;
        let node = Rc::new(node);
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        self.add(node, at);
    }

    /// Adds a complete node to its container; `at` is the position where it is used.
    fn add(&mut self, node: Rc<Node>, at: Position) {
        match self.open.last_mut().map(|open| &mut open.container) {
            None => self.root = Some(node),
            Some(Container::List(items)) => items.push(node),
            Some(Container::Map { entries, state }) => match std::mem::replace(state, MapState::Key) {
                MapState::Value(Some(key)) => entries.push((key, node)),
                MapState::Value(None) => {}
                MapState::Key => {
                    let key = match &node.value {
                        NodeValue::Scalar(scalar) => Some(Key { at, text: scalar.text.clone() }),
                        NodeValue::List(_) | NodeValue::Map(_) => None,
                    };
                    if key.is_none() {
                        let hint = "put a text that starts with [, { or ? in quotes";
                        self.diagnostics.fault(at, "a list or mapping is used as a key", hint);
                    }
                    *state = MapState::Value(key);
                }
            },
        }
    }
}

impl Node {
    fn new(at: Position, value: NodeValue) -> Self {
        let (weight, height) = match &value {
            NodeValue::Scalar(scalar) => (scalar.text.len(), 0),
            NodeValue::List(items) => sum(items.iter().map(|item| (0, item))),
            NodeValue::Map(entries) => sum(entries.iter().map(|(key, value)| (key.text.len(), value))),
        };
        Self { at, value, weight: weight.saturating_add(1), height }
    }

    /// Whether the value is empty or `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, NodeValue::Scalar(scalar) if scalar.value() == ScalarValue::Null)
    }
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}

fn sum<'a>(parts: impl Iterator<Item = (usize, &'a Rc<Node>)>) -> (usize, usize) {
    let (weight, height) = parts.fold((0_usize, 0), |(weight, height), (own, part)| {
        (weight.saturating_add(own).saturating_add(part.weight), height.max(part.height))
    });
    (weight, height + 1)
}
