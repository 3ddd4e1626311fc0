//! Compares two states of an object, for `context.diff`.

use serde_json::{Value, json};

use super::mask::Masker;
use crate::event::Object;

/// The keys of the two values of a changed field.
pub(crate) const SIDES: [&str; 2] = ["previous_value", "new_value"];

/// Each field whose value differs, with `previous_value` and `new_value`; null where the field is missing. Secrets are
/// masked first, on both sides, so a changed secret does not appear.
pub fn diff(mut before: Object, mut after: Object, masker: &Masker) -> Object {
    masker.mask_object(&mut before);
    masker.mask_object(&mut after);
    let gone: Vec<_> = before.keys().filter(|key| !after.contains_key(*key)).cloned().collect();
    let fields = after.into_iter().chain(gone.into_iter().map(|key| (key, Value::Null)));
    let changed = fields.filter_map(|(key, new)| {
        let previous = before.remove(&key).unwrap_or(Value::Null);
        (previous != new).then(|| (key, json!({ "previous_value": previous, "new_value": new })))
    });
    changed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_and_no_secret() {
        let object = |value: Value| value.as_object().unwrap().clone();
        let before = object(json!({ "name": "a", "same": [1], "password": "one", "gone": 1, "null": null }));
        let after = object(json!({ "name": "b", "same": [1], "password": "two", "new": { "token": "x" } }));
        let found = diff(before, after.clone(), &Masker::default());
        let expected = json!({
            "name": { "previous_value": "a", "new_value": "b" },
            "new": { "previous_value": null, "new_value": { "token": crate::admission::mask::MASK } },
            "gone": { "previous_value": 1, "new_value": null },
        });
        assert_eq!(Value::Object(found), expected);
        let made = diff(Object::new(), after, &Masker::default());
        assert_eq!(made["password"], json!({ "previous_value": null, "new_value": crate::admission::mask::MASK }));
    }
}
