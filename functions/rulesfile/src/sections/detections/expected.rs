//! Reads `expect`: the groups whose events an `absent` detection expects from the start.
//!
//! Owns the form of a group: one value for one field of `by`, and a list of values, in their order, for several.

use std::collections::HashSet;
use std::net::IpAddr;

use domain::event::Action;
use domain::rules_document::{AbsentSettings, FieldPath};
use serde_json::Value as Json;

use super::DetectionReader;
use crate::sections::patterns;
use crate::shape;
use crate::tree::{Node, NodeValue};

impl DetectionReader<'_, '_> {
    /// Reads the expected groups, without the faulty ones.
    pub(super) fn expected(&mut self, node: &Node, by: &[FieldPath], max_groups: Option<u32>) -> Vec<Vec<Json>> {
        let Some(items) = shape::list(node, "expect", self.diagnostics) else { return Vec::new() };
        if by.is_empty() {
            let hint = "add by, or remove expect: without by, the detection expects events from the start anyway";
            self.diagnostics.fault(node.at, "expect lists groups, but without by there is only one", hint);
            return Vec::new();
        }
        let most = max_groups.map_or(usize::MAX, |most| most as usize).min(AbsentSettings::MAX_EXPECTED);
        if items.len() > most {
            let what = format!("expect lists {} groups", items.len());
            self.diagnostics.fault(node.at, what, format!("list at most {most}"));
            return Vec::new();
        }
        let mut listed = HashSet::new();
        let mut groups = Vec::new();
        for item in items {
            let Some(group) = self.group(item, by) else { continue };
            if listed.insert(Json::from(group.clone()).to_string()) {
                groups.push(group);
            } else {
                self.diagnostics.fault(item.at, "this group is listed twice", "keep one of them");
            }
        }
        groups
    }

    fn group(&mut self, node: &Node, by: &[FieldPath]) -> Option<Vec<Json>> {
        if let [path] = by {
            if matches!(node.value, NodeValue::List(_)) {
                self.diagnostics.fault(node.at, "this group is a list, but by has one field", "write the value alone");
                return None;
            }
            return Some(vec![self.value_at(node, path)?]);
        }
        let count = match &node.value {
            NodeValue::List(items) if items.len() == by.len() => {
                // Reads all values before it decides, so that each faulty one is reported.
                let values: Vec<_> = items.iter().zip(by).map(|(item, path)| self.value_at(item, path)).collect();
                return values.into_iter().collect();
            }
            NodeValue::List(items) => items.len(),
            NodeValue::Scalar(_) | NodeValue::Map(_) => 1,
        };
        let values = if count == 1 { "value" } else { "values" };
        let what = format!("by has {} fields, but this group has {count} {values}", by.len());
        self.diagnostics.fault(node.at, what, "write a list with one value of each field, in the order of by");
        None
    }

    /// Reads the value that the events of a group have at the path.
    fn value_at(&mut self, node: &Node, path: &FieldPath) -> Option<Json> {
        if !matches!(node.value, NodeValue::Scalar(_)) || node.is_null() {
            let hint = "write a text, a number, true or false";
            self.diagnostics.fault(node.at, "this cannot be the value of a group", hint);
            return None;
        }
        let mut is_json = true;
        let value = patterns::from_yaml(node, &mut is_json, self.diagnostics);
        let path = path.as_str();
        if path.contains('.') {
            return is_json.then_some(value);
        }
        // The other fields are texts of a known form.
        let Json::String(text) = value else {
            self.diagnostics.fault(node.at, format!("{path} of an event is a text"), "put the value in quotes");
            return None;
        };
        match path {
            "client_ip" => {
                let address = text.parse::<IpAddr>().ok();
                if address.is_none() {
                    let hint = "write one address, such as 192.0.2.7; a network is not a group";
                    self.diagnostics.fault(node.at, "client_ip of an event is an address", hint);
                }
                address.map(|address| Json::String(address.to_canonical().to_string()))
            }
            "action" if Action::parse(&text).is_err() => {
                let hint = "an action starts with a-z and has only a-z, 0-9, _ . : -, such as login_failed";
                self.diagnostics.fault(node.at, "no event has this action", hint);
                None
            }
            _ => Some(Json::String(text)),
        }
    }
}
