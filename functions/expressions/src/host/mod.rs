//! The host's side of a run: what the interpreter asks for while a body runs.
//!
//! Owns the objects that bodies hold by name only, and the effects of a run. Does no I/O: every
//! effect is a note that the caller gets with the result.

mod addresses;
mod hashes;
mod objects;
mod people;
mod text;

use domain::event::{Action, KNOWN_ACTIONS, MAX_EVENT_BYTES, Object};
use domain::text::cut;
use monty_types::{
    ExcType, ExtFunctionResult, MontyClassInstance, MontyException, MontyObject, NameLookupResult, OsFunctionCall,
};
use serde_json::Value;

use crate::program::{Input, Program};
use crate::unavailable;
use crate::value::{self, Described};
use domain::expression::Scope;
use domain::expression::{Created, LogLine, Policies};
pub(crate) use objects::HostObject;
pub(crate) use text::pattern_fault;

/// The most messages, log lines or events of one run.
const MAX_EFFECTS: usize = 100;
/// What is kept of a message or log line, in characters.
const MAX_WORDS: usize = 4000;
/// The most that an event made by a body says, in bytes: with what is added, it must fit into an event.
const MAX_CREATED_BYTES: usize = MAX_EVENT_BYTES - 32 * 1024;

/// What the host answers.
pub(crate) type Answer = Result<MontyObject, MontyException>;

/// Arguments of a call.
pub(crate) struct Arguments {
    pub(crate) positional: Vec<MontyObject>,
    pub(crate) named: Vec<(MontyObject, MontyObject)>,
}

/// One run's host.
pub(crate) struct Host<'a> {
    scope: &'a Scope,
    program: &'a Program,
    policies: &'a dyn Policies,
    objects: Vec<HostObject>,
    pub(crate) messages: Vec<String>,
    pub(crate) log: Vec<LogLine>,
    pub(crate) events: Vec<Created>,
}

/// An exception of the host's.
pub(crate) fn raise(kind: ExcType, message: impl Into<String>) -> MontyException {
    MontyException::new(kind, Some(message.into()))
}

impl<'a> Host<'a> {
    pub(crate) fn new(scope: &'a Scope, program: &'a Program, policies: &'a dyn Policies) -> Self {
        let (messages, log, events) = (Vec::new(), Vec::new(), Vec::new());
        Self { scope, program, policies, objects: Vec::new(), messages, log, events }
    }

    /// The value handed in for an input.
    pub(crate) fn input(&mut self, input: Input) -> MontyObject {
        match input {
            Input::Request => self.request(),
            Input::User => self.user(),
            Input::ClientIp => match self.scope.event.client_ip {
                Some(address) => value::text(address.to_string()),
                None => MontyObject::None,
            },
            Input::Logger => self.object("Logger", HostObject::Logger, Vec::new()),
            Input::SsoFlow => MontyObject::Bool(false),
            Input::Module(name) => self.object("module", HostObject::Module(name), Vec::new()),
            Input::Function(name) => function(name),
        }
    }

    /// A name that nothing defines, or an attribute of one of the host's objects.
    pub(crate) fn lookup(&mut self, object: Option<u128>, name: &str) -> NameLookupResult {
        let found = match object {
            Some(object) => Ok(self.attribute(object, name)),
            None => self.global(name),
        };
        match found {
            Ok(Some(found)) => NameLookupResult::Value(found),
            Ok(None) => NameLookupResult::Undefined,
            Err(raised) => NameLookupResult::Error(raised),
        }
    }

    fn global(&self, name: &str) -> Result<Option<MontyObject>, MontyException> {
        if self.scope.notification.is_some()
            && let Some(value) = self.scope.extra.get(name)
        {
            return Ok(Some(value::to_python(value)));
        }
        if name == "ak_client_ip" {
            return Err(raise(ExcType::NameError, "name 'ak_client_ip' is not defined: the event has no client_ip"));
        }
        match unavailable::name(name, self.scope.kind) {
            Some(hint) => Err(raise(ExcType::NameError, format!("name '{name}' is not defined: {hint}"))),
            None => Ok(None),
        }
    }

    /// A call of a function or of a method of one of the host's objects.
    pub(crate) fn call(&mut self, object: Option<u128>, name: &str, arguments: Arguments) -> ExtFunctionResult {
        let answer = match object {
            Some(object) => self.method(object, name, arguments),
            None => self.function(name, arguments),
        };
        match answer {
            Ok(value) => ExtFunctionResult::Return(value),
            Err(raised) => ExtFunctionResult::Error(raised),
        }
    }

    fn function(&mut self, name: &str, mut arguments: Arguments) -> Answer {
        match name {
            "_nuncio_ip" => self.ip_address(&arguments.take(name, 0, "address")?),
            "_nuncio_net" => {
                let network = arguments.take(name, 0, "address")?;
                let strict = arguments.take(name, 1, "strict")?;
                self.ip_network(&network, strict.is_truthy())
            }
            "_nuncio_ip_in" => {
                let address = arguments.take(name, 0, "address")?;
                let network = arguments.take(name, 1, "network")?;
                addresses::contains(&address, &network)
            }
            "_nuncio_missing" => {
                let module = arguments.text(name, 0, "name")?;
                let hint = unavailable::module(&module);
                Err(raise(ExcType::ModuleNotFoundError, format!("No module named '{module}': {hint}")))
            }
            "regex_match" => text::regex_match(&mut arguments),
            "regex_replace" => text::regex_replace(&mut arguments),
            "slugify" => text::slugify(&mut arguments),
            "ak_message" => {
                let message = arguments.take(name, 0, "message")?.to_string();
                room(self.messages.len(), "messages")?;
                self.messages.push(cut(&message, MAX_WORDS));
                Ok(MontyObject::None)
            }
            "ak_create_event" => self.create_event(arguments),
            "ak_is_group_member" => self.is_group_member(arguments),
            "ak_user_by" => self.user_by(&arguments),
            "ak_call_policy" => self.call_policy(arguments),
            other => match other.strip_prefix("hashlib.") {
                Some(algorithm) => self.hashlib(algorithm, arguments),
                // The interpreter asks for a name that is called without looking it up first.
                None => match self.global(other)? {
                    Some(value) => {
                        let message = format!("'{}' object is not callable", value.type_name());
                        Err(raise(ExcType::TypeError, message))
                    }
                    None => Err(raise(ExcType::NameError, format!("name '{other}' is not defined"))),
                },
            },
        }
    }

    fn create_event(&mut self, mut arguments: Arguments) -> Answer {
        let action = arguments.text("ak_create_event", 0, "action")?;
        let known = KNOWN_ACTIONS.contains(&action.as_str()) || action.starts_with("custom_");
        let action = if known { action } else { format!("custom_{action}") };
        if let Err(refused) = Action::parse(&action) {
            return Err(raise(ExcType::ValueError, refused.to_string()));
        }
        let context = self.named_json(&arguments.named)?;
        if serde_json::to_string(&context).is_ok_and(|json| json.len() > MAX_CREATED_BYTES) {
            return Err(raise(ExcType::ValueError, format!("an event says at most {MAX_CREATED_BYTES} bytes")));
        }
        room(self.events.len(), "events")?;
        self.events.push(Created { action, context });
        Ok(MontyObject::None)
    }

    fn call_policy(&mut self, mut arguments: Arguments) -> Answer {
        let name = arguments.text("ak_call_policy", 0, "name")?;
        let context = self.named_json(&arguments.named)?;
        match self.policies.call(&name, context) {
            Ok(Some(called)) => {
                let attributes = vec![
                    (value::text("passing"), MontyObject::Bool(called.passing)),
                    (
                        value::text("messages"),
                        MontyObject::Tuple(called.messages.into_iter().map(value::text).collect()),
                    ),
                    (value::text("raw_result"), value::to_python(&called.raw_result)),
                ];
                Ok(self.object("PolicyResult", HostObject::Plain, attributes))
            }
            Ok(None) => Err(raise(ExcType::ValueError, format!("Policy '{name}' not found."))),
            Err(raised) => Err(raise(ExcType::RuntimeError, raised)),
        }
    }

    pub(crate) fn logged(&mut self, level: &str, arguments: &Arguments) -> Answer {
        let message: Vec<_> = arguments.positional.iter().map(ToString::to_string).collect();
        let fields = self.named_json(&arguments.named)?;
        room(self.log.len(), "log lines")?;
        self.log.push(LogLine { level: level.to_owned(), message: cut(&message.join(" "), MAX_WORDS), fields });
        Ok(MontyObject::None)
    }

    fn named_json(&self, named: &[(MontyObject, MontyObject)]) -> Result<Object, MontyException> {
        let mut object = Object::new();
        for (key, value) in named {
            object.insert(key.to_string(), self.json(value)?);
        }
        Ok(object)
    }

    /// A value as JSON.
    pub(crate) fn json(&self, object: &MontyObject) -> Result<Value, MontyException> {
        value::to_json(object, self).map_err(|what| raise(ExcType::ValueError, what))
    }

    /// The clock is the event's; everything else of the operating system is refused.
    pub(crate) fn system(&self, call: &OsFunctionCall) -> ExtFunctionResult {
        let created = self.scope.event.created;
        match call {
            OsFunctionCall::DateTimeNow(None) => ExtFunctionResult::Return(value::datetime(created, false)),
            OsFunctionCall::DateTimeNow(Some(zone)) => {
                let shifted = created + jiff::SignedDuration::from_secs(i64::from(zone.offset_seconds));
                let mut now = value::datetime(shifted, true);
                if let MontyObject::DateTime(now) = &mut now {
                    now.offset_seconds = Some(zone.offset_seconds);
                    now.timezone_name.clone_from(&zone.name);
                }
                ExtFunctionResult::Return(now)
            }
            OsFunctionCall::DateToday => match value::datetime(created, false) {
                MontyObject::DateTime(now) => ExtFunctionResult::Return(MontyObject::Date(monty_types::MontyDate {
                    year: now.year,
                    month: now.month,
                    day: now.day,
                })),
                other => ExtFunctionResult::Return(other),
            },
            _ => ExtFunctionResult::Error(raise(
                ExcType::PermissionError,
                "expressions have no files and no environment; look at request and its context",
            )),
        }
    }
}

impl Described for Host<'_> {
    fn describe(&self, instance: &MontyClassInstance) -> Option<Value> {
        self.described(instance)
    }
}

impl Arguments {
    /// The argument at a place or of a name.
    pub(crate) fn take(&mut self, function: &str, place: usize, name: &str) -> Answer {
        self.take_optional(place, name)
            .ok_or_else(|| raise(ExcType::TypeError, format!("{function}() missing 1 required argument: '{name}'")))
    }

    /// The same, where it may be left out.
    pub(crate) fn take_optional(&mut self, place: usize, name: &str) -> Option<MontyObject> {
        if let Some(argument) = self.positional.get_mut(place) {
            return Some(std::mem::replace(argument, MontyObject::None));
        }
        let at = self.named.iter().position(|(key, _)| matches!(key, MontyObject::String(key) if key == name))?;
        Some(self.named.remove(at).1)
    }

    /// The same, which must be a text.
    pub(crate) fn text(&mut self, function: &str, place: usize, name: &str) -> Result<String, MontyException> {
        match self.take(function, place, name)? {
            MontyObject::String(text) => Ok(text),
            other => Err(raise(
                ExcType::TypeError,
                format!("{function}() expects a str as '{name}', got '{}'", other.type_name()),
            )),
        }
    }
}

/// A function that the host answers.
pub(crate) fn function(name: &str) -> MontyObject {
    MontyObject::Function { name: name.to_owned(), docstring: None }
}

fn room(count: usize, what: &str) -> Result<(), MontyException> {
    if count < MAX_EFFECTS {
        Ok(())
    } else {
        Err(raise(ExcType::RuntimeError, format!("more than {MAX_EFFECTS} {what}")))
    }
}
