//! A wrong parameter, of a request or of a command, gets an answer that names it and says what it takes.

use reqwest::Method;
use serde_json::{Value, json};
use support::nuncio::{Nuncio, answer};

/// Words of parsers, which mean nothing to a caller.
const INTERNALS: [&str; 12] = [
    "invalid digit",
    "invalid type",
    "invalid value: ",
    "provided string",
    "parse error",
    "deserialize",
    "variant",
    "usize",
    "u64",
    "integer from",
    "socket address syntax",
    "IP address syntax",
];

/// Values that the schema of a parameter excludes, and what an answer to them must contain.
fn wrong_values(schema: &Value) -> (Vec<String>, Vec<String>) {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    if let Some(values) = schema["enum"].as_array() {
        return (texts(&["nonsense", ""]), values.iter().map(|value| value.as_str().unwrap().to_owned()).collect());
    }
    match (schema["type"].as_str().unwrap(), schema["format"].as_str()) {
        ("boolean", _) => (texts(&["yes", "1"]), texts(&["true or false"])),
        ("integer", _) => {
            let (least, most) = (schema["minimum"].as_i64().unwrap(), schema["maximum"].as_i64().unwrap());
            let mut wrong = texts(&["x", "1.5", "-1", "", "99999999999999999999999"]);
            wrong.extend((least > 0).then(|| (least - 1).to_string()));
            (wrong, vec![least.to_string(), most.to_string()])
        }
        (_, Some("uuid")) => (texts(&["x", "018653ab"]), texts(&["UUID, such as 0186"])),
        (_, Some("date-time")) => (texts(&["yesterday", "2026-03-01", "5"]), texts(&["such as 2026-03-01T00:00:00Z"])),
        _ if schema.get("pattern").or_else(|| schema.get("anyOf")).is_some() => (texts(&["!", "X%20y"]), Vec::new()),
        // Every text is a value.
        _ => (Vec::new(), Vec::new()),
    }
}

fn assert_plain(detail: &str, what: &str) {
    assert!(!INTERNALS.iter().any(|words| detail.contains(words)), "{what}: {detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_parameter_says_what_it_takes() {
    let nuncio = Nuncio::built_in().await;
    let description = nuncio.get("/openapi.json").await;
    let resolved = |value: &Value| match value["$ref"].as_str() {
        Some(reference) => description.pointer(&reference[1..]).unwrap().clone(),
        None => value.clone(),
    };
    let mut tried = 0;
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let request = async |path: &str| {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                answer(nuncio.request(method, path).json(&json!({}))).await
            };
            let parameters: Vec<Value> =
                operation["parameters"].as_array().into_iter().flatten().map(resolved).collect();
            for parameter in &parameters {
                let name = parameter["name"].as_str().unwrap();
                let schema = resolved(&parameter["schema"]);
                let (mut wrong, mut expected) = wrong_values(&schema);
                if name == "limit" {
                    wrong.push((schema["maximum"].as_u64().unwrap() + 1).to_string());
                }
                expected.push(name.to_owned());
                let required = parameters.iter().filter(|other| *other != parameter && other["required"] == true);
                let others: Vec<String> = required
                    .filter(|other| other["in"] == "query")
                    .map(|other| {
                        format!("&{}={}", other["name"].as_str().unwrap(), other["schema"]["enum"][0].as_str().unwrap())
                    })
                    .collect();
                let others = others.concat();
                for wrong in wrong {
                    let path = match parameter["in"].as_str().unwrap() {
                        "query" => format!("{path}?{name}={wrong}{others}"),
                        "path" if !wrong.is_empty() => path.replace(&format!("{{{name}}}"), &wrong),
                        _ => continue,
                    };
                    let (status, problem) = request(&path).await;
                    let detail = problem["detail"].as_str().unwrap_or_default();
                    assert_eq!(status, 400, "{method} {path}: {problem}");
                    assert!(expected.iter().all(|part| detail.contains(part)), "{method} {path}: {detail}");
                    assert_plain(detail, &path);
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 150, "{tried}");
    for (query, expected) in [
        ("acton=login", "there is no parameter \"acton\"; this route takes action, app, username,"),
        ("limit=1&limit=2", "limit is given more than once; give it once"),
    ] {
        let (status, problem) = answer(nuncio.request(Method::GET, &format!("/v1/events?{query}"))).await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(status == 400 && detail.starts_with(expected), "{detail}");
    }
    let (status, problem) = answer(nuncio.request(Method::GET, "/v1/events/top")).await;
    let expected = json!("by is required; it is one of username, client_ip, app, action, place");
    assert_eq!((status, &problem["detail"]), (400, &expected));
}

/// Values that no field of the kind takes, and what an answer to them must contain.
fn wrong_fields(schema: &Value) -> (Vec<Value>, &'static str) {
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("boolean"), _) => (vec![json!("yes"), json!(1), Value::Null, json!([])], "true or false"),
        (Some("integer"), _) => (vec![json!("5"), json!(1.5), json!([])], "a whole number"),
        (Some("object"), _) => (vec![json!("a"), json!(true), json!(5)], "a JSON object"),
        (_, Some("uuid")) => (vec![json!("x"), json!(5), json!({})], "a UUID, such as 0186"),
        (_, Some("date-time")) => (vec![json!("yesterday"), json!([])], ""),
        _ => (vec![json!(5), json!([]), json!({}), json!(true)], ""),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_a_body_says_what_it_takes() {
    let nuncio = Nuncio::built_in().await;
    let description = nuncio.get("/openapi.json").await;
    let resolved = |value: &Value| match value["$ref"].as_str() {
        Some(reference) => description.pointer(&reference[1..]).unwrap().clone(),
        None => value.clone(),
    };
    let mut tried = 0;
    for (path, method, discriminator) in [
        ("/v1/events/diff", Method::POST, None),
        ("/v1/notifications/{pk}", Method::PATCH, None),
        ("/v1/deliveries/redeliver", Method::POST, None),
        ("/v1/holds", Method::POST, None),
        ("/v1/jobs", Method::POST, Some("kind")),
        ("/v1/session", Method::POST, None),
    ] {
        let url = path.replace("{pk}", "018653ab-3bf8-7000-8000-000000000000");
        let refused = async |body: &Value| {
            let (status, problem) = answer(nuncio.request(method.clone(), &url).json(body)).await;
            let detail = problem["detail"].as_str().unwrap_or_default().to_owned();
            assert_eq!(status, 400, "{path} {body}: {problem}");
            assert_plain(&detail, path);
            assert!(!detail.contains(" at line "), "{path} {body}: {detail}");
            detail
        };
        let operation = &description["paths"][path][method.as_str().to_lowercase()];
        let schema = resolved(&operation["requestBody"]["content"]["application/json"]["schema"]);
        let variants = match schema["oneOf"].as_array() {
            Some(variants) => variants.iter().map(resolved).collect(),
            None => vec![schema],
        };
        for body in [json!([]), json!("a"), json!(5)] {
            let detail = refused(&body).await;
            assert!(detail.starts_with("the body must be a JSON object"), "{path} {body}: {detail}");
        }
        for variant in variants {
            let fields = variant["properties"].as_object().unwrap();
            let mut whole = json!({});
            if let Some(name) = discriminator {
                whole[name] = fields[name]["const"].clone();
                assert!(whole[name].is_string(), "{path}: {variant}");
            }
            let mut other = whole.clone();
            other["nonsense"] = json!(1);
            let detail = refused(&other).await;
            assert!(detail.contains("nonsense"), "{path}: {detail}");
            for (name, schema) in fields.iter().filter(|(name, _)| Some(name.as_str()) != discriminator) {
                let (wrong, expected) = wrong_fields(&resolved(schema));
                for value in wrong {
                    let mut body = whole.clone();
                    body[name] = value;
                    let detail = refused(&body).await;
                    assert!(detail.contains(name.as_str()) && detail.contains(expected), "{path} {body}: {detail}");
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 40, "{tried}");
    for (path, body, expected) in [
        ("/v1/jobs", json!({ "kind": "nonsense" }), "kind must be one of restamp, erase"),
        ("/v1/jobs", json!({}), "kind is required; it is one of restamp, erase"),
        ("/v1/holds", json!({ "filter": {} }), "reason is required"),
        (
            "/v1/holds",
            json!({ "filter": { "acton": "a" }, "reason": "r" }),
            "there is no field \"acton\"; filter takes action",
        ),
        ("/v1/session", json!({ "tokn": "a" }), "there is no field \"tokn\"; the body takes token"),
    ] {
        let (status, problem) = answer(nuncio.request(Method::POST, path).json(&body)).await;
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(status == 400 && detail.starts_with(expected), "{path} {body}: {status} {detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_option_says_what_it_takes() {
    let nuncio = Nuncio::not_started("");
    std::fs::write(nuncio.file("a-file"), "").unwrap();
    for (arguments, expected) in [
        (&["serve", "--listen", "x"][..], &["--listen", "127.0.0.1:8787"][..]),
        (&["serve", "--listen", "localhost:80"], &["--listen", "write 127.0.0.1:80"]),
        (&["serve", "--log", "loud"], &["--log loud", "error, warn, info, debug or trace"]),
        (&["serve", "--memory", "x"], &["--memory", "256MiB"]),
        (&["serve", "--data", "a-file"], &["--data a-file", "folder"]),
        (&["serve", "--archive", "a-file"], &["--archive a-file", "folder"]),
        (&["explain", "x"], &["<PK>", "018650dd-2c93-7f1e-8afe-ad5af90bf680"]),
        (&["export", "--since", "soon"], &["--since", "30d", "2026-01-02T03:04:05Z"]),
        (&["export", "--until", "2026-01-02"], &["--until", "30d", "2026-01-02T03:04:05Z"]),
        (&["export", "--format", "xml"], &["--format", "ndjson", "csv"]),
        (&["dry-run", "--config", "x", "--since", "5"], &["--since", "30d"]),
        (&["hold", "put", "--reason", "r", "--client-ip", "x"], &["--client-ip", "192.0.2.7"]),
        (&["hold", "put", "--reason", "r", "--action", "X!"], &["--action", "login_failed"]),
        (&["hold", "list", "--state", "x"], &["--state", "active", "ended"]),
        (&["token", "create", "--scope", "x"], &["--scope", "ingest", "read", "admin"]),
        (&["token", "create", "--scope", "read", "--expires", "soon"], &["--expires", "30d"]),
    ] {
        let output = nuncio.command(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{arguments:?}: {said}");
        assert!(expected.iter().all(|part| said.contains(part)), "{arguments:?}: {said}");
        assert_plain(&said, &format!("{arguments:?}"));
        assert!(!said.contains("File exists (os error 17): File exists"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_expires_after_any_length_of_time() {
    let nuncio = Nuncio::built_in().await;
    for expires in ["30d", "12h", "2w", "days=30", "hours=1;minutes=30"] {
        let output = nuncio.run(&["token", "create", "--scope", "read", "--expires", expires]);
        assert!(output.status.success(), "{expires}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
