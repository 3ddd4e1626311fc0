//! `GET /v1/rules`: the active rules, each with the policies that are bound to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{Authorized, Problem, scope};
use axum::Json;
use axum::extract::State;
use domain::rules_document::{Policy, Rule};
use serde::Serialize;
use serde_json::{Value, json};

use crate::Console;

/// A rule with its policies.
#[derive(Serialize)]
struct RuleView<'a> {
    #[serde(flatten)]
    rule: &'a Rule,
    /// The policies that the bindings of the rule refer to, by name.
    policies: BTreeMap<&'a str, &'a Policy>,
}

/// Lists the rules in the order of the document.
pub(crate) async fn list(_: Authorized<scope::Read>, State(console): State<Console>) -> Result<Json<Value>, Problem> {
    let active = console.configuration.current().await?;
    let document = &active.document;
    let view = |rule| RuleView { rule, policies: bound_policies(rule, &document.policies) };
    let views: Vec<_> = document.rules.iter().map(view).collect();
    Ok(Json(json!({ "results": views, "next": null })))
}

fn bound_policies<'a>(rule: &'a Rule, policies: &'a BTreeMap<String, Arc<Policy>>) -> BTreeMap<&'a str, &'a Policy> {
    let find = |name: &'a String| Some((name.as_str(), policies.get(name)?.as_ref()));
    rule.bindings.iter().filter_map(|binding| find(&binding.policy)).collect()
}
