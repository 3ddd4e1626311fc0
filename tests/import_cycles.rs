//! Modules that import each other in a circle: none of them can be read, tested or moved without the others.
//!
//! Looks at the top-level modules of each crate, at production code alone, and at the paths that are written out there:
//! `crate::…` and `super::…`, in `use` lines and elsewhere. What a crate's root re-exports counts as its module's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::{is_tests, packages, production, sources};

type Imports = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_modules_import_each_other_in_a_circle() {
    let mut found = Vec::new();
    for (name, package) in packages().iter().filter(|(name, _)| *name != "support") {
        let imports = imports(&package.folder.join("src"));
        for circle in circles(&imports) {
            for module in &circle {
                let within: Vec<_> = imports[module].intersection(&circle).map(String::as_str).collect();
                found.push(format!("{name}: {module} imports {}", within.join(", ")));
            }
        }
    }
    assert!(found.is_empty(), "modules import each other in a circle:\n{}", found.join("\n"));
}

#[test]
fn a_circle_is_found_through_every_way_of_writing_a_path() {
    let found = |one: &str, other: &str| {
        let files = [(vec!["one"], one), (vec!["other", "inner"], other), (vec![], "pub use other::inner::Thing;")];
        circles(&imports_of(
            &files.map(|(path, code)| (path.into_iter().map(str::to_owned).collect(), code.to_owned())),
        ))
    };
    let both = BTreeSet::from(["one".to_owned(), "other".to_owned()]);
    for forward in ["use crate::other::inner;", "use crate::{Thing, fn_of_root};", "use super::other;"] {
        for back in
            ["use crate::one::f;", "fn g() { crate::one::f() }", "use super::super::{one::{f, g}};", "$crate::one::f()"]
        {
            assert_eq!(found(forward, back), std::slice::from_ref(&both), "{forward} {back}");
        }
        assert!(
            found(forward, "use super::deeper; use crate::root_item; use another::one::f;").is_empty(),
            "{forward}"
        );
    }
}

/// For each top-level module of the crate, the others that it imports.
fn imports(folder: &Path) -> Imports {
    let files = sources(folder).into_iter().filter(|(file, _)| !is_tests(file)).map(|(file, text)| {
        let inside = file.strip_prefix(folder).unwrap().with_extension("");
        let mut path: Vec<String> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if ["mod", "lib", "main"].iter().any(|root| path.last().is_some_and(|last| last == root)) {
            path.pop();
        }
        (path, production(&text))
    });
    imports_of(&files.collect::<Vec<_>>())
}

/// The same for files, each with the path of its module.
fn imports_of(files: &[(Vec<String>, String)]) -> Imports {
    let modules: BTreeSet<&String> = files.iter().filter_map(|(path, _)| path.first()).collect();
    let mut reexported = BTreeMap::new();
    for (_, code) in files.iter().filter(|(path, _)| path.is_empty()) {
        for statement in code.split("use ").skip(1) {
            for path in paths(statement) {
                if let [module, .., item] = path.as_slice()
                    && modules.contains(module)
                {
                    reexported.insert(item.clone(), module.clone());
                }
            }
        }
    }
    let mut imports: Imports = modules.iter().map(|module| ((*module).clone(), BTreeSet::new())).collect();
    for (own, code) in files.iter().filter(|(path, _)| !path.is_empty()) {
        for path in written_out(own, code) {
            let Some(first) = path.first() else { continue };
            let module = if modules.contains(first) { Some(first) } else { reexported.get(first) };
            if let Some(module) = module.filter(|module| **module != own[0]) {
                imports.entry(own[0].clone()).or_default().insert(module.clone());
            }
        }
    }
    imports
}

/// The paths that begin with `crate::` or `super::`, from the crate's root on.
fn written_out(own: &[String], code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            // A longer name that ends so, or the second `super` of two.
            if code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':') {
                continue;
            }
            for path in paths(&code[at..]) {
                let supers = path.iter().take_while(|part| *part == "super").count();
                let Some(above) = own.len().checked_sub(supers).filter(|_| supers > 0 || start == "crate::") else {
                    continue;
                };
                let base = if supers == 0 { &[] } else { &own[..above] };
                found.push([base, &path[supers.max(usize::from(start == "crate::"))..]].concat());
            }
        }
    }
    found
}

/// The paths of a tree such as `a::{b, c::{d, e}}` that the text begins with.
fn paths(text: &str) -> Vec<Vec<String>> {
    tree(text).0
}

fn tree(text: &str) -> (Vec<Vec<String>>, &str) {
    let mut path = Vec::new();
    let mut rest = text;
    loop {
        let end = rest.find(|letter: char| !(letter.is_alphanumeric() || letter == '_')).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        if !name.is_empty() {
            path.push(name.to_owned());
        }
        match behind.strip_prefix("::") {
            Some(inner) if inner.starts_with('{') => {
                let (inner, behind) = list(&inner[1..]);
                return (inner.into_iter().map(|tail| [path.clone(), tail].concat()).collect(), behind);
            }
            Some(inner) if !name.is_empty() => rest = inner,
            _ => return (vec![path], behind),
        }
    }
}

/// The items of `{…}` behind the opening brace, and what follows the closing one.
fn list(text: &str) -> (Vec<Vec<String>>, &str) {
    let (mut found, mut rest) = (Vec::new(), text.trim_start());
    while !rest.is_empty() && !rest.starts_with('}') {
        let (paths, behind) = tree(rest);
        found.extend(paths.into_iter().filter(|path| !path.is_empty()));
        let end = behind.find([',', '}']).unwrap_or(behind.len());
        rest = behind[end..].strip_prefix(',').unwrap_or(&behind[end..]).trim_start();
    }
    (found, rest.strip_prefix('}').unwrap_or(rest))
}

/// The groups of modules that import each other, directly or through other modules of the group.
fn circles(imports: &Imports) -> Vec<BTreeSet<String>> {
    let mut found: Vec<BTreeSet<String>> = Vec::new();
    for module in imports.keys() {
        let reached = reachable(imports, module);
        let circle: BTreeSet<String> =
            reached.iter().filter(|other| reachable(imports, other).contains(module)).cloned().collect();
        if circle.len() > 1 && !found.contains(&circle) {
            found.push(circle);
        }
    }
    found
}

fn reachable(imports: &Imports, from: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from.to_owned()];
    while let Some(module) = next.pop() {
        for import in imports.get(&module).into_iter().flatten() {
            if reached.insert(import.clone()) {
                next.push(import.clone());
            }
        }
    }
    reached
}
