//! Terms: small view about an event that it has or has not, as hashes.
//!
//! Owns how a fact becomes a number, the same for what a policy asks and for what an event has. Two view
//! with one hash are one term, which costs an evaluation and changes no verdict.

use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;

use domain::document::{End, Interval};
use foldhash::fast::FixedState;
use ipnet::IpNet;
use serde_json::Number;

/// The longest start or end of a text, in bytes, and the longest start of an address, in bits, that is a
/// term; of what is longer, so much is. Thus few lengths have to be tried on an event.
pub(super) const MAX_LENGTH: u8 = 127;
/// How many bytes of a text that is looked for anywhere are one term.
pub(super) const GRAM: usize = 4;
/// What multiplying by mixes bits well (the golden ratio's).
pub(super) const MIX_MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a term says of the value at a path. The cheaper it is to find in an event, the earlier it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TermKind {
    /// It is this text.
    Text,
    /// It is this number.
    Number,
    Boolean,
    Null,
    /// There is a value, whatever it is.
    Present,
    /// It is this text, or goes on with a dot after it.
    Below,
    Prefix,
    Suffix,
    /// It is a number of this block: of those whose [`rank`] starts with the same bits.
    Block,
    /// It is an address of this network.
    Net4,
    Net6,
    /// As [`Self::Text`], [`Self::Prefix`] and [`Self::Suffix`], with the entry folded.
    Folded,
    FoldedPrefix,
    FoldedSuffix,
    /// [`GRAM`] bytes anywhere in it.
    Gram,
}

/// A term, and where to look for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Term {
    pub(super) hash: u64,
    pub(super) path: u32,
    pub(super) kind: TermKind,
    /// Of the start or end that it is about.
    pub(super) length: u8,
}

impl Term {
    pub(super) fn whole(path: u32, kind: TermKind, bytes: &[u8]) -> Self {
        Self { hash: hash(path, kind, bytes), path, kind, length: 0 }
    }

    pub(super) fn gram(path: u32, bytes: [u8; GRAM]) -> Self {
        Self { hash: gram(path, bytes), path, kind: TermKind::Gram, length: 0 }
    }

    pub(super) fn start(path: u32, kind: TermKind, text: &str) -> Self {
        let length = clamp(text.len());
        Self { hash: hash(path, kind, &text.as_bytes()[..length.into()]), path, kind, length }
    }

    pub(super) fn end(path: u32, kind: TermKind, text: &str) -> Self {
        let length = clamp(text.len());
        Self { hash: hash(path, kind, &text.as_bytes()[text.len() - usize::from(length)..]), path, kind, length }
    }

    /// `None` where the text is too long; its start is a term all the same.
    pub(super) fn below(path: u32, text: &str) -> Option<Self> {
        (text.len() <= MAX_LENGTH.into()).then(|| Self::start(path, TermKind::Below, text))
    }

    pub(super) fn net(path: u32, net: IpNet) -> Self {
        let length = net.prefix_len().min(MAX_LENGTH);
        let (kind, hash) = network(path, net.addr(), length);
        Self { hash, path, kind, length }
    }

    /// Blocks that hold every number between two ends, and not twice as many others: one below the
    /// largest power of two in between, and one above it.
    ///
    /// The ends of an interval are small enough for no other number to have their rank.
    pub(super) fn blocks(path: u32, interval: &Interval) -> Vec<Self> {
        let above = |end: &End| rank(&end.value) + u64::from(!end.included);
        let below = |end: &End| rank(&end.value) - u64::from(!end.included);
        let first = interval.lower.as_ref().map_or(0, above);
        let last = interval.upper.as_ref().map_or(u64::MAX, below);
        let block = |first: u64, last: u64| {
            #[expect(clippy::cast_possible_truncation, reason = "there are 64 bits")]
            let length = (first ^ last).leading_zeros() as u8;
            Self { hash: block(path, first, length), path, kind: TermKind::Block, length }
        };
        if first >= last {
            return vec![block(first, first)];
        }
        let parted = (first ^ last).ilog2();
        let middle = last >> parted << parted;
        vec![block(first, middle - 1), block(middle, last)]
    }

    pub(super) fn number(path: u32, number: &Number) -> Self {
        Self::whole(path, TermKind::Number, &number_bytes(number))
    }
}

impl TermKind {
    /// One of 16.
    pub(super) fn bit(self) -> u16 {
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

/// Of a few bits. They are tried by the dozen, so they are mixed no more than a table needs.
#[inline]
fn mixed(path: u32, kind: TermKind, length: u8, bits: u64) -> u64 {
    let about = u64::from(path) << 16 | (kind as u64) << 8 | u64::from(length);
    let mixed = (about.wrapping_mul(MIX_MULTIPLIER) ^ bits).wrapping_mul(MIX_MULTIPLIER);
    (mixed ^ (mixed >> 32)).wrapping_mul(MIX_MULTIPLIER)
}

#[inline]
fn hasher(path: u32, kind: TermKind) -> impl Hasher {
    FixedState::with_seed(u64::from(path) << 8 | kind as u64).build_hasher()
}

#[inline]
pub(super) fn gram(path: u32, bytes: [u8; GRAM]) -> u64 {
    mixed(path, TermKind::Gram, 0, u32::from_le_bytes(bytes).into())
}

/// Of the first `length` bits of an address.
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

/// Orders numbers as they are ordered; neighbours too large to be told apart may have one rank.
pub(super) fn rank(number: &Number) -> u64 {
    let bits = u64::from_le_bytes(number_bytes(number));
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

/// Of the first `length` bits of a rank.
pub(super) fn block(path: u32, rank: u64, length: u8) -> u64 {
    let start = rank.checked_shr(u64::BITS.saturating_sub(length.into())).unwrap_or(0);
    mixed(path, TermKind::Block, length, start)
}

/// The same for all ways of writing one number: equal numbers are equal after rounding, too.
pub(super) fn number_bytes(number: &Number) -> [u8; 8] {
    // The sum turns -0.0 into 0.0.
    (number.as_f64().unwrap_or(f64::NAN) + 0.0).to_le_bytes()
}

/// The text in the form in which texts that differ in entry only are the same.
pub(super) fn folded(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().flat_map(char::to_lowercase).collect() }
}
