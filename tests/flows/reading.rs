//! Reading: filters, pages, inboxes; expired records disappear at once.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use support::nuncio::{Nuncio, TOKEN, answer};

async fn actions(nuncio: &Nuncio, query: &str) -> Vec<String> {
    let body = nuncio.get(&format!("/v1/events?{query}")).await;
    body["results"].as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_and_pages() {
    let nuncio = Nuncio::built_in().await;
    let event = |day: u8, action: &str, user: &str| {
        json!({
            "action": action, "app": "shop.web", "user": { "username": user }, "client_ip": format!("192.0.2.{day}"),
            "created": format!("2026-01-{day:02}T00:00:00Z"), "context": { "note": format!("Note {day} é") }
        })
    };
    let mut mapped = event(3, "logout", "ann");
    let mut last = event(4, "custom_x", "cyd");
    last["context"]["text"] = r#"Quoted "as shown" C:\Temp"#.into();
    last["context"]["a b"] = 1.into();
    mapped["client_ip"] = "::ffff:192.0.2.3".into();
    let all = [event(1, "login", "ann"), event(2, "login_failed", "bob"), mapped, last];
    nuncio.accept(&json!(all)).await;
    for (query, expected) in [
        ("", vec!["custom_x", "logout", "login_failed", "login"]),
        ("action=login", vec!["login"]),
        ("action=login*", vec!["login_failed", "login"]),
        ("username=ann", vec!["logout", "login"]),
        ("app=shop&client_ip=192.0.2.3", vec!["logout"]),
        ("client_ip=::ffff:192.0.2.3", vec!["logout"]),
        ("search=client_ip+%3D+%22::ffff:c000:203%22", vec!["logout"]),
        ("app=sho", vec![]),
        ("since=2026-01-02T00:00:00Z&until=2026-01-04T00:00:00Z", vec!["logout", "login_failed"]),
        ("search=NOTE+3", vec!["logout"]),
        ("search=action+%3D+%22login%22+or+user.username+~+%22CYD%22", vec!["custom_x", "login"]),
        ("search=action+%3D+%22logout%22+and+context.note+endswith+%22x%22", vec![]),
        ("since=2026-01-02T01:00:00+01:00&until=9999-12-31T23:59:59Z", vec!["custom_x", "logout", "login_failed"]),
        ("since=2026-01-04T01:00:00%2B01:00", vec!["custom_x"]),
        ("search=quoted+%22as+shown%22+C:%5Ctemp", vec!["custom_x"]),
        ("search=context.%22a+b%22+%3D+1+and+created+%3E+%222026-01-03%22", vec!["custom_x"]),
        ("search=%C3%89", vec!["custom_x", "logout", "login_failed", "login"]),
    ] {
        assert_eq!(actions(&nuncio, query).await, expected, "{query}");
    }
    let (status, problem) = answer(nuncio.request(Method::GET, "/v1/events?since=2026-03-01")).await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(status == 400 && detail.contains("since") && detail.contains("such as 2026-03-01T00:00:00Z"), "{detail}");
    let text = nuncio.get("/v1/events?search=note+3&until=2026-01-04T00:00:00Z").await;
    let why = "an event has no field note; write context.note or user.note, or one of action, app, client_ip, created, \
               event_uuid, expires, id, source, at column 1";
    assert_eq!(text["search"], json!({ "as": "text", "why": why }));
    let searched = json!({ "from": null, "until": "2026-01-04T00:00:00.000000Z", "events": 4 });
    assert_eq!(text["searched"], searched);
    assert_eq!(nuncio.get("/v1/events?search=app+%3D+%22x%22").await["search"], json!({ "as": "query" }));
    let mut walked = Vec::new();
    let mut path = "/v1/events?limit=1".to_owned();
    loop {
        let page = nuncio.get(&path).await;
        walked.extend(page["results"].as_array().unwrap().iter().map(|event| event["action"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/events?limit=1&cursor={next}");
    }
    assert_eq!(walked, ["custom_x", "logout", "login_failed", "login"]);
    for bad in ["limit=0", "limit=1001", "cursor=x", "client_ip=x", "since=yesterday", "acton=login"] {
        let (status, problem) = answer(nuncio.request(Method::GET, &format!("/v1/events?{bad}"))).await;
        assert_eq!(status, 400, "{bad}: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn volume_counts_by_bucket_and_action() {
    let nuncio = Nuncio::built_in().await;
    let event = |hour: u8, action: &str| json!({ "action": action, "created": format!("2026-01-01T{hour:02}:30:00Z") });
    nuncio.accept(&json!([event(1, "login"), event(5, "login"), event(5, "logout"), event(7, "login")])).await;
    let count = |hour: u8, action: &str, count: u8| json!({ "time": format!("2026-01-01T{hour:02}:00:00.000000Z"), "action": action, "count": count });
    let window = "since=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z";
    for (query, expected) in [
        ("", vec![count(1, "login", 1), count(5, "login", 1), count(5, "logout", 1), count(7, "login", 1)]),
        ("&bucket=6h", vec![count(0, "login", 2), count(0, "logout", 1), count(6, "login", 1)]),
        ("&bucket=1d&action=login", vec![count(0, "login", 3)]),
    ] {
        let volume = nuncio.get(&format!("/v1/events/volume?{window}{query}")).await;
        assert_eq!(volume, json!({ "results": expected }), "{query}");
    }
    let by = |hour: u8, name: &str| json!({ "action": "login", "user": { "username": name }, "created": format!("2026-01-02T{hour:02}:30:00Z") });
    nuncio.accept(&json!([by(1, "ann"), by(1, "ann"), by(2, "bob")])).await;
    let narrowed =
        nuncio.get("/v1/events/volume?since=2026-01-02T00:00:00Z&until=2026-01-03T00:00:00Z&username=ann").await;
    let results = json!([{ "time": "2026-01-02T01:00:00.000000Z", "action": "login", "count": 2 }]);
    assert_eq!(narrowed["results"], results);
    assert_eq!(narrowed["searched"]["from"], "2026-01-02T00:00:00.000000Z");
    let narrowed = nuncio.get("/v1/events/volume?since=2026-01-02T00:00:00Z&until=2026-01-03T00:00:00Z&search=user.username+%3D+%22bob%22").await;
    assert_eq!((&narrowed["results"][0]["count"], &narrowed["search"]), (&json!(1), &json!({ "as": "query" })));
    nuncio.accept(&json!({ "action": "login" })).await;
    assert_eq!(nuncio.get("/v1/events/volume").await["results"][0]["count"], 1);
    for bad in ["bucket=2h", "since=2020-01-01T00:00:00Z", "limit=5"] {
        let (status, problem) = answer(nuncio.request(Method::GET, &format!("/v1/events/volume?{bad}"))).await;
        assert_eq!(status, 400, "{bad}: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn top_counts_values() {
    let nuncio = Nuncio::built_in().await;
    let event = |action: &str, user: &str| json!({ "action": action, "app": "shop", "user": { "username": user }, "client_ip": "192.0.2.1" });
    nuncio.accept(&json!([event("login", "ann"), event("login", "bob"), event("logout", "ann")])).await;
    let value = |value: &str, count: u8| json!({ "value": value, "count": count });
    for (query, expected) in [
        ("by=username", vec![value("ann", 2), value("bob", 1)]),
        ("by=username&action=login&limit=1", vec![value("ann", 1)]),
        ("by=client_ip", vec![value("192.0.2.1", 3)]),
        ("by=app&search=user.username+%3D+%22bob%22", vec![value("shop", 1)]),
        ("by=action", vec![value("login", 2), value("logout", 1)]),
        ("by=action&since=2026-01-01T00:30:00Z", vec![value("login", 2), value("logout", 1)]),
    ] {
        let top = nuncio.get(&format!("/v1/events/top?{query}")).await;
        assert_eq!(top["results"], json!(expected), "{query}");
        assert_eq!(top["searched"]["events"], 3, "{query}");
    }
    for bad in ["", "by=color", "by=app&limit=0"] {
        assert_eq!(answer(nuncio.request(Method::GET, &format!("/v1/events/top?{bad}"))).await.0, 400, "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_come_in_parts_that_make_a_whole() {
    let nuncio = Nuncio::built_in().await;
    let event = |n: usize| json!({ "action": "login", "app": "=cmd()", "created": format!("2026-01-01T00:00:{n:02}Z"), "context": { "text": "x".repeat(190_000) } });
    for batch in [0..20, 20..30] {
        nuncio.accept(&json!(batch.map(event).collect::<Vec<_>>())).await;
    }
    let mut cursor = String::new();
    let mut whole = Vec::new();
    loop {
        let part = nuncio.request(Method::GET, &format!("/v1/events/export?limit=28{cursor}")).send().await.unwrap();
        assert_eq!(part.headers()["content-type"], "application/x-ndjson");
        let next = part.headers().get("nuncio-next").map(|next| format!("&cursor={}", next.to_str().unwrap()));
        let text = part.text().await.unwrap();
        assert!(text.len() < 5 * 1024 * 1024, "{}", text.len());
        whole.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["created"].clone()));
        let Some(next) = next else { break };
        cursor = next;
    }
    let expected: Vec<_> = (0..30).rev().map(|n| json!(format!("2026-01-01T00:00:{n:02}.000000Z"))).collect();
    assert_eq!(whole, expected);

    let file = nuncio.file("events.csv");
    let run = nuncio.run(&["export", "--format", "csv", "--output", file.to_str().unwrap(), "--action", "log*"]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let table = std::fs::read_to_string(&file).unwrap();
    assert_eq!(table.lines().count(), 31);
    assert!(table.starts_with("pk,created,action,app,username,email,client_ip,expires,user,context\r\n"));
    assert_eq!(table.matches(",'=cmd(),").count(), 30);
    let run = nuncio.run(&["export", "--search", "created < \"2026-01-01 00:00:02\""]);
    assert_eq!(String::from_utf8(run.stdout).unwrap().lines().count(), 2);
    assert_eq!(String::from_utf8(run.stderr).unwrap(), "");
    let run = nuncio.run(&["export", "--search", "context.n == 3"]);
    let told = String::from_utf8(run.stderr).unwrap();
    assert!(run.status.success() && run.stdout.is_empty(), "{told}");
    assert!(told.starts_with("the search is not a query (") && told.contains("as text"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_is_told_without_secrets() {
    let nuncio = Nuncio::with_rules("redact: { keys: [pin] }\n").await;
    let change = json!({ "before": { "name": "a", "pin": 1 }, "after": { "name": "b", "pin": 2 } });
    let (status, body) = answer(nuncio.request(Method::POST, "/v1/events/diff").json(&change)).await;
    assert_eq!((status, body), (200, json!({ "diff": { "name": { "previous_value": "a", "new_value": "b" } } })));
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_events_are_gone_at_once() {
    let nuncio =
        Nuncio::with_rules("retention: days=1\nretention_by_action: { custom_brief: milliseconds=300 }\n").await;
    let pks = nuncio.accept(&json!([{ "action": "custom_brief" }, { "action": "login" }])).await;
    let brief = format!("/v1/events/{}", pks[0]);
    tokio::time::sleep(std::time::Duration::from_millis(310)).await;
    assert_eq!(answer(nuncio.request(Method::GET, &brief)).await.0, 404);
    assert_eq!(actions(&nuncio, "").await, ["login"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inbox_is_its_owners() {
    let nuncio = Nuncio::built_in().await;
    nuncio.accept(&json!([{ "action": "update_available", "context": { "message": "one" } }, { "action": "configuration_error" }])).await;
    let inbox = nuncio.results("/v1/notifications", 2).await;
    let pk = inbox[0]["pk"].as_str().unwrap();
    let seen = nuncio.request(Method::PATCH, &format!("/v1/notifications/{pk}")).json(&json!({ "seen": true }));
    assert_eq!(answer(seen).await.1["seen"], true);
    let unseen = nuncio.get("/v1/notifications?seen=false").await;
    assert_eq!(unseen["results"].as_array().unwrap().len(), 1);
    let (_, marked) = answer(nuncio.request(Method::POST, "/v1/notifications/mark_all_seen")).await;
    assert_eq!(marked, json!({ "marked": 1 }));
    assert_eq!(nuncio.get("/v1/notifications?seen=false").await["results"], json!([]));

    let made = nuncio.run(&["token", "create", "--scope", "read", "--username", "ann"]);
    let token = String::from_utf8(made.stdout).unwrap();
    let as_ann = |path: &str| reqwest::Client::new().get(nuncio.at(path)).bearer_auth(token.trim());
    assert_eq!(answer(as_ann("/v1/notifications")).await, (200, json!({ "results": [], "next": null })));
    assert_eq!(answer(as_ann("/v1/notifications?username=admin")).await.0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_says_why_and_what_became_of_it() {
    let nuncio = Nuncio::built_in().await;
    let pk = nuncio.accept(&json!({ "action": "update_available" })).await.remove(0);
    let path = format!("/v1/events/{pk}/trace");
    let delivered = |rule: &Value| {
        let deliveries = rule["deliveries"].as_array().unwrap();
        deliveries.len() == 2 && deliveries.iter().all(|delivery| delivery["state"] == "delivered")
    };
    let trace = nuncio.get_until(&path, |trace| delivered(&trace["rules"][1])).await;
    assert_eq!(trace["event"], pk.as_str());
    let [error, update, exception] = &trace["rules"].as_array().unwrap()[..] else { panic!("{trace}") };
    assert_eq!(
        (&error["matched"], &update["matched"], &exception["matched"]),
        (&json!(false), &json!(true), &json!(false))
    );
    assert!(error["policies"][0]["why"].as_str().unwrap().contains("update_available"), "{error}");
    let said = nuncio.run(&["explain", &pk]);
    let said = String::from_utf8(said.stdout).unwrap();
    // First the summary, then the rules that fired, whatever their order in the document.
    assert!(said.starts_with("1 of 3 rules matched; deliveries: 2 delivered\n\n✔ default-notify-update"), "{said}");
    assert!(said.contains("delivered to admin by default-local-transport"), "{said}");
    assert_eq!(nuncio.run(&["explain", "018650dd-2c93-7f1e-8afe-ad5af90bf680"]).status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_is_a_problem() {
    let nuncio = Nuncio::built_in().await;
    for (method, path, status) in [
        (Method::GET, "/v1/nothing", 404),
        (Method::DELETE, "/v1/events", 405),
        (Method::GET, "/v1/events/not-a-pk", 400),
        (Method::GET, "/v1/events/018650dd-2c93-7f1e-8afe-ad5af90bf680", 404),
        (Method::GET, "/v1/deliveries/nope", 400),
    ] {
        let response = nuncio.request(method, path).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{path}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["status"], status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_signs_in_by_a_token() {
    let nuncio = Nuncio::built_in().await;
    let client = reqwest::Client::new();
    let origin = nuncio.at("");
    let sign_in = |token: &str| client.post(nuncio.at("/v1/session")).json(&json!({ "token": token }));
    assert_eq!(answer(sign_in(TOKEN)).await.0, 403, "another site signs nobody in");
    assert_eq!(answer(sign_in("wrong").header("origin", &origin)).await.0, 401);
    let signed_in = sign_in(TOKEN).header("origin", &origin).send().await.unwrap();
    assert_eq!(signed_in.status(), 200);
    let set = signed_in.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{set}");
    let session = set.split(';').next().unwrap().to_owned();

    let by_session = |method: Method, path: &str| client.request(method, nuncio.at(path)).header("cookie", &session);
    assert_eq!(
        answer(by_session(Method::GET, "/v1/session")).await,
        (200, json!({ "username": "admin", "scopes": ["admin"] }))
    );
    let mark = || by_session(Method::POST, "/v1/notifications/mark_all_seen");
    assert_eq!(answer(mark()).await.0, 403);
    assert_eq!(answer(mark().header("sec-fetch-site", "cross-site")).await.0, 403);
    assert_eq!(answer(mark().header("sec-fetch-site", "same-origin")).await.0, 200);
    assert_eq!(answer(mark().header("origin", &origin)).await.0, 200);
    let ended = by_session(Method::DELETE, "/v1/session").header("origin", &origin).send().await.unwrap();
    assert!(ended.headers()["set-cookie"].to_str().unwrap().contains("nuncio_session=; "));
    assert_eq!(answer(by_session(Method::GET, "/v1/session")).await.0, 401, "it is over, whoever has the cookie");
    assert_eq!(answer(sign_in(TOKEN).header("origin", &origin)).await.0, 200, "and the token stays good");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_known_by_a_secret_of_its_own_and_ends_with_its_token() {
    let mut nuncio = Nuncio::not_started("public_url: https://n.example.org\ntrusted_proxies: [127.0.0.1]\n");
    nuncio.start().await;
    let made = nuncio.run(&["token", "create", "--scope", "read", "--username", "ann"]);
    let token = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let client = reqwest::Client::new();
    let sign_in = async |lines: &[(&str, &str)]| {
        let mut request = client.post(nuncio.at("/v1/session")).json(&json!({ "token": token }));
        for (name, value) in [("sec-fetch-site", "same-origin")].iter().chain(lines) {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.headers()["set-cookie"].to_str().unwrap().to_owned()
    };
    let mut cookies = Vec::new();
    for (lines, secure) in [
        (&[][..], true),
        (&[("x-forwarded-proto", "https")], true),
        (&[("x-forwarded-proto", "http")], false),
        (&[("origin", "https://n.example.org")], true),
        (&[("origin", "http://127.0.0.1:8787")], false),
    ] {
        let set = sign_in(lines).await;
        assert_eq!(set.starts_with("__Host-nuncio_session="), secure, "{set}");
        assert_eq!(set.contains("; Secure"), secure, "{set}");
        assert!(set.contains("; Path=/; HttpOnly; SameSite=Strict") && !set.contains(&token), "{set}");
        cookies.push(set.split(';').next().unwrap().to_owned());
    }
    cookies.sort();
    cookies.dedup();
    assert_eq!(cookies.len(), 5, "each is its own");
    let by = async |nuncio: &Nuncio, cookie: &str| {
        answer(client.get(nuncio.at("/v1/session")).header("cookie", cookie)).await.0
    };
    for cookie in &cookies {
        assert_eq!(by(&nuncio, cookie).await, 200);
    }
    nuncio.kill();
    let files: Vec<_> = std::fs::read_dir(nuncio.data()).unwrap().map(|entry| entry.unwrap().path()).collect();
    for file in files.iter().filter(|file| file.is_file()) {
        let bytes = std::fs::read(file).unwrap();
        for secret in cookies.iter().map(|cookie| cookie.split_once('=').unwrap().1) {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{}", file.display());
        }
    }
    nuncio.start().await;
    assert_eq!(by(&nuncio, &cookies[0]).await, 200, "a restart ends no session");
    let list = String::from_utf8(nuncio.run(&["token", "list"]).stdout).unwrap();
    let id = list.lines().find(|line| line.contains(" ann ")).unwrap().split_whitespace().next().unwrap().to_owned();
    assert!(nuncio.run(&["token", "revoke", &id]).status.success());
    for cookie in &cookies {
        assert_eq!(by(&nuncio, cookie).await, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_of_the_rules_stays_readable() {
    let nuncio = Nuncio::built_in().await;
    for (seen, source) in [("\"0\"", "retention: days=1\n"), ("\"1\"", "# second\nretention: days=2\n")] {
        let put = nuncio.request(Method::PUT, "/v1/config").header("if-match", seen).body(source);
        assert_eq!(answer(put).await.0, 200);
    }
    let versions = nuncio.get("/v1/config/versions").await;
    let numbers: Vec<_> = versions["results"].as_array().unwrap().iter().map(|one| &one["version"]).collect();
    assert_eq!(numbers, [2, 1, 0]);
    assert_eq!((&versions["results"][1]["by"], &versions["results"][2]["at"]), (&json!("admin"), &Value::Null));
    let page = nuncio.get("/v1/config/versions?limit=1&cursor=2").await;
    assert_eq!((&page["results"][0]["version"], &page["next"]), (&json!(1), &json!("1")));
    let first = nuncio.request(Method::GET, "/v1/config/versions/1").send().await.unwrap();
    assert_eq!((first.headers()["etag"].to_str().unwrap(), first.status().as_u16()), ("\"1\"", 200));
    assert_eq!(first.text().await.unwrap(), "retention: days=1\n");
    assert_eq!(answer(nuncio.request(Method::GET, "/v1/config/versions/3")).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_ends_with_its_client_and_keeps_nobody_waiting() {
    let nuncio = std::sync::Arc::new(Nuncio::built_in().await);
    let event = json!({ "action": "login", "context": { "filler": "x".repeat(300), "n": { "a": 1, "b": [1, 2, 3] } } });
    for _ in 0..40 {
        nuncio.accept(&json!(vec![event.clone(); 1000])).await;
    }
    let query = (0..1900).map(|number| format!("context.n.a = {}", number + 10)).collect::<Vec<_>>().join(" or ");
    let path = format!("/v1/events?search={}", query.replace(' ', "%20").replace('=', "%3D"));
    assert!(path.len() < 64 * 1024 && path.len() > 50 * 1024, "{}", path.len());
    let client = reqwest::Client::builder().timeout(Duration::from_millis(300)).build().unwrap();
    for _ in 0..8 {
        assert!(client.get(nuncio.at(&path)).bearer_auth(TOKEN).send().await.is_err(), "its client has hung up");
    }
    let searches: Vec<_> = (0..4)
        .map(|_| {
            let (nuncio, path) = (std::sync::Arc::clone(&nuncio), path.clone());
            tokio::spawn(async move {
                let began = Instant::now();
                let found = nuncio.get(&path).await;
                (began.elapsed(), found)
            })
        })
        .collect();
    for _ in 0..20 {
        let began = Instant::now();
        nuncio.get("/v1/events").await;
        // A step of a search that is under way is waited for, and no more.
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    }
    for search in searches {
        let (took, found) = search.await.unwrap();
        // Four searches take turns, each for five seconds at most.
        assert!(took < Duration::from_secs(40), "{took:?}");
        assert_eq!(found["results"], json!([]));
        // `next` is null if and only if all events were searched.
        assert_eq!(found["next"].is_null(), found["searched"]["events"].as_u64().unwrap() >= 40_000, "{found}");
    }
}
