//! The process: how it handles its log, its signals, its rules file and its limits.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use support::Sink;
use support::nuncio::{Nuncio, TOKEN, answer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::recipients::rules_to;

const SOON: Duration = Duration::from_secs(15);

async fn logged(nuncio: &Nuncio, words: &str) {
    let said = async {
        while !nuncio.log().contains(words) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(tokio::time::timeout(SOON, said).await.is_ok(), "{words}: {}", nuncio.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn losing_the_log_loses_nothing_else() {
    let (reader, closed) = std::io::pipe().unwrap();
    drop(reader);
    // Held and never read: it takes 64 KiB and then nothing.
    let (_stuck, full_pipe) = std::io::pipe().unwrap();
    let full_disk = std::fs::File::options().write(true).open("/dev/full").unwrap();
    for log in [Stdio::from(closed), full_disk.into(), full_pipe.into()] {
        let sink = Sink::start().await;
        let mut nuncio = Nuncio::not_started(&rules_to(&sink, "group: ops"));
        nuncio.log_to(log);
        nuncio.start().await;
        let filler = "x".repeat(4000);
        for number in 0..40 {
            let event = json!({ "action": "login_failed", "context": { "n": number, "filler": filler } });
            assert_eq!(nuncio.post(&event).await.0, 202);
        }
        sink.wait_for(40, SOON).await;
        nuncio.get_until("/v1/deliveries?state=pending", |body| body["results"] == json!([])).await;
        assert_eq!(nuncio.get("/v1/deliveries?state=delivered").await["results"].as_array().unwrap().len(), 40);
        let (status, took) = nuncio.terminate();
        assert_eq!(status.code(), Some(0));
        assert!(took < Duration::from_secs(10), "{took:?}");
        assert_eq!(sink.received().len(), 40, "none comes a second time");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_whose_terminal_is_gone_is_served() {
    let mut nuncio = Nuncio::built_in().await;
    nuncio.kill();
    let (reader, gone) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = nuncio.command(&["serve", "--listen", nuncio.at("").trim_start_matches("http://")]);
    let mut child = command.stdout(gone.try_clone().unwrap()).stderr(gone).spawn().unwrap();
    let began = Instant::now();
    while !reqwest::get(nuncio.at("/healthz")).await.is_ok_and(|answer| answer.status() == 200) {
        assert!(began.elapsed() < SOON && child.try_wait().unwrap().is_none());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    nuncio.accept(&json!({ "action": "login" })).await;
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_reads_the_rules_file_again_and_ends_nothing() {
    let nuncio = Nuncio::with_rules("retention: days=1\n").await;
    nuncio.signal("HUP");
    logged(&nuncio, "\"version\":2").await;
    nuncio.write_rules("rules: [what]\n");
    nuncio.signal("HUP");
    logged(&nuncio, "the last valid rules document stays in force").await;
    nuncio.accept(&json!({ "action": "login" })).await;

    let mut stored = Nuncio::built_in().await;
    stored.signal("HUP");
    logged(&stored, "SIGHUP").await;
    stored.accept(&json!({ "action": "login" })).await;
    assert_eq!(stored.terminate().0.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rules_file_that_disappears_is_reported_and_one_that_comes_back_is_read() {
    let nuncio = Nuncio::with_rules("retention: days=1\n").await;
    std::fs::remove_file(nuncio.file("rules.yaml")).unwrap();
    logged(&nuncio, "the rules file is missing").await;
    let reports = nuncio.results("/v1/events?action=configuration_error", 1).await;
    assert!(reports[0]["context"]["message"].as_str().unwrap().contains("gone"), "{reports:?}");
    nuncio.write_rules("retention: days=1\n");
    logged(&nuncio, "is in force").await;
    nuncio.write_rules("retention: never-ever\n");
    let reports = nuncio.results("/v1/events?action=configuration_error", 2).await;
    assert!(reports[0]["context"]["faults"].as_str().unwrap().contains("retention"), "{reports:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_regular_file_of_bounded_size_is_read_as_rules_file() {
    let mut nuncio = Nuncio::with_rules("retention: days=1\n").await;
    let file = nuncio.file("rules.yaml");
    let put = |what: &str| {
        let _ = std::fs::remove_file(&file);
        let _ = std::fs::remove_dir(&file);
        match what {
            "fifo" => assert!(Command::new("mkfifo").arg(&file).status().unwrap().success()),
            "folder" => std::fs::create_dir(&file).unwrap(),
            "large" => std::fs::File::create(&file).unwrap().set_len(1 << 40).unwrap(),
            link => std::os::unix::fs::symlink(link, &file).unwrap(),
        }
    };
    for (number, what) in ["fifo", "/dev/zero", "folder", "large", "/proc/self/fd/0"].into_iter().enumerate() {
        put(what);
        let refused = |log: &str| log.matches("the changed rules file cannot be used").count() > number;
        let began = Instant::now();
        while !refused(&nuncio.log()) {
            assert!(began.elapsed() < SOON, "{what}: {}", nuncio.log());
            nuncio.get("/v1/events").await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        nuncio.accept(&json!({ "action": "login" })).await;
    }
    assert!(nuncio.peak_memory() < 256 << 20, "{}", nuncio.peak_memory());
    put("fifo");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let (status, took) = nuncio.terminate();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(10), "{took:?}");
    for what in ["fifo", "/dev/zero", "folder", "large"] {
        put(what);
        let began = Instant::now();
        let output = nuncio.run(&["serve", "--listen", "127.0.0.1:0", "--config", "rules.yaml"]);
        assert_eq!(output.status.code(), Some(1), "{what}");
        assert!(began.elapsed() < SOON);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("regular file") || said.contains("bytes; at most"), "{what}: {said}");
    }
    put("/dev/zero");
    assert_eq!(nuncio.run(&["check", "rules.yaml"]).status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_ask_for_nothing_give_way_where_files_are_few() {
    let mut nuncio = Nuncio::not_started("retention: days=1\n");
    nuncio.limit_files_for_good(64);
    nuncio.start().await;
    let address = nuncio.at("").trim_start_matches("http://").to_owned();
    let mut idle = Vec::new();
    for _ in 0..129 {
        idle.push(TcpStream::connect(&address).await.unwrap());
    }
    let began = Instant::now();
    for _ in 0..20 {
        // Each by a new connection.
        let client = reqwest::Client::new().post(nuncio.at("/v1/events")).bearer_auth(TOKEN);
        assert_eq!(answer(client.json(&json!({ "action": "login" }))).await.0, 202);
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(idle[0].read(&mut [0]).await.unwrap_or(0), 0, "the one that waited for longest was closed");
}

/// Events of 256 KiB each, as many values in them as will go, in a few KiB of gzip.
fn dense(events: usize, item: &str) -> Vec<u8> {
    let items = vec![item; (256 * 1024 - 500) / (item.len() + 1)].join(",");
    let event = format!(r#"{{"action":"login","context":{{"x":[{items}]}}}}"#);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(format!("[{}]", vec![event; events].join(",")).as_bytes()).unwrap();
    gzip.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_grow_in_memory_do_not_take_it_all() {
    let nuncio = std::sync::Arc::new(Nuncio::built_in().await);
    let before = nuncio.peak_memory();
    for (events, item) in [(19, "[]"), (8, "[]"), (19, "1"), (6, "1"), (19, "{}"), (19, r#"{"a":1}"#)] {
        let body = dense(events, item);
        assert!(body.len() < 40_000);
        let mut posts = tokio::task::JoinSet::new();
        for _ in 0..30 {
            let request = nuncio.request(Method::POST, "/v1/events").header("content-encoding", "gzip");
            let request = request.header("content-type", "application/json").body(body.clone());
            // A debug build is slow beside other tests; this test measures memory.
            let request = request.timeout(Duration::from_mins(2));
            posts.spawn(async move {
                let response = request.send().await.unwrap();
                (response.status().as_u16(), response.headers().contains_key("retry-after"))
            });
        }
        while let Some(post) = posts.join_next().await {
            let (status, waits) = post.unwrap();
            assert!(matches!((status, waits), (202 | 413, false) | (503, true)), "{item}: {status}");
        }
        nuncio.accept(&json!({ "action": "login" })).await;
        let peak = nuncio.peak_memory();
        println!("{events} events of {item}: {} MiB, before {} MiB", peak >> 20, before >> 20);
        assert!(peak < 256 << 20, "{events} events of {item}: {} MiB", peak >> 20);
    }
    assert!(!nuncio.log().contains("panicked"));
    // The memory of evaluation is bounded as well.
    let evaluated = |body: &serde_json::Value| body["results"].as_array().is_some_and(|all| all.len() < 1000);
    nuncio.get_until("/v1/deliveries?state=pending&limit=1000", evaluated).await;
    assert!(nuncio.peak_memory() < 256 << 20, "{} MiB", nuncio.peak_memory() >> 20);
}

/// A body of `bytes` that is announced, begun and never ended.
async fn stalled_body(nuncio: &Nuncio, bytes: usize) -> TcpStream {
    let mut stream = TcpStream::connect(nuncio.at("").trim_start_matches("http://")).await.unwrap();
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n\
         Content-Length: 5242880\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let _ = tokio::time::timeout(Duration::from_millis(300), stream.write_all(&vec![b' '; bytes])).await;
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_request_does_not_wait_behind_large_ones() {
    let mut nuncio = Nuncio::not_started("retention: days=1\n");
    nuncio.set("NUNCIO_MEMORY", "32MiB");
    nuncio.start().await;
    let mut stalled = Vec::new();
    for _ in 0..20 {
        stalled.push(stalled_body(&nuncio, 2_000_000).await);
    }
    let began = Instant::now();
    for _ in 0..20 {
        nuncio.accept(&json!({ "action": "login" })).await;
    }
    assert!(began.elapsed() < Duration::from_secs(20), "a wait of up to five seconds each: {:?}", began.elapsed());
    drop(stalled);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_take_turns_instead_of_waiting_for_each_other() {
    let mut nuncio = Nuncio::not_started("retention: days=1\n");
    nuncio.set("NUNCIO_MEMORY", "32MiB");
    nuncio.start().await;
    let event = json!({ "action": "custom_large", "context": { "a": { "x": "y".repeat(4_000) } } });
    let body = serde_json::to_vec(&vec![event; 500]).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&body).unwrap();
    let body = encoder.finish().unwrap();
    let posts = (0..6).map(|_| {
        let request = nuncio.request(Method::POST, "/v1/events").header("Content-Type", "application/json");
        answer(request.header("Content-Encoding", "gzip").body(body.clone()))
    });
    let answers = futures_util::future::join_all(posts).await;
    let statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [202; 6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_all_before_it_reads_sees_that_its_body_is_too_large() {
    let nuncio = Nuncio::with_rules("retention: days=1\n").await;
    let mut stream = TcpStream::connect(nuncio.at("").trim_start_matches("http://")).await.unwrap();
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n\
         Content-Length: 5242881\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b' '; 5_242_881]).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 413"), "{response}");
}
