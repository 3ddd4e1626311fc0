//! Erasure of one person's data.
//!
//! Owns which data is deleted. An event is deleted as a whole if the person acted in it or is its subject, because
//! stored events are never changed. An event that merely mentions the person stays and is counted, so that an operator
//! can review it.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::delivery::Delivery;
use crate::event::{Event, Object};
use crate::person::{Person, fold, is_same_name};

/// The person whose data is erased, by username, address or both, compared as [people](crate::person) are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureSubject {
    username: String,
    email: String,
}

/// The fields of an event that say whose it is.
const IDENTITY_PATHS: [&str; 11] = [
    "user.username",
    "user.email",
    "user.on_behalf_of.username",
    "user.on_behalf_of.email",
    "user.authenticated_as.username",
    "user.authenticated_as.email",
    "context.subject",
    "context.subject.username",
    "context.subject.email",
    "context.username",
    "context.email",
];

/// Neither a username nor an address was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("name the person whose data is to be erased: username, email, or both")]
pub struct MissingSubject;

impl ErasureSubject {
    /// The person with this username, this address, or both.
    ///
    /// # Errors
    /// If both are missing or blank.
    pub fn new(username: Option<&str>, email: Option<&str>) -> Result<Self, MissingSubject> {
        let [username, email] = [username, email].map(|text| text.unwrap_or_default().trim().to_owned());
        if username.is_empty() && email.is_empty() { Err(MissingSubject) } else { Ok(Self { username, email }) }
    }

    /// The names that the person's inbox may have.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        [self.username.as_str(), self.email.as_str()].into_iter().filter(|label| !label.is_empty())
    }

    /// Identifies the person in a report without naming them: SHA-256 of username and address, in 64 hex digits.
    pub fn hash(&self) -> String {
        let name = format!("{}\n{}", fold(&self.username), fold(&self.email));
        Sha256::digest(name).iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    /// Whether the record means this person.
    pub fn is(&self, person: &Person) -> bool {
        self.is_named(&person.username, &person.email)
    }

    /// Whether the person acted in the event, directly or on behalf of someone, or is its subject.
    pub fn is_party_to(&self, event: &Event) -> bool {
        let of =
            |object: &Object, key: &str| object.get(key).and_then(Value::as_object).is_some_and(|one| self.has(one));
        let context = |key| event.context_str(key).unwrap_or_default();
        self.has(&event.user)
            || of(&event.user, "on_behalf_of")
            || of(&event.user, "authenticated_as")
            || of(&event.context, "subject")
            || self.is_named(context("subject"), context("subject"))
            || self.is_named(context("username"), context("email"))
            || event.detection().is_some() && ["by", "value"].into_iter().any(|key| self.has_paths(&event.context, key))
    }

    /// Whether the values of a detection's group, with their paths, are the person's: one of a field that says whose an
    /// event is names the person, or one of any field contains the address. A value may be cut for display.
    pub fn is_in_group<'v>(&self, values: impl IntoIterator<Item = (&'v str, &'v Value)>) -> bool {
        values.into_iter().any(|(path, value)| self.is_value_of(path, value))
    }

    fn is_value_of(&self, path: &str, value: &Value) -> bool {
        let Some(text) = value.as_str() else { return false };
        let is_identity = IDENTITY_PATHS.contains(&path);
        // The value of such a path is an object, of which the group has the JSON.
        let has_identity = || {
            IDENTITY_PATHS.iter().any(|identity| identity.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
        };
        (is_identity && self.is_named(text, text))
            || (has_identity() && self.is_named_in(text))
            || (!self.email.is_empty() && fold(text).contains(&fold(&self.email)))
    }

    /// Whether the values by path at this key of a detection event's context are the person's.
    fn has_paths(&self, context: &Object, key: &str) -> bool {
        let values = context.get(key).and_then(Value::as_object);
        values.is_some_and(|values| self.is_in_group(values.iter().map(|(path, value)| (path.as_str(), value))))
    }

    /// Whether a string in the event equals the username or contains the address.
    pub fn is_mentioned_in(&self, event: &Event) -> bool {
        [&event.user, &event.context, &event.brand]
            .into_iter()
            .flat_map(|object| object.values())
            .any(|value| self.stands_in(value))
    }

    /// Whether a sentence contains the username or the address as a word.
    pub fn is_named_in(&self, text: &str) -> bool {
        let text = fold(text);
        let as_word = |name: &str| {
            text.match_indices(name).any(|(start, found)| {
                let (before, after) = (&text[..start], &text[start + found.len()..]);
                !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric)
            })
        };
        self.labels().map(fold).any(|name| as_word(&name))
    }

    /// The next revision of the ledger entry without the receivers' responses that name the person; `None` if none
    /// does.
    pub fn redact_delivery(&self, entry: &Delivery) -> Option<Delivery> {
        let mut without = Delivery { revision: entry.revision + 1, ..entry.clone() };
        let mut changed = false;
        for error in without.attempts.iter_mut().filter_map(|attempt| attempt.error.as_mut()) {
            if self.is_named_in(error) {
                let known = error.split(": ").next().filter(|known| !self.is_named_in(known)).unwrap_or("it failed");
                *error = format!("{known}: (what was answered named a person whose data was erased)");
                changed = true;
            }
        }
        changed.then_some(without)
    }

    fn stands_in(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => {
                self.is_named(text, text) || (!self.email.is_empty() && fold(text).contains(&fold(&self.email)))
            }
            Value::Array(items) => items.iter().any(|item| self.stands_in(item)),
            Value::Object(object) => object.values().any(|value| self.stands_in(value)),
            _ => false,
        }
    }

    fn has(&self, object: &Object) -> bool {
        let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
        self.is_named(text("username"), text("email"))
    }

    fn is_named(&self, username: &str, email: &str) -> bool {
        is_same_name(&self.username, username) || is_same_name(&self.email, email)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::Attempt;
    use crate::event::Producer;
    use crate::person::Person;
    use crate::testing::sample as event;
    use jiff::Timestamp;
    use serde_json::json;

    #[test]
    fn what_is_theirs_goes_and_what_mentions_them_is_known() {
        let ann = ErasureSubject::new(Some("ann"), Some("ann@example.org")).unwrap();
        for (user, context, is_of, mentioned) in [
            (json!({ "username": "Ann" }), json!({}), true, true),
            (json!({ "email": "ANN@example.org" }), json!({}), true, true),
            (json!({ "username": " ann " }), json!({ "to": "ANN@EXAMPLE.ORG" }), true, true),
            (json!({ "username": "bob", "on_behalf_of": { "username": "ann" } }), json!({}), true, true),
            (json!({ "username": "bob", "authenticated_as": { "email": "ann@example.org" } }), json!({}), true, true),
            (json!({ "username": "bob" }), json!({ "subject": { "username": "ann" } }), true, true),
            (json!({ "username": "bob" }), json!({ "subject": "ann@example.org" }), true, true),
            (json!({}), json!({ "username": "ann" }), true, true),
            (json!({ "username": "bob" }), json!({ "to": ["Mail to ann@example.org."] }), false, true),
            (json!({ "username": "bob" }), json!({ "diff": { "owner": { "new_value": "ann" } } }), false, true),
            (json!({ "username": "annette" }), json!({ "message": "planning" }), false, false),
            (json!({ "username": "" }), json!({}), false, false),
        ] {
            let event = event(user, context);
            assert_eq!(
                (ann.is_party_to(&event), ann.is_mentioned_in(&event)),
                (is_of, mentioned),
                "{}",
                event.to_json()
            );
        }
    }

    #[test]
    fn a_group_is_theirs_by_the_fields_that_say_whose_an_event_is() {
        let ann = ErasureSubject::new(Some("ann"), Some("ann@example.org")).unwrap();
        for (path, value, is_of) in [
            ("user.username", json!(" ANN "), true),
            ("user.email", json!("Ann@Example.org"), true),
            ("user.on_behalf_of.username", json!("ann"), true),
            ("user.on_behalf_of", json!(r#"{"username":"ann"}"#), true),
            ("user", json!(r#"{"email":"ann@example.org"}"#), true),
            ("context.subject", json!("ann"), true),
            ("context.subject", json!(r#"{"username":"ann"}"#), true),
            ("context.username", json!("Ann"), true),
            ("context.recipients", json!("mail to ann@example.org"), true),
            ("app", json!("ann"), false),
            ("context.host", json!("ann"), false),
            ("user.username", json!("annette"), false),
            ("user.userna", json!("ann"), false),
            ("user", json!(r#"{"username":"annette"}"#), false),
            ("user.username", json!(5), false),
        ] {
            assert_eq!(ann.is_in_group([("app", &json!("shop")), (path, &value)]), is_of, "{path} {value}");
            for key in ["by", "value"] {
                let mut event = event(json!({}), json!({ key: { path: value } }));
                event.produced_by = Some(Producer::Detection("d".to_owned()));
                assert_eq!(ann.is_party_to(&event), is_of, "{}", event.to_json());
                event.produced_by = None;
                assert!(!ann.is_party_to(&event), "a caller's event is not a detection event");
            }
        }
        let named = ErasureSubject::new(Some("ann"), None).unwrap();
        assert!(!named.is_in_group([("context.to", &json!("ann"))]));
    }

    #[test]
    fn what_receivers_said_of_them_is_redacted_in_the_ledger() {
        let ann = ErasureSubject::new(Some("Ann"), Some("ann@example.org")).unwrap();
        let named = ["no user ANN here", "550 <Ann@Example.org>: unknown", "ann", "(ann)", "x-ann-y"];
        let others = ["cannot", "anna", "joann", "", "anne@example.org", "dann@example.organ"];
        for (text, is_named) in named.map(|text| (text, true)).into_iter().chain(others.map(|text| (text, false))) {
            assert_eq!(ann.is_named_in(text), is_named, "{text}");
        }
        let rule = crate::rules_document::Rule::named("rule");
        let mut entry =
            Delivery::open(&event(json!({}), json!({})), &rule, "hook", Person::new("bob", ""), Timestamp::UNIX_EPOCH);
        let attempt = |error: Option<&str>| Attempt {
            at: Timestamp::UNIX_EPOCH,
            status: Some(404),
            error: error.map(str::to_owned),
            ms: 1,
        };
        assert_eq!(ann.redact_delivery(&entry), None);
        let said = "the receiver answered 404: nobody: ann@example.org";
        entry.attempts = vec![attempt(Some("the receiver answered 503: busy")), attempt(Some(said)), attempt(None)];
        let without = ann.redact_delivery(&entry).unwrap();
        assert_eq!(without.revision, entry.revision + 1);
        assert_eq!((&without.attempts[0], &without.attempts[2]), (&entry.attempts[0], &entry.attempts[2]));
        let error = without.attempts[1].error.as_deref().unwrap();
        assert!(error.starts_with("the receiver answered 404: (") && !error.contains("ann@"), "{error}");
        assert_eq!(ann.redact_delivery(&without), None);
    }

    #[test]
    fn a_hash_stands_for_them() {
        let hash = |username, email| ErasureSubject::new(username, email).map(|one| one.hash());
        assert_eq!(hash(Some("Ann "), None), hash(Some("ann"), Some("")));
        assert_ne!(hash(Some("ann"), None), hash(None, Some("ann")));
        assert_eq!(hash(Some("STRASSE"), None), hash(Some("straße"), None));
        assert_eq!(hash(Some(" "), None), Err(MissingSubject));
        assert!(ErasureSubject::new(Some("ann"), None).unwrap().is(&Person::new("ANN", "other@example.org")));
    }
}
