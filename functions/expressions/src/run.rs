//! Runs a program with a scope and answers the interpreter's host calls.
//!
//! Owns the limits of time, recursion and host calls. Does not limit memory: an allocation that fails aborts the
//! process, so that untrusted bodies must run in a worker.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use monty::RunProgress;
use monty_types::{MontyException, MontyObject, PrintWriter, ResourceLimits, ResourceTracker};

use crate::difference;
use crate::host::{Arguments, Host};
use crate::program::Program;
use crate::source;
use domain::expression::{Evaluation, PolicyCaller, RaisedException, ReturnedValue};
use domain::expression::{ExpressionScope, NotificationView};

/// How long a body may run, without the time of host calls. Shorter than the worker's deadline, so that most bodies
/// that take too long end with an exception and the worker survives.
pub const MAX_RUN: Duration = Duration::from_millis(75);
/// The exception of a body that runs longer.
pub(crate) const TIMEOUT: &str = "TimeoutError";
pub(crate) const TOO_LONG: &str = "ran longer than it may";
/// The maximum depth of Python calls.
const MAX_RECURSION: usize = 150;
/// The maximum number of host calls and attribute lookups in one run.
const MAX_HOST_CALLS: usize = 1000;
/// The maximum number of calls of `re` in one run.
const MAX_SEARCHES: usize = 10_000;

/// Runs the program once.
pub(crate) fn run(program: &Program, scope: &ExpressionScope, policies: &dyn PolicyCaller) -> Evaluation {
    let mut host = Host::new(scope, program, policies);
    // If a defect makes the interpreter panic, report it as an exception of this body.
    let outcome = catch_unwind(AssertUnwindSafe(|| drive(program, &mut host)));
    let (outcome, notification) = match outcome {
        Ok(Ok((returned, view))) => (Ok(returned), view),
        Ok(Err(raised)) => (Err(to_raised(&raised, program)), None),
        Err(_) => return Evaluation::raised("SandboxError", "the interpreter failed on this body"),
    };
    let notification = notification.filter(|view| Some(view) != scope.notification.as_ref());
    let Host { messages, log, events, .. } = host;
    Evaluation { outcome, messages, log, events, notification }
}

fn drive(program: &Program, host: &mut Host<'_>) -> Result<(ReturnedValue, Option<NotificationView>), MontyException> {
    let inputs = program.inputs.iter().map(|input| host.input(*input)).collect();
    let limits = ResourceLimits::default().max_duration(MAX_RUN).max_recursion_depth(MAX_RECURSION);
    let mut progress = program.code().start(inputs, ResourceTracker::new(limits), PrintWriter::Disabled)?;
    let (mut calls, mut searches) = (0, 0);
    while calls < MAX_HOST_CALLS && searches < MAX_SEARCHES {
        let print = PrintWriter::Disabled;
        progress = match progress {
            RunProgress::Complete(value) => return finish(&value, host),
            RunProgress::NameLookup(lookup) => {
                let object = lookup.object_id().map(|id| u128::from_be_bytes(*id.as_bytes()));
                let is_search = host.is_search(object, &lookup.name);
                *(if is_search { &mut searches } else { &mut calls }) += 1;
                let found = host.lookup(object, &lookup.name);
                lookup.resume(found, print)?
            }
            RunProgress::FunctionCall(mut call) => {
                let object = call.object_id.map(|id| u128::from_be_bytes(*id.as_bytes()));
                let arguments =
                    Arguments { positional: std::mem::take(&mut call.args), named: std::mem::take(&mut call.kwargs) };
                let name = std::mem::take(&mut call.function_name);
                let is_search = host.is_search(object, &name);
                *(if is_search { &mut searches } else { &mut calls }) += 1;
                let answer = host.call(object, &name, arguments);
                call.resume(answer, print)?
            }
            RunProgress::OsCall(call) => {
                calls += 1;
                call.resume_with(print, |call| host.system(&call))?
            }
            RunProgress::ResolveFutures(_) => return Err(error("async code is not supported")),
        };
    }
    Err(error("used more than 1,000 attributes or helpers, or 10,000 calls of re"))
}

fn error(message: &str) -> MontyException {
    crate::host::raise(monty_types::ExcType::RuntimeError, message)
}

fn finish(value: &MontyObject, host: &Host<'_>) -> Result<(ReturnedValue, Option<NotificationView>), MontyException> {
    let (result, notification) = match value {
        MontyObject::Tuple(parts) if parts.len() == 2 => (&parts[0], &parts[1]),
        other => (other, &MontyObject::None),
    };
    if is_function(result) {
        let what = "the body returned a function; call it";
        return Err(crate::host::raise(monty_types::ExcType::TypeError, what));
    }
    // Such as a range or a dict's keys, of which only the text is known here: not whether they are empty.
    if let MontyObject::Repr(text) = result {
        let text = domain::text::truncate(text, 40);
        let what =
            format!("the body returned {text}; Nuncio's Python cannot hand it over; return bool(…) or list(…) of it");
        return Err(crate::host::raise(monty_types::ExcType::TypeError, what));
    }
    let returned = ReturnedValue { value: host.json(result)?, truthy: result.is_truthy() };
    Ok((returned, notification_view(notification)))
}

fn is_function(result: &MontyObject) -> bool {
    match result {
        MontyObject::Function { .. } | MontyObject::BuiltinFunction(_) => true,
        MontyObject::Repr(text) => ["<function", "<bound method", "<built-in"].iter().any(|of| text.starts_with(of)),
        _ => false,
    }
}

/// The notification's fields after the run.
fn notification_view(notification: &MontyObject) -> Option<NotificationView> {
    let MontyObject::ClassInstance(instance) = notification else {
        return None;
    };
    let attribute = |name: &str| {
        let found = instance.attrs.iter().find(|(key, _)| matches!(key, MontyObject::String(key) if key == name));
        found.map(|(_, value)| value).filter(|value| !matches!(value, MontyObject::None)).map(ToString::to_string)
    };
    Some(NotificationView {
        body: attribute("body").unwrap_or_default(),
        severity: attribute("severity").unwrap_or_default(),
        hyperlink: attribute("hyperlink"),
        hyperlink_label: attribute("hyperlink_label"),
    })
}

/// The exception with the innermost line of the body itself.
fn to_raised(raised: &MontyException, program: &Program) -> RaisedException {
    let lines = raised.traceback().iter().rev().filter_map(|frame| usize::try_from(frame.start.line).ok());
    let line = lines
        .filter(|line| (2..=program.last_line).contains(line))
        .map(|line| source::to_body_position(line, 0).0)
        .next();
    let kind = raised.exc_type().to_string();
    let message = raised.message().unwrap_or_default();
    // The interpreter's message contains the measured time; a constant message makes results comparable.
    let message = if message.starts_with("time limit exceeded") { TOO_LONG.to_owned() } else { message.to_owned() };
    RaisedException { message: difference::named(&kind, message), kind, line }
}
