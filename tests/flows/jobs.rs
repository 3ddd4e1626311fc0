//! The operator's jobs, through the binary: requested, run in the background, reported, and continued after a crash.

use reqwest::Method;
use serde_json::{Value, json};
use support::nuncio::{Nuncio, answer};

async fn ask(nuncio: &Nuncio, body: Value) -> String {
    let (status, job) = answer(nuncio.request(Method::POST, "/v1/jobs").json(&body)).await;
    assert_eq!((status, &job["state"]), (202, &json!("running")), "{job}");
    format!("/v1/jobs/{}", job["id"].as_str().unwrap())
}

async fn ended(nuncio: &Nuncio, path: &str) -> Value {
    nuncio.get_until(path, |job| job["state"] != "running").await
}

#[tokio::test(flavor = "multi_thread")]
async fn other_retention_is_tried_and_then_stamped() {
    let nuncio = Nuncio::built_in().await;
    let old: Vec<_> =
        (0..3).map(|n| json!({ "action": "custom_old", "created": format!("2026-01-0{}T00:00:00Z", n + 1) })).collect();
    let kept = nuncio.accept(&json!({ "action": "login" })).await.remove(0);
    nuncio.accept(&json!(old)).await;
    let unchanged = nuncio.get(&format!("/v1/events/{kept}")).await;
    let same = nuncio.run(&["job", "restamp", "--dry-run"]);
    assert_eq!(String::from_utf8(same.stdout).unwrap(), "restamp (dry run): 4 unchanged\n");

    let rules = "retention: days=365\nretention_by_action: { custom_old: milliseconds=1 }\n";
    let put = nuncio.request(Method::PUT, "/v1/config").header("if-match", "\"0\"").body(rules);
    assert_eq!(answer(put).await.0, 200);
    let tried = nuncio.run(&["job", "restamp", "--dry-run", "--json"]);
    let tried: Value = serde_json::from_slice(&tried.stdout).unwrap();
    assert_eq!(tried["counts"], json!({ "deleted": 3, "unchanged": 2 }), "{tried}");
    assert_eq!(
        (&tried["from"], &tried["to"]),
        (&json!("2026-01-01T00:00:00.000000Z"), &json!("2026-01-03T00:00:00.000000Z"))
    );
    assert_eq!(nuncio.results("/v1/events?action=custom_old", 3).await.len(), 3, "nothing was done");

    let done = ended(&nuncio, &ask(&nuncio, json!({ "kind": "restamp" })).await).await;
    assert_eq!((&done["state"], &done["counts"]["deleted"], &done["by"]), (&json!("done"), &json!(3), &json!("admin")));
    assert_eq!(nuncio.get("/v1/events?action=custom_old").await["results"], json!([]));
    assert_eq!(nuncio.get(&format!("/v1/events/{kept}")).await, unchanged);
    let told = nuncio.results("/v1/events?action=retention_job", 3).await;
    assert_eq!((&told[0]["context"]["dry_run"], &told[0]["user"]["username"]), (&json!(false), &json!("admin")));
    let counted = nuncio.get("/v1/events/volume?bucket=1d&since=2026-01-01T00:00:00Z&until=2026-01-04T00:00:00Z").await;
    assert_eq!(counted["results"].as_array().unwrap().len(), 3, "counts outlive what they count: {counted}");

    let listed = nuncio.get("/v1/jobs?state=done&limit=1").await;
    assert_eq!(listed["results"][0], done);
    let rest = nuncio.get(&format!("/v1/jobs?cursor={}", listed["next"].as_str().unwrap())).await;
    assert_eq!((rest["results"].as_array().unwrap().len(), &rest["next"]), (2, &Value::Null));
    let list = String::from_utf8(nuncio.run(&["job", "list"]).stdout).unwrap();
    assert_eq!((list.lines().count(), list.matches("restamp (dry run)").count()), (3, 2), "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_outlives_its_process() {
    let mut nuncio = Nuncio::built_in().await;
    for _ in 0..5 {
        nuncio.accept(&json!(vec![json!({ "action": "custom_old" }); 1000])).await;
    }
    let rules = "retention_by_action: { custom_old: milliseconds=1 }\n";
    let put = nuncio.request(Method::PUT, "/v1/config").header("if-match", "\"0\"").body(rules);
    assert_eq!(answer(put).await.0, 200);
    let path = ask(&nuncio, json!({ "kind": "restamp" })).await;
    nuncio.get_until(&path, |job| job["reached"].is_string()).await;
    nuncio.kill();
    nuncio.start().await;
    let done = ended(&nuncio, &path).await;
    assert_eq!(done["state"], "done", "{done}");
    assert_eq!(nuncio.get("/v1/events?action=custom_old").await["results"], json!([]));
    nuncio.results("/v1/events?action=retention_job", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_operator_asks_for_jobs() {
    let nuncio = Nuncio::built_in().await;
    let made = nuncio.run(&["token", "create", "--scope", "read"]);
    let token = String::from_utf8(made.stdout).unwrap();
    let client = reqwest::Client::new();
    let ask = client.post(nuncio.at("/v1/jobs")).bearer_auth(token.trim()).json(&json!({ "kind": "restamp" }));
    assert_eq!(answer(ask).await.0, 403);
    for body in [json!({}), json!({ "kind": "tidy" }), json!({ "kind": "restamp", "dry": true })] {
        assert_eq!(answer(nuncio.request(Method::POST, "/v1/jobs").json(&body)).await.0, 400, "{body}");
    }
    assert_eq!(answer(nuncio.request(Method::GET, "/v1/jobs/none")).await.0, 404);
    assert_eq!(nuncio.get("/v1/jobs").await, json!({ "results": [], "next": null }));
}

fn lines(folder: &std::path::Path) -> Vec<Value> {
    let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
    let files = files.map(|file| file.unwrap().path());
    // A file with another ending is still being written.
    let mut files: Vec<_> = files.filter(|file| file.extension().is_some_and(|ending| ending == "zst")).collect();
    files.sort();
    let text =
        files.iter().map(|file| zstd::decode_all(std::fs::File::open(file).unwrap()).unwrap()).collect::<Vec<_>>();
    let text = String::from_utf8(text.concat()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_expires_is_archived_and_a_person_is_erased_from_everywhere() {
    let rules = "retention_by_action: { custom_brief: milliseconds=1 }\ngroups: { ops: [{ username: root }] }\n\
                 policies: { any: { event_matcher: { action: login } } }\n\
                 rules: { all: { group: ops, transports: [default-local-transport], policies: [any] } }\n";
    let mut nuncio = Nuncio::not_started(rules);
    let archive = nuncio.file("archive");
    nuncio.set("NUNCIO_ARCHIVE", archive.to_str().unwrap());
    nuncio.start().await;
    let [ann, bob] = ["ann", "bob"].map(|name| json!({ "username": name, "email": format!("{name}@example.org") }));
    let brief = [&ann, &bob].map(|user| json!({ "action": "custom_brief", "user": user }));
    let pks = nuncio.accept(&json!(brief)).await;
    nuncio.accept(&json!([{ "action": "login", "user": ann }, { "action": "login", "user": bob }])).await;
    nuncio.results("/v1/notifications?username=root", 2).await;
    // Each start begins with a sweep; events that expire later are collected for an hour.
    nuncio.kill();
    nuncio.start().await;
    let began = std::time::Instant::now();
    while lines(&archive).len() < 2 {
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "{}", nuncio.log());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let archived: Vec<_> = lines(&archive).iter().map(|event| event["pk"].as_str().unwrap().to_owned()).collect();
    assert_eq!(archived.iter().collect::<std::collections::BTreeSet<_>>(), pks.iter().collect());

    let tried = nuncio.run(&["job", "erase", "--email", "ann@example.org", "--dry-run", "--json"]);
    let tried: Value = serde_json::from_slice(&tried.stdout).unwrap();
    assert_eq!((&tried["counts"]["events"], &tried["counts"]["archived"]), (&json!(1), &json!(1)), "{tried}");
    let erased = nuncio.run(&["job", "erase", "--email", "ann@example.org", "--json"]);
    assert!(erased.status.success(), "{}", String::from_utf8_lossy(&erased.stderr));
    let erased: Value = serde_json::from_slice(&erased.stdout).unwrap();
    let gone = ["events", "deliveries", "notifications", "archived"].map(|name| erased["counts"][name].clone());
    assert_eq!(gone, [json!(1), json!(1), json!(1), json!(1)], "{erased}");

    assert_eq!(lines(&archive).len(), 1);
    for path in ["/v1/events?search=ann%40example.org", "/v1/deliveries", "/v1/notifications?username=root", "/v1/jobs"]
    {
        let text = nuncio.get(path).await.to_string();
        assert!(!text.contains("ann@example.org"), "{path}: {text}");
    }
    assert_eq!(nuncio.get("/v1/events?action=login").await["results"].as_array().unwrap().len(), 1);
    assert_eq!(nuncio.get("/v1/notifications?username=root").await["results"].as_array().unwrap().len(), 1);
    let nobody = nuncio.request(Method::POST, "/v1/jobs").json(&json!({ "kind": "erase", "username": " " }));
    assert_eq!(answer(nobody).await.0, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_outlives_its_retention() {
    let nuncio = Nuncio::with_rules("retention_by_action: { custom_brief: seconds=2 }\n").await;
    let stored = nuncio.accept(&json!({ "action": "custom_brief", "client_ip": "192.0.2.7" })).await.remove(0);
    let new = json!({ "filter": { "client_ip": "192.0.2.7" }, "reason": "case 7" });
    let (status, hold) = answer(nuncio.request(Method::POST, "/v1/holds").json(&new)).await;
    assert_eq!((status, &hold["state"], &hold["by"]), (201, &json!("active"), &json!("admin")), "{hold}");
    let job = |hold: &Value| format!("/v1/jobs/{}", hold["job"].as_str().unwrap());
    assert_eq!(ended(&nuncio, &job(&hold)).await["counts"]["held"], 1);
    let arrived = nuncio
        .accept(&json!([{ "action": "custom_brief", "client_ip": "192.0.2.7" }, { "action": "custom_brief" }]))
        .await;
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    for pk in [&stored, &arrived[0]] {
        assert_eq!(nuncio.get(&format!("/v1/events/{pk}")).await["expires"], "9999-01-01T00:00:00.000000Z");
    }
    let free = answer(nuncio.request(Method::GET, &format!("/v1/events/{}", arrived[1]))).await;
    assert_eq!(free.0, 404);
    let (status, ended_hold) =
        answer(nuncio.request(Method::DELETE, &format!("/v1/holds/{}", hold["id"].as_str().unwrap()))).await;
    assert_eq!((status, &ended_hold["state"]), (200, &json!("ended")));
    assert_eq!(ended(&nuncio, &job(&ended_hold)).await["counts"]["deleted"], 2);
    assert_eq!(nuncio.get("/v1/events?action=custom_brief").await["results"], json!([]));
    assert_eq!(nuncio.get("/v1/holds").await["results"], json!([ended_hold]));
    for wrong in [json!({ "filter": {}, "reason": "x" }), json!({ "filter": { "app": "a" }, "reason": " " })] {
        assert_eq!(answer(nuncio.request(Method::POST, "/v1/holds").json(&wrong)).await.0, 422, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_holds_and_lets_go() {
    let nuncio = Nuncio::with_rules("retention_by_action: { custom_brief: seconds=2 }\n").await;
    let event = json!({ "action": "custom_brief", "client_ip": "192.0.2.7" });
    nuncio.accept(&json!([event, { "action": "custom_brief" }])).await;
    let run = |arguments: &[&str]| {
        let done = nuncio.run(arguments);
        let [out, error] = [done.stdout, done.stderr].map(|text| String::from_utf8(text).unwrap());
        (done.status.code(), out, error)
    };
    let filters = ["--action", "custom_*", "--client-ip", "192.0.2.7", "--since", "30d"];
    let put = run(&[&["hold", "put", "--reason", "case \"7\""], &filters[..]].concat());
    assert_eq!(put.0, Some(0), "{put:?}");
    let [hold, job] = &put.1.lines().collect::<Vec<_>>()[..] else { panic!("a hold and its job: {put:?}") };
    assert!(hold.contains("active admin  action=custom_* client_ip=192.0.2.7 since="), "{hold}");
    assert!(hold.ends_with(r#""case \"7\"""#), "{hold}");
    assert_eq!(*job, "hold: 1 held, 1 unchanged");
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    assert_eq!(nuncio.results("/v1/events?action=custom_brief", 1).await.len(), 1);

    // The same address in IPv6's notation holds the same events.
    nuncio.accept(&json!({ "action": "login", "client_ip": "192.0.2.8" })).await;
    let mapped = run(&["hold", "put", "--reason", "again", "--client-ip", "::ffff:192.0.2.8"]);
    assert_eq!(mapped.1.lines().last(), Some("hold: 1 held, 2 unchanged"), "{mapped:?}");
    let mapped = mapped.1.split(' ').next().unwrap().to_owned();
    assert_eq!(run(&["hold", "lift", &mapped]).0, Some(0));

    assert_eq!(run(&["hold", "list", "--state", "active"]).1.trim_end(), *hold);
    let id = hold.split(' ').next().unwrap();
    let lifted = run(&["hold", "lift", id, "--json"]);
    let lifted: Value = serde_json::from_str(&lifted.1).unwrap_or_else(|_| panic!("{lifted:?}"));
    assert_eq!((&lifted["hold"]["state"], &lifted["job"]["counts"]["deleted"]), (&json!("ended"), &json!(1)));
    assert_eq!(nuncio.get("/v1/events?action=custom_brief").await["results"], json!([]));
    assert_eq!(run(&["hold", "list", "--state", "active"]), (Some(0), String::new(), String::new()));
    assert!(run(&["hold", "list"]).1.contains(" by admin\n"));

    for (arguments, said) in [
        (&["hold", "put", "--reason", "r"][..], "required arguments were not provided"),
        (&["hold", "put", "--action", "login"], "--reason"),
        (&["hold", "put", "--reason", " ", "--action", "login"], "422 \"filter\" needs at least one field"),
        (&["hold", "put", "--reason", "r", "--action", "a b"], "invalid value 'a b' for '--action"),
        (&["hold", "put", "--reason", "r", "--client-ip", "here"], "write one IPv4 or IPv6 address"),
        (&["hold", "lift", "none"], "404 no hold has this id"),
    ] {
        let refused = run(arguments);
        assert!(refused.0 != Some(0) && refused.2.contains(said), "{arguments:?}: {refused:?}");
    }
    assert_eq!(nuncio.get("/v1/holds").await["results"].as_array().unwrap().len(), 2, "nothing else was put");
}
