//! The worker's side: takes bodies, answers with what came of them.
//!
//! Owns the compiled bodies that it keeps. Reads nothing but its input, writes nothing but its output.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, Read, Write};

use domain::event::Object;

use super::frame::{self, Request, Response};
use super::limits;
use crate::expression::Expression;
use crate::run::{MAX_RUN, TIMEOUT, TOO_LONG};
use domain::expression::{Evaluation, ExpressionScope, PolicyCaller, PolicyResult};

/// The most compiled bodies kept.
const MAX_KEPT: usize = 256;
/// How often a body is run anew.
const MAX_STARVED: u32 = 10;
/// How many bodies pass between looks at the memory.
const LOOK_EVERY: u32 = 64;

/// Serves until the input ends.
///
/// # Errors
/// When the pipes break, or the other side speaks another language.
pub fn serve(input: impl Read, output: impl Write) -> io::Result<()> {
    let caller = Caller { pipes: RefCell::new((input, output)) };
    caller.tell(&Response::Ready)?;
    let mut kept: HashMap<String, Expression> = HashMap::new();
    let at_first = limits::writable();
    let mut since_look = 0;
    while let Some(request) = caller.hear()? {
        let Request::Evaluate { source, scope } = request else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "an answer to nothing"));
        };
        limits::allow_some_time();
        let evaluation = match kept.get(&source) {
            Some(expression) => evaluate(expression, &scope, &caller),
            None => match Expression::parse(&source) {
                Ok(expression) => {
                    if kept.len() >= MAX_KEPT {
                        kept.clear();
                    }
                    let evaluation = evaluate(&expression, &scope, &caller);
                    kept.insert(source, expression);
                    evaluation
                }
                Err(fault) => Evaluation::raised("SyntaxError", fault.to_string()),
            },
        };
        since_look = (since_look + 1) % LOOK_EVERY;
        let spent = since_look == 0 && limits::is_spent(at_first);
        let computed = limits::computed();
        caller.tell(&Response::Done { evaluation: Box::new(evaluation), spent, computed })?;
        if spent {
            break;
        }
    }
    Ok(())
}

/// The interpreter looks at the clock on the wall. Where others had the processor meanwhile, the body is
/// run anew: it is a function of what it is given.
fn evaluate(expression: &Expression, scope: &ExpressionScope, caller: &dyn PolicyCaller) -> Evaluation {
    for _ in 0..MAX_STARVED {
        let before = limits::computed();
        let evaluation = expression.evaluate(scope, caller);
        let late = evaluation.outcome.as_ref().is_err_and(|raised| raised.kind == TIMEOUT);
        if !late || limits::computed().saturating_sub(before) >= MAX_RUN * 3 / 4 {
            return evaluation;
        }
    }
    Evaluation::raised(TIMEOUT, TOO_LONG)
}

/// The other end of the pipes, which knows the other policies.
struct Caller<R, W> {
    pipes: RefCell<(R, W)>,
}

impl<R: Read, W: Write> Caller<R, W> {
    fn tell(&self, response: &Response) -> io::Result<()> {
        frame::write(&mut self.pipes.borrow_mut().1, response)
    }

    fn hear(&self) -> io::Result<Option<Request>> {
        frame::read(&mut self.pipes.borrow_mut().0)
    }
}

impl<R: Read, W: Write> PolicyCaller for Caller<R, W> {
    fn call(&self, name: &str, context: Object) -> Result<Option<PolicyResult>, String> {
        let gone = |_| "the caller is gone".to_owned();
        self.tell(&Response::Call { name: name.to_owned(), context }).map_err(gone)?;
        match self.hear().map_err(gone)? {
            Some(Request::Called(called)) => called,
            _ => Err("the caller is gone".to_owned()),
        }
    }
}
