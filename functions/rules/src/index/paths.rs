//! The paths into an event that policies name, as a tree, and what is to be looked for at each.
//!
//! Owns the numbers of the paths. `walk` goes along them.

use std::hash::{BuildHasher, Hasher};

use domain::document::Test;
use foldhash::fast::FixedState;

use super::term::{Kind, Term};
use crate::pattern::EVENT_KEYS;

/// The paths, as a tree of their keys.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    pub(super) nodes: Vec<Node>,
    /// Nodes by a hash of parent and key, or in the next free place; 0 is free.
    edges: Vec<u32>,
    /// The keys of an event that lead to nodes.
    pub(super) root: Vec<(&'static str, u32)>,
}

#[derive(Debug, Clone)]
pub(super) struct Node {
    parent: u32,
    pub(super) key: Box<str>,
    /// A bit for each [`Kind`] of which terms are filed.
    pub(super) kinds: u16,
    /// Of kinds with lengths: a bit for each length.
    pub(super) lengths: Vec<(Kind, u128)>,
    pub(super) below: Below,
}

/// The nodes below a node.
#[derive(Debug, Clone)]
pub(super) enum Below {
    Few(Vec<u32>),
    Many,
}

/// So many nodes are few: comparing with each is faster than hashing.
const FEW: usize = 4;

impl Paths {
    /// The event itself.
    pub(crate) const ROOT: u32 = 0;
    /// What matchers see as the event's model; no key leads there.
    pub(super) const MODEL: u32 = 1;
    /// The event's address as an address; as a text it is at the key `client_ip`.
    pub(super) const ADDRESS: u32 = 2;

    pub(super) fn new() -> Self {
        let fixed = [Self::ROOT, Self::MODEL, Self::ADDRESS].map(|_| Node::new(Self::ROOT, ""));
        Self { nodes: fixed.into(), edges: vec![0; 16], root: Vec::new() }
    }

    /// The path that goes on from `parent` with `key`.
    pub(super) fn path(&mut self, parent: u32, key: &str) -> u32 {
        self.find(parent, key).unwrap_or_else(|free| {
            let at = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
            self.nodes.push(Node::new(parent, key));
            self.edges[free] = at;
            if self.nodes.len() * 2 > self.edges.len() {
                self.edges = vec![0; self.edges.len() * 2];
                for at in Self::ADDRESS + 1..=at {
                    let Node { parent, key, .. } = &self.nodes[at as usize];
                    if let Err(free) = self.find(*parent, key) {
                        self.edges[free] = at;
                    }
                }
            }
            at
        })
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

    /// The node, or where it would stand among the edges.
    #[inline]
    pub(super) fn find(&self, parent: u32, key: &str) -> Result<u32, usize> {
        let mut hasher = FixedState::with_seed(parent.into()).build_hasher();
        hasher.write(key.as_bytes());
        let mask = self.edges.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "the last bits are what is wanted")]
        let mut place = hasher.finish() as usize & mask;
        loop {
            let at = self.edges[place];
            if at == 0 {
                return Err(place);
            }
            let node = &self.nodes[at as usize];
            if node.parent == parent && *node.key == *key {
                return Ok(at);
            }
            place = (place + 1) & mask;
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
        for at in (Self::ADDRESS + 1..).take(self.nodes.len() - 3) {
            let parent = self.nodes[at as usize].parent;
            let below = &mut self.nodes[parent as usize].below;
            match below {
                Below::Few(nodes) if nodes.len() < FEW => nodes.push(at),
                Below::Few(_) => *below = Below::Many,
                Below::Many => {}
            }
        }
        let node = |key| self.find(Self::ROOT, key).ok().map(|node| (key, node));
        self.root = EVENT_KEYS.into_iter().filter_map(node).collect();
        self.nodes.shrink_to_fit();
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        let node = |node: &Node| {
            let below = if let Below::Few(nodes) = &node.below { nodes.capacity() } else { 0 };
            node.key.len() + node.lengths.capacity() * size_of::<(Kind, u128)>() + below * size_of::<u32>()
        };
        self.nodes.capacity() * size_of::<Node>()
            + self.nodes.iter().map(node).sum::<usize>()
            + self.edges.capacity() * size_of::<u32>()
    }
}

impl Node {
    fn new(parent: u32, key: &str) -> Self {
        Self { parent, key: key.into(), kinds: 0, lengths: Vec::new(), below: Below::Few(Vec::new()) }
    }
}

fn is_address(parent: u32, key: &str, tests: &[Test]) -> bool {
    (parent, key) == (Paths::ROOT, "client_ip") && tests.iter().all(|test| matches!(test, Test::Cidr(_)))
}
