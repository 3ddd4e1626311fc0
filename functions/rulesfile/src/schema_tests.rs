//! The published schema knows the keys that the reader knows, and admits what the reader admits.

use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use crate::fault::Findings;
use crate::sections::patterns::from_yaml;
use crate::shape::Keys;
use crate::{SCHEMA, document, sections, source, tree};

fn schema() -> Json {
    serde_json::from_str(SCHEMA).unwrap()
}

/// A rules file as the JSON that an editor checks.
fn as_json(bytes: &[u8]) -> Option<Json> {
    let mut findings = Findings::default();
    let root = source::text(bytes, &mut findings).and_then(|text| tree::parse(text, &mut findings))?;
    let mut is_json = true;
    let json = from_yaml(&root, &mut is_json, &mut findings);
    is_json.then_some(json)
}

fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/rules").join(folder);
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let yaml = paths.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    yaml.map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())).collect()
}

fn validator() -> impl Fn(&Json) -> Result<(), String> {
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler.add_resource("nuncio.schema.json", schema()).unwrap();
    let index = compiler.compile("nuncio.schema.json", &mut schemas).unwrap();
    move |json| schemas.validate(json, index).map_err(|error| error.to_string())
}

#[test]
fn schema_and_reader_know_the_same_keys() {
    let schema = schema();
    let known = |pointer: &str, keys: &Keys| {
        let properties = schema.pointer(pointer).and_then(Json::as_object).unwrap_or_else(|| panic!("{pointer}"));
        let mut listed: Vec<&str> = properties.keys().map(String::as_str).collect();
        let mut known = keys.known.to_vec();
        listed.sort_unstable();
        known.sort_unstable();
        assert_eq!(listed, known, "{pointer}");
        for (key, shown) in properties {
            let described = shown.get("description").or_else(|| shown.get("$ref"));
            assert!(described.is_some(), "{pointer}/{key} needs a description");
        }
    };
    known("/properties", &document::KEYS);
    known("/properties/email/properties", &sections::email::KEYS);
    known("/properties/redact/properties", &sections::redact::KEYS);
    known("/properties/cloudevents/properties", &sections::cloudevents::KEYS);
    known("/$defs/member/properties", &sections::groups::KEYS);
    known("/$defs/transport/properties", &sections::transports::ANY);
    known("/$defs/transport/properties/limit/properties", &sections::transports::LIMIT);
    known("/$defs/policy/properties", &sections::policies::KEYS);
    known("/$defs/event_matcher/properties", &sections::policies::MATCHER_KEYS);
    known("/$defs/rule/properties", &sections::rules::KEYS);
    known("/$defs/silence/properties", &sections::silences::KEYS);
    known("/$defs/throttle/properties", &sections::storm::THROTTLE_KEYS);
    known("/$defs/digest/properties", &sections::storm::DIGEST_KEYS);
    known("/$defs/mute/properties", &sections::storm::MUTE_KEYS);
    known("/$defs/binding/properties", &sections::bindings::KEYS);
}

#[test]
fn what_the_reader_takes_the_schema_takes() {
    let validate = validator();
    let built_in = ("built-in".to_owned(), crate::BUILT_IN.as_bytes().to_vec());
    for (name, bytes) in files("good").into_iter().chain([built_in]) {
        let json = as_json(&bytes).unwrap_or_else(|| panic!("{name} is no JSON"));
        // An empty file is nothing to an editor either.
        if !json.is_null() {
            validate(&json).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

#[test]
fn an_editor_sees_the_commonest_faults() {
    let validate = validator();
    for text in [
        "ruls: {}",
        "rules: { a: { severity: urgent } }",
        "rules: { a: { transprots: [] } }",
        "transports: { a: { mode: carrier_pigeon } }",
        "transports: { a: { mode: webhook, secret: hunter2 } }",
        "policies: { a: { event_matchr: {} } }",
        "rules: { a: { policies: [{ negate: true }] } }",
        "groups: { ops: { ann: x } }",
        "retention: 365",
        "rules: { a: { throttle: { max: 5 } } }",
        "silences: [{ rules: [a], by: ann }]",
        "rules: { a: { mute: [{ days: [friday] }] } }",
    ] {
        assert!(validate(&as_json(text.as_bytes()).unwrap()).is_err(), "{text}");
    }
}
