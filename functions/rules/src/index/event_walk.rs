//! Walks through an event along the paths that policies name, and collects its values and terms.
//!
//! Owns which terms an event has; it must not miss a requested one. As in matching, lists are searched at any depth.
//! The objects in lists are numbered, and each value carries the number of its object.

use std::net::IpAddr;

use domain::event::Object;
use serde_json::Value;

use super::path_tree::PathTree;
use super::posting_index::PostingSearch;
use super::term::{self, GRAM, TermKind};
use crate::case_folding::fold;
use crate::event_view::{EventView, FieldValue, Leaf};
use crate::path_values::PathValues;

/// The walk through one event.
pub(super) struct EventWalk<'w, 's, 'f> {
    paths: &'w PathTree,
    search: &'w mut PostingSearch<'s>,
    values: &'w mut PathValues<'f>,
    /// The number of list objects so far.
    items: u32,
}

impl<'w, 's, 'f> EventWalk<'w, 's, 'f> {
    /// Adds every value at a known path to `values`, and every requested term that the event has to `search`.
    pub(super) fn run(
        view: &'f EventView<'_>,
        paths: &'w PathTree,
        search: &'w mut PostingSearch<'s>,
        values: &'w mut PathValues<'f>,
    ) {
        let mut walk = Self { paths, search, values, items: 0 };
        for &(key, path) in &paths.root {
            match view.field(key) {
                None => {}
                Some(FieldValue::Null) => walk.value(path, &Value::Null, 0),
                Some(FieldValue::Text(text)) => walk.text(path, text, 0),
                Some(FieldValue::Object(object)) => walk.object(path, object, 0),
                Some(FieldValue::Json(value)) => walk.value(path, value, 0),
            }
        }
        if paths.nodes[PathTree::MODEL as usize].kinds != 0
            && let Some(model) = view.model()
        {
            walk.search.add(term::hash(PathTree::MODEL, TermKind::Text, model.as_bytes()));
        }
        match view.client_ip {
            Some(address) => {
                walk.values.push(PathTree::ADDRESS, Leaf::Address(address), 0);
                walk.address(PathTree::ADDRESS, address);
            }
            None if paths.nodes[PathTree::ADDRESS as usize].kinds & TermKind::Null.bit() != 0 => {
                walk.search.add(term::hash(PathTree::ADDRESS, TermKind::Null, &[]));
            }
            None => {}
        }
    }

    /// `item` is the number of the innermost list object that contains this object or is this object; 0 if none does.
    fn object(&mut self, path: u32, object: &'f Object, item: u32) {
        if !self.paths.nodes[path as usize].has_children {
            return;
        }
        for (key, value) in object {
            match (self.paths.find(path, key), value) {
                (Some(path), Value::String(text)) => self.text(path, text, item),
                (Some(path), value) => self.value(path, value, item),
                (None, _) => {}
            }
        }
    }

    fn value(&mut self, path: u32, value: &'f Value, item: u32) {
        let kinds = self.paths.nodes[path as usize].kinds;
        let (leaf, kind, bytes) = match value {
            Value::String(text) => return self.text(path, text, item),
            Value::Array(items) => return self.items(path, items, item),
            Value::Object(object) => return self.object(path, object, item),
            Value::Null => (Leaf::Null, TermKind::Null, [0; 8]),
            Value::Bool(value) => (Leaf::Boolean(*value), TermKind::Boolean, [u8::from(*value); 8]),
            Value::Number(number) => (Leaf::Number(number), TermKind::Number, term::number_bytes(number)),
        };
        self.values.push(path, leaf, item);
        if kinds & kind.bit() != 0 {
            self.search.add(term::hash(path, kind, &bytes));
        }
        if kinds & TermKind::Present.bit() != 0 {
            self.search.add(term::hash(path, TermKind::Present, &[]));
        }
        if let Value::Number(number) = value {
            let rank = term::rank(number);
            self.each_length(path, TermKind::Block, |length| term::block(path, rank, length));
        }
    }

    fn items(&mut self, path: u32, items: &'f [Value], item: u32) {
        for value in items {
            if let Value::Object(object) = value {
                self.items += 1;
                self.object(path, object, self.items);
            } else {
                self.value(path, value, item);
            }
        }
    }

    fn text(&mut self, path: u32, text: &'f str, item: u32) {
        self.values.push(path, Leaf::Text(text), item);
        let node = &self.paths.nodes[path as usize];
        let search = &mut *self.search;
        let bytes = text.as_bytes();
        if node.kinds & TermKind::Text.bit() != 0 {
            search.add(term::hash(path, TermKind::Text, bytes));
        }
        if node.kinds & !TermKind::Text.bit() != 0 {
            self.text_parts(path, text);
        }
    }

    /// Adds all terms of a text except [`TermKind::Text`].
    #[inline(never)]
    fn text_parts(&mut self, path: u32, text: &str) {
        let node = &self.paths.nodes[path as usize];
        let search = &mut *self.search;
        let bytes = text.as_bytes();
        if node.kinds & TermKind::Present.bit() != 0 {
            search.add(term::hash(path, TermKind::Present, &[]));
        }
        if node.kinds & TermKind::Gram.bit() != 0 {
            for gram in bytes.array_windows::<GRAM>() {
                search.add(term::gram(path, TermKind::Gram, *gram));
            }
        }
        let folded = if node.kinds & TermKind::FOLDED_BITS == 0 { String::new() } else { fold(text) };
        let folded = folded.as_bytes();
        if node.kinds & TermKind::Folded.bit() != 0 {
            search.add(term::hash(path, TermKind::Folded, folded));
        }
        if node.kinds & TermKind::FoldedGram.bit() != 0 {
            for gram in folded.array_windows::<GRAM>() {
                search.add(term::gram(path, TermKind::FoldedGram, *gram));
            }
        }
        for &(kind, lengths) in &node.lengths {
            let bytes = if matches!(kind, TermKind::FoldedPrefix | TermKind::FoldedSuffix) { folded } else { bytes };
            let lengths = up_to(bytes.len(), lengths);
            match kind {
                TermKind::Prefix | TermKind::FoldedPrefix => each_bit(lengths, |length| {
                    search.add(term::hash(path, kind, &bytes[..length.into()]));
                }),
                TermKind::Suffix | TermKind::FoldedSuffix => each_bit(lengths, |length| {
                    search.add(term::hash(path, kind, &bytes[bytes.len() - usize::from(length)..]));
                }),
                TermKind::Below => each_bit(lengths, |length| {
                    let (start, rest) = bytes.split_at(length.into());
                    if rest.first().is_none_or(|&next| next == b'.') {
                        search.add(term::hash(path, kind, start));
                    }
                }),
                _ => {}
            }
        }
        if node.kinds & (TermKind::Net4.bit() | TermKind::Net6.bit()) != 0
            && let Ok(address) = text.parse::<IpAddr>()
        {
            self.address(path, address.to_canonical());
        }
    }

    fn address(&mut self, path: u32, address: IpAddr) {
        let wanted = if address.is_ipv4() { TermKind::Net4 } else { TermKind::Net6 };
        self.each_length(path, wanted, |length| term::network(path, address, length).1);
    }

    /// Adds a term for each requested length of this kind.
    fn each_length(&mut self, path: u32, wanted: TermKind, hash: impl Fn(u8) -> u64) {
        let lengths = self.paths.nodes[path as usize].lengths.iter().find(|(kind, _)| *kind == wanted);
        each_bit(lengths.map_or(0, |&(_, lengths)| lengths), |length| self.search.add(hash(length)));
    }
}

/// The lengths that are not longer than the text.
fn up_to(bytes: usize, lengths: u128) -> u128 {
    if bytes > term::MAX_LENGTH.into() {
        lengths
    } else {
        lengths & (u128::MAX >> (usize::from(term::MAX_LENGTH) - bytes))
    }
}

/// Calls `each` with the number of each set bit.
#[expect(clippy::cast_possible_truncation, reason = "there are 128 bits")]
fn each_bit(bits: u128, mut each: impl FnMut(u8)) {
    for (offset, mut half) in [(0, bits as u64), (64, (bits >> 64) as u64)] {
        while half != 0 {
            each(offset + half.trailing_zeros() as u8);
            half &= half - 1;
        }
    }
}
