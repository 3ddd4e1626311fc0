//! What authentik's expressions can reach and Nuncio's cannot, with what to use instead.
//!
//! Owns the wording. One hint a name, for the check of a document and for the error when it runs.

use domain::expression::ExpressionKind;
use serde::Serialize;

/// Something that a body asks for and that is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Of the helper or the module.
    pub name: String,
    /// From 1, of the body as written.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What to use instead.
    pub hint: &'static str,
}

const NO_MODULE: &str = "no such module here; json, re, datetime, math, base64, collections, functools, itertools, typing, dataclasses, \
     hmac, hashlib and ipaddress can be imported";
const NO_ORM: &str = "there is no database of authentik's here; users and groups of nuncio.yaml are reached by ak_user_by(username=…) \
     and ak_is_group_member(user, name=…), facts about the event by request.context[\"event\"]";
const NO_NETWORK: &str = "expressions have no network; add a webhook transport and let the rule send to it";

/// The hint for a name that is not defined, if there is one.
pub(crate) fn name(name: &str, kind: ExpressionKind) -> Option<&'static str> {
    Some(match name {
        "requests" => NO_NETWORK,
        "ak_send_email" => "expressions send nothing; add an email transport to the rule",
        "ak_create_jwt" | "ak_create_jwt_raw" => {
            "expressions make no tokens; give the webhook transport a secret, and it signs what it sends"
        }
        "resolve_dns" | "reverse_dns" => {
            "expressions have no network; compare addresses with ip_address(…) in ip_network(…)"
        }
        "ak_user_has_authenticator" | "Stage" | "User" | "Group" | "Application" | "PolicyBinding" => NO_ORM,
        "event" if kind == ExpressionKind::Policy => "a rule's policy has it as request.context[\"event\"]",
        "event" => "a mapping has it as notification.event",
        "notification" if kind == ExpressionKind::Policy => {
            "a policy decides before there is one; look at request.context[\"event\"]"
        }
        "user" if kind == ExpressionKind::Policy => "a policy has who acted as request.user",
        "ak_call_policy" if kind == ExpressionKind::Mapping => "mappings call no policies; bind the policy to the rule",
        "ak_message" | "ak_client_ip" | "ak_is_sso_flow" if kind == ExpressionKind::Mapping => {
            "mappings have none; it is there in policies, and the address is notification.event.client_ip"
        }
        "http_request" | "geoip" | "asn" => {
            "rules run without an HTTP request; look at event.client_ip, event.context.get(\"http_request\"), .get(\"geo\") \
             and .get(\"asn\")"
        }
        "eval" | "exec" | "compile" | "globals" | "locals" | "__import__" | "vars" => {
            "expressions cannot run text as code"
        }
        _ => return None,
    })
}

/// The hint for a module that is not there.
pub(crate) fn module(name: &str) -> &'static str {
    match name.split('.').next().unwrap_or(name) {
        "authentik" | "django" | "structlog" => NO_ORM,
        "requests" | "urllib" | "http" | "socket" | "httpx" => NO_NETWORK,
        "time" => "there is no clock here; datetime.now() is the time of the event",
        "os" | "sys" | "pathlib" | "subprocess" | "io" | "shutil" => {
            "expressions have no files, environment or processes; put settings into the body or the event's context"
        }
        "random" | "secrets" | "uuid" => "expressions have no chance; derive names from the event's pk",
        _ => NO_MODULE,
    }
}
