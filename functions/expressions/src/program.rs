//! Compiles a body as a policy or a mapping: wraps it in a function, rewrites it and adds the helpers that it mentions.
//!
//! Owns the list of helpers and the order of the inputs. Evaluates nothing.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use domain::expression::ExpressionKind;
use domain::rules_document::Precondition;
use monty::MontyRun;
use monty_types::{AssertMessageAnnotations, CompileOptions, MontyException};
use ruff_python_ast::Stmt;

use crate::rewrite::{self, Rewritten};
use crate::source::{self, SyntaxFault, Wrapped};
use crate::{difference, edit, emulate, precondition, prelude, returned_function};

/// The host functions; each becomes an input only if the body mentions it.
const FUNCTIONS: [&str; 15] = [
    "regex_match",
    "regex_replace",
    "slugify",
    "ak_message",
    "ak_create_event",
    "ak_is_group_member",
    "ak_user_by",
    "ak_call_policy",
    "_nuncio_ip",
    "_nuncio_net",
    "_nuncio_ip_in",
    "_nuncio_missing",
    "_nuncio_type_has",
    "_nuncio_text",
    "_nuncio_nan",
];

/// The attributes of an address. The host passes those that the body mentions, in this order, after the fixed fields of
/// a tuple.
pub(crate) const ADDRESS_ATTRIBUTES: [&str; 14] = [
    "compressed",
    "exploded",
    "is_private",
    "is_global",
    "is_loopback",
    "is_link_local",
    "is_multicast",
    "is_reserved",
    "is_unspecified",
    "is_site_local",
    "max_prefixlen",
    "reverse_pointer",
    "packed",
    "ipv4_mapped",
];
/// The attributes of a network, passed in the same way.
pub(crate) const NETWORK_ATTRIBUTES: [&str; 19] = [
    "network_address",
    "broadcast_address",
    "netmask",
    "hostmask",
    "num_addresses",
    "with_prefixlen",
    "with_netmask",
    "with_hostmask",
    "is_site_local",
    "compressed",
    "exploded",
    "is_private",
    "is_global",
    "is_loopback",
    "is_link_local",
    "is_multicast",
    "is_reserved",
    "is_unspecified",
    "max_prefixlen",
];

/// A value that the host passes to the program before it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Input {
    Request,
    User,
    ClientIp,
    Logger,
    SsoFlow,
    Module(&'static str),
    Function(&'static str),
}

impl Input {
    fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::User => "user",
            Self::ClientIp => "_nuncio_client_ip",
            Self::Logger => "ak_logger",
            Self::SsoFlow => "ak_is_sso_flow",
            Self::Module("hmac") => "_hmac",
            Self::Module("re") => "_re",
            Self::Module(_) => "_hashlib",
            Self::Function(name) => name,
        }
    }
}

/// Attributes that must be the same object at every access, because the body may change the object and read it again.
/// Other attributes are created at each access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SharedAttributes {
    /// `.event` of a notification.
    pub(crate) event: bool,
    /// `.context` of an event.
    pub(crate) event_context: bool,
}

/// A body compiled for the interpreter, with the inputs that each run of it needs.
#[derive(Debug)]
pub(crate) struct Program {
    /// In a mutex because it is not `Sync`. The lock is held only while copying: a run consumes its program.
    run: Mutex<MontyRun>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) address_attributes: Vec<&'static str>,
    pub(crate) network_attributes: Vec<&'static str>,
    /// Which attributes are passed together with their object.
    pub(crate) shared: SharedAttributes,
    /// The last line of the body in the wrapped text; helpers follow it.
    pub(crate) last_line: usize,
}

impl Program {
    /// A copy of the code for one run.
    pub(crate) fn code(&self) -> MontyRun {
        self.run.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A program and what is known about its body.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) program: Program,
    /// The names, attributes and short string literals in the body.
    pub(crate) mentions: HashSet<String>,
    /// The precondition of a policy; empty for a mapping.
    pub(crate) precondition: Precondition,
}

/// The parameters of the function around a body, separated by commas.
pub(crate) const fn parameters(kind: ExpressionKind) -> &'static str {
    match kind {
        ExpressionKind::Policy => "request, context",
        ExpressionKind::Mapping => "request, user, notification",
    }
}

/// Compiles the body of a policy or of a mapping.
///
/// # Errors
/// What is wrong with the body and where, such as invalid syntax.
pub(crate) fn compile(source: &str, kind: ExpressionKind) -> Result<Compiled, SyntaxFault> {
    // The parser and the compiler receive arbitrary user input. If a defect of theirs makes them panic, report it as a
    // fault of the body instead of ending the process.
    catch_unwind(AssertUnwindSafe(|| compile_wrapped(source::wrap(source, parameters(kind))?, kind))).unwrap_or_else(
        |_| Err(SyntaxFault { line: 1, column: 1, message: "the interpreter cannot read this body".to_owned() }),
    )
}

fn compile_wrapped(wrapped: Wrapped, kind: ExpressionKind) -> Result<Compiled, SyntaxFault> {
    let Wrapped { text, parsed, mut edits } = wrapped;
    let Rewritten { edits: rewrites, mentions, pattern } = rewrite::walk(&text, &parsed);
    if let Some((range, why)) = pattern {
        return Err(source::at(&text, range, why));
    }
    let body = parsed.suite().first().and_then(Stmt::as_function_def_stmt).map_or(&[][..], |function| &function.body);
    if let Some(range) = returned_function::find(body, &FUNCTIONS) {
        return Err(source::at(&text, range, "this returns the function itself; call it"));
    }
    let precondition = match kind {
        ExpressionKind::Policy => precondition::derive(body),
        ExpressionKind::Mapping => Precondition::default(),
    };
    edits.extend(rewrites);
    let emulated = emulate::rewrite(&text, &parsed, edits, &mentions);
    if let Some((range, why)) = emulated.fault {
        return Err(source::at(&text, range, why));
    }
    let last_line = text.matches('\n').count();
    let mut module = edit::apply(&text, emulated.edits);
    let mentioned = |name: &str| mentions.contains(name);
    let attributes = |all: &[&'static str]| all.iter().copied().filter(|name| mentioned(name)).collect::<Vec<_>>();
    let (address_attributes, network_attributes) = (attributes(&ADDRESS_ATTRIBUTES), attributes(&NETWORK_ATTRIBUTES));

    let ipaddress = mentioned("_ipaddress");
    let client_ip = mentioned("ak_client_ip");
    let addresses = ipaddress || client_ip || mentioned("ip_address") || mentioned("ip_network");
    if addresses {
        module.push_str(&prelude::addresses(&address_attributes, &network_attributes, &mentions, ipaddress));
    }
    if client_ip {
        module.push_str("if _nuncio_client_ip is not None:\n    ak_client_ip = ip_address(_nuncio_client_ip)\n");
    }
    let added = prelude::text(&emulated.needs);
    module.push_str(&added);
    module.push_str(match kind {
        ExpressionKind::Policy => "(_nuncio_body(request, request.context), None)\n",
        ExpressionKind::Mapping => {
            "notification = request.context['notification']\n(_nuncio_body(request, user, notification), notification)\n"
        }
    });

    let mut inputs = vec![Input::Request];
    if kind == ExpressionKind::Mapping {
        inputs.push(Input::User);
    }
    let optional = [
        (Input::ClientIp, client_ip),
        (Input::Logger, mentioned("ak_logger")),
        (Input::SsoFlow, mentioned("ak_is_sso_flow")),
        (Input::Module("hmac"), mentioned("_hmac")),
        (Input::Module("re"), mentioned("_re")),
        (Input::Module("hashlib"), mentioned("_hashlib")),
    ];
    inputs.extend(optional.into_iter().filter_map(|(input, wanted)| wanted.then_some(input)));
    let needed = |name: &&&str| {
        mentioned(name) || added.contains(**name) || (addresses && matches!(**name, "_nuncio_ip" | "_nuncio_net"))
    };
    inputs.extend(FUNCTIONS.iter().filter(needed).map(|name| Input::Function(name)));

    let names = inputs.iter().map(|input| input.name().to_owned()).collect();
    let options = CompileOptions { assert_message_annotations: AssertMessageAnnotations::Off };
    let run = MontyRun::new(module, "expression", names, options).map_err(|error| fault(&error, last_line))?;
    let shared = SharedAttributes { event: mentioned("event"), event_context: mentioned("event.context") };
    let run = Mutex::new(run);
    let program = Program { run, inputs, address_attributes, network_attributes, shared, last_line };
    Ok(Compiled { program, mentions, precondition })
}

fn fault(error: &MontyException, last_line: usize) -> SyntaxFault {
    let (line, column) = error.traceback().last().map_or((1, 1), |frame| {
        let line = usize::try_from(frame.start.line).unwrap_or(1).min(last_line);
        source::to_body_position(line, usize::try_from(frame.start.column).unwrap_or(1))
    });
    let message = error.message().unwrap_or("invalid syntax");
    let message = match message.strip_prefix("The monty syntax parser does not yet support ") {
        Some(what) => difference::unsupported_syntax(what),
        None => message.to_owned(),
    };
    SyntaxFault { line, column, message }
}
