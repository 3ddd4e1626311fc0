//! The table "Differences from event-ruler" of the rules file's README: each row does what it says of Nuncio.

use domain::rules_document::{Binding, Rule};
use rules::RuleSet;
use serde_json::{Value, json};

use super::world;

const README: &str = include_str!("../../../rulesfile/README.md");
const OUTCOMES: [&str; 3] = ["matches", "does not match", "refuses the pattern"];

struct Row<'r> {
    pattern: &'r str,
    context: Value,
    event_ruler: &'r str,
    nuncio: &'r str,
    reason: &'r str,
}

fn rows() -> Vec<Row<'static>> {
    let (_, section) = README.split_once("### Differences from event-ruler\n").expect("the section");
    let table = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let row = |line: &'static str| {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [pattern, context, event_ruler, nuncio, reason] = cells[..] else { panic!("{line}") };
        let context = serde_json::from_str(context.trim_matches('`')).unwrap_or_else(|error| panic!("{line}: {error}"));
        Row { pattern: pattern.trim_matches('`'), context, event_ruler, nuncio, reason }
    };
    table.take_while(|line| line.starts_with('|')).map(row).collect()
}

#[test]
fn every_difference_from_event_ruler_is_as_the_readme_says() {
    let rows = rows();
    assert!(rows.len() >= 15, "{}", rows.len());
    for Row { pattern, context, event_ruler, nuncio, reason } in rows {
        // As text: a value of JSON would lose a repeated key.
        let file = format!(r#"{{"policies": {{"p": {{"event_pattern": {{"context": {pattern}}}}}}}}}"#);
        let outcome = match rulesfile::read(&file) {
            Err(_) => "refuses the pattern",
            Ok(mut document) => {
                document.rules.push(Rule { bindings: vec![Binding::to_policy("p")], ..Rule::named("r") });
                let event = world::event(&json!({ "context": context }));
                if RuleSet::compile(&document).matches(&event).is_empty() { "does not match" } else { "matches" }
            }
        };
        assert_eq!(outcome, nuncio, "{pattern} {context}");
        assert!(OUTCOMES.contains(&event_ruler) && event_ruler != nuncio && !reason.is_empty(), "{pattern}");
    }
}
