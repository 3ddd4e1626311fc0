//! Decides who is notified of an event by a rule, and at which addresses.
//!
//! The operator's configuration takes precedence: a group member is notified under the name and at the address that the
//! rules document gives. An event that names the same person with another address adds that address and changes
//! nothing else.

use crate::event::{Event, Object};
use crate::mail_address::MailAddress;
use crate::person::{Person, is_same_name};
use crate::rules_document::{Rule, RulesDocument, Transport, TransportKind};
use serde_json::Value;

/// The destination of one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The person, with the one address that this delivery uses.
    pub person: Person,
    /// Whether the same transport also notifies this person at another address, which comes first.
    pub is_additional: bool,
}

impl Recipient {
    /// The name for reports: the person's label, with the address if it is an additional one.
    pub fn name(&self) -> String {
        let label = self.person.label();
        if self.is_additional { format!("{label} <{}>", self.person.email) } else { label.to_owned() }
    }
}

impl From<Person> for Recipient {
    fn from(person: Person) -> Self {
        Self { person, is_additional: false }
    }
}

/// The people a rule selects, each once: the acting user, the affected user, then the group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recipients(Vec<SelectedPerson>);

/// One selected person with all known addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SelectedPerson {
    username: String,
    /// Distinct addresses, the configured ones first. Empty if none is known.
    addresses: Vec<String>,
    /// Whether the person is a group member. Events then add addresses only.
    is_member: bool,
    /// The sort key: the order in which the event names people; `usize::MAX` for other group members.
    place: usize,
}

impl SelectedPerson {
    fn new(person: &Person, is_member: bool) -> Self {
        let mut selected =
            Self { username: person.username.trim().to_owned(), addresses: Vec::new(), is_member, place: usize::MAX };
        selected.add_address(&person.email);
        selected
    }

    /// Adds what another record of the same person knows.
    fn merge(&mut self, username: &str, address: &str) {
        if self.username.is_empty() {
            username.trim().clone_into(&mut self.username);
        }
        self.add_address(address);
    }

    fn add_address(&mut self, address: &str) {
        let address = address.trim();
        if !address.is_empty() && !self.has_address(address) {
            self.addresses.push(address.to_owned());
        }
    }

    fn has_address(&self, address: &str) -> bool {
        self.addresses.iter().any(|known| is_same_name(known, address))
    }

    fn person(&self) -> Person {
        Person::new(self.username.clone(), self.addresses.first().cloned().unwrap_or_default())
    }

    fn is(&self, person: &Person) -> bool {
        let own = self.person();
        own.is_same(person)
            || ((own.username.is_empty() || person.username.is_empty()) && self.has_address(&person.email))
    }
}

impl Recipients {
    /// Everyone that the rule selects for the event.
    pub fn for_rule(rule: &Rule, event: &Event, document: &RulesDocument) -> Self {
        let members = rule.group.as_ref().and_then(|group| document.groups.get(group)).into_iter().flatten();
        let subject = event.context.get("subject").and_then(Value::as_object);
        let named = [rule.event_user.then_some(&event.user), subject.filter(|_| rule.event_subject)];
        Self::select(members, named.into_iter().flatten())
    }

    fn select<'a>(members: impl Iterator<Item = &'a Person>, named: impl Iterator<Item = &'a Object>) -> Self {
        // Members come first, so that a lookup finds them first and does not mistake their data for another person's.
        let mut people: Vec<SelectedPerson> = Vec::new();
        for member in members {
            match position(&people, member) {
                Some(at) => people[at].merge(&member.username, &member.email),
                None => people.push(SelectedPerson::new(member, true)),
            }
        }
        for (place, person) in named.filter_map(Person::from_object).enumerate() {
            // Another selected person with this address gets mail there already.
            let is_known = people.iter().any(|one| one.has_address(&person.email));
            let address = if is_known { "" } else { person.email.as_str() };
            let at = position(&people, &person).unwrap_or_else(|| {
                people.push(SelectedPerson::new(&person, false));
                people.len() - 1
            });
            let username = if people[at].is_member { "" } else { person.username.as_str() };
            people[at].merge(username, address);
            people[at].place = people[at].place.min(place);
        }
        people.sort_by_key(|one| one.place);
        Self(people)
    }

    /// The destinations of one transport. Only mail goes to more than one address of a person. With `send_once`, only
    /// the first person that the transport can reach remains, or the first person if it can reach none. Group members
    /// come before people that the event names, because the sender of an event must not divert a notification from the
    /// operator's group.
    pub fn by_transport(&self, transport: &Transport) -> Vec<Recipient> {
        let is_mail = matches!(transport.kind, TransportKind::Email { .. });
        let mut recipients: Vec<Recipient> = Vec::with_capacity(self.0.len());
        let mut people: Vec<&SelectedPerson> = self.0.iter().collect();
        if transport.send_once {
            people.sort_by_key(|selected| !selected.is_member);
        }
        for selected in people {
            recipients.push(selected.person().into());
            if is_mail {
                recipients.extend(selected.addresses.iter().skip(1).map(|address| Recipient {
                    person: Person::new(selected.username.clone(), address.clone()),
                    is_additional: true,
                }));
            }
        }
        if transport.send_once {
            let reachable = |one: &Recipient| !is_mail || MailAddress::parse(&one.person.email).is_ok();
            let first = recipients.iter().position(reachable).unwrap_or(0);
            recipients = recipients.into_iter().skip(first).take(1).collect();
        }
        recipients
    }
}

/// The position of a person: by username first, because it is more specific than an address.
fn position(selected: &[SelectedPerson], person: &Person) -> Option<usize> {
    let by_name = selected.iter().position(|one| is_same_name(&one.username, &person.username));
    by_name.or_else(|| selected.iter().position(|one| one.is(person)))
}

#[cfg(test)]
#[path = "recipients_tests.rs"]
mod tests;
