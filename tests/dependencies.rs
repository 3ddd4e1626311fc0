//! What comes from elsewhere: by which licences, from where, how often, and whether it is used at all.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{cargo, packages, sources};

/// Each lets anybody use, change and pass on what is built from it.
const LICENCES: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Zlib",
];

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// A second TLS stack, and C libraries that the system would have to bring.
const BANNED: [&str; 6] = ["openssl", "openssl-sys", "native-tls", "libsqlite3", "curl-sys", "serde_yaml"];

/// Two of these in one binary would not understand each other, or would be two doors to guard.
const ONCE: [&str; 12] =
    ["aws-lc-rs", "axum", "http", "hyper", "jiff", "reqwest", "rustls", "serde", "serde_json", "tokio", "tower", "url"];

/// Every package of a build for this system.
fn all_packages() -> Vec<Value> {
    let host = cargo(&["-vV"]);
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned();
    let metadata = cargo(&["metadata", "--format-version", "1", "--offline", "--filter-platform", &host]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// What a package is called in code, which need not be its name.
fn called(package: &Value) -> Option<String> {
    let is_library = |target: &&Value| {
        let kinds = target["kind"].as_array().unwrap();
        kinds.iter().any(|kind| kind == "proc-macro" || kind.as_str().is_some_and(|kind| kind.ends_with("lib")))
    };
    let library = package["targets"].as_array().unwrap().iter().find(is_library)?;
    Some(library["name"].as_str().unwrap().replace('-', "_"))
}

/// Whether an SPDX expression can be met by the licences above. `AND` binds closer than `OR`.
fn is_allowed(expression: &str) -> bool {
    let text = expression.replace('/', " OR ").replace('(', "( ").replace(')', " )");
    let mut words = text.split_whitespace().peekable();
    let allowed = any(&mut words);
    allowed && words.next().is_none()
}

type Words<'a, 'b> = &'a mut std::iter::Peekable<std::str::SplitWhitespace<'b>>;

fn any(words: Words<'_, '_>) -> bool {
    let mut allowed = all(words);
    while words.next_if_eq(&"OR").is_some() {
        allowed |= all(words);
    }
    allowed
}

fn all(words: Words<'_, '_>) -> bool {
    let mut allowed = one(words);
    while words.next_if_eq(&"AND").is_some() {
        allowed &= one(words);
    }
    allowed
}

fn one(words: Words<'_, '_>) -> bool {
    if words.next_if_eq(&"(").is_some() {
        let allowed = any(words);
        return words.next() == Some(")") && allowed;
    }
    let mut name = words.next().unwrap_or_default().to_owned();
    if words.next_if_eq(&"WITH").is_some() {
        name = format!("{name} WITH {}", words.next().unwrap_or_default());
    }
    LICENCES.contains(&name.as_str())
}

#[test]
fn licences_sources_and_doubles() {
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in all_packages().iter().filter(|package| !package["source"].is_null()) {
        let (name, version) = (package["name"].as_str().unwrap(), package["version"].as_str().unwrap());
        let licence = package["license"].as_str().unwrap_or("none");
        assert!(is_allowed(licence), "{name} {version} is licensed by {licence}; see LICENCES");
        assert_eq!(package["source"], REGISTRY, "{name} {version} comes from elsewhere");
        assert!(!BANNED.contains(&name), "{name} {version} is banned; see `cargo tree -i {name}`");
        versions.entry(name.to_owned()).or_default().push(version.to_owned());
    }
    for name in ONCE {
        let found = versions.get(name).map_or(0, Vec::len);
        assert_eq!(found, 1, "{name} is there {found} times: {:?}; see `cargo tree -d`", versions.get(name));
    }
}

#[test]
fn licence_expressions_are_read_as_they_are_meant() {
    for (expression, allowed) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("MIT AND GPL-3.0", false),
        ("GPL-3.0/MIT", true),
        ("GPL-3.0 OR MIT AND ISC", true),
        ("(GPL-3.0 OR MIT) AND ISC", true),
        ("ISC AND (GPL-3.0 OR AGPL-3.0)", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("GPL-2.0 WITH Classpath-exception-2.0", false),
        ("MIT MIT", false),
        ("", false),
    ] {
        assert_eq!(is_allowed(expression), allowed, "{expression}");
    }
}

#[test]
fn every_dependency_is_used() {
    let all = all_packages();
    let libraries: BTreeMap<&str, String> =
        all.iter().filter_map(|package| Some((package["name"].as_str().unwrap(), called(package)?))).collect();
    let folders: BTreeMap<_, _> = packages().into_iter().map(|(name, package)| (name, package.folder)).collect();
    for package in all.iter().filter(|package| package["source"].is_null()) {
        let name = package["name"].as_str().unwrap();
        let text: String = sources(&folders[name]).into_iter().map(|(_, text)| text).collect();
        let words: BTreeSet<&str> = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
        for dependency in package["dependencies"].as_array().unwrap() {
            let library = libraries.get(dependency["name"].as_str().unwrap());
            let called = dependency["rename"].as_str().map(|name| name.replace('-', "_")).or(library.cloned());
            // One that this system does not build is another system's affair.
            let Some(called) = called else { continue };
            assert!(words.contains(called.as_str()), "{name} depends on {called} and never names it");
        }
    }
}
