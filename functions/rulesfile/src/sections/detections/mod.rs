//! Reads `detections`: each looks for a pattern across several events, which policies or other detections pick.
//!
//! | file | owns |
//! |---|---|
//! | `kinds` | the settings of each kind and their limits |
//! | `expected` | the groups that an `absent` detection expects |
//! | `chains` | detections that build on each other: no circle, and no chain that is too long |

mod chains;
mod expected;
mod kinds;

use std::collections::HashMap;

use domain::admission::mask::Masker;
use domain::rules_document::{Detection, DetectionKind};

use crate::diagnostics::Diagnostics;
use crate::names::{self, DefinedNames, shown};
use crate::shape::{self, KeySet, Section};
use crate::source_map::Position;
use crate::tree::{Key, Node, NodeValue};
use chains::DetectionInputs;

/// The kinds of detections; a detection has exactly one of their keys.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DetectionKey {
    Count,
    FirstSeen,
    Absent,
    Sequence,
}

impl DetectionKey {
    pub(crate) const ALL: [Self; 4] = [Self::Count, Self::FirstSeen, Self::Absent, Self::Sequence];
    const KEYS: [&str; 4] = [Self::ALL[0].key(), Self::ALL[1].key(), Self::ALL[2].key(), Self::ALL[3].key()];

    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::FirstSeen => "first_seen",
            Self::Absent => "absent",
            Self::Sequence => "sequence",
        }
    }

    /// The keys of the settings.
    pub(crate) const fn settings(self) -> &'static KeySet {
        match self {
            Self::Count => &kinds::COUNT_KEYS,
            Self::FirstSeen => &kinds::FIRST_SEEN_KEYS,
            Self::Absent => &kinds::ABSENT_KEYS,
            Self::Sequence => &kinds::SEQUENCE_KEYS,
        }
    }
}

pub(crate) const KEYS: KeySet = KeySet { of: "a detection", known: &DetectionKey::KEYS, unsupported: &[] };

/// Reads the detections. `policies` is the section of that name, whose names no detection may have; `known` are the
/// names that `of` may refer to; `masker` masks as the file says.
pub(crate) fn read(
    node: &Node,
    policies: Option<&Node>,
    known: &DefinedNames<'_>,
    masker: &Masker,
    diagnostics: &mut Diagnostics,
) -> Vec<Detection> {
    let policies = policies.map(lines).unwrap_or_default();
    let mut detections = Vec::new();
    let mut chained = Vec::new();
    let entries = shape::named(node, "detections", "detections", diagnostics).unwrap_or_default();
    let mut reader = DetectionReader { known, masker, diagnostics };
    for (key, value) in entries {
        names::check_name(&key.text, "detection", key.at, reader.diagnostics);
        if let Some(line) = policies.get(key.text.as_str()) {
            let what =
                format!("a policy is named {}, too, and policies and detections share their names", shown(&key.text));
            reader.diagnostics.fault(key.at, what, format!("rename one; the policy is in line {line}"));
        } else {
            chained.push(DetectionInputs { name: &key.text, at: key.at, of: inputs(value) });
        }
        detections.extend(reader.detection(key, value));
    }
    chains::check(&chained, reader.diagnostics);
    detections
}

/// The names that the section defines, each with its line.
fn lines(section: &Node) -> HashMap<&str, usize> {
    let NodeValue::Map(entries) = &section.value else { return HashMap::new() };
    entries.iter().map(|(key, _)| (key.text.as_str(), key.at.line)).collect()
}

/// The names in `of`, whether or not the rest of the detection is faulty.
fn inputs<'n>(node: &'n Node) -> Vec<(&'n str, Position)> {
    let of = DetectionKey::ALL.iter().find_map(|kind| shape::peek(shape::peek(node, kind.key())?, "of"));
    let items = of.map(shape::one_or_list).unwrap_or_default();
    let name = |item: &'n Node| match &item.value {
        NodeValue::Scalar(scalar) => Some((scalar.text.as_str(), item.at)),
        NodeValue::List(_) | NodeValue::Map(_) => None,
    };
    items.into_iter().filter_map(name).collect()
}

/// Reads one detection after the other.
struct DetectionReader<'r, 'n> {
    known: &'r DefinedNames<'n>,
    masker: &'r Masker,
    diagnostics: &'r mut Diagnostics,
}

impl DetectionReader<'_, '_> {
    fn detection(&mut self, key: &Key, node: &Node) -> Option<Detection> {
        let section = Section::open(key.at, node, "a detection", &KEYS, self.diagnostics)?;
        let present = DetectionKey::ALL.into_iter().filter_map(|kind| Some((kind, section.get(kind.key())?)));
        let (kind, node) = match present.collect::<Vec<_>>().as_slice() {
            [only] => *only,
            [(one, _), (other, _), ..] => {
                let what = format!("a detection has both {} and {}", one.key(), other.key());
                self.diagnostics.fault(key.at, what, "make two detections");
                return None;
            }
            [] => {
                let what = format!("a detection needs one of {}", DetectionKey::KEYS.join(", "));
                let hint = "write { count: { of: …, within: minutes=5, at_least: 10 } } or another kind";
                self.diagnostics.fault(key.at, what, hint);
                return None;
            }
        };
        let settings = Section::open(node.at, node, kind.key(), kind.settings(), self.diagnostics)?;
        let by = self.by(&settings);
        let max_groups = self.max_groups(&settings);
        let kind = match kind {
            DetectionKey::Count => self.count(&settings, by.as_deref()).map(DetectionKind::Count),
            DetectionKey::FirstSeen => self.first_seen(&settings, by.as_deref()).map(DetectionKind::FirstSeen),
            DetectionKey::Absent => self.absent(&settings, by.as_deref(), max_groups).map(DetectionKind::Absent),
            DetectionKey::Sequence => self.sequence(&settings).map(DetectionKind::Sequence),
        };
        Some(Detection { name: key.text.clone(), by: by?, max_groups: max_groups?, kind: kind? })
    }
}
