//! The worker's side: receives bodies, runs them and returns their results.
//!
//! Owns a cache of compiled bodies. Reads only its input pipe and writes only its output pipe.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, Read, Write};

use domain::event::Object;

use super::frame::{self, Request, Response};
use super::limits;
use crate::expression::Expression;
use crate::run::{MAX_RUN, TIMEOUT, TOO_LONG};
use domain::expression::{Evaluation, ExpressionScope, PolicyCaller, PolicyResult};

/// The maximum number of cached bodies.
const MAX_CACHED: usize = 256;
/// How often a body is run again after it got too little processor time.
const MAX_RERUNS: u32 = 10;
/// The memory is checked once per this number of bodies.
const MEMORY_CHECK_INTERVAL: u32 = 64;

/// Serves until the input ends.
///
/// # Errors
/// If a pipe breaks, or if the caller sends an invalid message.
pub fn serve(input: impl Read, output: impl Write) -> io::Result<()> {
    let caller = Caller { pipes: RefCell::new((input, output)) };
    caller.send(&Response::Ready)?;
    let mut cache: HashMap<String, Expression> = HashMap::new();
    let at_first = limits::writable();
    let mut since_check = 0;
    while let Some(request) = caller.receive()? {
        let Request::Evaluate { source, scope } = request else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "unexpected answer without a call"));
        };
        limits::allow_some_time();
        let evaluation = match cache.get(&source) {
            Some(expression) => evaluate(expression, &scope, &caller),
            None => match Expression::parse(&source) {
                Ok(expression) => {
                    if cache.len() >= MAX_CACHED {
                        cache.clear();
                    }
                    let evaluation = evaluate(&expression, &scope, &caller);
                    cache.insert(source, expression);
                    evaluation
                }
                Err(fault) => Evaluation::raised("SyntaxError", fault.to_string()),
            },
        };
        since_check = (since_check + 1) % MEMORY_CHECK_INTERVAL;
        let spent = since_check == 0 && limits::is_spent(at_first);
        let computed = limits::computed();
        caller.send(&Response::Done { evaluation: Box::new(evaluation), spent, computed })?;
        if spent {
            break;
        }
    }
    Ok(())
}

/// Runs the body. The interpreter measures wall-clock time: if the body timed out although it got little processor
/// time, it is run again, which is safe because it has no side effects.
fn evaluate(expression: &Expression, scope: &ExpressionScope, caller: &dyn PolicyCaller) -> Evaluation {
    for _ in 0..MAX_RERUNS {
        let before = limits::computed();
        let evaluation = expression.evaluate(scope, caller);
        let late = evaluation.outcome.as_ref().is_err_and(|raised| raised.kind == TIMEOUT);
        if !late || limits::computed().saturating_sub(before) >= MAX_RUN * 3 / 4 {
            return evaluation;
        }
    }
    Evaluation::raised(TIMEOUT, TOO_LONG)
}

/// The caller at the other end of the pipes; it runs the policies that a body calls.
struct Caller<R, W> {
    pipes: RefCell<(R, W)>,
}

impl<R: Read, W: Write> Caller<R, W> {
    fn send(&self, response: &Response) -> io::Result<()> {
        frame::write(&mut self.pipes.borrow_mut().1, response)
    }

    fn receive(&self) -> io::Result<Option<Request>> {
        frame::read(&mut self.pipes.borrow_mut().0)
    }
}

impl<R: Read, W: Write> PolicyCaller for Caller<R, W> {
    fn call(&self, name: &str, context: Object) -> Result<Option<PolicyResult>, String> {
        let gone = |_| "the caller has closed the pipe".to_owned();
        self.send(&Response::Call { name: name.to_owned(), context }).map_err(gone)?;
        match self.receive().map_err(gone)? {
            Some(Request::Called(called)) => called,
            _ => Err("the caller has closed the pipe".to_owned()),
        }
    }
}
