//! What holds for every alarm: whom it reaches, and its entry in the runbook.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use support::pages::Page;

use super::evaluate::Alarm;
use crate::resolved::Resolved;

/// The alarms of a stack with an archive and mail, that was deployed with these topics.
fn alarms(alarm_topic: &str, ticket_topic: &str) -> BTreeMap<String, Value> {
    let parameters = json!({
        "AlarmTopic": alarm_topic, "TicketTopic": ticket_topic, "ArchiveBucket": "archive", "MailFrom": "nuncio@example.org",
    });
    Resolved::undeployed(parameters).of_type("AWS::CloudWatch::Alarm").into_iter().collect()
}

#[test]
fn a_page_and_a_ticket_go_to_their_topics_and_so_does_their_end() {
    for (name, alarm) in alarms("pages", "tickets") {
        let description = alarm["AlarmDescription"].as_str().unwrap();
        let topic = match description.split_once(": ") {
            Some(("Page", _)) => "pages",
            Some(("Ticket", _)) => "tickets",
            _ => panic!("{name}: is {description:?} a page or a ticket?"),
        };
        assert_eq!((&alarm["AlarmActions"], &alarm["OKActions"]), (&json!([topic]), &json!([topic])), "{name}");
    }
    for (name, alarm) in alarms("pages", "") {
        assert_eq!((&alarm["AlarmActions"], &alarm["OKActions"]), (&json!(["pages"]), &json!(["pages"])), "{name}");
    }
    for (name, alarm) in alarms("", "") {
        assert!(alarm.get("AlarmActions").is_none() && alarm.get("OKActions").is_none(), "{name}");
    }
}

#[test]
fn every_alarm_has_an_entry_in_the_runbook() {
    let page = Page::read("infra/deploy/README.md");
    let runbook = page.text.split_once("\n## Alarms and runbook\n").expect("there is a runbook").1;
    let runbook = runbook.split_once("\n## ").map_or(runbook, |(runbook, _)| runbook);
    let entries: BTreeMap<_, _> = runbook
        .split("\n### ")
        .skip(1)
        .map(|entry| entry.split_once('\n').unwrap_or_else(|| panic!("{}: {entry} is empty", page.name())))
        .collect();
    // Wherever its lines break.
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let alarms = alarms("pages", "tickets");
    let named: BTreeSet<_> = entries.keys().copied().collect();
    assert_eq!(named, alarms.keys().map(String::as_str).collect());
    for (name, entry) in entries {
        let kind =
            if alarms[name]["AlarmDescription"].as_str().unwrap().starts_with("Page") { "Page." } else { "Ticket." };
        let entry = words(entry);
        let mut rest = entry.as_str();
        for part in [kind, "**Condition:** ", "**Effect:** ", "**Do:** "] {
            rest = rest.split_once(part).unwrap_or_else(|| panic!("{name} has no {part}, or not in its place")).1;
        }
        let count = entry.split(' ').count();
        assert!(count <= 120, "{name}: {count} words are too many at night");
    }
    let billed = |conditional: bool| {
        let alarms = alarms.iter().filter(|(name, _)| {
            conditional || !["ArchiveLagAlarm", "MailBouncesAlarm", "MailComplaintsAlarm"].contains(&name.as_str())
        });
        alarms.map(|(_, alarm)| Alarm(alarm).metrics().len()).sum::<usize>()
    };
    let (plain, all) = (billed(false), billed(true));
    let cost = format!("read {plain} metrics, with an archive and mail {all}");
    assert!(words(runbook).contains(&cost), "the runbook does not say: {cost}");
}
