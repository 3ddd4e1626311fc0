//! `groups`: who belongs together.
//!
//! A member is `{ username, email }`, at least one of them, or one text that is either.

use std::collections::BTreeMap;

use domain::person::Person;

use super::addresses;
use crate::fault::{At, Findings};
use crate::names;
use crate::shape::{self, Keys, Section};
use crate::tree::{Node, Value};

pub(crate) const KEYS: Keys = Keys { of: "a member", known: &["username", "email"], unsupported: &[] };
const MAX_USERNAME_CHARS: usize = 150;

pub(crate) fn read(node: &Node, findings: &mut Findings) -> BTreeMap<String, Vec<Person>> {
    let mut groups = BTreeMap::new();
    for (key, value) in shape::named(node, "groups", "groups", findings).unwrap_or_default() {
        names::check(&key.text, "group", key.at, findings);
        let Some(items) = shape::list(value, "a group", findings) else { continue };
        if items.is_empty() {
            findings.warning(key.at, "this group has no members", "add one, such as { username: …, email: … }");
        }
        let people = items.iter().filter_map(|item| member(item, findings)).collect();
        groups.insert(key.text.clone(), people);
    }
    groups
}

fn member(node: &Node, findings: &mut Findings) -> Option<Person> {
    if !matches!(node.value, Value::Map(_)) {
        let text = shape::text(node, "a member", findings)?.trim();
        return if text.contains('@') {
            addresses::email(text, node.at, findings).map(|email| Person::new("", email))
        } else {
            username(text, node.at, findings).map(|username| Person::new(username, ""))
        };
    }
    let section = Section::open(node.at, node, "a member", &KEYS, findings)?;
    if section.get("username").is_none() && section.get("email").is_none() {
        findings.fault(section.at, "a member needs a username or an email", "write { username: …, email: … }");
        return None;
    }
    let name = section.get("username").map(|node| {
        let text = shape::text(node, "username", findings)?.trim();
        username(text, node.at, findings)
    });
    let email = section.get("email").map(|node| {
        let text = shape::text(node, "email", findings)?.trim();
        addresses::email(text, node.at, findings)
    });
    Some(Person::new(name.unwrap_or_default().unwrap_or_default(), email.unwrap_or_default().unwrap_or_default()))
}

fn username<'n>(text: &'n str, at: At, findings: &mut Findings) -> Option<&'n str> {
    let well_formed =
        !text.is_empty() && text.chars().count() <= MAX_USERNAME_CHARS && !text.contains(char::is_control);
    if !well_formed {
        let hint = format!("write 1 to {MAX_USERNAME_CHARS} characters in one line");
        findings.fault(at, "this is not a username", hint);
    }
    well_formed.then_some(text)
}
