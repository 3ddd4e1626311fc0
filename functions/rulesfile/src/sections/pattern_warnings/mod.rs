//! Warns where an event pattern cannot match any event, or means something else in EventBridge.
//!
//! Owns the warnings. The pattern language allows all of this, but it is probably a mistake. A warning that no event
//! matches is certain: what is below `context`, `user` and `brand` is the caller's, so that little is said about it.

mod alternatives;
mod known_fields;
mod masked;
mod spelling;

use domain::admission::mask::Masker;
use domain::event::EVENT_KEYS;
use domain::json::pointer_segment;
use domain::rules_document::{AnythingBut, FaultyPart, FieldPattern, ObjectPattern, ValuePattern};
use ipnet::IpNet;

use super::patterns::PatternSource;
use super::retention;
use crate::diagnostics::Diagnostics;
use crate::names::{nearest, shown};
use known_fields::{ADDED_OBJECTS, INNER_OBJECTS, KnownField, Presence, TextField, known_field};
pub(super) use spelling::warn as warn_of_spelling;

/// Adds the warnings about a pattern, each at its place in `source`.
pub(super) fn warn(root: &ObjectPattern, source: &PatternSource<'_>, masker: &Masker, diagnostics: &mut Diagnostics) {
    let mut warnings = Warnings { source, masker, diagnostics };
    warnings.event(root, "");
    for (pointer, path) in alternatives::named_twice(root) {
        let what =
            format!("{} is named both beside and inside $or, so that an event must pass both lists", shown(&path));
        let hint = "name it in one of the two places; EventBridge would use only the last list";
        warnings.add(&pointer, FaultyPart::Key, what, hint);
    }
}

struct Warnings<'w, 'n> {
    source: &'w PatternSource<'n>,
    masker: &'w Masker,
    diagnostics: &'w mut Diagnostics,
}

impl Warnings<'_, '_> {
    fn add(&mut self, pointer: &str, part: FaultyPart, what: impl Into<String>, hint: impl Into<String>) {
        let what = self.source.with_pointer(pointer, what.into());
        self.diagnostics.warning(self.source.at(pointer, part), what, hint);
    }

    /// The fields of the event itself.
    fn event(&mut self, object: &ObjectPattern, pointer: &str) {
        for (name, field) in &object.fields {
            let pointer = format!("{pointer}{}", pointer_segment(name));
            match (known_field(name), field) {
                (None, _) => self.unknown(name, field, &pointer),
                (Some(KnownField::Any), _) => {}
                (Some(KnownField::Object(_)), FieldPattern::Object(inner)) => self.inside(inner, &[name], &pointer),
                (Some(KnownField::Object(example)), FieldPattern::Value(tests)) => {
                    let what = if tests.contains(&ValuePattern::Exists(false)) {
                        format!(
                            "{name} of an event is always an object, which counts as no value, so that exists: false \
                             matches every event"
                        )
                    } else {
                        format!("{name} of an event is always an object, so that no value matches")
                    };
                    self.add(&pointer, FaultyPart::Key, what, format!("name a field inside it, such as {example}"));
                }
                (Some(KnownField::Text(_)), FieldPattern::Object(_)) => {
                    let what = format!("{name} of an event is never an object");
                    self.add(&pointer, FaultyPart::Key, what, "list the accepted values");
                }
                (Some(KnownField::Text(known)), FieldPattern::Value(tests)) => {
                    for (at, test) in tests.iter().enumerate() {
                        self.test(test, name, &known, &format!("{pointer}/{at}"));
                    }
                }
            }
        }
        for (at, alternative) in object.any_of.iter().enumerate() {
            self.event(alternative, &format!("{pointer}/$or/{at}"));
        }
    }

    fn unknown(&mut self, name: &str, field: &FieldPattern, pointer: &str) {
        let hint = if let Some(near) = nearest(name, EVENT_KEYS, self.diagnostics) {
            format!("did you mean {near:?}?")
        } else if let Some(nested) = nested_spelling(name, field) {
            format!("a dot is part of the name; write {nested}")
        } else {
            format!("an event has {}; what the caller adds is in context", EVENT_KEYS.join(", "))
        };
        self.add(pointer, FaultyPart::Key, format!("no event has a field {}", shown(name)), hint);
    }

    /// The fields inside an object, at `path` from the event.
    fn inside(&mut self, object: &ObjectPattern, path: &[&str], pointer: &str) {
        for (name, field) in &object.fields {
            let pointer = format!("{pointer}{}", pointer_segment(name));
            if let [root] = path
                && let Some((outer, inner)) = name.split_once('.')
                && INNER_OBJECTS.contains(&(root, outer))
                && let Some(nested) = nested_spelling(name, field)
            {
                let what = format!("{} is one name with a dot in it, not {} inside {outer}", shown(name), shown(inner));
                self.add(&pointer, FaultyPart::Key, what, format!("write {nested}"));
            }
            let path = [path, &[name.as_str()]].concat();
            match field {
                FieldPattern::Object(inner) => self.inside(inner, &path, &pointer),
                FieldPattern::Value(tests) => {
                    for (at, test) in tests.iter().enumerate() {
                        self.inner_test(test, &path, &format!("{pointer}/{at}"));
                    }
                }
            }
        }
        for (at, alternative) in object.any_of.iter().enumerate() {
            self.inside(alternative, path, &format!("{pointer}/$or/{at}"));
        }
    }

    /// A test of a field of the caller's, at `path` from the event.
    fn inner_test(&mut self, test: &ValuePattern, path: &[&str], pointer: &str) {
        let added = ADDED_OBJECTS.iter().find(|(object, _)| *object == path);
        if let (ValuePattern::Exists(wanted), Some((_, example))) = (test, added) {
            let what = format!(
                "exists is about values, and {} is an object where an event has it, so that exists: {wanted} {}",
                path.join("."),
                if *wanted { "never matches" } else { "matches in any case" }
            );
            self.add(pointer, FaultyPart::Value, what, format!("name a field inside it, such as {example}"));
        } else if has_nul(test) {
            self.add(pointer, FaultyPart::Value, NUL, "remove the character");
        } else if let Some((what, hint)) = masked::fault(self.masker, test, path) {
            self.add(pointer, FaultyPart::Value, what, hint);
        }
    }

    fn test(&mut self, test: &ValuePattern, name: &str, known: &TextField, pointer: &str) {
        let optional = known.presence == Presence::Optional;
        let fault = match test {
            ValuePattern::Exists(false) if !optional => {
                let hint = match name {
                    "client_ip" => "for an event without an address, write [null]",
                    "app" => "for an event without an app, write [\"\"]",
                    _ => "remove it",
                };
                Some((format!("every event has the field {name}, so that exists: false never matches"), hint))
            }
            ValuePattern::Null if known.presence != Presence::AlwaysOrNull => {
                let hint =
                    if optional { "for an event without the field, write { exists: false }" } else { "remove it" };
                Some((format!("{name} of an event is never null"), hint))
            }
            ValuePattern::Boolean(_) | ValuePattern::Number(_) => {
                Some((format!("{name} of an event is a text"), "put the value in quotes, or remove it"))
            }
            ValuePattern::Numeric(_) => {
                Some((format!("{name} of an event is a text, so that numeric never matches"), "compare it with a text"))
            }
            ValuePattern::Cidr(net) if !may_be_in(net, name, known) => Some((
                format!("{name} of an event is never such an address"),
                "test client_ip, or a field of context that has an address",
            )),
            ValuePattern::AnythingBut(but) if excludes_nothing(but, known) => {
                Some((format!("no event's {name} has a value that this anything-but excludes"), known.form))
            }
            _ if has_nul(test) => Some((NUL.to_owned(), "remove the character")),
            _ if !is_possible(test, known) => Some((format!("no event's {name} has this form"), known.form)),
            _ => None,
        };
        if let Some((what, hint)) = fault {
            self.add(pointer, FaultyPart::Value, what, hint);
        } else if let ("action", ValuePattern::Text(action)) = (name, test) {
            let at = self.source.at(pointer, FaultyPart::Value);
            retention::warn_of_misspelling(action, at, self.diagnostics);
        }
    }
}

/// `a.b` as the pattern `a: { b: […] }`; `None` if the name has no dot or should not be repeated.
fn nested_spelling(name: &str, field: &FieldPattern) -> Option<String> {
    let names: Vec<&str> = name.split('.').collect();
    let plain = |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let is_spelt = names.len() > 1 && names.iter().all(plain) && shown(name) == format!("{name:?}");
    let value = if matches!(field, FieldPattern::Value(_)) { "[…]" } else { "{ … }" };
    let nest = |inner: String, name: &&str| {
        if inner.is_empty() { format!("{name}: {value}") } else { format!("{name}: {{ {inner} }}") }
    };
    is_spelt.then(|| names.iter().rev().fold(String::new(), nest))
}

/// The texts that a test of texts is written with; `None` for any other test. Their characters occur in each text that
/// passes.
fn texts_of(test: &ValuePattern) -> Option<Vec<&str>> {
    Some(match test {
        ValuePattern::Text(text)
        | ValuePattern::EqualsIgnoreCase(text)
        | ValuePattern::Prefix(text)
        | ValuePattern::PrefixIgnoreCase(text)
        | ValuePattern::Suffix(text)
        | ValuePattern::SuffixIgnoreCase(text) => vec![text],
        ValuePattern::Wildcard(wildcard) | ValuePattern::WildcardIgnoreCase(wildcard) => {
            wildcard.pieces().iter().map(String::as_str).collect()
        }
        _ => return None,
    })
}

/// Why a text with U+0000 never matches.
const NUL: &str = "no event contains a NUL character (U+0000)";

fn has_nul(test: &ValuePattern) -> bool {
    texts_of(test).is_some_and(|texts| texts.iter().any(|text| text.contains('\0')))
}

/// Whether a text of the field can pass a test of texts. Every other test is possible.
fn is_possible(test: &ValuePattern, known: &TextField) -> bool {
    let Some(texts) = texts_of(test) else { return true };
    let ignores_case = matches!(
        test,
        ValuePattern::EqualsIgnoreCase(_)
            | ValuePattern::PrefixIgnoreCase(_)
            | ValuePattern::SuffixIgnoreCase(_)
            | ValuePattern::WildcardIgnoreCase(_)
    );
    let may_contain = |character: char| {
        if ignores_case {
            // A character beyond ASCII can be equal to one of ASCII, such as the long s.
            let cases = [character.to_ascii_lowercase(), character.to_ascii_uppercase()];
            !character.is_ascii() || cases.into_iter().any(known.may_contain)
        } else {
            (known.may_contain)(character)
        }
    };
    match test {
        ValuePattern::Text(text) => (known.is_possible)(text),
        _ => texts.iter().all(|text| text.chars().all(may_contain)),
    }
}

fn excludes_nothing(but: &AnythingBut, known: &TextField) -> bool {
    match but {
        AnythingBut::Numbers(_) => true,
        AnythingBut::Texts(texts) => !texts.iter().any(|text| (known.is_possible)(text)),
        _ => false,
    }
}

fn may_be_in(net: &IpNet, name: &str, known: &TextField) -> bool {
    // An action starts with a letter.
    known.may_be_address && (name != "action" || matches!(net, IpNet::V6(_)))
}
