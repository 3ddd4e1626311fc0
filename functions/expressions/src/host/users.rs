//! Users and groups: the event's user and the groups of the rules document.
//!
//! Owns authentik's functions and lookups for them. There is no user database: only the acting user and the members of
//! the groups are known.

use domain::event::Object;
use domain::person::{Person, is_same_name};
use monty_types::{ExcType, MontyException, MontyObject};
use serde_json::{Value, json};

use super::objects::{HostObject, no_method};
use super::{Arguments, CallResult, Host, raise};
use crate::rewrite::group_filter::FILTER_LIST;
use crate::value::{self, IntoDict};

impl Host<'_> {
    /// The object that a body reads as `request.user`: the user of the scope.
    pub(crate) fn user(&mut self) -> MontyObject {
        let user = self.scope.user.clone();
        self.person(user)
    }

    fn person(&mut self, user: Object) -> MontyObject {
        let field = |name: &str| user.get(name).filter(|value| !value.is_null());
        let username = field("username").and_then(Value::as_str).unwrap_or_default().to_owned();
        let attributes = vec![
            (value::text("pk"), field("pk").map_or(MontyObject::None, value::to_python)),
            (value::text("username"), value::text(&username)),
            (value::text("email"), field("email").map_or_else(|| value::text(""), value::to_python)),
            (value::text("name"), field("name").map_or_else(|| value::text(&username), value::to_python)),
        ];
        let class = if username.is_empty() && field("email").is_none() { "AnonymousUser" } else { "User" };
        self.object(class, HostObject::User(user), attributes)
    }

    pub(crate) fn user_attribute(&mut self, user: &Object, name: &str) -> Option<MontyObject> {
        let anonymous = label(user).is_empty();
        Some(match name {
            "groups" | "ak_groups" => {
                let groups = self.groups_of(user);
                self.object("GroupList", HostObject::GroupList(groups), Vec::new())
            }
            "is_active" | "is_authenticated" => MontyObject::Bool(!anonymous),
            "is_anonymous" => MontyObject::Bool(anonymous),
            "attributes" if !user.contains_key(name) => Vec::new().into_dict(),
            _ => value::to_python(user.get(name)?),
        })
    }

    pub(crate) fn user_call(&mut self, user: &Object, name: &str, arguments: &Arguments) -> CallResult {
        match name {
            "all_groups" => {
                let groups = self.groups_of(user);
                self.group_call(groups, "all", arguments)
            }
            "group_attributes" => Ok(Vec::new().into_dict()),
            "get_full_name" | "get_username" => Ok(value::text(label(user))),
            _ => Err(no_method("User", name)),
        }
    }

    /// Calls a method of `user.groups`.
    pub(crate) fn group_call(&mut self, groups: Vec<String>, name: &str, arguments: &Arguments) -> CallResult {
        Ok(match name {
            "all" => MontyObject::List(groups.into_iter().map(|group| self.group(group)).collect()),
            "filter" | FILTER_LIST => {
                let matching = groups.into_iter().map(|group| (group_fits(&group, arguments), group));
                let matching = matching.filter_map(|(fits, group)| match fits {
                    Ok(true) => Some(Ok(group)),
                    Ok(false) => None,
                    Err(raised) => Some(Err(raised)),
                });
                let matching = matching.collect::<Result<Vec<_>, _>>()?;
                match name {
                    FILTER_LIST => MontyObject::List(matching.into_iter().map(|group| self.group(group)).collect()),
                    _ => self.object("GroupList", HostObject::GroupList(matching), Vec::new()),
                }
            }
            "exists" => MontyObject::Bool(!groups.is_empty()),
            "count" => MontyObject::Int(i64::try_from(groups.len()).unwrap_or(i64::MAX)),
            "first" => match groups.into_iter().next() {
                Some(group) => self.group(group),
                None => MontyObject::None,
            },
            "values_list" => MontyObject::List(groups.into_iter().map(value::text).collect()),
            _ => return Err(no_method("GroupList", name)),
        })
    }

    fn group(&mut self, name: String) -> MontyObject {
        let attributes = vec![(value::text("name"), value::text(&name))];
        self.object("Group", HostObject::Group(name), attributes)
    }

    pub(crate) fn members(&mut self, group: &str) -> MontyObject {
        let members = self.scope.groups.get(group).cloned().unwrap_or_default();
        MontyObject::List(members.iter().map(|person| self.person(as_user(person))).collect())
    }

    fn groups_of(&self, user: &Object) -> Vec<String> {
        let Some(user) = Person::from_object(user) else { return Vec::new() };
        let is_member = |members: &[Person]| members.iter().any(|member| member.is_same(&user));
        let groups = self.scope.groups.iter().filter(|(_, members)| is_member(members));
        groups.map(|(name, _)| name.clone()).collect()
    }

    /// `ak_is_group_member(user, name="…")`: whether one of the groups of the user matches the keyword arguments.
    pub(crate) fn is_group_member(&mut self, mut arguments: Arguments) -> CallResult {
        let user = arguments.take("ak_is_group_member", 0, "user")?;
        let user = match (self.host_object(&user), &user) {
            (Some(HostObject::User(user)), _) => user.clone(),
            (_, MontyObject::None) => return Ok(MontyObject::Bool(false)),
            // `event.user` is a dict.
            (_, MontyObject::Dict(_)) => self.json(&user)?.as_object().cloned().unwrap_or_default(),
            _ => return Err(raise(ExcType::TypeError, "ak_is_group_member() expects a user; pass request.user")),
        };
        for group in self.groups_of(&user) {
            if group_fits(&group, &arguments)? {
                return Ok(MontyObject::Bool(true));
            }
        }
        Ok(MontyObject::Bool(false))
    }

    /// The user of an event, with the username and the e-mail address that the groups define for the same person. These
    /// take precedence, because an event can name any person with any address.
    fn as_configured(&self, user: &Object) -> Object {
        let mut known = user.clone();
        let person = Person::from_object(user);
        let member =
            self.scope.groups.values().flatten().find(|member| person.as_ref().is_some_and(|one| member.is_same(one)));
        for (key, text) in member.into_iter().flat_map(|one| [("username", &one.username), ("email", &one.email)]) {
            if !text.is_empty() {
                known.insert(key.to_owned(), text.clone().into());
            }
        }
        known
    }

    /// `ak_user_by(username="…")`: the first user that matches the keyword arguments; the Python `None` if no
    /// user does. Searches the user of the scope, the user of the event, and the members of the groups.
    pub(crate) fn user_by(&mut self, arguments: &Arguments) -> CallResult {
        let members = self.scope.groups.values().flatten().map(as_user);
        let named = [&self.scope.user, &self.scope.event.user].map(|user| self.as_configured(user));
        let known = named.into_iter().chain(members);
        for user in known {
            let empty = Value::Null;
            let field = |name: &str| match name {
                "pk" | "id" => user.get("pk").unwrap_or(&empty).clone(),
                "username" | "email" | "name" => user.get(name).unwrap_or(&empty).clone(),
                _ => Value::Bool(false),
            };
            if !label(&user).is_empty() && fits(arguments, &["pk", "id", "username", "email", "name"], field)? {
                return Ok(self.person(user));
            }
        }
        Ok(MontyObject::None)
    }
}

fn label(user: &Object) -> &str {
    let text = |name: &str| user.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    text("username").or_else(|| text("email")).unwrap_or_default()
}

fn as_user(person: &Person) -> Object {
    let mut user = Object::new();
    user.insert("username".to_owned(), person.username.clone().into());
    user.insert("email".to_owned(), person.email.clone().into());
    user
}

/// The JSON form of a user, as authentik writes it into an event.
pub(crate) fn described(user: &Object) -> Value {
    let field = |name: &str| user.get(name).cloned().unwrap_or(Value::Null);
    json!({ "pk": field("pk"), "email": field("email"), "username": field("username") })
}

fn group_fits(group: &str, arguments: &Arguments) -> Result<bool, MontyException> {
    fits(arguments, &["name"], |_| Value::String(group.to_owned()))
}

/// Whether all keyword arguments match, each `field=…` or `field__lookup=…`.
fn fits(arguments: &Arguments, fields: &[&str], value_of: impl Fn(&str) -> Value) -> Result<bool, MontyException> {
    if arguments.named.is_empty() {
        return Err(raise(ExcType::TypeError, format!("give a condition, such as {}=…", fields[fields.len() - 1])));
    }
    for (key, wanted) in &arguments.named {
        let key = key.to_string();
        let (field, lookup) = key.split_once("__").unwrap_or((&key, "exact"));
        if !fields.contains(&field) {
            let known = fields.join(", ");
            return Err(raise(ExcType::TypeError, format!("'{field}' is not supported here; use one of {known}")));
        }
        let own = value_of(field);
        let own = own.as_str().map_or_else(|| own.to_string(), str::to_owned);
        let texts: Vec<String> = match wanted {
            MontyObject::List(items) | MontyObject::Tuple(items) | MontyObject::Set(items) => {
                items.iter().map(ToString::to_string).collect()
            }
            other => vec![other.to_string()],
        };
        let first = texts.first().map_or("", String::as_str);
        let (own_lower, lower) = (own.to_lowercase(), first.to_lowercase());
        // User names are compared in the same way as everywhere else in Nuncio.
        let is_name = fields.contains(&"username") && matches!(field, "username" | "email");
        let matches = match lookup {
            "exact" | "iexact" if is_name => is_same_name(&own, first),
            "in" if is_name => texts.iter().any(|text| is_same_name(&own, text)),
            "exact" => own == first,
            "iexact" => own_lower == lower,
            "in" => texts.contains(&own),
            "contains" => own.contains(first),
            "icontains" => own_lower.contains(&lower),
            "startswith" => own.starts_with(first),
            "istartswith" => own_lower.starts_with(&lower),
            "endswith" => own.ends_with(first),
            "iendswith" => own_lower.ends_with(&lower),
            other => return Err(raise(ExcType::TypeError, format!("the lookup '{other}' is not supported"))),
        };
        if !matches {
            return Ok(false);
        }
    }
    Ok(true)
}
