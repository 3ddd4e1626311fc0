//! The page `PYTHON.md`: how many snippets of each topic come to the same, and what is not supported.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::{CPython, Outcome, Snippet};

/// Set, the test rewrites the page instead of failing.
const UPDATE: &str = "NUNCIO_UPDATE_DOCS";

/// What one topic comes to.
#[derive(Default)]
struct Topic {
    equal: usize,
    rejected: usize,
    named: usize,
    /// What is not supported, and what to use instead.
    lacking: BTreeSet<String>,
}

/// Compares the page, or rewrites it.
#[expect(clippy::disallowed_methods, reason = "a developer asks a test to rewrite a page by a variable")]
pub(crate) fn compare(outcomes: &[(&Snippet, Outcome)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("PYTHON.md");
    let current = fs::read_to_string(&path).expect("the page exists");
    let (before, rest) = current.split_once("<!-- generated: outcomes -->\n").expect("the page has the tables");
    let (_, after) = rest.split_once("<!-- end -->").expect("the tables have an end");
    let page = format!("{before}<!-- generated: outcomes -->\n{}<!-- end -->{after}", tables(outcomes));
    if page != current {
        assert!(
            std::env::var_os(UPDATE).is_some(),
            "{} is not current; rewrite it: {UPDATE}=1 cargo test -p expressions --test differential",
            path.display()
        );
        fs::write(path, page).unwrap();
    }
}

fn tables(outcomes: &[(&Snippet, Outcome)]) -> String {
    let mut topics: BTreeMap<&str, Topic> = BTreeMap::new();
    for (snippet, outcome) in outcomes {
        let topic = topics.entry(&snippet.topic).or_default();
        let what = match outcome {
            Outcome::Rejected(message) => {
                topic.rejected += 1;
                message.clone()
            }
            Outcome::Named(message) => {
                topic.named += 1;
                lacking(message)
            }
            Outcome::Equal | Outcome::Different(_) => {
                topic.equal += 1;
                continue;
            }
        };
        // What CPython refuses too, such as an unknown name, is not lacking.
        if matches!(snippet.reference, CPython::Returned { .. }) {
            topic.lacking.insert(what);
        }
    }
    let mut text = String::from(
        "| topic | snippets | same result | rejected by the check | error at run time |\n|---|---|---|---|---|\n",
    );
    for (name, Topic { equal, rejected, named, .. }) in &topics {
        let _ = writeln!(text, "| {name} | {} | {equal} | {rejected} | {named} |", equal + rejected + named);
    }
    text.push_str("\nNot supported:\n\n| topic | what, and what to use instead |\n|---|---|\n");
    for (name, topic) in &topics {
        for lacking in &topic.lacking {
            let lacking = lacking.replace('|', "\\|").replace('\n', " ").replace('`', "'");
            let _ = writeln!(text, "| {name} | `{lacking}` |");
        }
    }
    text
}

/// What the message says about Nuncio's Python, without what was wrong with the body.
fn lacking(message: &str) -> String {
    match message.rsplit_once(": Nuncio's Python ") {
        Some((_, what)) if what.starts_with("has no") => what.trim_start_matches("has ").to_owned(),
        Some((before, what)) => format!("{before}: {what}"),
        None => message.to_owned(),
    }
}
