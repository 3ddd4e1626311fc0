//! Generated tables: the text between `<!-- generated: NAME -->` and `<!-- end -->` on a page comes from a source.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;
use support::pages::{Page, root};

/// Set, a test rewrites its table instead of failing.
const UPDATE: &str = "NUNCIO_UPDATE_DOCS";

/// Compares the table, or rewrites it.
#[expect(clippy::disallowed_methods, reason = "a developer asks a test to rewrite a page by a variable")]
pub(crate) fn compare(page: &str, name: &str, table: &str) {
    let page = Page::read(page);
    let start = format!("<!-- generated: {name} -->\n");
    let (before, rest) = page.text.split_once(&start).unwrap_or_else(|| panic!("{} has no {start}", page.name()));
    let (current, after) = rest.split_once("<!-- end -->").expect("the table has an end");
    if current == table {
        return;
    }
    assert!(
        std::env::var_os(UPDATE).is_some(),
        "the table \"{name}\" in {} is not current; rewrite it: {UPDATE}=1 cargo test -p support --test documentation\n{table}",
        page.name()
    );
    fs::write(&page.path, format!("{before}{start}{table}<!-- end -->{after}")).unwrap();
}

#[test]
fn the_table_of_routes_is_that_of_openapi_json() {
    let description = fs::read_to_string(root().join("functions/api/openapi.json")).unwrap();
    let description: Value = serde_json::from_str(&description).unwrap();
    let mut table = String::from("| request | scope | does | parameters |\n|---|---|---|---|\n");
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let does = operation["summary"].as_str().unwrap();
            let scope = operation["security"][0]["token"][0].as_str().unwrap_or("–");
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let parameters: Vec<String> = parameters
                .map(|one| resolved(one, &description))
                .filter(|one| one["in"] != "path")
                .map(|one| format!("`{}`", one["name"].as_str().unwrap()))
                .collect();
            let request = format!("{} {path}", method.to_uppercase());
            let _ = writeln!(table, "| `{request}` | {scope} | {does} | {} |", parameters.join(", "));
        }
    }
    compare("functions/api/README.md", "routes", &table);
}

/// A parameter itself, or what its `$ref` names.
fn resolved<'d>(parameter: &'d Value, description: &'d Value) -> &'d Value {
    let Some(reference) = parameter["$ref"].as_str() else { return parameter };
    description.pointer(reference.trim_start_matches('#')).expect("the parameter is defined")
}

#[test]
fn the_table_of_parameters_is_that_of_the_template() {
    let template = fs::read_to_string(root().join("template.yaml")).unwrap();
    let (_, rest) = template.split_once("\nParameters:\n").unwrap();
    let (parameters, _) = rest.split_once("\nConditions:\n").unwrap();
    let mut table = String::from("| parameter | default | means |\n|---|---|---|\n");
    let mut rows: Vec<(String, String, String)> = Vec::new();
    let mut in_description = false;
    for line in parameters.lines() {
        let text = line.trim();
        if let Some(name) = line.strip_prefix("  ").and_then(|line| line.strip_suffix(':'))
            && !name.starts_with(' ')
        {
            rows.push((name.to_owned(), String::new(), String::new()));
            in_description = false;
        } else if let Some((_, default, description)) = rows.last_mut() {
            if let Some(value) = text.strip_prefix("Description:") {
                in_description = true;
                description.push_str(value.trim().trim_start_matches(">-"));
            } else if let Some(value) = text.strip_prefix("Default:") {
                in_description = false;
                value.trim().trim_matches('"').clone_into(default);
            } else if line.starts_with("      ") && in_description {
                if !description.is_empty() {
                    description.push(' ');
                }
                description.push_str(text);
            } else {
                in_description = false;
            }
        }
    }
    for (name, default, description) in rows {
        let default = if default.is_empty() { "–".to_owned() } else { format!("`{default}`") };
        let _ = writeln!(table, "| `{name}` | {default} | {description} |");
    }
    compare("infra/deploy/README.md", "parameters", &table);
}
