//! The paths into an event that filed terms are about, and the walk along them.
//!
//! Owns which terms an event has; must miss none that was asked for. Lists are looked through at any
//! depth, as in matching; which object of a list a value lies in is not looked at.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;

use domain::event::Object;
use foldhash::fast::FixedState;
use serde_json::Value;

use super::term::{self, GRAM, Kind, Term};
use crate::facts::Facts;
use crate::pattern::{EVENT_KEYS, Holder, Slot};

/// The paths, as a tree of their keys.
#[derive(Debug, Clone)]
pub(super) struct Paths {
    nodes: Vec<Node>,
    /// By a hash of parent and key; where another node has that already, by the next number.
    edges: HashMap<u64, u32, FixedState>,
}

#[derive(Debug, Clone)]
struct Node {
    parent: u32,
    key: Box<str>,
    /// Whether a term is about it, or about what is below it.
    used: bool,
    /// A bit for each [`Kind`] of which terms are filed.
    kinds: u16,
    /// Of kinds with lengths: a bit for each length.
    lengths: Vec<(Kind, u128)>,
    /// The used nodes below it.
    below: Below,
}

/// The used nodes below a node.
#[derive(Debug, Clone)]
enum Below {
    Few(Vec<u32>),
    Many,
}

/// The event itself.
pub(super) const ROOT: u32 = 0;
/// What matchers see as the event's model; no key leads there.
pub(super) const MODEL: u32 = 1;
/// The event's address as an address; as a text it is at the key `client_ip`.
pub(super) const ADDRESS: u32 = 2;

/// So many nodes are few.
const FEW: usize = 8;

impl Paths {
    pub(super) fn new() -> Self {
        let fixed = [ROOT, MODEL, ADDRESS].map(|_| Node::new(ROOT, ""));
        Self { nodes: fixed.into(), edges: HashMap::default() }
    }

    /// The path that goes on from `parent` with `key`.
    pub(super) fn path(&mut self, parent: u32, key: &str) -> u32 {
        self.find(parent, key).unwrap_or_else(|free| {
            let node = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
            self.nodes.push(Node::new(parent, key));
            self.edges.insert(free, node);
            node
        })
    }

    /// The node, or where it would stand among the edges.
    fn find(&self, parent: u32, key: &str) -> Result<u32, u64> {
        let mut hasher = FixedState::default().build_hasher();
        hasher.write_u32(parent);
        hasher.write(key.as_bytes());
        let mut edge = hasher.finish();
        while let Some(&at) = self.edges.get(&edge) {
            let node = &self.nodes[at as usize];
            if node.parent == parent && *node.key == *key {
                return Ok(at);
            }
            edge = edge.wrapping_add(1);
        }
        Err(edge)
    }

    /// Makes the walk look for the term.
    pub(super) fn want(&mut self, term: &Term) {
        let node = &mut self.nodes[term.path as usize];
        node.kinds |= bit(term.kind);
        if term.kind.has_length() {
            let length = 1 << term.length;
            match node.lengths.iter_mut().find(|(kind, _)| *kind == term.kind) {
                Some((_, lengths)) => *lengths |= length,
                None => node.lengths.push((term.kind, length)),
            }
        }
        let mut at = term.path;
        while !self.nodes[at as usize].used {
            self.nodes[at as usize].used = true;
            at = self.nodes[at as usize].parent;
        }
    }

    /// To be called when all terms are wanted.
    pub(super) fn finish(&mut self) {
        for at in (ADDRESS + 1..).take(self.nodes.len() - 3) {
            let Node { used, parent, .. } = self.nodes[at as usize];
            let below = &mut self.nodes[parent as usize].below;
            match below {
                Below::Few(nodes) if used && nodes.len() < FEW => nodes.push(at),
                Below::Few(_) if used => *below = Below::Many,
                Below::Few(_) | Below::Many => {}
            }
        }
        self.nodes.shrink_to_fit();
        self.edges.shrink_to_fit();
    }

    /// Hands on every wanted term that the event has, some of them several times.
    pub(super) fn walk(&self, facts: &Facts<'_>, found: &mut impl FnMut(u64)) {
        if !self.nodes[ROOT as usize].used {
            return;
        }
        for key in EVENT_KEYS {
            let Some(path) = self.used(ROOT, key) else { continue };
            match Holder::Event(facts.event).get(key) {
                None => {}
                Some(Slot::Null) => self.value(path, &Value::Null, found),
                Some(Slot::Text(text)) => self.text(path, &text, found),
                Some(Slot::Object(object)) => self.object(path, object, found),
                Some(Slot::Json(value)) => self.value(path, value, found),
            }
        }
        if let Some(model) = &facts.model
            && self.nodes[MODEL as usize].used
        {
            self.text(MODEL, model, found);
        }
        match facts.client_ip {
            Some(address) => self.address(ADDRESS, address, found),
            None if self.nodes[ADDRESS as usize].kinds & bit(Kind::Null) != 0 => {
                found(term::hash(ADDRESS, Kind::Null, &[]));
            }
            None => {}
        }
    }

    fn used(&self, parent: u32, key: &str) -> Option<u32> {
        self.find(parent, key).ok().filter(|&path| self.nodes[path as usize].used)
    }

    fn object(&self, path: u32, object: &Object, found: &mut impl FnMut(u64)) {
        if let Below::Few(nodes) = &self.nodes[path as usize].below
            && nodes.len() <= object.len()
        {
            for &path in nodes {
                if let Some(value) = object.get(&*self.nodes[path as usize].key) {
                    self.value(path, value, found);
                }
            }
            return;
        }
        for (key, value) in object {
            if let Some(path) = self.used(path, key) {
                self.value(path, value, found);
            }
        }
    }

    fn value(&self, path: u32, value: &Value, found: &mut impl FnMut(u64)) {
        let kinds = self.nodes[path as usize].kinds;
        let mut whole = |kind, bytes: &[u8]| {
            if kinds & bit(kind) != 0 {
                found(term::hash(path, kind, bytes));
            }
        };
        match value {
            Value::String(text) => return self.text(path, text, found),
            Value::Array(items) => return items.iter().for_each(|item| self.value(path, item, found)),
            Value::Object(object) => return self.object(path, object, found),
            Value::Null => whole(Kind::Null, &[]),
            Value::Bool(value) => whole(Kind::Boolean, &[u8::from(*value)]),
            Value::Number(number) => whole(Kind::Number, &term::number_bytes(number)),
        }
        whole(Kind::Present, &[]);
        if let Value::Number(number) = value {
            let rank = term::rank(number);
            self.each_length(path, Kind::Block, |length| found(term::block(path, rank, length)));
        }
    }

    fn text(&self, path: u32, text: &str, found: &mut impl FnMut(u64)) {
        let node = &self.nodes[path as usize];
        let bytes = text.as_bytes();
        if node.kinds & bit(Kind::Text) != 0 {
            found(term::hash(path, Kind::Text, bytes));
        }
        if node.kinds & bit(Kind::Present) != 0 {
            found(term::hash(path, Kind::Present, &[]));
        }
        if node.kinds & bit(Kind::Gram) != 0 {
            bytes.windows(GRAM).for_each(|gram| found(term::hash(path, Kind::Gram, gram)));
        }
        let of_case = bit(Kind::Folded) | bit(Kind::FoldedPrefix) | bit(Kind::FoldedSuffix);
        let folded = if node.kinds & of_case == 0 { String::new() } else { term::folded(text) };
        let folded = folded.as_bytes();
        if node.kinds & bit(Kind::Folded) != 0 {
            found(term::hash(path, Kind::Folded, folded));
        }
        for &(kind, lengths) in &node.lengths {
            match kind {
                Kind::Prefix => starts(bytes, lengths, |start| found(term::hash(path, kind, start))),
                Kind::Suffix => ends(bytes, lengths, |end| found(term::hash(path, kind, end))),
                Kind::FoldedPrefix => starts(folded, lengths, |start| found(term::hash(path, kind, start))),
                Kind::FoldedSuffix => ends(folded, lengths, |end| found(term::hash(path, kind, end))),
                Kind::Below => starts(bytes, lengths, |start| {
                    if bytes.get(start.len()).is_none_or(|&next| next == b'.') {
                        found(term::hash(path, kind, start));
                    }
                }),
                _ => {}
            }
        }
        if node.kinds & (bit(Kind::Net4) | bit(Kind::Net6)) != 0
            && let Ok(address) = text.parse::<IpAddr>()
        {
            self.address(path, address.to_canonical(), found);
        }
    }

    fn address(&self, path: u32, address: IpAddr, found: &mut impl FnMut(u64)) {
        let wanted = if address.is_ipv4() { Kind::Net4 } else { Kind::Net6 };
        self.each_length(path, wanted, |length| found(term::network(path, address, length).1));
    }

    fn each_length(&self, path: u32, wanted: Kind, each: impl FnMut(u8)) {
        let lengths = self.nodes[path as usize].lengths.iter().find(|(kind, _)| *kind == wanted);
        each_bit(lengths.map_or(0, |&(_, lengths)| lengths), each);
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        let node = |node: &Node| {
            let below = if let Below::Few(nodes) = &node.below { nodes.capacity() } else { 0 };
            node.key.len() + node.lengths.capacity() * size_of::<(Kind, u128)>() + below * size_of::<u32>()
        };
        self.nodes.capacity() * size_of::<Node>()
            + self.nodes.iter().map(node).sum::<usize>()
            + self.edges.capacity() * (size_of::<(u64, u32)>() + 1) * 8 / 7
    }
}

impl Node {
    fn new(parent: u32, key: &str) -> Self {
        Self { parent, key: key.into(), used: false, kinds: 0, lengths: Vec::new(), below: Below::Few(Vec::new()) }
    }
}

impl Kind {
    fn has_length(self) -> bool {
        matches!(
            self,
            Self::Below
                | Self::Prefix
                | Self::Suffix
                | Self::Block
                | Self::Net4
                | Self::Net6
                | Self::FoldedPrefix
                | Self::FoldedSuffix
        )
    }
}

fn bit(kind: Kind) -> u16 {
    1 << kind as u16
}

fn starts(bytes: &[u8], lengths: u128, mut each: impl FnMut(&[u8])) {
    each_bit(lengths, |length| bytes.get(..length.into()).into_iter().for_each(&mut each));
}

fn ends(bytes: &[u8], lengths: u128, mut each: impl FnMut(&[u8])) {
    each_bit(lengths, |length| {
        bytes.len().checked_sub(length.into()).into_iter().for_each(|from| each(&bytes[from..]));
    });
}

fn each_bit(mut bits: u128, mut each: impl FnMut(u8)) {
    while bits != 0 {
        #[expect(clippy::cast_possible_truncation, reason = "there are 128 bits")]
        each(bits.trailing_zeros() as u8);
        bits &= bits - 1;
    }
}
