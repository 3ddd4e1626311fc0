//! Terms: small facts about an event, as 64-bit hashes.
//!
//! Owns the hashing, which must be the same for a policy and for an event. Two facts with equal hashes are the same
//! term: this costs an unnecessary evaluation but changes no result.

use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;

use domain::rules_document::{Interval, IntervalEnd};
use foldhash::fast::FixedState;
use ipnet::IpNet;
use serde_json::Number;

/// The longest prefix or suffix of a text in bytes, and the longest prefix of an address in bits, that a term
/// describes. A longer one is cut to this length, so that few lengths have to be tried for an event.
pub(super) const MAX_LENGTH: u8 = 127;
/// The length in bytes of a piece of text that a wildcard may contain anywhere.
pub(super) const GRAM: usize = 4;
/// An odd multiplier whose bits mix well: 2^64 divided by the golden ratio.
pub(super) const MIX_MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a term states about the value at a path. Ordered by the cost of finding it in an event, cheapest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TermKind {
    /// Equals this text, in the same case.
    Text,
    /// Equals this number as a 64-bit float: `1` equals `1.0`.
    Number,
    Boolean,
    Null,
    /// Any value is present.
    Present,
    /// Equals this text, or continues it after a dot.
    Below,
    Prefix,
    Suffix,
    /// A number whose [`rank`] starts with these bits.
    Block,
    /// An IPv4 address in this network.
    Net4,
    /// An IPv6 address in this network.
    Net6,
    /// Equals this text after case folding.
    Folded,
    FoldedPrefix,
    FoldedSuffix,
    /// Contains these [`GRAM`] bytes anywhere.
    Gram,
    /// Contains these [`GRAM`] bytes anywhere after case folding.
    FoldedGram,
}

/// A term, with the path, kind and length that tell the event walk to look for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Term {
    pub(super) hash: u64,
    pub(super) path: u32,
    pub(super) kind: TermKind,
    /// The length of the prefix, suffix, network or block; 0 for other kinds.
    pub(super) length: u8,
}

impl Term {
    pub(super) fn whole(path: u32, kind: TermKind, bytes: &[u8]) -> Self {
        Self { hash: hash(path, kind, bytes), path, kind, length: 0 }
    }

    /// `kind` is [`TermKind::Gram`] or [`TermKind::FoldedGram`].
    pub(super) fn gram(path: u32, kind: TermKind, bytes: [u8; GRAM]) -> Self {
        Self { hash: gram(path, kind, bytes), path, kind, length: 0 }
    }

    pub(super) fn start(path: u32, kind: TermKind, text: &str) -> Self {
        let length = clamp(text.len());
        Self { hash: hash(path, kind, &text.as_bytes()[..length.into()]), path, kind, length }
    }

    pub(super) fn end(path: u32, kind: TermKind, text: &str) -> Self {
        let length = clamp(text.len());
        Self { hash: hash(path, kind, &text.as_bytes()[text.len() - usize::from(length)..]), path, kind, length }
    }

    /// `None` if the text is longer than [`MAX_LENGTH`]; use [`Self::start`] instead.
    pub(super) fn below(path: u32, text: &str) -> Option<Self> {
        (text.len() <= MAX_LENGTH.into()).then(|| Self::start(path, TermKind::Below, text))
    }

    pub(super) fn net(path: u32, net: IpNet) -> Self {
        let length = net.prefix_len().min(MAX_LENGTH);
        let (kind, hash) = network(path, net.addr(), length);
        Self { hash, path, kind, length }
    }

    /// One or two blocks that together contain every number of the interval: one below the largest power of two in
    /// between, and one from there on. Each block is the smallest aligned one, so that they contain few other numbers.
    ///
    /// Both ends are always inside: a number that a 64-bit float cannot represent may have the same rank as an end that
    /// is not included.
    pub(super) fn blocks(path: u32, interval: &Interval) -> Vec<Self> {
        let rank_of = |end: &IntervalEnd| rank(&end.value);
        let first = interval.lower.as_ref().map_or(0, rank_of);
        let last = interval.upper.as_ref().map_or(u64::MAX, rank_of);
        let block = |first: u64, last: u64| {
            #[expect(clippy::cast_possible_truncation, reason = "there are 64 bits")]
            let length = (first ^ last).leading_zeros() as u8;
            Self { hash: block(path, first, length), path, kind: TermKind::Block, length }
        };
        if first >= last {
            return vec![block(first, first)];
        }
        let split_bit = (first ^ last).ilog2();
        let middle = last >> split_bit << split_bit;
        vec![block(first, middle - 1), block(middle, last)]
    }

    pub(super) fn number(path: u32, number: &Number) -> Self {
        Self::whole(path, TermKind::Number, &number_bytes(number))
    }
}

impl TermKind {
    /// The kinds that describe a text after case folding, as a set of bits.
    pub(super) const FOLDED_BITS: u16 =
        Self::Folded.bit() | Self::FoldedPrefix.bit() | Self::FoldedSuffix.bit() | Self::FoldedGram.bit();

    /// The bit of this kind in a set of 16.
    pub(super) const fn bit(self) -> u16 {
        1 << self as u16
    }

    pub(super) fn has_length(self) -> bool {
        use TermKind::{Below, Block, FoldedPrefix, FoldedSuffix, Net4, Net6, Prefix, Suffix};
        matches!(self, Below | Prefix | Suffix | Block | Net4 | Net6 | FoldedPrefix | FoldedSuffix)
    }
}

fn clamp(length: usize) -> u8 {
    u8::try_from(length).unwrap_or(MAX_LENGTH).min(MAX_LENGTH)
}

#[inline]
pub(super) fn hash(path: u32, kind: TermKind, bytes: &[u8]) -> u64 {
    let mut hasher = hasher(path, kind);
    hasher.write(bytes);
    hasher.finish()
}

/// Hashes at most 64 bits. An event has dozens of such terms, so that they are mixed only as well as a hash table
/// needs.
#[inline]
fn mixed(path: u32, kind: TermKind, length: u8, bits: u64) -> u64 {
    let tag = u64::from(path) << 16 | (kind as u64) << 8 | u64::from(length);
    let mixed = (tag.wrapping_mul(MIX_MULTIPLIER) ^ bits).wrapping_mul(MIX_MULTIPLIER);
    (mixed ^ (mixed >> 32)).wrapping_mul(MIX_MULTIPLIER)
}

#[inline]
fn hasher(path: u32, kind: TermKind) -> impl Hasher {
    FixedState::with_seed(u64::from(path) << 8 | kind as u64).build_hasher()
}

#[inline]
pub(super) fn gram(path: u32, kind: TermKind, bytes: [u8; GRAM]) -> u64 {
    mixed(path, kind, 0, u32::from_le_bytes(bytes).into())
}

/// Hashes the first `length` bits of an address.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
pub(super) fn network(path: u32, address: IpAddr, length: u8) -> (TermKind, u64) {
    match address {
        IpAddr::V4(four) => {
            let start = four.to_bits().checked_shr(u32::BITS.saturating_sub(length.into())).unwrap_or(0);
            (TermKind::Net4, mixed(path, TermKind::Net4, length, start.into()))
        }
        IpAddr::V6(six) => {
            let start = six.to_bits().checked_shr(u128::BITS.saturating_sub(length.into())).unwrap_or(0);
            let half = mixed(path, TermKind::Net6, length, (start >> 64) as u64);
            (TermKind::Net6, mixed(path, TermKind::Net6, length, half ^ start as u64))
        }
    }
}

/// An integer with the same order as the number. Numbers that are equal as 64-bit floats have the same rank.
pub(super) fn rank(number: &Number) -> u64 {
    let bits = u64::from_le_bytes(number_bytes(number));
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

/// Hashes the first `length` bits of a rank.
pub(super) fn block(path: u32, rank: u64, length: u8) -> u64 {
    let start = rank.checked_shr(u64::BITS.saturating_sub(length.into())).unwrap_or(0);
    mixed(path, TermKind::Block, length, start)
}

/// The bytes of the number as a 64-bit float, the same for `1`, `1.0` and `1e0`.
pub(super) fn number_bytes(number: &Number) -> [u8; 8] {
    // Adding 0.0 turns -0.0 into 0.0.
    (number.as_f64().unwrap_or(f64::NAN) + 0.0).to_le_bytes()
}
