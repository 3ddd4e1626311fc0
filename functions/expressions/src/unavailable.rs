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

const NO_MODULE: &str = "this module is not available; json, re, datetime, math, base64, collections, functools, itertools, typing, dataclasses, \
     hmac, hashlib and ipaddress can be imported";
const NO_ORM: &str = "authentik's database is not available; use ak_user_by(username=…) and ak_is_group_member(user, name=…) for the users and \
     groups of nuncio.yaml, and request.context[\"event\"] for the event";
const NO_NETWORK: &str = "expressions cannot use the network; add a webhook transport to the rule";

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
        "eval" | "exec" | "compile" | "globals" | "locals" | "__import__" | "vars" => {
            "expressions cannot run text as code"
        }
        _ => return None,
    })
}

/// The hint for a module that is not available.
pub(crate) fn module(name: &str) -> &'static str {
    match name.split('.').next().unwrap_or(name) {
        "authentik" | "django" | "structlog" => NO_ORM,
        "requests" | "urllib" | "http" | "socket" | "httpx" => NO_NETWORK,
        "time" => "expressions have no clock; datetime.now() returns the time of the event",
        "os" | "sys" | "pathlib" | "subprocess" | "io" | "shutil" => {
            "expressions cannot use files, environment or processes; put settings into the body or the event's context"
        }
        "random" | "secrets" | "uuid" => "expressions have no source of randomness; derive names from the event's pk",
        _ => NO_MODULE,
    }
}
