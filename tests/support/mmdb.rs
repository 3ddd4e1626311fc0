//! Writes small address databases in MaxMind's format, version 2.0, for a search tree over IPv6 addresses.
//!
//! After the [format's description](https://maxmind.github.io/MaxMind-DB/): a binary tree with one bit of the address a
//! level, then the records, then the metadata. IPv4 addresses are under `::/96`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use serde_json::{Value, json};

const MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";
// The types of values.
const TEXT: u8 = 2;
const DOUBLE: u8 = 3;
const U16: u8 = 5;
const U32: u8 = 6;
const MAP: u8 = 7;
const U64: u8 = 9;
const ARRAY: u8 = 11;

const SEPARATOR: [u8; 16] = [0; 16];

#[derive(Clone, Copy)]
enum Child {
    Nothing,
    Node(usize),
    Record(usize),
}

/// Writes a database in which these networks (address, prefix length) have these records, by renaming it into place.
///
/// Whole numbers become 32-bit ones, others doubles.
pub fn write(file: &Path, networks: &[(IpAddr, u8, Value)]) {
    let mut tree = vec![[Child::Nothing; 2]];
    let mut records = Vec::new();
    for (address, prefix, record) in networks {
        place(&mut tree, *address, *prefix, records.len());
        encode(record, &mut records);
    }
    let mut bytes = Vec::new();
    for child in tree.iter().flatten() {
        let number = match child {
            Child::Nothing => tree.len(),
            Child::Node(node) => *node,
            Child::Record(offset) => tree.len() + SEPARATOR.len() + offset,
        };
        bytes.extend(&u32::try_from(number).expect("a small database").to_be_bytes()[1..]);
    }
    bytes.extend(SEPARATOR);
    bytes.extend(records);
    bytes.extend(MARKER);
    describe(tree.len(), &mut bytes);
    let next = file.with_extension("next");
    std::fs::write(&next, bytes).expect("the database is written");
    std::fs::rename(next, file).expect("the database is put in place");
}

fn place(tree: &mut Vec<[Child; 2]>, address: IpAddr, prefix: u8, offset: usize) {
    let (bits, length) = match address {
        IpAddr::V4(v4) => (u128::from(Ipv4Addr::to_bits(v4)), usize::from(prefix) + 96),
        IpAddr::V6(v6) => (Ipv6Addr::to_bits(v6), usize::from(prefix)),
    };
    let bit = |level: usize| usize::from(bits >> (127 - level) & 1 == 1);
    let mut node = 0;
    for level in 0..length - 1 {
        node = match tree[node][bit(level)] {
            Child::Node(next) => next,
            Child::Nothing | Child::Record(_) => {
                tree.push([Child::Nothing; 2]);
                tree[node][bit(level)] = Child::Node(tree.len() - 1);
                tree.len() - 1
            }
        };
    }
    tree[node][bit(length - 1)] = Child::Record(offset);
}

/// The metadata of the file; each number has its own width.
fn describe(nodes: usize, bytes: &mut Vec<u8>) {
    let numbers = [
        ("binary_format_major_version", U16, 2),
        ("binary_format_minor_version", U16, 0),
        ("build_epoch", U64, 1_700_000_000),
        ("ip_version", U16, 6),
        ("node_count", U32, nodes as u64),
        ("record_size", U16, 24),
    ];
    let others = json!({ "database_type": "Test", "description": { "en": "made by a test" }, "languages": [] });
    let others = others.as_object().expect("an object");
    control(MAP, numbers.len() + others.len(), bytes);
    for (key, kind, number) in numbers {
        encode(&Value::from(key), bytes);
        unsigned(kind, number, bytes);
    }
    for (key, value) in others {
        encode(&Value::from(key.as_str()), bytes);
        encode(value, bytes);
    }
}

/// Encodes a number without leading zeros.
fn unsigned(kind: u8, number: u64, bytes: &mut Vec<u8>) {
    let all = number.to_be_bytes();
    let digits = &all[all.iter().take_while(|byte| **byte == 0).count()..];
    control(kind, digits.len(), bytes);
    bytes.extend(digits);
}

fn encode(value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::Object(object) => {
            control(MAP, object.len(), bytes);
            for (key, value) in object {
                encode(&Value::String(key.clone()), bytes);
                encode(value, bytes);
            }
        }
        Value::Array(items) => {
            control(ARRAY, items.len(), bytes);
            for item in items {
                encode(item, bytes);
            }
        }
        Value::String(text) => {
            control(TEXT, text.len(), bytes);
            bytes.extend(text.as_bytes());
        }
        Value::Number(number) if number.is_u64() => {
            unsigned(U32, number.as_u64().expect("a whole number"), bytes);
        }
        Value::Number(number) => {
            control(DOUBLE, 8, bytes);
            bytes.extend(number.as_f64().expect("a number").to_be_bytes());
        }
        Value::Bool(_) | Value::Null => panic!("no record here needs one"),
    }
}

/// What precedes a value: its type in the upper three bits, or in a byte of its own, and its size.
fn control(kind: u8, size: usize, bytes: &mut Vec<u8>) {
    let size = u8::try_from(size).expect("short values");
    let (size, more) = if size < 29 { (size, None) } else { (29, Some(size - 29)) };
    match kind {
        ..8 => bytes.push(kind << 5 | size),
        _ => bytes.extend([size, kind - 7]),
    }
    bytes.extend(more);
}
