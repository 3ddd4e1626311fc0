//! Signed webhooks, verified as their receivers do: by the published libraries of other languages.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::nuncio::Nuncio;
use support::{Sink, tools};

/// Of the private key whose bytes count from 0 to 31.
const PUBLIC: &str = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";

fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("webhooks").join(file)
}

fn verifies(mut verifier: Command, request: &Value) -> bool {
    let mut child = verifier.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the verifier starts");
    child.stdin.take().expect("its input").write_all(request.to_string().as_bytes()).expect("it reads");
    child.wait().expect("it ends").success()
}

fn verifiers() -> [Command; 2] {
    let mut python = Command::new(tools::python("webhooks", &here("requirements.txt")));
    python.arg("-B").arg(here("verify.py"));
    let mut node = Command::new("node");
    node.arg(here("verify.mjs")).arg(tools::node_modules("webhooks-node", &here("package.json")));
    [python, node]
}

#[tokio::test(flavor = "multi_thread")]
async fn receivers_verify_every_signature_with_the_library_of_their_language() {
    let sink = Sink::start().await;
    let encoded = |bytes: &[u8]| STANDARD.encode(bytes);
    let (new, old) = (format!("{}_{}", "whsec", encoded(&[7; 32])), format!("{}_{}", "whsec", encoded(&[9; 24])));
    let private = format!("{}_{}", "whsk", encoded(&(0..32).collect::<Vec<u8>>()));
    let mut nuncio = Nuncio::not_started(&format!(
        "groups: {{ ops: [{{ username: ann }}] }}\n\
         transports: {{ hook: {{ mode: webhook, url: \"{}\", secret: [\"env:NEW\", \"env:PRIVATE\", \"env:OLD\"] }} }}\n\
         policies: {{ any: {{ event_matcher: {{ action: login }} }} }}\n\
         rules: {{ all: {{ group: ops, transports: [hook], policies: [any] }} }}\n\
         allow_networks: [127.0.0.0/8]\n",
        sink.url("/hook")
    ));
    for (name, secret) in [("NEW", &new), ("OLD", &old), ("PRIVATE", &private)] {
        nuncio.set(name, secret);
    }
    nuncio.start().await;
    nuncio.accept(&json!({ "action": "login", "context": { "message": "Grüße, \"Ann\" \u{1f44b}" } })).await;
    let received = sink.wait_for(1, Duration::from_secs(10)).await.remove(0);
    let headers: Value = ["webhook-id", "webhook-timestamp", "webhook-signature"]
        .map(|name| (name.to_owned(), Value::from(received.header(name))))
        .into_iter()
        .collect();
    let body = String::from_utf8(received.body.to_vec()).unwrap();
    let request = json!({ "headers": headers, "body": body, "shared": [new, old], "public": [PUBLIC] });
    let mut forged = request.clone();
    forged["body"] = body.replace("Ann", "Bob").into();
    let mut other_key = request.clone();
    other_key["shared"] = json!([format!("{}_{}", "whsec", encoded(&[8; 32]))]);
    let mut forged_for_ed25519 = forged.clone();
    forged_for_ed25519["shared"] = json!([]);
    for (request, genuine) in [(&request, true), (&forged, false), (&other_key, false), (&forged_for_ed25519, false)] {
        for verifier in verifiers() {
            let program = verifier.get_program().to_owned();
            assert_eq!(verifies(verifier, request), genuine, "{program:?}: {request}");
        }
    }
}
