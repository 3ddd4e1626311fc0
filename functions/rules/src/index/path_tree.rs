//! The tree of the event paths that policies name, with the kinds of terms to look for at each path.
//!
//! Owns the numbers of the paths. `event_walk` follows the tree.

use domain::event::EVENT_KEYS;
use domain::rules_document::ValuePattern;

use super::term::{MIX_MULTIPLIER, Term, TermKind};

/// A tree whose edges are object keys. A path is the number of its node.
#[derive(Debug, Clone)]
pub(crate) struct PathTree {
    pub(super) nodes: Vec<PathNode>,
    /// An open-addressing hash table with linear probing, by parent and key.
    edges: Vec<Edge>,
    /// The top-level keys of an event that lead to nodes, with these nodes.
    pub(super) root: Vec<(&'static str, u32)>,
}

/// A node of the tree: one path, and the terms to look for at it.
#[derive(Debug, Clone)]
pub(super) struct PathNode {
    pub(super) key: Box<str>,
    /// A bit set of the [`TermKind`]s to look for.
    pub(super) kinds: u16,
    /// For each kind with lengths, a bit set of the lengths to look for.
    pub(super) lengths: Vec<(TermKind, u128)>,
    /// Whether the node has children.
    pub(super) has_children: bool,
}

/// An edge of the tree: one place in the hash table.
#[derive(Debug, Clone, Copy, Default)]
struct Edge {
    from: EdgeKey,
    /// The child node; 0 if this place of the table is free. No edge leads to node 0, the root.
    to: u32,
}

/// A fixed-size form of a parent node and a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct EdgeKey {
    /// The whole key if it has fewer than eight bytes; of a longer one, its first and last eight bytes combined.
    bytes: u64,
    /// The parent node in the upper half, the key's length in the lower half.
    parent_and_length: u64,
}

impl PathTree {
    /// The node of the event itself, whose children are the top-level keys.
    pub(crate) const ROOT: u32 = 0;
    /// The event's model as matchers read it, `app_label.model_name`; no key leads there.
    pub(super) const MODEL: u32 = 1;
    /// The client address as an address. As a text, it is at the key `client_ip`.
    pub(super) const ADDRESS: u32 = 2;

    pub(super) fn new() -> Self {
        let fixed = [Self::ROOT, Self::MODEL, Self::ADDRESS].map(|_| PathNode::new(""));
        Self { nodes: fixed.into(), edges: vec![Edge::default(); 16], root: Vec::new() }
    }

    /// The child of `parent` at `key`; it is added if it is new.
    pub(super) fn child(&mut self, parent: u32, key: &str) -> u32 {
        let edge_key = EdgeKey::new(parent, key);
        self.search(edge_key, key).unwrap_or_else(|free| {
            let node = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
            self.nodes.push(PathNode::new(key));
            self.nodes[parent as usize].has_children = true;
            self.edges[free] = Edge { from: edge_key, to: node };
            if self.nodes.len() * 4 > self.edges.len() {
                self.enlarge();
            }
            node
        })
    }

    /// Doubles the hash table.
    fn enlarge(&mut self) {
        let larger = vec![Edge::default(); self.edges.len() * 2];
        for edge in std::mem::replace(&mut self.edges, larger).into_iter().filter(|edge| edge.to != 0) {
            let mut place = edge.from.place(self.edges.len());
            while self.edges[place].to != 0 {
                place = (place + 1) & (self.edges.len() - 1);
            }
            self.edges[place] = edge;
        }
    }

    /// The path whose values the tests of the field at `key` are applied to; it is added if it is new.
    ///
    /// This is [`Self::ADDRESS`] if all tests of the event's own `client_ip` are CIDR tests.
    pub(super) fn child_for_tests(&mut self, parent: u32, key: &str, tests: &[ValuePattern]) -> u32 {
        if is_address(parent, key, tests) { Self::ADDRESS } else { self.child(parent, key) }
    }

    /// The existing child of `parent` at `key`. For an unknown path, a number at which there is never a value.
    pub(crate) fn known_child(&self, parent: u32, key: &str) -> u32 {
        self.find(parent, key).unwrap_or(u32::MAX)
    }

    /// Like [`Self::child_for_tests`], for an existing path.
    pub(crate) fn known_child_for_tests(&self, parent: u32, key: &str, tests: &[ValuePattern]) -> u32 {
        if is_address(parent, key, tests) { Self::ADDRESS } else { self.known_child(parent, key) }
    }

    /// The child of `parent` at `key`, if it exists.
    #[inline]
    pub(super) fn find(&self, parent: u32, key: &str) -> Option<u32> {
        self.search(EdgeKey::new(parent, key), key).ok()
    }

    /// The child node, or the free place of the table where its edge belongs.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "called for every key of an event; usually one comparison suffices")]
    fn search(&self, edge_key: EdgeKey, key: &str) -> Result<u32, usize> {
        let mut place = edge_key.place(self.edges.len());
        loop {
            let edge = &self.edges[place];
            if edge.to == 0 {
                return Err(place);
            }
            if edge.from == edge_key && (edge_key.is_exact() || *self.nodes[edge.to as usize].key == *key) {
                return Ok(edge.to);
            }
            place = (place + 1) & (self.edges.len() - 1);
        }
    }

    /// Makes the event walk look for terms of this kind and length at the term's path.
    pub(super) fn request(&mut self, term: &Term) {
        let node = &mut self.nodes[term.path as usize];
        node.kinds |= term.kind.bit();
        if term.kind.has_length() {
            let length = 1 << term.length;
            match node.lengths.iter_mut().find(|(kind, _)| *kind == term.kind) {
                Some((_, lengths)) => *lengths |= length,
                None => node.lengths.push((term.kind, length)),
            }
        }
    }

    /// Completes the tree. Call it once, after all paths and terms have been added.
    pub(super) fn finish(&mut self) {
        let node = |key| self.find(Self::ROOT, key).map(|node| (key, node));
        self.root = EVENT_KEYS.into_iter().filter_map(node).collect();
        self.nodes.shrink_to_fit();
    }

    /// The heap memory in bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        let node = |node: &PathNode| node.key.len() + node.lengths.capacity() * size_of::<(TermKind, u128)>();
        self.nodes.capacity() * size_of::<PathNode>()
            + self.nodes.iter().map(node).sum::<usize>()
            + self.edges.capacity() * size_of::<Edge>()
    }
}

impl PathNode {
    fn new(key: &str) -> Self {
        Self { key: key.into(), kinds: 0, lengths: Vec::new(), has_children: false }
    }
}

impl EdgeKey {
    #[inline]
    fn new(parent: u32, key: &str) -> Self {
        let key = key.as_bytes();
        let half = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
        let bytes = if let (Some(start), Some(end)) = (key.first_chunk::<8>(), key.last_chunk::<8>()) {
            u64::from_le_bytes(*start) ^ u64::from_le_bytes(*end).rotate_left(29)
        } else if let (Some(start), Some(end)) = (key.first_chunk::<4>(), key.last_chunk::<4>()) {
            half(start) << 32 | half(end)
        } else if let (Some(&start), Some(&end)) = (key.first(), key.last()) {
            // With one to three bytes, the middle byte may be equal to the first or the last; together they are unique.
            u64::from(start) << 16 | u64::from(key[key.len() / 2]) << 8 | u64::from(end)
        } else {
            0
        };
        Self { bytes, parent_and_length: u64::from(parent) << 32 | key.len() as u64 }
    }

    /// Whether equal values mean equal keys, so that the keys need not be compared.
    #[inline]
    fn is_exact(self) -> bool {
        self.parent_and_length & 0xffff_ffff < 8
    }

    /// The preferred place in a table of `edges` places, a power of two.
    #[inline]
    fn place(self, edges: usize) -> usize {
        let mixed = (self.bytes ^ self.parent_and_length.rotate_left(23)).wrapping_mul(MIX_MULTIPLIER);
        (mixed >> 32) as usize & (edges - 1)
    }
}

/// Whether the tests only compare the event's own client address with networks.
fn is_address(parent: u32, key: &str, tests: &[ValuePattern]) -> bool {
    (parent, key) == (PathTree::ROOT, "client_ip") && tests.iter().all(|test| matches!(test, ValuePattern::Cidr(_)))
}
