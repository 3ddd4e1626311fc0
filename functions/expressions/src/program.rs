//! A body compiled for one kind of use: wrapped, rewritten, with the helpers that it mentions.
//!
//! Owns which helpers there are and in which order their values are handed in. Evaluates nothing.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use domain::expression::Kind;
use domain::rules_document::Precondition;
use monty::MontyRun;
use monty_types::{AssertMessageAnnotations, CompileOptions, MontyException};
use ruff_python_ast::Stmt;

use crate::rewrite::{self, Findings};
use crate::source::{self, SyntaxFault, Wrapped};
use crate::{attributes, edit, precondition, returned, unavailable::Missing};

/// What can be handed in, if the body mentions it.
const FUNCTIONS: [&str; 12] = [
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
];

/// The host's side of addresses, in the order of the tuple after its fixed fields.
pub(crate) const ADDRESS_ATTRIBUTES: [&str; 13] = [
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
];
/// The same of networks.
pub(crate) const NETWORK_ATTRIBUTES: [&str; 16] = [
    "network_address",
    "broadcast_address",
    "netmask",
    "hostmask",
    "num_addresses",
    "with_prefixlen",
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

/// One value handed in before the body runs.
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
            Self::Module(_) => "_hashlib",
            Self::Function(name) => name,
        }
    }
}

/// Attributes that must be the same object at every look. The others are made at each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holds {
    /// `.event` of a notification.
    pub(crate) event: bool,
    /// `.context` of an event.
    pub(crate) event_context: bool,
}

/// A body ready to run.
#[derive(Debug)]
pub(crate) struct Program {
    /// Behind a lock because it is not `Sync`. It is held for a copy only: a run uses its program up.
    run: Mutex<MontyRun>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) address_attributes: Vec<&'static str>,
    pub(crate) network_attributes: Vec<&'static str>,
    /// What is handed in with its object because the body may change it there and look again.
    pub(crate) holds: Holds,
    /// The last line of the wrapped text that is the body's.
    pub(crate) last_line: usize,
}

impl Program {
    /// The code, to be run once.
    pub(crate) fn code(&self) -> MontyRun {
        self.run.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What is known of a body besides its program.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) program: Program,
    pub(crate) mentions: HashSet<String>,
    pub(crate) missing: Vec<Missing>,
    /// Of a policy.
    pub(crate) precondition: Precondition,
}

/// Compiles a body.
pub(crate) fn compile(source: &str, kind: Kind) -> Result<Compiled, SyntaxFault> {
    let parameters = match kind {
        Kind::Policy => "request, context",
        Kind::Mapping => "request, user, notification",
    };
    // The parser and the compiler are given whatever a user typed: a defect of theirs is a fault of
    // the body, not the end of the process.
    catch_unwind(AssertUnwindSafe(|| compile_wrapped(source::wrap(source, parameters)?, kind))).unwrap_or_else(|_| {
        Err(SyntaxFault { line: 1, column: 1, message: "the interpreter cannot read this body".to_owned() })
    })
}

fn compile_wrapped(wrapped: Wrapped, kind: Kind) -> Result<Compiled, SyntaxFault> {
    let Wrapped { text, parsed, mut edits } = wrapped;
    let Findings { edits: rewrites, mentions, mut missing, pattern } = rewrite::walk(&text, &parsed, kind);
    if let Some((range, why)) = pattern {
        return Err(source::at(&text, range, why));
    }
    let body = parsed.suite().first().and_then(Stmt::as_function_def_stmt).map_or(&[][..], |function| &function.body);
    if let Some(range) = returned::function(body, &FUNCTIONS) {
        return Err(source::at(&text, range, "this returns a function, not what it says; call it"));
    }
    missing.extend(attributes::missing(&text, body, kind));
    missing.sort_by_key(|missing| (missing.line, missing.column));
    let precondition = match kind {
        Kind::Policy => precondition::of(body),
        Kind::Mapping => Precondition::default(),
    };
    edits.extend(rewrites);
    let last_line = text.matches('\n').count();
    let mut module = edit::apply(&text, edits);
    let mentioned = |name: &str| mentions.contains(name);
    let attributes = |all: &[&'static str]| all.iter().copied().filter(|name| mentioned(name)).collect::<Vec<_>>();
    let (address_attributes, network_attributes) = (attributes(&ADDRESS_ATTRIBUTES), attributes(&NETWORK_ATTRIBUTES));

    let ipaddress = mentioned("_ipaddress");
    let client_ip = mentioned("ak_client_ip");
    let addresses = ipaddress || client_ip || mentioned("ip_address") || mentioned("ip_network");
    if addresses {
        push_addresses(&mut module, &address_attributes, &network_attributes);
    }
    if ipaddress {
        module.push_str(include_str!("prelude/ipaddress.py"));
    }
    if client_ip {
        module.push_str("if _nuncio_client_ip is not None:\n    ak_client_ip = ip_address(_nuncio_client_ip)\n");
    }
    let moments = if mentioned("_nuncio_astimezone") { "_nuncio_astimezone" } else { "_nuncio_fromtimestamp" };
    for (name, text) in [
        ("list_flatten", include_str!("prelude/list_flatten.py")),
        ("format", "def format(value, spec=''):\n    return f'{value:{spec}}'\n"),
        ("_nuncio_isoformat", include_str!("prelude/isoformat.py")),
        ("_nuncio_percent", include_str!("prelude/percent.py")),
        ("_nuncio_dumps", include_str!("prelude/dumps.py")),
        (moments, include_str!("prelude/moments.py")),
    ] {
        if mentioned(name) {
            module.push_str(text);
        }
    }
    module.push_str(match kind {
        Kind::Policy => "(_nuncio_body(request, request.context), None)\n",
        Kind::Mapping => {
            "notification = request.context['notification']\n(_nuncio_body(request, user, notification), notification)\n"
        }
    });

    let mut inputs = vec![Input::Request];
    if kind == Kind::Mapping {
        inputs.push(Input::User);
    }
    let optional = [
        (Input::ClientIp, client_ip),
        (Input::Logger, mentioned("ak_logger")),
        (Input::SsoFlow, mentioned("ak_is_sso_flow")),
        (Input::Module("hmac"), mentioned("_hmac")),
        (Input::Module("hashlib"), mentioned("_hashlib")),
    ];
    inputs.extend(optional.into_iter().filter_map(|(input, wanted)| wanted.then_some(input)));
    let needed = |name: &&&str| mentioned(name) || (addresses && matches!(**name, "_nuncio_ip" | "_nuncio_net"));
    inputs.extend(FUNCTIONS.iter().filter(needed).map(|name| Input::Function(name)));

    let names = inputs.iter().map(|input| input.name().to_owned()).collect();
    let options = CompileOptions { assert_message_annotations: AssertMessageAnnotations::Off };
    let run = MontyRun::new(module, "expression", names, options).map_err(|error| fault(&error, last_line))?;
    let holds = Holds { event: mentioned("event"), event_context: mentioned("event.context") };
    let run = Mutex::new(run);
    let program = Program { run, inputs, address_attributes, network_attributes, holds, last_line };
    Ok(Compiled { program, mentions, missing, precondition })
}

fn push_addresses(module: &mut String, address: &[&str], network: &[&str]) {
    let mut address_lines = String::new();
    for (at, name) in address.iter().enumerate() {
        let _ = writeln!(address_lines, "        self.{name} = fields[{}]", at + 3);
    }
    let mut network_lines = String::new();
    for (at, name) in network.iter().enumerate() {
        let field = at + 5;
        let value = match *name {
            "network_address" | "broadcast_address" | "netmask" | "hostmask" => format!("IPAddress(fields[{field}])"),
            "num_addresses" => format!("2 ** fields[{field}]"),
            _ => format!("fields[{field}]"),
        };
        let _ = writeln!(network_lines, "        self.{name} = {value}");
    }
    let text = include_str!("prelude/addresses.py");
    module.push_str(&text.replace("#ADDRESS\n", &address_lines).replace("#NETWORK\n", &network_lines));
}

fn fault(error: &MontyException, last_line: usize) -> SyntaxFault {
    let (line, column) = error.traceback().last().map_or((1, 1), |frame| {
        let line = usize::try_from(frame.start.line).unwrap_or(1).min(last_line);
        source::place(line, usize::try_from(frame.start.column).unwrap_or(1))
    });
    let message = error.message().unwrap_or("not valid here");
    let message = match message.strip_prefix("The monty syntax parser does not yet support ") {
        Some(what) => format!("{what} cannot be used here"),
        None => message.to_owned(),
    };
    SyntaxFault { line, column, message }
}
