//! What masking does to a value at a path of an event, for settings that would never see the value.
//!
//! Owns the question only. The domain masks.

use domain::admission::mask::Masker;
use domain::event::Object;
use serde_json::{Value as Json, json};

/// Whether masking replaces this value at the path, which begins with `context`, `user` or `brand`.
pub(super) fn replaces(masker: &Masker, path: &[&str], value: Json) -> bool {
    let [root, names @ ..] = path else { return false };
    let event = names.iter().rev().fold(value, |inner, name| json!({ *name: inner }));
    let Json::Object(mut object) = event else { return false };
    let written: Object = object.clone();
    masker.mask_field(root, &mut object);
    object != written
}

/// Whether masking replaces every text at the path, because of a key in it.
pub(super) fn replaces_every_text(masker: &Masker, path: &[&str]) -> bool {
    replaces(masker, path, json!("-"))
}
