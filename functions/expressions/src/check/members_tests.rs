//! The list of members in the hints is what the sandbox has.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::Command;

use domain::expression::ExpressionKind;

use super::witness::Witness;
use super::{is_in_sandbox, member_hints};

const README: &str = include_str!("../../README.md");
const START: &str = "<!-- generated: members -->\n";

/// The names that Python has for each module and type.
fn python() -> BTreeMap<String, BTreeSet<String>> {
    let script = "\
import builtins, importlib, json
modules = 'json re datetime math base64 binascii collections functools itertools typing dataclasses hmac hashlib ipaddress'
owners = {name: importlib.import_module(name) for name in modules.split()}
owners |= {kind.__name__: kind for kind in (str, bytes, int, float, bool, list, dict, set, tuple)}
import datetime, re, ipaddress
owners |= {'datetime.' + kind.__name__: kind for kind in (datetime.datetime, datetime.date, datetime.time, datetime.timedelta, datetime.timezone)}
owners |= {'re.Pattern': re.Pattern, 're.Match': re.Match, 'builtins': builtins}
owners |= {'ip_address(…)': ipaddress.IPv6Address, 'ip_network(…)': ipaddress.IPv6Network}
print(json.dumps({owner: [name for name in dir(value) if not name.startswith('_')] for owner, value in owners.items()}))";
    let output = Command::new("python3").args(["-c", script]).output().expect("python3 (3.11 or newer) is on the PATH");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut owners: BTreeMap<_, _> = serde_json::from_slice(&output.stdout).unwrap();
    let logger = ["critical", "debug", "error", "exception", "info", "warn", "warning"];
    owners.insert("ak_logger".to_owned(), logger.map(str::to_owned).into());
    owners
}

/// Whether the sandbox has a member of this module or type, as a value or to be called.
fn has(owner: &str, name: &str) -> bool {
    let kind = ExpressionKind::Policy;
    let value = |label: &str, values: &[&str]| {
        values.iter().any(|value| {
            let member = Witness::literal(label, value).member(name);
            !member.is_missing(kind) || !member.is_missing_call(kind)
        })
    };
    match owner {
        "builtins" => {
            is_in_sandbox(name, true, kind) && super::probe::exception(name, kind).as_deref() != Some("SyntaxError")
        }
        "ak_logger" => value(owner, &["ak_logger"]),
        "str" => value(owner, &["''"]),
        "bytes" => value(owner, &["b''"]),
        "int" => value(owner, &["(0)"]),
        "float" => value(owner, &["(0.0)"]),
        "bool" => value(owner, &["True"]),
        "list" => value(owner, &["[]"]),
        "dict" => value(owner, &["{}"]),
        "set" => value(owner, &["{0}"]),
        "tuple" => value(owner, &["()"]),
        "ip_address(…)" => value(owner, &["ip_address('127.0.0.1')", "ip_address('::1')"]),
        "ip_network(…)" => value(owner, &["ip_network('127.0.0.0/8')", "ip_network('::/0')"]),
        "re.Pattern" => {
            let member = Witness::module("re").member("compile").called().unwrap().member(name);
            !member.is_missing(kind) || !member.is_missing_call(kind)
        }
        _ => {
            let (module, class) = owner.split_once('.').unwrap_or((owner, ""));
            let module = Witness::module(module);
            let owner = if class.is_empty() { module } else { module.member(class) };
            let instance = owner.called().map(|instance| instance.member(name));
            let mut members = instance.into_iter().chain([owner.member(name)]);
            members.any(|member| !member.is_missing(kind) || !member.is_missing_call(kind))
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a developer asks a test to rewrite a list by a variable")]
fn the_listed_members_are_those_of_the_sandbox() {
    let mut listed = String::new();
    for (owner, names) in python() {
        let names: Vec<String> = names.into_iter().filter(|name| has(&owner, name)).collect();
        if !names.is_empty() {
            let _ = writeln!(listed, "{owner}: {}", names.join(" "));
        }
    }
    let table = table(&listed);
    let (before, rest) = README.split_once(START).unwrap();
    let (current, after) = rest.split_once("<!-- end -->").unwrap();
    if listed == member_hints::MEMBERS && table == current {
        return;
    }
    assert!(
        std::env::var_os("NUNCIO_UPDATE_DOCS").is_some(),
        "members.txt and the table of members in functions/expressions/README.md do not list what the sandbox has; rewrite \
         them: NUNCIO_UPDATE_DOCS=1 cargo test -p expressions members\n{listed}"
    );
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    std::fs::write(format!("{folder}src/check/members.txt"), &listed).unwrap();
    std::fs::write(format!("{folder}README.md"), format!("{before}{START}{table}<!-- end -->{after}")).unwrap();
}

/// The table of the README.
fn table(listed: &str) -> String {
    let mut table = String::from("| module or type | has |\n|---|---|\n");
    for (owner, names) in listed.lines().filter_map(|line| line.split_once(": ")) {
        let is_value = owner.contains('(') || owner.starts_with("ak_");
        let shown = if owner == "builtins" { "(built in)".to_owned() } else { format!("`{owner}`") };
        if !is_value {
            let _ = writeln!(table, "| {shown} | `{}` |", names.replace(' ', "` `"));
        }
    }
    table
}
