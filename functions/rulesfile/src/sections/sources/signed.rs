//! Reads the template of the signed bytes, such as `{timestamp}.{body}`.

use domain::rules_document::SignedPart;

use crate::diagnostics::Diagnostics;
use crate::shape;
use crate::tree::Node;

/// The parts that a template can name.
const PARTS: [(&str, SignedPart); 4] = [
    ("{body}", SignedPart::Body),
    ("{timestamp}", SignedPart::Timestamp),
    ("{id}", SignedPart::Id),
    ("{url}", SignedPart::Url),
];

pub(super) fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Vec<SignedPart>> {
    let mut rest = shape::text(node, "signed", diagnostics)?;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        if let Some((name, part)) = PARTS.iter().find(|(name, _)| rest.starts_with(name)) {
            parts.push(part.clone());
            rest = &rest[name.len()..];
        } else if rest.starts_with(['{', '}']) {
            let hint = "write {body}, {timestamp}, {id} or {url}; other text is signed as it is";
            diagnostics.fault(node.at, "signed has an unknown part in braces", hint);
            return None;
        } else {
            let end = rest.find(['{', '}']).unwrap_or(rest.len());
            parts.push(SignedPart::Text(rest[..end].to_owned()));
            rest = &rest[end..];
        }
    }
    if !parts.contains(&SignedPart::Body) {
        let hint = "add {body}: otherwise a signature that was seen once would fit any payload";
        diagnostics.fault(node.at, "signed does not have the body", hint);
        return None;
    }
    Some(parts)
}
