//! The published schema has the same keys as the reader, and accepts the same files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value as Json, json};

use crate::diagnostics::Diagnostics;
use crate::sections::patterns::from_yaml;
use crate::shape::KeySet;
use crate::{SCHEMA, document, sections, source, tree};

fn schema() -> Json {
    serde_json::from_str(SCHEMA).unwrap()
}

/// A rules file as the JSON that an editor checks.
fn as_json(bytes: &[u8]) -> Option<Json> {
    let mut diagnostics = Diagnostics::default();
    let root = source::text(bytes, &mut diagnostics).and_then(|text| tree::parse(text, &mut diagnostics))?;
    let mut is_json = true;
    let json = from_yaml(&root, &mut is_json, &mut diagnostics);
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
    let known = |pointer: &str, keys: &KeySet| {
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
    known("/$defs/throttle/properties", &sections::storm_control::THROTTLE_KEYS);
    known("/$defs/digest/properties", &sections::storm_control::DIGEST_KEYS);
    known("/$defs/mute/properties", &sections::storm_control::MUTE_KEYS);
    known("/$defs/binding/properties", &sections::bindings::KEYS);
    known("/$defs/detection/properties", &sections::detections::KEYS);
    for kind in sections::detections::DetectionKey::ALL {
        known(&format!("/$defs/{}/properties", kind.key()), kind.settings());
    }
    known("/$defs/source/properties", &sections::sources::KEYS);
    known("/$defs/source/properties/id/properties", &sections::sources::ID);
    let schemes: BTreeSet<&str> =
        sections::sources::SCHEME_KEYS.iter().flat_map(|keys| keys.known.iter().copied()).collect();
    let listed = schema["$defs"]["verify"]["properties"].as_object().unwrap();
    assert_eq!(listed.keys().map(String::as_str).collect::<BTreeSet<_>>(), schemes);
    let presets = domain::rules_document::SourcePreset::ALL.map(domain::rules_document::SourcePreset::name);
    assert_eq!(schema["$defs"]["source"]["properties"]["preset"]["enum"], json!(presets));
    for (at, mode) in sections::transports::TransportMode::ALL.into_iter().enumerate() {
        let branch = &schema["$defs"]["transport"]["allOf"][at];
        assert_eq!(branch["if"]["properties"]["mode"]["const"], mode.as_str());
        assert_eq!(branch["then"]["propertyNames"]["enum"], json!(mode.keys().known), "{mode:?}");
    }
}

#[test]
fn the_schema_accepts_every_file_that_the_reader_accepts() {
    let validate = validator();
    let built_in = ("built-in".to_owned(), crate::BUILT_IN.as_bytes().to_vec());
    for (name, bytes) in files("good").into_iter().chain([built_in]) {
        let json = as_json(&bytes).unwrap_or_else(|| panic!("{name} is not JSON"));
        // An editor does not validate an empty file.
        if !json.is_null() {
            validate(&json).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

/// Values that replace each value of a document, one after the other.
fn replacements() -> Vec<Json> {
    vec![
        json!(null),
        json!(true),
        json!(7),
        json!(-1),
        json!(1.5),
        json!("x"),
        json!([]),
        json!(["x"]),
        json!({}),
        json!({ "x": 1 }),
    ]
}

/// Every document that differs from this one by one changed value, renamed key or missing key.
fn changed_once(json: &Json) -> Vec<Json> {
    let inside =
        |put: &dyn Fn(Json) -> Json, value: &Json| changed_once(value).into_iter().map(put).collect::<Vec<_>>();
    let mut all = replacements();
    match json {
        Json::Object(entries) => {
            for (key, value) in entries {
                let without =
                    || entries.iter().filter(|(own, _)| *own != key).map(|(key, value)| (key.clone(), value.clone()));
                all.push(without().collect());
                all.push(without().chain([(format!("{key}s"), value.clone())]).collect());
                let put = |changed: Json| without().chain([(key.clone(), changed)]).collect();
                all.extend(inside(&put, value));
            }
        }
        Json::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                let put = |changed: Json| {
                    let mut items = items.clone();
                    items[at] = changed;
                    Json::Array(items)
                };
                all.extend(inside(&put, value));
            }
        }
        _ => {}
    }
    all
}

/// The texts of faults that a schema can express; the other faults depend on more than the form.
const FORM_FAULTS: [&str; 6] =
    [" is not a key of ", ", wanted ", " needs \"", " is not a mode;", " is not a severity;", " is out of range"];

#[test]
fn schema_and_reader_agree_on_documents_that_are_nearly_valid() {
    let validate = validator();
    let (mut tried, mut wrong) = (0, BTreeSet::new());
    for (name, bytes) in files("good") {
        let Some(json) = as_json(&bytes).filter(Json::is_object) else { continue };
        for changed in changed_once(&json) {
            tried += 1;
            // JSON is YAML.
            let text = changed.to_string();
            let faults = crate::read(text.as_bytes()).err().unwrap_or_default();
            let of_form = faults.iter().find(|fault| FORM_FAULTS.iter().any(|words| fault.to_string().contains(words)));
            match (validate(&changed), of_form) {
                (Err(error), _) if faults.is_empty() => wrong.insert(format!("{name}: only the schema: {error}")),
                (Ok(()), Some(fault)) => wrong.insert(format!("{name}: only the reader: {fault}\n{text}")),
                _ => false,
            };
        }
    }
    assert!(tried > 1000, "{tried}");
    assert!(
        wrong.is_empty(),
        "{} of {tried}: {}",
        wrong.len(),
        wrong.into_iter().take(20).collect::<Vec<_>>().join("\n")
    );
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
        "detections: { a: {} }",
        "detections: { a: { counts: { of: b, within: minutes=5, at_least: 10 } } }",
        "detections: { a: { count: { of: b, within: minutes=5, at_least: 1 } } }",
        "detections: { a: { count: { of: b, at_least: 10 } } }",
        "detections: { a: { count: { of: b, within: minutes=5, at_least: 10, repeat: always } } }",
        "detections: { a: { first_seen: { of: b, value: [], remember: days=30 } } }",
        "detections: { a: { absent: { of: b, every: 24 } } }",
        "detections: { a: { sequence: { of: [b], within: minutes=5 } } }",
    ] {
        assert!(validate(&as_json(text.as_bytes()).unwrap()).is_err(), "{text}");
    }
}
