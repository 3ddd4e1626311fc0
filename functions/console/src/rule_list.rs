//! `GET /v1/rules`: the rules in force, for reading, each with the policies that are bound to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{Authorized, Problem, scope};
use axum::Json;
use axum::extract::State;
use domain::rules_document::{Policy, Rule};
use serde::Serialize;
use serde_json::{Value, json};

use crate::Console;

#[derive(Serialize)]
struct View<'a> {
    #[serde(flatten)]
    rule: &'a Rule,
    /// By name.
    policies: BTreeMap<&'a str, &'a Policy>,
}

/// In the document's order.
pub(crate) async fn list(_: Authorized<scope::Read>, State(console): State<Console>) -> Result<Json<Value>, Problem> {
    let active = console.configuration.current().await?;
    let document = &active.document;
    let view = |rule| View { rule, policies: bound(rule, &document.policies) };
    let views: Vec<_> = document.rules.iter().map(view).collect();
    Ok(Json(json!({ "results": views, "next": null })))
}

fn bound<'a>(rule: &'a Rule, policies: &'a BTreeMap<String, Arc<Policy>>) -> BTreeMap<&'a str, &'a Policy> {
    let find = |name: &'a String| Some((name.as_str(), policies.get(name)?.as_ref()));
    rule.bindings.iter().filter_map(|binding| find(&binding.policy)).collect()
}
