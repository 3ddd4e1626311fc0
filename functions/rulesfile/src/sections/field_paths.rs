//! Reads the fields of an event that a setting names, such as those of `by`.
//!
//! Owns the faults about a path. That masking hides a field is a fault only where a setting asks for it.

use domain::admission::mask::Masker;
use domain::event::Object;
use domain::rules_document::{FieldPath, FieldPathError};
use serde_json::{Value as Json, json};

use crate::diagnostics::Diagnostics;
use crate::names::shown;
use crate::shape;
use crate::source_map::Position;
use crate::tree::Node;

/// Reads one field or a list of them, each once. `None` if any of them is faulty.
pub(super) fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Vec<(FieldPath, Position)>> {
    let mut paths: Vec<(FieldPath, Position)> = Vec::new();
    let mut are_valid = true;
    for item in shape::one_or_list(node) {
        match read_one(item, "a field", diagnostics) {
            Some(path) if paths.iter().any(|(own, _)| *own == path) => {
                let what = format!("the field {} is listed twice", shown(path.as_str()));
                diagnostics.fault(item.at, what, "keep one of them");
                are_valid = false;
            }
            Some(path) => paths.push((path, item.at)),
            None => are_valid = false,
        }
    }
    are_valid.then_some(paths)
}

/// Reads one field. `name` is what a fault about the value's type calls it.
pub(super) fn read_one(node: &Node, name: &str, diagnostics: &mut Diagnostics) -> Option<FieldPath> {
    let text = shape::text(node, name, diagnostics)?;
    let too_deep = text.split('.').nth(domain::json::MAX_DEPTH).is_some();
    match FieldPath::parse(text) {
        Ok(path) if !too_deep => Some(path),
        Ok(_) | Err(FieldPathError) => {
            let hint = "the fields are action, app, client_ip, and those below user, context and brand, \
                        such as user.username";
            diagnostics.fault(node.at, format!("{} is not a field of an event", shown(text)), hint);
            None
        }
    }
}

/// Reports a fault if masking hides the field, so that all events have the same value there.
pub(super) fn check_visible(path: &FieldPath, at: Position, masker: &Masker, diagnostics: &mut Diagnostics) {
    if is_masked(path, masker) {
        let path = shown(path.as_str());
        let what =
            format!("Nuncio masks the field {path} before it evaluates detections, so that all events look alike");
        diagnostics.fault(at, what, format!("exempt {path} with redact, or name another field"));
    }
}

/// Warns if masking hides the field. Not a fault: the rule still notifies, with one limit for all events.
pub(super) fn warn_of_masked(path: &FieldPath, at: Position, masker: &Masker, diagnostics: &mut Diagnostics) {
    if is_masked(path, masker) {
        let path = shown(path.as_str());
        let what = format!("Nuncio masks the field {path} before it evaluates rules, so that all events look alike");
        diagnostics.warning(at, what, format!("exempt {path} with redact, or name another field"));
    }
}

/// Whether masking replaces every text at the path, because of a key in it.
fn is_masked(path: &FieldPath, masker: &Masker) -> bool {
    let Some((root, names)) = path.as_str().split_once('.') else { return false };
    let event = names.rsplit('.').fold(json!("-"), |inner, name| json!({ name: inner }));
    let Json::Object(mut object) = event else { return false };
    let written: Object = object.clone();
    masker.mask_field(root, &mut object);
    object != written
}
