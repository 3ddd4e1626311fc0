//! The documentation: links lead somewhere, generated tables are current, retired words do not return.
//!
//! Checks every Markdown file of the repository as text. What the pages show is run by `tests/flows/documented.rs`.

mod generated;
mod simulated;

use std::collections::BTreeSet;
use std::fs;

use regex_lite::Regex;
use support::pages::{self, Page, prose, root};

/// The most lines of the root README, which says what Nuncio is and where to read on.
const MAX_README_LINES: usize = 150;

/// Phrases that read like a literal translation, with a suggested replacement.
const RETIRED: [(&str, &str); 9] = [
    (r"\bstands?\b(?! for)", "is, or is in"),
    (r"\bwhoever\b", "the caller, anyone who"),
    (r"\b(is|are|was|were|be) told\b", "is notified"),
    (r"\btold of\b", "reported, about"),
    (r"\b(is|are|was|were) none\b", "is not, has none"),
    (r"\banew\b", "again"),
    (r"\b(nobody|somebody|one)'s\b", "name the owner"),
    (r"\bthat which\b", "what"),
    (r"\bso many\b", "that number of"),
];

#[test]
fn the_root_readme_is_short() {
    let lines = Page::read("README.md").text.lines().count();
    assert!(
        lines <= MAX_README_LINES,
        "README.md has {lines} lines, more than {MAX_README_LINES}; move parts to a folder's README"
    );
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut checked = 0;
    for page in Page::all() {
        for target in link.captures_iter(&prose(&page.text)).map(|found| found[1].to_owned()) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            checked += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = if file.is_empty() { page.path.clone() } else { page.folder().join(file) };
            assert!(file.exists(), "{}: {target} leads to no file", page.name());
            if !anchor.is_empty() {
                let anchors = Page::at(&file).anchors();
                assert!(
                    anchors.contains(anchor),
                    "{}: {target} leads to no heading; there are {anchors:?}",
                    page.name()
                );
            }
        }
    }
    assert!(checked > 100, "the check itself works: {checked}");
}

#[test]
fn every_path_that_is_named_exists() {
    let span = Regex::new(r"`([A-Za-z0-9_./-]+)`").unwrap();
    let mut checked = 0;
    for page in Page::all() {
        let text = pages::outside_blocks(&page.text);
        for path in span.captures_iter(&text).map(|found| found[1].to_owned()) {
            let Some((first, _)) = path.split_once('/') else { continue };
            let mut folders = vec![page.folder(), root()];
            folders.retain(|folder| {
                !first.is_empty() && first != "target" && first != ".." && folder.join(first).is_dir()
            });
            if folders.is_empty() {
                continue;
            }
            checked += 1;
            assert!(folders.iter().any(|folder| folder.join(&path).exists()), "{}: {path} does not exist", page.name());
        }
    }
    assert!(checked > 80, "the check itself works: {checked}");
}

#[test]
fn retired_words_do_not_return() {
    let mut found = Vec::new();
    for page in Page::all() {
        let text = prose(&page.text).split_whitespace().collect::<Vec<_>>().join(" ");
        for (pattern, instead) in RETIRED {
            // The dialect has no look-ahead: what follows is looked at here.
            let (pattern, allowed) =
                pattern.strip_suffix("(?! for)").map_or((pattern, ""), |pattern| (pattern, " for"));
            for hit in Regex::new(&format!("(?i){pattern}")).unwrap().find_iter(&text) {
                if allowed.is_empty() || !text[hit.end()..].starts_with(allowed) {
                    let (from, to) = (
                        pages::boundary(&text, hit.start().saturating_sub(40)),
                        pages::boundary(&text, hit.end() + 40),
                    );
                    found.push(format!("{}: …{}… (write: {instead})", page.name(), &text[from..to]));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn rustdoc_includes_the_readme_of_every_crate() {
    let mut included = 0;
    for page in Page::all().into_iter().filter(|page| page.path.ends_with("README.md")) {
        let folder = page.folder();
        if !folder.join("Cargo.toml").exists() || folder == root() {
            continue;
        }
        let roots = ["src/lib.rs", "src/main.rs", "support/lib.rs"].map(|file| folder.join(file));
        let source = roots.iter().find(|file| file.exists()).unwrap();
        let text = fs::read_to_string(source).unwrap();
        assert!(
            text.contains("#![doc = include_str!(\"../README.md\")]"),
            "{} must include {} in its documentation: #![doc = include_str!(\"../README.md\")]",
            source.display(),
            page.name()
        );
        included += 1;
    }
    assert!(included > 5, "the check itself works: {included}");
}

#[test]
fn every_key_of_the_rules_file_is_documented() {
    let page = Page::read("functions/rulesfile/README.md").text;
    let schema = serde_json::from_str(rulesfile::SCHEMA).unwrap();
    let mut keys = BTreeSet::new();
    collect_keys(&schema, &mut keys);
    assert!(keys.len() > 50, "the check itself works: {keys:?}");
    let spans: BTreeSet<&str> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .flat_map(|span| span.split(|one: char| !one.is_alphanumeric() && one != '_'))
        .collect();
    let missing: Vec<_> = keys.iter().filter(|key| !spans.contains(key.as_str())).collect();
    assert!(missing.is_empty(), "functions/rulesfile/README.md does not describe {missing:?}");
}

fn collect_keys(schema: &serde_json::Value, keys: &mut BTreeSet<String>) {
    match schema {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                if name == "properties" {
                    keys.extend(value.as_object().into_iter().flatten().map(|(key, _)| key.clone()));
                }
                collect_keys(value, keys);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect_keys(item, keys)),
        _ => {}
    }
}

#[test]
fn every_alarm_has_a_runbook_entry() {
    let template = fs::read_to_string(root().join("template.yaml")).unwrap();
    let alarms: BTreeSet<String> = template
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.strip_suffix("Alarm:"))
        .filter(|name| !name.starts_with(' '))
        .map(|name| format!("{name}Alarm"))
        .collect();
    let page = Page::read("infra/deploy/README.md").text;
    let entries: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .filter(|name| name.ends_with("Alarm"))
        .map(str::to_owned)
        .collect();
    assert!(alarms.len() > 8, "the check itself works: {alarms:?}");
    assert_eq!(alarms, entries, "template.yaml and the runbook in infra/deploy/README.md have the same alarms");
}
