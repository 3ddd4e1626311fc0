//! The paths into an event that policies name, as a tree, and what is to be looked for at each.
//!
//! Owns the numbers of the paths. `walk` goes along them.

use domain::document::Test;

use super::term::{MIX_MULTIPLIER, Term, TermKind};
use crate::pattern::EVENT_KEYS;

/// The paths, as a tree of their keys.
#[derive(Debug, Clone)]
pub(crate) struct PathTree {
    pub(super) nodes: Vec<PathNode>,
    /// By a hash of parent and key, or in the next free place.
    edges: Vec<Edge>,
    /// The keys of an event that lead to nodes.
    pub(super) root: Vec<(&'static str, u32)>,
}

#[derive(Debug, Clone)]
pub(super) struct PathNode {
    pub(super) key: Box<str>,
    /// A bit for each [`TermKind`] of which terms are filed.
    pub(super) kinds: u16,
    /// Of kinds with lengths: a bit for each length.
    pub(super) lengths: Vec<(TermKind, u128)>,
    /// Whether a path goes on from here.
    pub(super) goes_on: bool,
}

/// From a node by a key to another.
#[derive(Debug, Clone, Copy, Default)]
struct Edge {
    from: EdgeKey,
    /// 0, where no edge leads, if the place is free.
    to: u32,
}

/// A node and a key in brief.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct EdgeKey {
    /// All of a key of less than eight bytes; of a longer one the start and the end, mixed.
    bytes: u64,
    /// The node and the key's length.
    about: u64,
}

impl PathTree {
    /// The event itself.
    pub(crate) const ROOT: u32 = 0;
    /// What matchers see as the event's model; no key leads there.
    pub(super) const MODEL: u32 = 1;
    /// The event's address as an address; as a text it is at the key `client_ip`.
    pub(super) const ADDRESS: u32 = 2;

    pub(super) fn new() -> Self {
        let fixed = [Self::ROOT, Self::MODEL, Self::ADDRESS].map(|_| PathNode::new(""));
        Self { nodes: fixed.into(), edges: vec![Edge::default(); 16], root: Vec::new() }
    }

    /// The path that goes on from `parent` with `key`.
    pub(super) fn path(&mut self, parent: u32, key: &str) -> u32 {
        let brief = EdgeKey::of(parent, key);
        self.search(brief, key).unwrap_or_else(|free| {
            let node = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
            self.nodes.push(PathNode::new(key));
            self.nodes[parent as usize].goes_on = true;
            self.edges[free] = Edge { from: brief, to: node };
            if self.nodes.len() * 4 > self.edges.len() {
                self.enlarge();
            }
            node
        })
    }

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

    /// The path at which the tests are put to what is there.
    ///
    /// An event's own address is compared as an address where nothing else is asked of it.
    pub(super) fn path_of_tests(&mut self, parent: u32, key: &str, tests: &[Test]) -> u32 {
        if is_address(parent, key, tests) { Self::ADDRESS } else { self.path(parent, key) }
    }

    /// As [`Self::path`], of a path that is there. No value is ever at one that is not.
    pub(crate) fn known(&self, parent: u32, key: &str) -> u32 {
        self.find(parent, key).unwrap_or(u32::MAX)
    }

    /// As [`Self::path_of_tests`], of a path that is there.
    pub(crate) fn known_of_tests(&self, parent: u32, key: &str, tests: &[Test]) -> u32 {
        if is_address(parent, key, tests) { Self::ADDRESS } else { self.known(parent, key) }
    }

    /// The node, if there is one.
    #[inline]
    pub(super) fn find(&self, parent: u32, key: &str) -> Option<u32> {
        self.search(EdgeKey::of(parent, key), key).ok()
    }

    /// The node, or where it would stand among the edges.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is asked for every key of an event, and mostly one look says it")]
    fn search(&self, brief: EdgeKey, key: &str) -> Result<u32, usize> {
        let mut place = brief.place(self.edges.len());
        loop {
            let edge = &self.edges[place];
            if edge.to == 0 {
                return Err(place);
            }
            if edge.from == brief && (brief.is_whole() || *self.nodes[edge.to as usize].key == *key) {
                return Ok(edge.to);
            }
            place = (place + 1) & (self.edges.len() - 1);
        }
    }

    /// Makes the walk look for the term.
    pub(super) fn want(&mut self, term: &Term) {
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

    /// To be called when all paths and terms are known.
    pub(super) fn finish(&mut self) {
        let node = |key| self.find(Self::ROOT, key).map(|node| (key, node));
        self.root = EVENT_KEYS.into_iter().filter_map(node).collect();
        self.nodes.shrink_to_fit();
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        let node = |node: &PathNode| node.key.len() + node.lengths.capacity() * size_of::<(TermKind, u128)>();
        self.nodes.capacity() * size_of::<PathNode>()
            + self.nodes.iter().map(node).sum::<usize>()
            + self.edges.capacity() * size_of::<Edge>()
    }
}

impl PathNode {
    fn new(key: &str) -> Self {
        Self { key: key.into(), kinds: 0, lengths: Vec::new(), goes_on: false }
    }
}

impl EdgeKey {
    #[inline]
    fn of(parent: u32, key: &str) -> Self {
        let key = key.as_bytes();
        let half = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
        let bytes = if let (Some(start), Some(end)) = (key.first_chunk::<8>(), key.last_chunk::<8>()) {
            u64::from_le_bytes(*start) ^ u64::from_le_bytes(*end).rotate_left(29)
        } else if let (Some(start), Some(end)) = (key.first_chunk::<4>(), key.last_chunk::<4>()) {
            half(start) << 32 | half(end)
        } else if let (Some(&start), Some(&end)) = (key.first(), key.last()) {
            // Of one to three bytes this one is the middle, or one of the others.
            u64::from(start) << 16 | u64::from(key[key.len() / 2]) << 8 | u64::from(end)
        } else {
            0
        };
        Self { bytes, about: u64::from(parent) << 32 | key.len() as u64 }
    }

    /// Whether no other key is the same in brief.
    #[inline]
    fn is_whole(self) -> bool {
        self.about & 0xffff_ffff < 8
    }

    /// Among so many edges, a power of two.
    #[inline]
    fn place(self, edges: usize) -> usize {
        let mixed = (self.bytes ^ self.about.rotate_left(23)).wrapping_mul(MIX_MULTIPLIER);
        (mixed >> 32) as usize & (edges - 1)
    }
}

fn is_address(parent: u32, key: &str, tests: &[Test]) -> bool {
    (parent, key) == (PathTree::ROOT, "client_ip") && tests.iter().all(|test| matches!(test, Test::Cidr(_)))
}
