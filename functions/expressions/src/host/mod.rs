//! The host side of a run: answers the interpreter's lookups and calls while a body runs.
//!
//! Owns the objects to which a body holds references, and collects the effects of the run. Does no I/O: effects are
//! returned to the caller with the result.

mod addresses;
mod hashes;
mod objects;
mod regex;
mod text_helpers;
mod text_methods;
mod unicode;
mod users;

use domain::event::{Action, KNOWN_ACTIONS, MAX_EVENT_BYTES, Object};
use domain::text::truncate;
use monty_types::{
    ExcType, ExtFunctionResult, MontyClassInstance, MontyException, MontyObject, NameLookupResult, OsFunctionCall,
};
use serde_json::Value;

use crate::cpython;
use crate::program::{Input, Program};
use crate::unavailable;
use crate::value::{self, DescribeHostObject};
use domain::expression::ExpressionScope;
use domain::expression::{CreatedEvent, LogLine, PolicyCaller};
pub(crate) use objects::HostObject;

/// The maximum number of messages, of log lines and of events in one run.
const MAX_EFFECTS: usize = 100;
/// The maximum length of a message or log line in characters; a longer one is cut.
const MAX_MESSAGE_CHARS: usize = 4000;
/// The maximum size of the context of a created event, in bytes. The rest of the event's limit is for the added fields.
const MAX_CREATED_BYTES: usize = MAX_EVENT_BYTES - 32 * 1024;

/// The result of a call, or the exception that it raises.
pub(crate) type CallResult = Result<MontyObject, MontyException>;

/// The arguments of a call.
pub(crate) struct Arguments {
    pub(crate) positional: Vec<MontyObject>,
    pub(crate) named: Vec<(MontyObject, MontyObject)>,
}

/// The host of one run.
pub(crate) struct Host<'a> {
    scope: &'a ExpressionScope,
    program: &'a Program,
    policies: &'a dyn PolicyCaller,
    objects: Vec<HostObject>,
    pub(crate) messages: Vec<String>,
    pub(crate) log: Vec<LogLine>,
    pub(crate) events: Vec<CreatedEvent>,
    /// How many floats that are no number it made.
    nans: u64,
}

/// An exception raised by the host.
pub(crate) fn raise(kind: ExcType, message: impl Into<String>) -> MontyException {
    MontyException::new(kind, Some(message.into()))
}

impl<'a> Host<'a> {
    pub(crate) fn new(scope: &'a ExpressionScope, program: &'a Program, policies: &'a dyn PolicyCaller) -> Self {
        let (messages, log, events) = (Vec::new(), Vec::new(), Vec::new());
        Self { scope, program, policies, objects: Vec::new(), messages, log, events, nans: 0 }
    }

    /// The value of an input.
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

    /// Looks up an undefined name, or an attribute of a host object.
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

    /// Calls a host function, or a method of a host object.
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

    fn function(&mut self, name: &str, mut arguments: Arguments) -> CallResult {
        match name {
            "_nuncio_ip" => {
                let address = arguments.take(name, 0, "address")?;
                self.ip_address(&address, version(&arguments.take(name, 1, "version")?))
            }
            "_nuncio_net" => {
                let network = arguments.take(name, 0, "address")?;
                let strict = arguments.take(name, 1, "strict")?;
                self.ip_network(&network, strict.is_truthy(), version(&arguments.take(name, 2, "version")?))
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
            "_nuncio_type_has" => {
                let (of, attribute) = (arguments.text(name, 0, "of")?, arguments.text(name, 1, "name")?);
                Ok(MontyObject::Bool(cpython::type_has(&of, &attribute)))
            }
            "_nuncio_nan" => Ok(self.fresh_nan()),
            "_nuncio_text" => text_methods::call(&mut arguments),
            "regex_match" => text_helpers::regex_match(&mut arguments),
            "regex_replace" => text_helpers::regex_replace(&mut arguments),
            "slugify" => text_helpers::slugify(&mut arguments),
            "ak_message" => {
                let message = arguments.take(name, 0, "message")?.to_string();
                check_room(self.messages.len(), "messages")?;
                self.messages.push(truncate(&message, MAX_MESSAGE_CHARS));
                Ok(MontyObject::None)
            }
            "ak_create_event" => self.create_event(arguments),
            "ak_is_group_member" => self.is_group_member(arguments),
            "ak_user_by" => self.user_by(&arguments),
            "ak_call_policy" => self.call_policy(arguments),
            other => match other.split_once('.') {
                Some(("hashlib", algorithm)) => self.hashlib(algorithm, arguments),
                Some(("re", function)) => self.re_call(function, arguments),
                // The interpreter calls an undefined name without looking it up first.
                _ => match self.global(other)? {
                    Some(value) => {
                        let message = format!("'{}' object is not callable", value.type_name());
                        Err(raise(ExcType::TypeError, message))
                    }
                    None => Err(raise(ExcType::NameError, format!("name '{other}' is not defined"))),
                },
            },
        }
    }

    /// A float that is no number, with bits of its own: the interpreter takes floats of the same bits for one object, and
    /// CPython makes a new object each time.
    fn fresh_nan(&mut self) -> MontyObject {
        self.nans += 1;
        MontyObject::Float(f64::from_bits(f64::NAN.to_bits() | (self.nans & 0xFFFF_FFFF)))
    }

    fn create_event(&mut self, mut arguments: Arguments) -> CallResult {
        let action = arguments.text("ak_create_event", 0, "action")?;
        let known = KNOWN_ACTIONS.contains(&action.as_str()) || action.starts_with("custom_");
        let action = if known { action } else { format!("custom_{action}") };
        if let Err(refused) = Action::parse(&action) {
            return Err(raise(ExcType::ValueError, refused.to_string()));
        }
        let context = self.named_json(&arguments.named)?;
        if serde_json::to_string(&context).is_ok_and(|json| json.len() > MAX_CREATED_BYTES) {
            return Err(raise(
                ExcType::ValueError,
                format!("the fields of an event may have at most {MAX_CREATED_BYTES} bytes"),
            ));
        }
        check_room(self.events.len(), "events")?;
        self.events.push(CreatedEvent { action, context });
        Ok(MontyObject::None)
    }

    fn call_policy(&mut self, mut arguments: Arguments) -> CallResult {
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

    pub(crate) fn logged(&mut self, level: &str, arguments: &Arguments) -> CallResult {
        let message: Vec<_> = arguments.positional.iter().map(ToString::to_string).collect();
        let fields = self.named_json(&arguments.named)?;
        check_room(self.log.len(), "log lines")?;
        self.log.push(LogLine {
            level: level.to_owned(),
            message: truncate(&message.join(" "), MAX_MESSAGE_CHARS),
            fields,
        });
        Ok(MontyObject::None)
    }

    fn named_json(&self, named: &[(MontyObject, MontyObject)]) -> Result<Object, MontyException> {
        let mut object = Object::new();
        for (key, value) in named {
            object.insert(key.to_string(), self.json(value)?);
        }
        Ok(object)
    }

    /// The JSON form of a value.
    pub(crate) fn json(&self, object: &MontyObject) -> Result<Value, MontyException> {
        value::to_json(object, self).map_err(|what| raise(ExcType::ValueError, what))
    }

    /// Answers calls of the operating system. The current time is the time of the event; all other calls are refused.
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
                "Nuncio's Python has no files and no environment; use request and its context",
            )),
        }
    }
}

impl DescribeHostObject for Host<'_> {
    fn describe(&self, instance: &MontyClassInstance) -> Option<Value> {
        self.described(instance)
    }
}

impl Arguments {
    /// The argument at a position or with a name.
    pub(crate) fn take(&mut self, function: &str, position: usize, name: &str) -> CallResult {
        self.take_optional(position, name)
            .ok_or_else(|| raise(ExcType::TypeError, format!("{function}() missing 1 required argument: '{name}'")))
    }

    /// The argument, which may be missing.
    pub(crate) fn take_optional(&mut self, position: usize, name: &str) -> Option<MontyObject> {
        if let Some(argument) = self.positional.get_mut(position) {
            return Some(std::mem::replace(argument, MontyObject::None));
        }
        let at = self.named.iter().position(|(key, _)| matches!(key, MontyObject::String(key) if key == name))?;
        Some(self.named.remove(at).1)
    }

    /// The argument, which must be a `str`.
    pub(crate) fn text(&mut self, function: &str, position: usize, name: &str) -> Result<String, MontyException> {
        match self.take(function, position, name)? {
            MontyObject::String(text) => Ok(text),
            other => Err(raise(
                ExcType::TypeError,
                format!("{function}() expects a str as '{name}', got '{}'", other.type_name()),
            )),
        }
    }
}

/// A function value whose calls the host answers.
pub(crate) fn function(name: &str) -> MontyObject {
    MontyObject::Function { name: name.to_owned(), docstring: None }
}

/// The version that an address must have; `None` for either.
fn version(argument: &MontyObject) -> Option<u8> {
    match argument {
        MontyObject::Int(4) => Some(4),
        MontyObject::Int(6) => Some(6),
        _ => None,
    }
}

/// Raises if the maximum number of effects is reached.
fn check_room(count: usize, what: &str) -> Result<(), MontyException> {
    if count < MAX_EFFECTS {
        Ok(())
    } else {
        Err(raise(ExcType::RuntimeError, format!("more than {MAX_EFFECTS} {what}")))
    }
}
