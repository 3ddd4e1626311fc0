//! Reads the `policies` of a rule: each is a name, or a mapping with the binding's settings.
//!
//! Owns the limits of the settings. The `rules` crate owns what a binding does.

use std::collections::HashSet;

use domain::rules_document::Binding;

use super::rules::Definitions;
use crate::diagnostics::Diagnostics;
use crate::shape::{self, KeySet, Section};
use crate::tree::{Node, NodeValue};

pub(crate) const KEYS: KeySet = KeySet {
    of: "a binding",
    known: &["policy", "enabled", "negate", "order", "timeout", "failure_result", "dry_run"],
    unsupported: &[],
};
/// One day, as an upper limit for typing errors; no evaluation takes as long.
const MAX_TIMEOUT_SECONDS: i64 = 86_400;
/// The range of `order` in authentik.
const MAX_ORDER: i64 = i32::MAX as i64;

pub(crate) fn read(node: &Node, known: &Definitions<'_>, diagnostics: &mut Diagnostics) -> Vec<Binding> {
    let mut bindings = Vec::new();
    let mut bound = HashSet::new();
    for item in shape::list(node, "policies", diagnostics).unwrap_or_default() {
        let Some(binding) = binding(item, known, diagnostics) else { continue };
        if !bound.insert((binding.policy.clone(), binding.order)) {
            let hint = "remove one, or give them different orders if both are intended";
            diagnostics.warning(item.at, "this policy is bound twice with the same order", hint);
        }
        bindings.push(binding);
    }
    bindings
}

fn binding(node: &Node, known: &Definitions<'_>, diagnostics: &mut Diagnostics) -> Option<Binding> {
    if !matches!(node.value, NodeValue::Map(_)) {
        return policy(node, known, diagnostics).map(Binding::to);
    }
    let section = Section::open(node.at, node, "a binding", &KEYS, diagnostics)?;
    let name = section.require("policy", "give the name of a policy", diagnostics);
    let name = name.and_then(|node| policy(node, known, diagnostics));
    let default = Binding::to(name.unwrap_or_default());
    let mut flag =
        |name, default| section.get(name).and_then(|node| shape::boolean(node, name, diagnostics)).unwrap_or(default);
    let (enabled, negate) = (flag("enabled", default.enabled), flag("negate", default.negate));
    let failure_result = flag("failure_result", default.failure_result);
    let dry_run = flag("dry_run", default.dry_run);
    let order =
        section.get("order").and_then(|node| shape::integer(node, "order", -MAX_ORDER..=MAX_ORDER, diagnostics));
    let timeout =
        section.get("timeout").and_then(|node| shape::integer(node, "timeout", 1..=MAX_TIMEOUT_SECONDS, diagnostics));
    Some(Binding {
        enabled,
        negate,
        failure_result,
        dry_run,
        order: order.unwrap_or(default.order),
        timeout: timeout.and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(default.timeout),
        policy: default.policy,
    })
}

fn policy<'n>(node: &'n Node, known: &Definitions<'_>, diagnostics: &mut Diagnostics) -> Option<&'n str> {
    let name = shape::text(node, "a policy", diagnostics)?;
    known.policies.check_reference(name, node.at, diagnostics);
    Some(name)
}
