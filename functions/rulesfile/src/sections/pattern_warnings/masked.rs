//! Finds tests that pass only values that masking replaces.
//!
//! Owns the question of what masking leaves of a text of which a test knows only a part.

use domain::admission::mask::{MASK, Masker};
use domain::event::Object;
use domain::rules_document::{AnythingBut, ValuePattern, Wildcard};
use serde_json::{Value as Json, json};

use super::texts_of;
use crate::names::shown;

/// Continuations of a text that begins like a credential: those of access keys, and of tokens.
const CREDENTIAL_ENDS: [&str; 3] = ["", "Q3EGJ5MWLT7KHZ2R", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0"];

/// Texts that may stand beside a part of a text.
const CONTEXTS: [&str; 4] = ["", "x", " x", "7"];

const NEVER: &str = "Nuncio masks such a value before it evaluates rules, so that no event has it";
const HARDLY: &str = "Nuncio masks credentials that begin with this text before it evaluates rules";
const ALWAYS: &str = "Nuncio masks such a value before it evaluates rules, so that anything-but excludes nothing";

/// What is wrong with a test of the field at `path`, and what to do instead; `None` if masking leaves values that pass, or,
/// of `anything-but`, that fail, and none of them looks like the beginning of a credential.
pub(super) fn fault(masker: &Masker, test: &ValuePattern, path: &[&str]) -> Option<(&'static str, String)> {
    let field = MaskedField { masker, path };
    let hint = || {
        if field.is_replaced(json!("-")) {
            format!("exempt {} with redact, or test another field", shown(&path.join(".")))
        } else {
            "test a part of the text that holds no secret, or another field".to_owned()
        }
    };
    if let ValuePattern::AnythingBut(but) = test {
        return field.excludes_nothing(but).then(|| (ALWAYS, hint()));
    }
    if field.passes_nothing(test) {
        return Some((NEVER, hint()));
    }
    matches!(test, ValuePattern::Prefix(start) if field.begins_credential(start)).then(|| (HARDLY, hint()))
}

struct MaskedField<'m> {
    masker: &'m Masker,
    path: &'m [&'m str],
}

impl MaskedField<'_> {
    /// The value after masking; `None` if it is no longer where it was.
    fn masked(&self, value: Json) -> Option<Json> {
        let [root, names @ ..] = self.path else { return Some(value) };
        let mut object: Object = match names.iter().rev().fold(value, |inner, name| json!({ *name: inner })) {
            Json::Object(object) => object,
            _ => return None,
        };
        self.masker.mask_field(root, &mut object);
        names.iter().try_fold(Json::Object(object), |value, name| value.as_object()?.get(*name).cloned())
    }

    fn is_replaced(&self, value: Json) -> bool {
        self.masked(value.clone()) != Some(value)
    }

    /// Whether masking changes the text so that it no longer passes.
    fn loses(&self, text: String, passes: impl Fn(&str) -> bool) -> bool {
        !self.masked(Json::String(text)).is_some_and(|masked| masked.as_str().is_some_and(passes))
    }

    /// Whether masking replaces every value of the field because of its key, and no mask contains the texts.
    fn masks_by_key(&self, texts: &[&str]) -> bool {
        let could_be_mask = |part: &&str| part.chars().all(|character| character == '*');
        // Of a text without meaning, only the key decides what becomes of it.
        !texts.iter().all(could_be_mask) && self.is_replaced(json!("-"))
    }

    fn passes_nothing(&self, test: &ValuePattern) -> bool {
        match test {
            ValuePattern::Null => self.is_replaced(Json::Null),
            ValuePattern::Text(text) => self.is_replaced(json!(text)),
            ValuePattern::Number(number) => self.is_replaced(json!(number)),
            ValuePattern::Boolean(value) => self.is_replaced(json!(value)),
            ValuePattern::Numeric(_) => self.is_replaced(json!(1)),
            ValuePattern::EqualsIgnoreCase(text) => {
                let spellings = [text.clone(), text.to_lowercase(), text.to_uppercase()];
                self.masks_by_key(&[text]) || spellings.into_iter().all(|spelling| self.is_replaced(json!(spelling)))
            }
            ValuePattern::Prefix(start) => {
                let after = |more: &&str| self.loses(format!("{start}{more}"), |text| text.starts_with(start));
                self.masks_by_key(&[start]) || CONTEXTS.iter().all(after)
            }
            ValuePattern::Suffix(end) => {
                let before = |more: &&str| self.loses(format!("{more}{end}"), |text| text.ends_with(end));
                self.masks_by_key(&[end]) || CONTEXTS.iter().all(before)
            }
            _ => texts_of(test).is_some_and(|texts| self.masks_by_key(&texts)),
        }
    }

    /// Whether masking replaces a whole text that begins so and continues as credentials do.
    fn begins_credential(&self, start: &str) -> bool {
        CREDENTIAL_ENDS.iter().any(|end| {
            let masked = self.masked(json!(format!("{start}{end}")));
            masked.is_some_and(|masked| {
                masked.as_str().is_some_and(|text| text.starts_with(MASK) && !text.starts_with(start))
            })
        })
    }

    fn excludes_nothing(&self, but: &AnythingBut) -> bool {
        match but {
            AnythingBut::Texts(texts) => texts.iter().all(|text| self.is_replaced(json!(text))),
            AnythingBut::Numbers(numbers) => numbers.iter().all(|number| self.is_replaced(json!(number))),
            AnythingBut::Prefix(texts) | AnythingBut::Suffix(texts) | AnythingBut::EqualsIgnoreCase(texts) => {
                texts.iter().all(|text| self.masks_by_key(&[text]))
            }
            AnythingBut::Wildcard(wildcards) | AnythingBut::WildcardIgnoreCase(wildcards) => {
                let pieces = |wildcard: &Wildcard| wildcard.pieces().concat();
                wildcards.iter().all(|wildcard| self.masks_by_key(&[&pieces(wildcard)]))
            }
        }
    }
}
