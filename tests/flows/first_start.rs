//! A newcomer starts it, pastes the line, and sees a notification.

use std::process::Command;

use serde_json::Value;
use support::nuncio::{Nuncio, TOKEN};

/// The curl lines of the welcome, as a shell would run them.
fn pasted(welcome: &str) -> Vec<String> {
    let joined = welcome.replace("\\\n", " ");
    joined.lines().filter(|line| line.trim_start().starts_with("curl")).map(str::to_owned).collect()
}

fn shell(line: &str) -> Value {
    let output = Command::new("sh").args(["-c", line]).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stdout)))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pasted_line_leads_to_an_inbox_and_a_mail() {
    let nuncio = Nuncio::for_a_newcomer().await;
    let lines = pasted(&nuncio.welcome);
    let [post, read] = lines.as_slice() else { panic!("{}", nuncio.welcome) };
    assert_eq!(shell(post)["results"][0]["status"], "accepted");
    for _ in 0..200 {
        if shell(read)["results"].as_array().is_some_and(|all| !all.is_empty()) && !nuncio.mails().is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    let inbox = shell(read);
    assert_eq!(inbox["results"].as_array().unwrap().len(), 1);
    assert_eq!(inbox["results"][0]["body"], "The mail relay is unreachable");
    assert_eq!(inbox["results"][0]["severity"], "alert");
    let mails = nuncio.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("Subject: Nuncio notification: configuration_error"), "{}", mails[0]);
    assert!(mails[0].contains("To: admin@localhost") || mails[0].contains("<admin@localhost>"), "{}", mails[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_file_the_pasted_lines_promise_no_notification() {
    let nuncio = Nuncio::with_rules("retention: days=30\n").await;
    let lines = pasted(&nuncio.welcome);
    let [post, read] = lines.as_slice() else { panic!("{}", nuncio.welcome) };
    assert!(!nuncio.welcome.contains("notif"), "{}", nuncio.welcome);
    let with_token = |line: &str| line.replace("$NUNCIO_TOKEN", TOKEN);
    let accepted = shell(&with_token(post));
    assert_eq!(shell(&with_token(read))["results"][0]["pk"], accepted["results"][0]["pk"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_shown_once_and_stays_good() {
    let mut nuncio = Nuncio::for_a_newcomer().await;
    let read = pasted(&nuncio.welcome)[1].clone();
    let old = nuncio.at("");
    nuncio.kill();
    nuncio.start().await;
    assert!(!nuncio.welcome.contains("nuncio_"), "{}", nuncio.welcome);
    assert_eq!(shell(&read.replace(&old, &nuncio.at("")))["results"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_folder_is_refused() {
    let nuncio = Nuncio::built_in().await;
    let second = nuncio.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains("in use") || said.contains("using"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_it_well() {
    let mut nuncio = Nuncio::built_in().await;
    nuncio.accept(&serde_json::json!({ "action": "login" })).await;
    let (status, took) = nuncio.terminate();
    assert_eq!(status.code(), Some(0), "{}", nuncio.log());
    assert!(took.as_secs() < 10, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_faulty_rules_file_stops_the_start() {
    let nuncio = Nuncio::built_in().await;
    nuncio.write_rules("rules: { a: { transprots: [] } }\n");
    for (file, said) in [("missing.yaml", "cannot read the rules file missing.yaml"), ("rules.yaml", "rules.yaml:1:")] {
        let output = nuncio.run(&["serve", "--listen", "127.0.0.1:0", "--data", "other", "--config", file]);
        assert_eq!(output.status.code(), Some(1));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(said), "{stderr}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_accepted_event_is_one_log_line() {
    let nuncio = Nuncio::built_in().await;
    let pk = &nuncio.accept(&serde_json::json!({ "action": "login", "context": { "password": "hunter2" } })).await[0];
    let log = nuncio.log();
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let events: Vec<&Value> = lines.iter().filter(|line| line["event"]["pk"] == pk.as_str()).collect();
    assert_eq!(events.len(), 1, "{log}");
    assert_eq!(events[0]["level"], "INFO");
    assert_eq!(events[0]["event"]["action"], "login");
    assert!(!log.contains("hunter2"));
    assert!(!log.contains(TOKEN));
}
