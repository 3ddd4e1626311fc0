//! What the documentation says to type works as it is written there.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;
use support::nuncio::{Nuncio, TOKEN};

const README: &str = include_str!("../../README.md");
const DOCUMENTS: [&str; 3] = [README, include_str!("../../SECURITY.md"), include_str!("../../CHANGELOG.md")];

/// Lines of shell that another test runs, and which; everything else in the README's code blocks is run here.
const ELSEWHERE: [(&str, &str); 10] = [
    ("cargo run", "by CI's step `features`, and as the binary by every test here"),
    ("cargo test --workspace", "it runs this test"),
    ("(cd functions/console/web && npm install && npm run build)", "by CI's step `console`"),
    ("(cd functions/console/web && npm install && npm test", "by CI"),
    ("tests/fuzz/run", "by CI's step `fuzzing`"),
    ("sam build", "infra/deploy/check.sh"),
    ("sam deploy", "tests/aws deploys the same template"),
    ("cargo run --features cloud -- token create", "tests/aws/documented.rs"),
    ("cargo run -- apply", "tests/aws/documented.rs"),
    ("NUNCIO_KILLS=", "tests/flows/crash.rs, with fewer kills"),
];

/// The contents of the code blocks in that language.
fn blocks(language: &str) -> Vec<String> {
    let start = format!("```{language}\n");
    README.split(&start).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// What stands between backticks and begins so.
fn quoted(start: &str) -> BTreeSet<String> {
    let outside_blocks = |document: &str| -> String { document.split("```").step_by(2).collect() };
    let spans = DOCUMENTS.iter().flat_map(|document| {
        outside_blocks(document).split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
    });
    spans
        .map(|span| span.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|span| span.starts_with(start))
        .collect()
}

/// `nuncio token create\|list` as two commands, without the brackets of what is optional.
fn variants(usage: &str) -> Vec<String> {
    let usage =
        usage.replace(['[', ']'], "").replace("\\|", "|").replace(" PK", " 018650dd-2c93-7f1e-8afe-ad5af90bf680");
    let words: Vec<&str> = usage.split_whitespace().collect();
    let choice =
        words.iter().position(|word| word.contains('|') && word.chars().all(|c| c.is_ascii_lowercase() || c == '|'));
    let Some(place) = choice else { return vec![usage] };
    let with = |one: &str| [&words[..place], &[one], &words[place + 1..]].concat().join(" ");
    words[place].split('|').map(with).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_that_is_named_exists_with_its_options() {
    let nuncio = Nuncio::built_in().await;
    let commands: BTreeSet<String> = quoted("nuncio ").iter().flat_map(|usage| variants(usage)).collect();
    assert!(commands.len() > 20, "{commands:?}");
    for command in commands {
        let words: Vec<&str> =
            command.split_whitespace().skip(1).filter(|word| *word != "(or" && *word != "nothing)").collect();
        // Options that are not known are refused before the help is shown.
        let output = nuncio.run(&[&words[..], &["--help"]].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {said}");
    }
}

#[test]
fn the_sign_in_page_names_a_command_that_makes_a_token() {
    let page = include_str!("../../functions/console/web/src/app/sign-in.tsx");
    let command = page.split("<pre>nuncio ").nth(1).unwrap().split("</pre>").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &str| {
        let mut nuncio = Command::new(support::binaries::binary("nuncio"));
        nuncio.args(arguments.split_whitespace()).current_dir(folder.path()).env_remove("NUNCIO_DATA").output().unwrap()
    };
    let refused = run(command);
    assert!(!refused.status.success() && !folder.path().join("nuncio-data").exists(), "no store is made for a token");
    std::fs::create_dir(folder.path().join("nuncio-data")).unwrap();
    embedded::Store::open(&folder.path().join("nuncio-data")).unwrap();
    let made = run(command);
    assert!(
        String::from_utf8(made.stdout).unwrap().starts_with("nuncio_"),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_event_of_the_readme_is_in_the_inbox_and_the_mailbox() {
    let nuncio = Nuncio::built_in().await;
    let block = blocks("sh").into_iter().find(|block| block.starts_with("curl")).unwrap();
    let line = block.replace("http://127.0.0.1:8787", &nuncio.at(""));
    let output = Command::new("sh").args(["-c", &line]).env("NUNCIO_TOKEN", TOKEN).output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["results"][0]["status"], "accepted", "{answer}");
    nuncio.results("/v1/notifications", 1).await;
    for _ in 0..200 {
        if !nuncio.mails().is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("no mail was written: {}", nuncio.log());
}

#[test]
fn every_line_of_shell_is_run_by_some_test() {
    for block in blocks("sh") {
        for line in block.replace("\\\n", " ").lines().filter(|line| !line.trim().is_empty()) {
            let known = line.starts_with("curl") || ELSEWHERE.iter().any(|(start, _)| line.starts_with(start));
            assert!(known, "nothing runs: {line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rules_document_of_the_readme_passes_the_check() {
    let nuncio = Nuncio::built_in().await;
    let documents = blocks("yaml");
    assert!(documents.len() >= 3);
    for document in documents {
        std::fs::write(nuncio.file("example.yaml"), &document).unwrap();
        let output = nuncio.run(&["check", "example.yaml"]);
        assert!(output.status.success(), "{document}\n{}", String::from_utf8_lossy(&output.stdout));
    }
}
