//! A person, and when two records mean the same one.
//!
//! Owns the one definition of identity, which recipients, inboxes, filters, holds, erasure and expressions share: names
//! are compared by [`fold`]. Decides nothing about who is notified; see [`crate::recipients`].

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use unicase::UniCase;

/// Somebody who can be notified.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Person {
    /// Names the inbox. May be empty if there is an address.
    pub username: String,
    /// Where mail goes. May be empty.
    #[serde(default)]
    pub email: String,
}

/// A username or address in the form in which it is compared and in which inboxes are stored: without surrounding
/// blanks, by full Unicode case folding. `" STRAẞE"` and `"strasse"` have the same form.
pub fn fold(name: &str) -> String {
    UniCase::new(name.trim()).to_folded_case()
}

/// Whether two usernames, or two addresses, mean the same person. Empty names mean nobody.
pub fn is_same_name(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim(), other.trim());
    !one.is_empty() && UniCase::new(one) == UniCase::new(other)
}

impl Person {
    /// A person of this username and address, either of which may be empty.
    pub fn new(username: impl Into<String>, email: impl Into<String>) -> Self {
        Self { username: username.into(), email: email.into() }
    }

    /// Reads `username` and `email` of an event's user or subject. `None` if both are missing or blank.
    pub fn from_object(object: &Map<String, Value>) -> Option<Self> {
        let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        let person = Self { username: text("username"), email: text("email") };
        (!person.label().is_empty()).then_some(person)
    }

    /// The name in lists and of the inbox: the username, or the address of a person without one.
    pub fn label(&self) -> &str {
        if self.username.trim().is_empty() { &self.email } else { &self.username }
    }

    /// Whether the usernames are the same or, where either has none, the addresses. Two people who share an inbox
    /// because one's username is the other's address count as one, too.
    pub fn is_same(&self, other: &Self) -> bool {
        let both_named = !self.username.trim().is_empty() && !other.username.trim().is_empty();
        is_same_name(self.label(), other.label()) || (!both_named && is_same_name(&self.email, &other.email))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn usernames_are_compared_by_full_case_folding() {
        for (one, other) in [
            ("ann", "ANN"),
            (" ann\t", "Ann"),
            ("straße", "STRASSE"),
            ("STRAẞE", "strasse"),
            ("Ὀδυσσεύς", "ὈΔΥΣΣΕΎΣ"),
            ("ﬁona", "FIONA"),
            ("ſam", "Sam"),
            ("µ", "Μ"),
            ("K", "k"),
            ("Ꭰ", "ꭰ"),
            ("𐐀", "𐐨"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
            assert!(is_same_name(one, other) && is_same_name(other, one), "{one} {other}");
        }
        // The dotless i is another letter, and accents are kept.
        for (one, other) in [("I", "ı"), ("ann", "ánn"), ("ann", "anna"), ("", ""), (" ", ""), ("a n n", "ann")] {
            assert!(!is_same_name(one, other), "{one} {other}");
        }
    }

    #[test]
    fn people_are_compared_by_username_and_without_one_by_address() {
        let same = |one: (&str, &str), other: (&str, &str)| {
            let [one, other] = [one, other].map(|(username, email)| Person::new(username, email));
            assert_eq!(one.is_same(&other), other.is_same(&one));
            one.is_same(&other)
        };
        assert!(same(("ann", "ann@example.org"), ("ANN ", "own@example.org")));
        assert!(same(("", "ANN@example.org"), ("ann", "ann@Example.org ")));
        assert!(same((" ", "ann@example.org"), ("ann", "ann@example.org")));
        assert!(!same(("ann", "shared@example.org"), ("bob", "shared@example.org")));
        assert!(!same(("ann", ""), ("", "")));
        assert!(!same(("ann", ""), ("", "ann@example.org")));
        assert!(same(("ann@example.org", ""), ("", "ann@example.org")), "both read the same inbox");
    }

    proptest! {
        #[test]
        fn folding_is_stable_and_agrees_with_comparing(one in "\\PC{0,12}", other in "\\PC{0,12}") {
            prop_assert_eq!(fold(&fold(&one)), fold(&one));
            let spellings = [one.to_lowercase(), one.to_uppercase(), format!(" {one}\u{a0}")];
            // Uppercasing and lowercasing may lose what folding keeps apart only for the Turkish i.
            if !one.contains(['ı', 'İ']) {
                for spelling in spellings {
                    prop_assert_eq!(fold(&spelling), fold(&one), "{:?}", spelling);
                }
            }
            prop_assert_eq!(is_same_name(&one, &other), !fold(&one).is_empty() && fold(&one) == fold(&other));
        }
    }
}
