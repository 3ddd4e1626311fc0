//! Names and modules that exist in authentik but not in Nuncio, with a hint for each.
//!
//! Owns the wording. The check of a rules document and the exception at run time use the same hint.

use domain::expression::ExpressionKind;
use serde::Serialize;

/// A name or module that a body uses but that is not available.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// The name, module or member, such as `requests` or `re.nonsense`.
    pub name: String,
    /// The line of the body as written, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// What is wrong: `requests is not available in expressions`.
    pub problem: String,
    /// What to use instead.
    pub hint: String,
}

impl Missing {
    /// Something that Python or authentik may have, but Nuncio has not.
    pub(crate) fn unavailable(name: String, line: usize, column: usize, hint: impl Into<String>) -> Self {
        let problem = format!("{name} is not available in expressions");
        Self { name, line, column, problem, hint: hint.into() }
    }
}

/// The variables and functions that Nuncio adds to Python's, in policies or in mappings.
pub(crate) const VARIABLES: [&str; 19] = [
    "request",
    "context",
    "notification",
    "user",
    "original_body",
    "ak_client_ip",
    "ak_is_sso_flow",
    "ak_logger",
    "ak_message",
    "ak_create_event",
    "ak_is_group_member",
    "ak_user_by",
    "ak_call_policy",
    "regex_match",
    "regex_replace",
    "ip_address",
    "ip_network",
    "slugify",
    "list_flatten",
];

const NO_MODULE: &str = "this module is not available; json, re, datetime, math, base64, binascii, collections, functools, itertools, typing, \
     dataclasses, hmac, hashlib and ipaddress can be imported";
const NO_ORM: &str = "authentik's database is not available; use ak_user_by(username=…) and ak_is_group_member(user, name=…) for the users and \
     groups of nuncio.yaml, and request.context[\"event\"] for the event";
const NO_NETWORK: &str = "expressions cannot use the network; add a webhook transport to the rule";
const NO_FILES: &str =
    "expressions cannot use files, environment or processes; put settings into the body or the event's context";

/// The hint for an undefined name; `None` if it has no special one.
pub(crate) fn name(name: &str, kind: ExpressionKind) -> Option<&'static str> {
    Some(match name {
        "requests" => NO_NETWORK,
        "ak_send_email" => "expressions cannot send mail; add an email transport to the rule",
        "ak_create_jwt" | "ak_create_jwt_raw" => {
            "expressions cannot create tokens; set a secret on the webhook transport, which then signs its requests"
        }
        "resolve_dns" | "reverse_dns" => {
            "expressions cannot use the network; compare addresses with ip_address(…) in ip_network(…)"
        }
        "ak_user_has_authenticator" | "Stage" | "User" | "Group" | "Application" | "PolicyBinding" => NO_ORM,
        "event" if kind == ExpressionKind::Policy => "use request.context[\"event\"] in a policy",
        "event" => "use notification.event in a mapping",
        "notification" if kind == ExpressionKind::Policy => {
            "a policy runs before the notification exists; use request.context[\"event\"]"
        }
        "user" if kind == ExpressionKind::Policy => "use request.user in a policy",
        "context" if kind == ExpressionKind::Mapping => "use request.context, or notification.event.context",
        "original_body" if kind == ExpressionKind::Policy => "only the body mapping of a webhook has a default body",
        "ak_call_policy" if kind == ExpressionKind::Mapping => {
            "mappings cannot call policies; bind the policy to the rule"
        }
        "ak_message" | "ak_client_ip" | "ak_is_sso_flow" if kind == ExpressionKind::Mapping => {
            "this is available only in policies; a mapping can read the address from notification.event.client_ip"
        }
        "http_request" | "geoip" | "asn" => {
            "rules run without an HTTP request; use event.client_ip, event.context.get(\"http_request\"), .get(\"geo\") \
             and .get(\"asn\")"
        }
        "eval" | "exec" | "compile" | "__import__" => "expressions cannot run text as code",
        "globals" | "locals" | "vars" | "dir" => {
            "names and attributes cannot be listed; use hasattr(value, name) and getattr(value, name, None)"
        }
        "open" => NO_FILES,
        "input" => "nobody can answer; use request.context[\"event\"]",
        "callable" => "compare with None, or use isinstance(value, str) and the like",
        "issubclass" => "use isinstance(value, type)",
        "super" | "classmethod" | "staticmethod" => {
            "classes have no inheritance and no decorated methods; use functions"
        }
        _ => return None,
    })
}

/// The hint for a module that is not available.
pub(crate) fn module(name: &str) -> &'static str {
    match name {
        "urllib.parse" => {
            "URLs cannot be parsed with urllib; use re, such as re.match(r\"https?://([^/]+)\", url), or url.partition(\"?\")"
        }
        "django.utils.text" => "slugify is available without an import",
        "django.utils.timezone" | "django.utils" => "use datetime; datetime.now() returns the time of the event",
        "authentik.events.models" => {
            "use ak_create_event(action, **context), and request.context[\"event\"] for the event"
        }
        "collections.abc" => {
            "use isinstance(value, dict) or isinstance(value, (list, tuple)), and typing for annotations"
        }
        "os.path" => "take a path apart with path.rpartition(\"/\")",
        _ => top_level(name.split('.').next().unwrap_or(name)),
    }
}

/// The hint for a module by the first part of its name.
fn top_level(name: &str) -> &'static str {
    match name {
        "authentik" | "django" => NO_ORM,
        "structlog" | "logging" => "use ak_logger, such as ak_logger.info(\"text\", field=1)",
        "requests" | "urllib3" | "http" | "socket" | "httpx" | "aiohttp" | "ssl" | "smtplib" | "ftplib" => NO_NETWORK,
        "urllib" => {
            "expressions cannot use the network, and URLs cannot be parsed with urllib; use re, such as \
             re.match(r\"https?://([^/]+)\", url)"
        }
        "time" => "expressions have no clock; datetime.now() returns the time of the event",
        "os" | "sys" | "subprocess" | "shutil" | "tempfile" | "glob" => NO_FILES,
        "pathlib" => "take a path apart with path.rpartition(\"/\")",
        "io" => "collect texts in a list, and join them: \"\".join(parts)",
        "random" => "expressions have no source of randomness; derive names from the event's pk",
        "secrets" => {
            "expressions have no source of randomness; derive names from the event's pk, and compare with \
             hmac.compare_digest"
        }
        "uuid" => {
            "UUIDs are texts here, such as the event's pk; a name that is always the same can be derived with \
             hashlib.sha256(text.encode()).hexdigest()"
        }
        "copy" => "write dict(value) or list(value); json.loads(json.dumps(value)) also copies what is in it",
        "operator" => "write a lambda, such as lambda item: item[\"name\"]",
        "string" => "write the characters as a text",
        "statistics" => "write sum(values) / len(values), or sorted(values)[len(values) // 2]",
        "zoneinfo" | "pytz" | "dateutil" => {
            "time zones have no names here; use timezone(timedelta(hours=…)) of datetime"
        }
        _ => NO_MODULE,
    }
}
