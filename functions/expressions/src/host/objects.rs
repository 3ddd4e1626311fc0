//! The host objects: request, event, notification, users, groups and others.
//!
//! Owns their attribute names, which are authentik's. An attribute is computed only when a body reads it.

use domain::event::Object;
use monty_types::{ExcType, MontyClassInstance, MontyClassType, MontyException, MontyObject, MontyUuid};
use serde_json::Value;

use super::hashes::HashState;
use super::regex::{self, Pattern, PatternMatch};
use super::{Arguments, CallResult, Host, raise};
use crate::value::{self, IntoDict};

/// The state of an object whose attributes and methods the host provides. The body refers to the object by an id.
#[derive(Debug, Clone)]
pub(crate) enum HostObject {
    Request,
    Event,
    Notification,
    Logger,
    Module(&'static str),
    User(Object),
    Group(String),
    /// Names of groups: `user.groups`, or the result of its `.filter(…)`.
    GroupList(Vec<String>),
    Digest(HashState),
    /// A compiled pattern of `re`, and a match.
    Pattern(Pattern),
    Match(Box<PatternMatch>),
    /// An object with no attributes beyond those passed at its creation.
    Plain,
}

impl Host<'_> {
    /// Creates a host object. Its id is its number in the list of objects.
    pub(crate) fn object(
        &mut self,
        class: &str,
        object: HostObject,
        attributes: Vec<(MontyObject, MontyObject)>,
    ) -> MontyObject {
        self.objects.push(object);
        // The id of a class is its name as bytes; the ids of objects are small numbers, so that the two never collide.
        let mut class_id = [0; 16];
        class_id.iter_mut().zip(class.bytes()).for_each(|(slot, byte)| *slot = byte);
        MontyObject::ClassInstance(Box::new(MontyClassInstance {
            class_type: MontyClassType {
                name: class.to_owned(),
                id: MontyUuid::from_bytes(class_id),
                host_defined: true,
                is_dataclass: false,
                attrs: Vec::new().into(),
            },
            instance_id: MontyUuid::from_u128(self.objects.len() as u128),
            attrs: attributes.into(),
        }))
    }

    fn known(&self, id: u128) -> Option<&HostObject> {
        self.objects.get(usize::try_from(id).ok()?.checked_sub(1)?)
    }

    /// The host object that an argument refers to; `None` if it is another value.
    pub(crate) fn host_object(&self, argument: &MontyObject) -> Option<&HostObject> {
        let MontyObject::ClassInstance(instance) = argument else {
            return None;
        };
        if !instance.class_type.host_defined {
            return None;
        }
        self.known(u128::from_be_bytes(*instance.instance_id.as_bytes()))
    }

    pub(crate) fn request(&mut self) -> MontyObject {
        let mut context = Vec::new();
        if self.scope.notification.is_some() {
            context.push((value::text("notification"), self.notification()));
        } else {
            context.push((value::text("event"), self.event()));
        }
        context.extend(self.scope.extra.iter().map(|(key, item)| (value::text(key), value::to_python(item))));
        self.object("PolicyRequest", HostObject::Request, vec![(value::text("context"), context.into_dict())])
    }

    fn event(&mut self) -> MontyObject {
        let mut attributes = Vec::new();
        if self.program.shared.event_context {
            attributes.push((value::text("context"), value::dict(&self.scope.event.context)));
        }
        self.object("Event", HostObject::Event, attributes)
    }

    fn notification(&mut self) -> MontyObject {
        let Some(view) = &self.scope.notification else {
            return MontyObject::None;
        };
        let mut attributes = vec![
            (value::text("body"), value::text(&view.body)),
            (value::text("severity"), value::text(&view.severity)),
            (value::text("hyperlink"), value::optional(view.hyperlink.as_deref())),
            (value::text("hyperlink_label"), value::optional(view.hyperlink_label.as_deref())),
        ];
        if self.program.shared.event {
            attributes.push((value::text("event"), self.event()));
        }
        self.object("Notification", HostObject::Notification, attributes)
    }

    /// An attribute that was not passed at the object's creation; `None` if there is no such attribute.
    pub(crate) fn attribute(&mut self, id: u128, name: &str) -> Option<MontyObject> {
        match self.known(id).cloned()? {
            HostObject::Request => self.request_attribute(name),
            HostObject::Event => self.event_attribute(name),
            HostObject::Notification => match name {
                "event" => Some(self.event()),
                "user" => Some(self.user()),
                "seen" => Some(MontyObject::Bool(false)),
                "created" => Some(value::datetime(self.scope.event.created, true)),
                _ => None,
            },
            HostObject::User(user) => self.user_attribute(&user, name),
            HostObject::Module("re") => regex::attribute(name),
            HostObject::Module(module) => super::hashes::attribute(module, name),
            HostObject::Pattern(pattern) => pattern.attribute(name),
            HostObject::Match(found) => self.found_attribute(&found, name),
            HostObject::Digest(digest) => digest.attribute(name),
            HostObject::Group(group) => match name {
                "users" => Some(self.members(&group)),
                "attributes" => Some(Vec::new().into_dict()),
                "parent" => Some(MontyObject::None),
                _ => None,
            },
            HostObject::GroupList(_) | HostObject::Logger | HostObject::Plain => None,
        }
    }

    fn request_attribute(&mut self, name: &str) -> Option<MontyObject> {
        Some(match name {
            "user" => self.user(),
            "obj" if self.scope.notification.is_none() => self.event(),
            "http_request" | "obj" => MontyObject::None,
            "debug" => MontyObject::Bool(false),
            _ => return None,
        })
    }

    fn event_attribute(&mut self, name: &str) -> Option<MontyObject> {
        let event = &self.scope.event;
        Some(match name {
            "action" => value::text(event.action.as_str()),
            "app" => value::text(&event.app),
            "client_ip" => match event.client_ip {
                Some(address) => value::text(address.to_string()),
                None => MontyObject::None,
            },
            "context" => value::dict(&event.context),
            "user" => value::dict(&event.user),
            "brand" | "tenant" => value::dict(&event.brand),
            "created" => value::datetime(event.created, true),
            "expires" => value::datetime(event.expires, true),
            "pk" | "event_uuid" => value::text(event.pk.to_string()),
            "summary" => value::text(domain::notification::summary(event)),
            "hyperlink" | "hyperlink_label" => value::optional(event.context_str(name)),
            "expiring" => MontyObject::Bool(true),
            _ => return None,
        })
    }

    /// Calls a method of the object with this id. Raises a Python exception if the object has no such method.
    pub(crate) fn method(&mut self, id: u128, name: &str, arguments: Arguments) -> CallResult {
        let Some(object) = self.known(id).cloned() else {
            return Err(raise(ExcType::RuntimeError, "this object no longer exists"));
        };
        match object {
            HostObject::Logger => match name {
                "debug" | "info" | "warning" | "error" => self.logged(name, &arguments),
                "warn" => self.logged("warning", &arguments),
                "exception" | "critical" => self.logged("error", &arguments),
                _ => Err(no_method("Logger", name)),
            },
            HostObject::Module("re") => self.re_call(name, arguments),
            HostObject::Module(module) => self.module_call(module, name, arguments),
            HostObject::Pattern(pattern) => self.pattern_call(&pattern, name, arguments),
            HostObject::Match(found) => found.call(name, arguments),
            HostObject::Digest(_) => self.digest_call(id, name, arguments),
            HostObject::User(user) => self.user_call(&user, name, &arguments),
            HostObject::GroupList(groups) => self.group_call(groups, name, &arguments),
            HostObject::Group(_) => Err(no_method("Group", name)),
            HostObject::Event if name == "save" || name == "delete" => Err(raise(
                ExcType::PermissionError,
                "a stored event cannot be changed; create a new one with ak_create_event",
            )),
            HostObject::Notification if name == "save" => Ok(MontyObject::None),
            // The name may be an attribute that is not callable.
            _ => match self.attribute(id, name) {
                Some(found) => {
                    Err(raise(ExcType::TypeError, format!("'{}' object is not callable", found.type_name())))
                }
                None => Err(no_method("host", name)),
            },
        }
    }

    /// Whether a call is of the module `re`, its patterns or matches, of which a run may make more.
    pub(crate) fn is_search(&self, id: Option<u128>, name: &str) -> bool {
        match id.and_then(|id| self.known(id)) {
            Some(object) => matches!(object, HostObject::Module("re") | HostObject::Pattern(_) | HostObject::Match(_)),
            None => name.starts_with("re.") || name.starts_with("_nuncio_t"),
        }
    }

    /// Replaces an object's state.
    pub(crate) fn change(&mut self, id: u128, object: HostObject) {
        if let Some(slot) = usize::try_from(id).ok().and_then(|id| self.objects.get_mut(id.checked_sub(1)?)) {
            *slot = object;
        }
    }

    pub(crate) fn described(&self, instance: &MontyClassInstance) -> Option<Value> {
        if !instance.class_type.host_defined {
            return None;
        }
        let id = u128::from_be_bytes(*instance.instance_id.as_bytes());
        match self.known(id)? {
            HostObject::Event => serde_json::to_value(&*self.scope.event).ok(),
            HostObject::User(user) => Some(super::users::described(user)),
            HostObject::Group(name) => Some(Value::String(name.clone())),
            HostObject::GroupList(names) => Some(names.iter().cloned().map(Value::String).collect()),
            HostObject::Request
            | HostObject::Logger
            | HostObject::Module(_)
            | HostObject::Pattern(_)
            | HostObject::Match(_) => Some(Value::Null),
            HostObject::Digest(digest) => Some(Value::String(digest.hexadecimal())),
            HostObject::Notification | HostObject::Plain => None,
        }
    }
}

pub(crate) fn no_method(class: &str, name: &str) -> MontyException {
    raise(ExcType::AttributeError, format!("'{class}' object has no attribute '{name}'"))
}
