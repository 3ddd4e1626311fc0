//! Who is told.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::document::{Rule, RulesDocument};
use crate::event::{Event, Object};

/// Somebody who can be told.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Person {
    /// Names the inbox.
    pub username: String,
    /// Where mail goes; may be empty.
    #[serde(default)]
    pub email: String,
}

impl Person {
    /// Somebody.
    pub fn new(username: impl Into<String>, email: impl Into<String>) -> Self {
        Self { username: username.into(), email: email.into() }
    }

    /// What the person is called in lists: the username, or else the address.
    pub fn label(&self) -> &str {
        if self.username.is_empty() { &self.email } else { &self.username }
    }

    fn from_object(object: &Object) -> Option<Self> {
        let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        let person = Self { username: text("username"), email: text("email") };
        (!person.label().is_empty()).then_some(person)
    }

    fn is_same(&self, other: &Self) -> bool {
        self.label().eq_ignore_ascii_case(other.label())
            || (!self.email.is_empty()
                && self.email.eq_ignore_ascii_case(&other.email)
                && (self.username.is_empty() || other.username.is_empty()))
    }

    /// Learns from what is said elsewhere of the same person: an event often knows only the username, a group the address.
    fn complete(&mut self, other: Self) {
        if self.username.is_empty() {
            self.username = other.username;
        }
        if self.email.is_empty() {
            self.email = other.email;
        }
    }
}

/// Everybody a rule tells of an event, each once: the acting user, the affected user, then the group.
pub fn of(rule: &Rule, event: &Event, document: &RulesDocument) -> Vec<Person> {
    let acting = rule.event_user.then(|| Person::from_object(&event.user)).flatten();
    let affected = rule
        .event_subject
        .then(|| event.context.get("subject").and_then(Value::as_object).and_then(Person::from_object))
        .flatten();
    let members = rule.group.as_ref().and_then(|group| document.groups.get(group)).into_iter().flatten().cloned();
    each_once(acting.into_iter().chain(affected).chain(members))
}

fn each_once(named: impl Iterator<Item = Person>) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::new();
    for person in named {
        match people.iter_mut().find(|known| known.is_same(&person)) {
            Some(known) => known.complete(person),
            None => people.push(person),
        }
    }
    people
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Action, EventPk};
    use jiff::Timestamp;
    use serde_json::json;

    fn told(rule: &Rule, user: Value, context: Value) -> Vec<String> {
        let mut document = RulesDocument::default();
        document.groups.insert("ops".to_owned(), vec![Person::new("ann", "ann@example.org"), Person::new("bob", "")]);
        let event = Event {
            pk: EventPk::unnamed(Timestamp::UNIX_EPOCH, 0),
            user: user.as_object().cloned().unwrap_or_default(),
            action: Action::parse("login").unwrap(),
            app: String::new(),
            context: context.as_object().cloned().unwrap_or_default(),
            client_ip: None,
            created: Timestamp::UNIX_EPOCH,
            expires: Timestamp::MAX,
            brand: Object::new(),
            id: None,
            source: None,
            traceparent: None,
        };
        of(rule, &event, &document).iter().map(|person| person.label().to_owned()).collect()
    }

    #[test]
    fn order_and_each_once() {
        let mut rule = Rule::named("r");
        assert!(told(&rule, json!({ "username": "ann" }), json!({})).is_empty());
        rule.group = Some("ops".to_owned());
        assert_eq!(told(&rule, json!({}), json!({})), ["ann", "bob"]);
        rule.event_user = true;
        rule.event_subject = true;
        assert_eq!(
            told(&rule, json!({ "username": "bob" }), json!({ "subject": { "username": "cyd" } })),
            ["bob", "cyd", "ann"]
        );
        assert_eq!(told(&rule, json!({ "email": "ANN@example.org" }), json!({ "subject": "cyd" })), ["ann", "bob"]);
        assert_eq!(told(&rule, json!({ "username": "" }), json!({})), ["ann", "bob"]);
    }

    #[test]
    fn what_the_event_does_not_know_of_a_person_the_group_does() {
        let group = [Person::new("ann", "ann@example.org"), Person::new("bob", "")];
        for (acting, told) in [
            (Person::new("ann", ""), Person::new("ann", "ann@example.org")),
            (Person::new("Ann", "own@example.org"), Person::new("Ann", "own@example.org")),
            (Person::new("", "ANN@example.org"), Person::new("ann", "ANN@example.org")),
            (Person::new("cyd", ""), Person::new("cyd", "")),
        ] {
            assert_eq!(each_once(std::iter::once(acting).chain(group.clone()))[0], told);
        }
    }
}
