//! Erasing a person leaves nothing of them in any file.

use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::{Value, json};
use support::nuncio::{Nuncio, answer};
use support::{Answer, Sink, random_bits};

/// Someone of whom nothing else in the world has the name.
struct Somebody {
    username: String,
    email: String,
}

impl Somebody {
    fn new() -> Self {
        let unique = format!("{:024x}", random_bits() >> 32);
        Self { username: format!("Zoë.{unique}"), email: format!("{unique}@mail.example") }
    }

    /// How the name may be spelled in a file.
    fn spellings(&self) -> Vec<String> {
        let unique = self.email.split('@').next().unwrap();
        vec![unique.to_owned(), unique.to_uppercase(), format!("%{unique}"), self.username.clone()]
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let each = entries.map(|entry| entry.unwrap().path());
    each.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The files below the folder in which the person is named, archive files unpacked.
fn naming(folder: &Path, somebody: &Somebody) -> Vec<PathBuf> {
    let names = |path: &PathBuf| {
        let raw = std::fs::read(path).unwrap_or_default();
        let unpacked = zstd::decode_all(&raw[..]).unwrap_or_default();
        let has = |bytes: &[u8], name: &str| bytes.windows(name.len()).any(|window| window == name.as_bytes());
        somebody.spellings().iter().any(|name| has(&raw, name) || has(&unpacked, name))
    };
    files(folder).into_iter().filter(names).collect()
}

fn rules(sink: &Sink) -> String {
    format!(
        r#"
allow_networks: [127.0.0.0/8]
groups: {{ ops: [ {{ username: bob, email: bob@example.org }} ] }}
transports:
  takes: {{ mode: webhook, url: "{takes}" }}
  refuses: {{ mode: webhook, url: "{refuses}" }}
  fails: {{ mode: webhook_slack, url: "{fails}" }}
policies:
  logins: {{ event_matcher: {{ action: login }} }}
  failures: {{ event_matcher: {{ action: login_failed }} }}
rules:
  told: {{ group: ops, event_user: true, event_subject: true, policies: [logins],
    transports: [takes, refuses, fails, default-email-transport, default-local-transport] }}
  throttled: {{ group: ops, policies: [failures], transports: [default-email-transport], throttle: {{ max: 1, per: days=1, by: [user.username] }} }}
  digested: {{ group: ops, policies: [failures], transports: [default-local-transport], digest: {{ window: days=1, by: [user.email] }} }}
"#,
        takes = sink.url("/takes"),
        refuses = sink.url("/refuses"),
        fails = sink.url("/fails"),
    )
}

async fn erased(nuncio: &Nuncio, asked: Value) -> Value {
    let (status, job) = answer(nuncio.request(Method::POST, "/v1/jobs").json(&asked)).await;
    assert_eq!(status, 202, "{job}");
    nuncio.get_until(&format!("/v1/jobs/{}", job["id"].as_str().unwrap()), |job| job["state"] != "running").await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_is_in_no_file() {
    let (sink, person, other) = (Sink::start().await, Somebody::new(), Somebody::new());
    sink.answer("/refuses", [Answer::status(404).body(format!("nobody is called {}", person.username))]);
    sink.answer("/fails", [Answer::status(503)]);
    let mut nuncio = Nuncio::not_started(&rules(&sink));
    let archive = nuncio.file("archive");
    nuncio.set("NUNCIO_ARCHIVE", archive.to_str().unwrap());
    nuncio.start().await;
    let user = |person: &Somebody| json!({ "username": person.username, "email": person.email });
    let event = |action: &str, person: &Somebody, n: usize| {
        let context =
            json!({ "n": n, "message": format!("{} was here", person.username), "long": person.username.repeat(n) });
        json!({ "action": action, "user": user(person), "context": context, "client_ip": "192.0.2.7" })
    };
    // Interleaved, and growing, so that records move between pages.
    let mut batch = Vec::new();
    for n in 0..60 {
        for person in [&person, &other] {
            batch.push(event(["login", "login_failed"][n % 2], person, n * 7));
        }
    }
    batch.push(json!({ "action": "login", "context": { "subject": user(&person) } }));
    batch.push(json!({ "action": "login", "user": { "username": person.username.to_uppercase() } }));
    for some in batch.chunks(7) {
        nuncio.accept(&json!(some)).await;
    }
    nuncio.results("/v1/deliveries?state=dead&limit=100", 60).await;
    nuncio.get_until("/v1/deliveries?state=pending", |page| page["results"].as_array().unwrap().is_empty()).await;
    let stored =
        nuncio.get(&format!("/v1/events?limit=1&username={}", person.username)).await["results"][0].to_string();
    let kept = nuncio.get(&format!("/v1/events?limit=1&username={}", other.username)).await["results"][0].to_string();
    let archived = zstd::encode_all(format!("{stored}\n{kept}\n").as_bytes(), 1).unwrap();
    std::fs::write(archive.join("2020-01-01.000001.ndjson.zst"), archived).unwrap();
    let damaged = archive.join("2020-01-01.000002.ndjson.zst");
    std::fs::write(&damaged, b"cut").unwrap();
    assert!(naming(&nuncio.data(), &person).len() > 10, "the test looks at the right files");

    let ended =
        erased(&nuncio, json!({ "kind": "erase", "username": person.username.to_lowercase(), "email": person.email }))
            .await;
    assert_eq!((&ended["state"], &ended["counts"]["damaged"]), (&json!("done"), &json!(1)), "{ended}");
    assert_eq!(ended["damaged"], json!(["2020-01-01.000002.ndjson.zst.damaged"]));
    assert!(!damaged.exists(), "it is set aside");
    assert!(ended["counts"]["mails"].as_u64().unwrap() > 60, "{ended}");
    for folder in [nuncio.data(), archive.clone()] {
        assert_eq!(naming(&folder, &person), [] as [PathBuf; 0], "while it runs");
        assert!(!naming(&folder, &other).is_empty(), "nobody else is erased");
    }
    sink.answer("/refuses", [Answer::status(404)]);
    // The search index is filled again, events come in, and the process ends and starts.
    nuncio.accept(&json!([event("login", &other, 1)])).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(naming(&nuncio.data(), &person), [] as [PathBuf; 0], "afterwards");
    assert_eq!(nuncio.terminate().0.code(), Some(0));
    assert_eq!(naming(&nuncio.data(), &person), [] as [PathBuf; 0], "stopped");
    nuncio.start().await;
    assert_eq!(naming(&nuncio.data(), &person), [] as [PathBuf; 0], "started again");
    assert!(!nuncio.log().contains("panicked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_of_an_erasure_changes_no_file() {
    let (sink, person) = (Sink::start().await, Somebody::new());
    let nuncio = Nuncio::with_rules(&rules(&sink)).await;
    let user = json!({ "username": person.username, "email": person.email });
    nuncio.accept(&json!([{ "action": "login", "user": user }])).await;
    nuncio.results("/v1/deliveries", 10).await;
    nuncio.get_until("/v1/deliveries?state=pending", |page| page["results"].as_array().unwrap().is_empty()).await;
    let mails = nuncio.mails();
    let ended = erased(&nuncio, json!({ "kind": "erase", "email": person.email, "dry_run": true })).await;
    assert_eq!((&ended["state"], &ended["counts"]["events"]), (&json!("done"), &json!(1)), "{ended}");
    assert_eq!(ended["counts"]["mails"], 2, "to the person, and about them: {ended}");
    assert_eq!(nuncio.mails(), mails);
    assert_eq!(nuncio.results("/v1/events?action=login", 1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_about_an_event_that_expired_goes_too() {
    let (sink, person, other) = (Sink::start().await, Somebody::new(), Somebody::new());
    let rules = format!("retention_by_action: {{ login: seconds=1 }}\n{}", rules(&sink));
    let nuncio = Nuncio::with_rules(&rules).await;
    for somebody in [&person, &other] {
        nuncio.accept(&json!([{ "action": "login", "user": { "username": somebody.username } }])).await;
    }
    nuncio.get_until("/v1/events?action=login", |page| page["results"].as_array().unwrap().is_empty()).await;
    for _ in 0..200 {
        if nuncio.mails().len() == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    assert_eq!((nuncio.mails().len(), naming(&nuncio.data().join("mailbox"), &person).len()), (2, 1));
    let ended = erased(&nuncio, json!({ "kind": "erase", "username": person.username })).await;
    assert_eq!(ended["state"], "done", "{ended}");
    assert_eq!(naming(&nuncio.data(), &person), [] as [PathBuf; 0]);
    assert_eq!(naming(&nuncio.data().join("mailbox"), &other).len(), 1, "nobody else's");
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_in_the_folder_are_kept_for_as_long_as_the_rules_say() {
    let sink = Sink::start().await;
    let rules = format!("{}email: {{ keep: days=7 }}\n", rules(&sink));
    let mut nuncio = Nuncio::with_rules(&rules).await;
    nuncio.accept(&json!([{ "action": "login", "user": { "username": "ann", "email": "ann@example.org" } }])).await;
    nuncio.get_until("/v1/deliveries?state=delivered", |page| page["results"].as_array().unwrap().len() >= 4).await;
    assert_eq!(nuncio.mails().len(), 2);
    nuncio.terminate();
    let mailbox = nuncio.data().join("mailbox");
    let mut names: Vec<_> = files(&mailbox);
    names.sort();
    // As if it had been written eight days ago.
    let aged = std::fs::File::options().write(true).open(&names[0]).unwrap();
    let now = aged.metadata().unwrap().modified().unwrap();
    aged.set_modified(now - std::time::Duration::from_hours(8 * 24)).unwrap();
    nuncio.start().await;
    for _ in 0..100 {
        if nuncio.mails().len() == 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(files(&mailbox), names[1..]);
}
