//! Names and docstrings: a type name means one thing, retired names do not come back, and a docstring says more than
//! the name it belongs to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::{is_tests, packages, root, sources};

/// Names that earlier versions used and that readers had to guess, each with its replacement.
const RETIRED: [(&str, &str); 40] = [
    ("Active", "ActiveRules"),
    ("Asking", "ExpressionRunner"),
    ("Book", "FailureLog"),
    ("Bound", "RulesByPolicy"),
    ("Cases", "Entries"),
    ("Door", "Authenticator"),
    ("Facts", "EventView"),
    ("Filing", "PostingIndex"),
    ("Findings", "Diagnostics"),
    ("Fresh", "RecentEvents"),
    ("Gate", "Admission"),
    ("Guards", "RequiredTerms"),
    ("Keeping", "EventExpiry"),
    ("Kept", "ReceivedEvent"),
    ("Lane", "SuppressionState"),
    ("LaneId", "SuppressionKey"),
    ("LaneState", "SuppressionState"),
    ("Leaving", "Archiving"),
    ("Left", "CalledEffects"),
    ("Necessary", "RequiredClauses"),
    ("Nobody", "MissingSubject"),
    ("Ours", "ClaimedDelivery"),
    ("Patience", "ExpressionBreaker"),
    ("Place", "JobCursor"),
    ("Sharers", "TermCounts"),
    ("Sieve", "a bloom filter, by what it holds"),
    ("Sign", "EndpointSignal"),
    ("Standing", "EndpointState"),
    ("Tally", "ThrottleLog or MetricBatch"),
    ("Telling", "PlannedNotice"),
    ("Turns", "TransportLimiter"),
    ("Values", "PathValues"),
    ("Written", "SourceMap"),
    ("beside", "run_blocking_if"),
    ("by_the_clock", "scheduled_tasks"),
    ("foreign", "cross_origin"),
    ("let_go", "mark_archived"),
    ("nameless", "missing_token"),
    ("of", "a name that says what is made, or from what: `from_event`, `parse`"),
    ("welcome", "trusted"),
];

/// The fewest words of a docstring, unless its whole text is listed in [`ENOUGH`].
const FEWEST_WORDS: usize = 4;

/// Short docstrings that say all there is to say, because the type or the name says the rest.
const ENOUGH: [&str; 0] = [];

/// A type or function that production code defines: its name, and where.
struct Definition {
    name: String,
    is_type: bool,
    place: String,
}

/// The sources of each crate that are shipped, without their unit tests.
fn shipped() -> Vec<(String, Vec<(String, String)>)> {
    let read = |folder: &Path| {
        sources(folder)
            .into_iter()
            .filter(|(file, _)| !is_tests(file) && !file.components().any(|part| part.as_os_str() == "corpus"))
            .map(|(file, text)| {
                let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or(&text).to_owned();
                (file.strip_prefix(root()).unwrap_or(&file).display().to_string(), code)
            })
            .collect()
    };
    let packages = packages();
    let members = packages.into_iter().filter(|(name, _)| name != "support");
    members.map(|(name, package)| (name, read(&package.folder.join("src")))).collect()
}

fn definitions(file: &str, code: &str) -> Vec<Definition> {
    let mut found = Vec::new();
    for (at, line) in code.lines().enumerate() {
        let item = line.trim_start();
        let item = item.strip_prefix("pub").map_or(item, |rest| {
            rest.strip_prefix('(').and_then(|rest| rest.split_once(") ")).map_or(rest, |(_, item)| item).trim_start()
        });
        let item = item.trim_start_matches("const ").trim_start_matches("async ");
        let (is_type, rest) = match item.split_once(' ') {
            Some(("fn", rest)) => (false, rest),
            // Types within functions and traits are nobody else's.
            Some(("struct" | "enum" | "trait" | "type" | "union", rest)) if !line.starts_with(' ') => (true, rest),
            _ => continue,
        };
        let name: String = rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
        found.push(Definition { name, is_type, place: format!("{file}:{}", at + 1) });
    }
    found
}

#[test]
fn a_type_name_means_one_thing() {
    let mut faults = Vec::new();
    let mut by_crate: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for (crate_name, files) in shipped() {
        let types = by_crate.entry(crate_name).or_default();
        for (file, code) in &files {
            for definition in definitions(file, code).into_iter().filter(|definition| definition.is_type) {
                types.entry(definition.name).or_default().push(definition.place);
            }
        }
    }
    let of_domain: BTreeSet<String> = by_crate["domain"].keys().cloned().collect();
    for (crate_name, types) in &by_crate {
        for (name, places) in types {
            if places.len() > 1 {
                faults.push(format!("{crate_name} has {} types named {name}: {}", places.len(), places.join(", ")));
            }
            if crate_name != "domain" && of_domain.contains(name) {
                faults.push(format!("{name} is a type of domain, and another one at {}", places.join(", ")));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults; rename the types\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn retired_names_do_not_come_back() {
    let retired: BTreeMap<&str, &str> = RETIRED.into();
    let mut faults = Vec::new();
    for (_, files) in shipped() {
        for (file, code) in &files {
            for definition in definitions(file, code) {
                if let Some(now) = retired.get(definition.name.as_str()) {
                    faults.push(format!("{}: {} is called {now}", definition.place, definition.name));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn a_docstring_says_more_than_the_name() {
    let enough: BTreeSet<&str> = ENOUGH.into();
    let mut faults = Vec::new();
    for (_, files) in shipped() {
        for (file, code) in &files {
            let mut words: Vec<&str> = Vec::new();
            for (at, line) in code.lines().enumerate() {
                if let Some(text) = line.trim_start().strip_prefix("///") {
                    words.extend(text.split_whitespace());
                    continue;
                }
                let text = words.join(" ");
                if (1..FEWEST_WORDS).contains(&words.len()) && !enough.contains(text.as_str()) {
                    faults.push(format!("{file}:{}: \"{text}\" of {}", at + 1, line.trim()));
                }
                words.clear();
            }
        }
    }
    assert!(faults.is_empty(), "{} docstrings of fewer than {FEWEST_WORDS} words\n{}", faults.len(), faults.join("\n"));
}
