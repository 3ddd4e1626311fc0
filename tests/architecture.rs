//! The architecture's absences: who may depend on whom, what the pure crates never touch, what each
//! binary must not carry. Each rule enforces a line of the map in `functions/README.md`.

mod dependencies;
mod import_cycles;
mod naming;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Each crate and the workspace crates it may depend on, tests aside. `?` marks the ones that only
/// the Lambda shell or the cloud feature may use.
const ALLOWED: [(&str, &[&str]); 16] = [
    ("domain", &[]),
    ("rules", &["domain"]),
    ("expressions", &["domain"]),
    ("rulesfile", &["domain", "expressions"]),
    ("api", &["domain"]),
    ("ingest", &["domain", "api", "aws?", "host?", "mmdb?"]),
    ("sources", &["domain", "api", "aws?", "host?", "mmdb?"]),
    ("dispatch", &["domain", "rules", "aws?", "channels?", "expressions?", "host?"]),
    ("retention", &["domain", "aws?", "host?"]),
    ("console", &["domain", "api", "rules", "rulesfile", "aws?", "channels?", "expressions?", "host?"]),
    ("host", &["domain"]),
    ("aws", &["domain", "host"]),
    ("embedded", &["domain"]),
    ("channels", &["domain"]),
    ("mmdb", &["domain"]),
    (
        "nuncio",
        &[
            "domain",
            "rules",
            "rulesfile",
            "expressions",
            "api",
            "ingest",
            "sources",
            "dispatch",
            "retention",
            "console",
            "host",
            "embedded",
            "channels",
            "mmdb",
            "aws?",
        ],
    ),
];

const PURE: [&str; 3] = ["domain", "rules", "rulesfile"];
const ADAPTERS: [&str; 5] = ["aws", "embedded", "channels", "host", "mmdb"];
const TOP_LEVEL: [&str; 4] = ["functions", "infra", "tests", "target"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

struct Package {
    folder: PathBuf,
    /// Direct dependencies, tests aside, with whether they are optional.
    dependencies: BTreeMap<String, bool>,
}

fn packages() -> BTreeMap<String, Package> {
    let metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--no-deps", "--format-version", "1", "--offline"])).unwrap();
    let read = |package: &Value| {
        let manifest = PathBuf::from(package["manifest_path"].as_str().unwrap());
        let dependencies =
            package["dependencies"].as_array().unwrap().iter().filter(|dependency| dependency["kind"].is_null());
        Package {
            folder: manifest.parent().unwrap().to_owned(),
            dependencies: dependencies
                .map(|dependency| (dependency["name"].as_str().unwrap().to_owned(), dependency["optional"] == true))
                .collect(),
        }
    };
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(|package| (package["name"].as_str().unwrap().to_owned(), read(package))).collect()
}

/// Every crate that `cargo tree` shows, tests aside.
fn tree(arguments: &[&str]) -> BTreeSet<String> {
    let listing = cargo(
        &[&["tree", "--offline", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"], arguments].concat(),
    );
    listing.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&entry).unwrap();
                found.push((entry, text));
            }
        }
    }
    found
}

/// Whether a source holds a module's unit tests.
fn is_tests(file: &Path) -> bool {
    file.file_stem().is_some_and(|stem| stem == "tests" || stem.to_string_lossy().ends_with("_tests"))
}

/// A source without its unit tests and comments.
fn production(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or(text);
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn crates_depend_only_on_whom_they_may() {
    let packages = packages();
    let ours: BTreeSet<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
    let members: BTreeSet<&str> = packages.keys().map(String::as_str).filter(|name| *name != "support").collect();
    assert_eq!(members, ours, "a crate is missing from the table, or stands in it without being there");
    for (name, allowed) in ALLOWED {
        for (dependency, optional) in &packages[name].dependencies {
            if ours.contains(dependency.as_str()) {
                let as_written = if *optional { format!("{dependency}?") } else { dependency.clone() };
                assert!(allowed.contains(&as_written.as_str()), "{name} must not depend on {as_written}");
            }
        }
    }
}

#[test]
fn the_pure_crates_touch_nothing_outside() {
    let forbidden_crates = ["tokio", "axum", "hyper", "reqwest", "rusqlite", "getrandom", "tracing-subscriber"];
    let forbidden_code = [
        "std::fs",
        "std::net::Tcp",
        "std::net::Udp",
        "std::process",
        "std::env",
        "std::thread",
        "SystemTime",
        "Instant::now",
        "Timestamp::now",
        "std::io::stdin",
        "println!",
        "eprintln!",
    ];
    for name in PURE {
        let mut shown = tree(&["-p", name]);
        if name == "rulesfile" {
            // The interpreter's hash tables seed themselves; rulesfile only has it read bodies.
            shown.remove("getrandom");
        }
        for dependency in &shown {
            assert!(!forbidden_crates.contains(&dependency.as_str()), "{name} must not depend on {dependency}");
            assert!(!dependency.starts_with("aws-"), "{name} must not depend on {dependency}");
        }
        for (file, text) in sources(&packages()[name].folder.join("src")) {
            if is_tests(&file) {
                continue;
            }
            let code = production(&text);
            for forbidden in forbidden_code {
                assert!(!code.contains(forbidden), "{}: a pure crate must not use {forbidden}", file.display());
            }
        }
    }
}

#[test]
fn only_mains_build_adapters() {
    for name in ["ingest", "sources", "dispatch", "retention", "console"] {
        let folder = packages()[name].folder.clone();
        for (file, text) in sources(&folder.join("src")) {
            if file.file_name().is_some_and(|file| file == "main.rs") {
                let lines = text.lines().count();
                assert!(lines <= 50, "{} has {lines} lines; a main has at most 50", file.display());
                continue;
            }
            for adapter in ADAPTERS {
                let used = format!("{adapter}::");
                let code = production(&text);
                let names_it = code.match_indices(&used).any(|(at, _)| {
                    !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':')
                });
                assert!(!names_it, "{} must take {adapter} through a port", file.display());
            }
        }
    }
}

#[test]
fn one_machine_carries_no_cloud() {
    let shown = tree(&["-p", "nuncio"]);
    let cloud: Vec<_> = shown
        .iter()
        .filter(|name| {
            name.starts_with("aws-sdk")
                || name.starts_with("aws-smithy")
                || *name == "aws-config"
                || *name == "lambda_runtime"
                || *name == "aws"
        })
        .collect();
    assert!(cloud.is_empty(), "nuncio carries {cloud:?}");
    assert!(shown.contains("embedded"), "the check itself works");
}

#[test]
fn ingest_carries_neither_rules_nor_a_yaml_reader() {
    let shown = tree(&["-p", "ingest"]);
    for absent in ["rules", "rulesfile", "expressions", "saphyr-parser", "channels", "lettre", "reqwest", "rusqlite"] {
        assert!(!shown.contains(absent), "ingest carries {absent}");
    }
    assert!(shown.contains("aws"), "the check itself works");
}

#[test]
fn one_router_serves_both_worlds() {
    for function in ["ingest", "sources", "console"] {
        let router = format!("{function}::router(");
        for composition in [format!("functions/{function}/src/main.rs"), "functions/nuncio/src/serve/mod.rs".to_owned()]
        {
            let text = std::fs::read_to_string(root().join(&composition)).unwrap();
            assert!(text.contains(&router), "{composition} must serve {router}…)");
        }
    }
}

/// `GET /v1/events` and so on, of every `.route("…", …)` in a source.
fn routes(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for route in code.split(".route(").skip(1) {
        let Some((path, rest)) = route.trim_start().strip_prefix('"').and_then(|route| route.split_once('"')) else {
            continue;
        };
        let mut depth = 1;
        let end = rest.find(|letter| {
            depth += i32::from(letter == '(') - i32::from(letter == ')');
            depth == 0
        });
        let call = &rest[..end.unwrap_or(rest.len())];
        for method in ["get", "post", "put", "patch", "delete", "options"] {
            if call.contains(&format!(" {method}(")) || call.contains(&format!(".{method}(")) {
                found.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    found
}

#[test]
fn every_route_is_described() {
    let mut routed = BTreeMap::new();
    for function in ["api", "ingest", "sources", "console"] {
        for (file, text) in sources(&root().join("functions").join(function).join("src")) {
            for route in routes(&production(&text)) {
                routed.insert(route, file.clone());
            }
        }
    }
    // The web console's own files are no API.
    routed.retain(|route, _| route.contains(" /v1/") || !route.contains("/assets/"));
    let description = std::fs::read(root().join("functions/api/openapi.json")).unwrap();
    let description: Value = serde_json::from_slice(&description).expect("functions/api/openapi.json is JSON");
    let mut described = BTreeSet::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        described
            .extend(operations.as_object().unwrap().keys().map(|method| format!("{} {path}", method.to_uppercase())));
    }
    for (route, file) in &routed {
        assert!(
            described.contains(route),
            "{route} is routed in {} and missing in functions/api/openapi.json: add it there under paths; \
             401, 403, 408, 413, 429 and 503 are added by themselves",
            file.display()
        );
    }
    for route in described {
        assert!(routed.contains_key(&route), "{route} stands in functions/api/openapi.json and is not routed");
    }
    assert!(routed.len() > 15, "the check itself works: {routed:?}");
}

#[test]
fn every_source_says_what_it_owns() {
    for (name, package) in packages() {
        let folders = if name == "support" { vec![package.folder.clone()] } else { vec![package.folder.join("src")] };
        for (file, text) in folders.iter().flat_map(|folder| sources(folder)) {
            let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
            if !is_tests(&file) {
                assert!(text.starts_with("//!"), "{} must begin with what it owns", file.display());
            }
            assert!(!["utils", "util", "common", "shared", "helpers"].contains(&stem.as_str()), "{}", file.display());
            let lines = text.lines().count();
            assert!(lines <= 400, "{} has {lines} lines; split it by concern", file.display());
        }
    }
}

#[test]
fn the_top_level_stays_small() {
    for entry in std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let folder = entry.file_type().unwrap().is_dir();
        assert!(
            !folder || name.starts_with('.') || TOP_LEVEL.contains(&name.as_str()) || name == "nuncio-data",
            "{name}"
        );
    }
}
