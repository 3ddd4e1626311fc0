//! The commands in the documentation work as they are written there: every command with its options, every rules
//! document, every line of shell. Guides with a receiver are run by `guides`.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value, json};
use support::nuncio::{Nuncio, TOKEN};
use support::pages::{self, Page};

/// Lines of shell that another test runs, and which. The others are `curl` and `nuncio`, and are run here or by
/// `guides`.
const ELSEWHERE: [(&str, &str); 22] = [
    ("NUNCIO_ORACLE_SEED=", "tests/contracts/oracle, with other seeds"),
    ("body=", "tests/flows/guides.rs"),
    ("mac=", "tests/flows/guides.rs"),
    ("cargo run", "by CI's step `features`, and as the binary by every test here"),
    ("cargo build --release --locked --package nuncio", "as a debug build by CI's step `features`"),
    ("cargo test --workspace", "it runs this test"),
    ("(cd functions/console/web && npm install && npm run build)", "by CI's step `console`"),
    ("(cd functions/console/web && npm install && npm test", "by CI"),
    ("(cd functions/console/web && npm run screenshot)", "by hand; a browser test checks the picture's size"),
    ("tests/fuzz/run", "by CI's step `fuzzing`"),
    ("pip install -r infra/deploy/requirements.txt", "infra/deploy/check.sh installs the same file"),
    ("sam build", "infra/deploy/check.sh"),
    ("sam deploy", "tests/aws deploys the same template"),
    ("cargo run --features cloud -- token create", "tests/aws/documented.rs"),
    ("cargo run -- apply", "tests/aws/documented.rs"),
    ("NUNCIO_KILLS=", "tests/flows/crash.rs, with fewer kills"),
    ("NUNCIO_UPDATE_DOCS=", "the same tests, comparing instead of writing"),
    ("sqlite3 nuncio-data/nuncio.db", "a_backup_is_restored_as_documented"),
    ("mkdir restored", "a_backup_is_restored_as_documented"),
    ("cp nuncio-backup.db restored/nuncio.db", "a_backup_is_restored_as_documented"),
    ("printf 'whsec_%s", "guides"),
    ("nuncio serve --accept-damage", "tests/flows/damage.rs"),
];

/// All code spans that begin with `start`, on every page, and every command of the pages' blocks.
fn quoted(start: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for page in Page::all() {
        let text = pages::outside_blocks(&page.text);
        found.extend(
            text.split('`').skip(1).step_by(2).map(|span| span.split_whitespace().collect::<Vec<_>>().join(" ")),
        );
        found.extend(page.shell());
        let units = page.blocks("ini").concat();
        found
            .extend(units.lines().filter_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/")).map(str::to_owned));
    }
    found.retain(|span| span.starts_with(start));
    found
}

/// `nuncio token create\|list` as two commands, without the brackets around optional parts.
fn variants(usage: &str) -> Vec<String> {
    let usage =
        usage.replace(['[', ']'], "").replace("\\|", "|").replace(" PK", " 018650dd-2c93-7f1e-8afe-ad5af90bf680");
    let words: Vec<&str> = usage.split(' ').collect();
    let choice =
        words.iter().position(|word| word.contains('|') && word.chars().all(|c| c.is_ascii_lowercase() || c == '|'));
    let Some(place) = choice else { return vec![usage] };
    let with = |one: &str| [&words[..place], &[one], &words[place + 1..]].concat().join(" ");
    words[place].split('|').map(with).collect()
}

/// The words of a command, as a shell splits them; quotes keep words together.
pub(crate) fn words(command: &str) -> Vec<String> {
    let parts = command.split('"').enumerate();
    parts
        .flat_map(|(place, part)| {
            if place % 2 == 1 { vec![part.to_owned()] } else { part.split_whitespace().map(str::to_owned).collect() }
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_that_is_named_exists_with_its_options() {
    let nuncio = Nuncio::built_in().await;
    let commands: BTreeSet<String> = quoted("nuncio ").iter().flat_map(|usage| variants(usage)).collect();
    assert!(commands.len() > 30, "{commands:?}");
    for command in commands {
        let mut words = words(&command);
        words.remove(0);
        words.retain(|word| *word != "(or" && *word != "nothing)");
        words.push("--help".to_owned());
        // Options that are not known are refused before the help is shown.
        let output = nuncio.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {said}");
    }
}

#[test]
fn the_sign_in_page_names_a_command_that_makes_a_token() {
    let page = include_str!("../../functions/console/web/src/app/sign-in.tsx");
    let command = page.split("?? \"nuncio ").nth(1).unwrap().split('"').next().unwrap();
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
    let line = Page::read("README.md").shell().into_iter().find(|line| line.starts_with("curl")).unwrap();
    let answer = curl(&nuncio, &line);
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

/// Runs a documented `curl` against this server; its answer.
pub(crate) fn curl(nuncio: &Nuncio, line: &str) -> Value {
    let line = line.replace("http://127.0.0.1:8787", &nuncio.at(""));
    let output = Command::new("sh").args(["-c", &line]).env("NUNCIO_TOKEN", TOKEN).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{line}: {error}"))
}

#[test]
fn every_line_of_shell_is_run_by_some_test() {
    for page in Page::all() {
        for line in page.shell() {
            let here = ["curl", "nuncio "].iter().any(|start| line.starts_with(start));
            let known = here || ELSEWHERE.iter().any(|(start, _)| line.starts_with(start));
            assert!(known, "{}: nothing runs: {line}", page.name());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rules_document_passes_the_check() {
    let nuncio = Nuncio::built_in().await;
    let mut checked = 0;
    for page in Page::all() {
        for document in page.blocks("yaml") {
            std::fs::write(nuncio.file("example.yaml"), &document).unwrap();
            let output = nuncio.run(&["check", "example.yaml"]);
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{}:\n{document}\n{said}", page.name());
            checked += 1;
        }
    }
    assert!(checked > 15, "the check itself works: {checked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_restored_as_documented() {
    let page = Page::read("functions/nuncio/README.md");
    let line = |start: &str| page.shell().into_iter().find(|line| line.starts_with(start)).unwrap();
    let mut nuncio = Nuncio::built_in().await;
    let pk =
        nuncio.accept(&json!({ "action": "login", "context": { "message": "before the backup" } })).await.remove(0);
    let shell = |line: &str| {
        let output = Command::new("sh").args(["-c", line]).current_dir(nuncio.file("")).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let backup = line("sqlite3").replace("nuncio-data", "data");
    if Command::new("sqlite3").arg("-version").output().is_ok() {
        shell(&backup);
    } else {
        // The same function of SQLite, from the Python that the tests need anyway.
        let copy = "import sqlite3; sqlite3.connect('data/nuncio.db').backup(sqlite3.connect('nuncio-backup.db'))";
        shell(&format!("python3 -c \"{copy}\""));
    }
    shell(&line("mkdir"));
    shell(&line("cp"));
    nuncio.accept(&json!({ "action": "login", "context": { "message": "after the backup" } })).await;
    assert!(nuncio.terminate().0.success());

    let restored = nuncio.file("restored");
    nuncio.set_arguments(&["--data", restored.to_str().unwrap()]);
    nuncio.start().await;
    let found = nuncio.get("/v1/events?action=login").await;
    assert_eq!(found["results"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["results"][0]["pk"], pk);
}
