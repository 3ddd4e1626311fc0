//! Reads `groups`: lists of people.
//!
//! A member is `{ username, email }` with at least one of the two, or a text that is one of them.

use std::collections::BTreeMap;

use domain::person::Person;

use super::addresses;
use crate::diagnostics::Diagnostics;
use crate::names;
use crate::shape::{self, KeySet, Section};
use crate::source_map::Position;
use crate::tree::{Node, NodeValue};

pub(crate) const KEYS: KeySet = KeySet { of: "a member", known: &["username", "email"], unsupported: &[] };
const MAX_USERNAME_CHARS: usize = 150;

pub(crate) fn read(node: &Node, diagnostics: &mut Diagnostics) -> BTreeMap<String, Vec<Person>> {
    let mut groups = BTreeMap::new();
    for (key, value) in shape::named(node, "groups", "groups", diagnostics).unwrap_or_default() {
        names::check_name(&key.text, "group", key.at, diagnostics);
        let Some(items) = shape::list(value, "a group", diagnostics) else { continue };
        if items.is_empty() {
            diagnostics.warning(key.at, "this group has no members", "add one, such as { username: …, email: … }");
        }
        let people = items.iter().filter_map(|item| member(item, diagnostics)).collect();
        groups.insert(key.text.clone(), people);
    }
    groups
}

fn member(node: &Node, diagnostics: &mut Diagnostics) -> Option<Person> {
    if !matches!(node.value, NodeValue::Map(_)) {
        let text = shape::text(node, "a member", diagnostics)?.trim();
        return if text.contains('@') {
            addresses::email(text, node.at, diagnostics).map(|email| Person::new("", email))
        } else {
            username(text, node.at, diagnostics).map(|username| Person::new(username, ""))
        };
    }
    let section = Section::open(node.at, node, "a member", &KEYS, diagnostics)?;
    if section.get("username").is_none() && section.get("email").is_none() {
        diagnostics.fault(section.at, "a member needs a username or an email", "write { username: …, email: … }");
        return None;
    }
    let name = section.get("username").map(|node| {
        let text = shape::text(node, "username", diagnostics)?.trim();
        username(text, node.at, diagnostics)
    });
    let email = section.get("email").map(|node| {
        let text = shape::text(node, "email", diagnostics)?.trim();
        addresses::email(text, node.at, diagnostics)
    });
    Some(Person::new(name.unwrap_or_default().unwrap_or_default(), email.unwrap_or_default().unwrap_or_default()))
}

fn username<'n>(text: &'n str, at: Position, diagnostics: &mut Diagnostics) -> Option<&'n str> {
    let well_formed =
        !text.is_empty() && text.chars().count() <= MAX_USERNAME_CHARS && !text.contains(char::is_control);
    if !well_formed {
        let hint = format!("write 1 to {MAX_USERNAME_CHARS} characters in one line");
        diagnostics.fault(at, "this is not a username", hint);
    }
    well_formed.then_some(text)
}
