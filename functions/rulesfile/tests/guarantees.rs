//! Guarantees of the reader beyond the corpus: size and depth limits, confidentiality, no panics.

use domain::rules_document::RulesDocument;
use proptest::prelude::*;

#[test]
fn the_built_in_file_is_read_as_the_built_in_document() {
    let reading = rulesfile::read_with_warnings(rulesfile::BUILT_IN).unwrap();
    assert_eq!(reading.document, RulesDocument::built_in());
    assert_eq!(reading.warnings, [], "a template causes no warnings");
}

/// Lines commented out by `#` without a space after it are examples.
#[test]
fn the_examples_in_the_built_in_file_are_valid() {
    let uncommented: Vec<String> = rulesfile::BUILT_IN
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(example) if example.starts_with("  ") || !example.starts_with(' ') => example.to_owned(),
            _ => line.to_owned(),
        })
        .collect();
    let document = rulesfile::read(uncommented.join("\n")).unwrap_or_else(|faults| panic!("{faults:#?}"));
    assert_eq!(document.retention.by_action.len(), 2);
    assert!(document.rule("brute-force").is_some());
    assert_eq!(document.detections().count(), 4);
    assert_eq!(document.transports.len(), 4);
    assert!(document.public_url.is_some());
}

#[test]
fn every_example_of_the_page_is_valid() {
    let page = include_str!("../README.md");
    let blocks: Vec<&str> = page.split("\n```yaml\n").skip(1).filter_map(|rest| rest.split("\n```").next()).collect();
    assert!(blocks.len() > 8, "{}", blocks.len());
    for block in blocks {
        rulesfile::read(block).unwrap_or_else(|faults| panic!("{block}\n{faults:#?}"));
    }
}

#[test]
fn a_fault_names_its_file_in_text_and_in_json() {
    let faults = rulesfile::read("ruls: {}").unwrap_err();
    let fault = faults[0].in_file("nuncio.yaml");
    let line = r#"nuncio.yaml:1:1: "ruls" is not a key of the rules file; did you mean "rules"?"#;
    assert_eq!(fault.to_string(), line);
    assert_eq!(
        serde_json::to_string(&fault).unwrap(),
        r#"{"file":"nuncio.yaml","line":1,"column":1,"what":"\"ruls\" is not a key of the rules file","hint":"did you mean \"rules\"?"}"#
    );
}

#[test]
fn a_file_of_the_greatest_size_is_read_and_a_larger_one_is_not() {
    let mut file = "retention: days=1\n#".to_owned();
    file.extend(std::iter::repeat_n('x', rulesfile::MAX_BYTES - file.len()));
    assert!(rulesfile::read(&file).is_ok());
    file.push('x');
    let faults = rulesfile::read(&file).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert!(faults[0].what.contains("1048577 bytes"), "{}", faults[0]);
}

#[test]
fn a_body_of_any_size_and_depth_ends_in_a_fault_at_its_place() {
    for body in ["x".repeat(1_000_000), "(".repeat(500_000), "return 1".to_owned() + &" + 1".repeat(100_000)] {
        for file in [
            format!("policies:\n  p:\n    expression: {body}\n"),
            format!("policies:\n  p:\n    expression: |\n      {body}\n"),
        ] {
            let faults = rulesfile::read(&file).unwrap_err();
            assert_eq!(faults.len(), 1, "{faults:#?}");
            assert!((3..=4).contains(&faults[0].line) && faults[0].to_string().len() < 200, "{}", faults[0]);
        }
    }
    let deep = "if 1:\n  ".to_owned() + &"lambda: ".repeat(2_000) + "1";
    assert!(rulesfile::read(format!("policies: {{ p: {{ expression: {deep:?} }} }}")).is_err());
}

#[test]
fn a_file_full_of_faulty_bodies_is_read_in_time() {
    let bodies: String =
        (0..20_000).map(|number| format!("p{number}: {{expression: 'return )'}}, ")).collect::<Vec<_>>().concat();
    let faults = rulesfile::read(format!("policies: {{ {bodies} }}")).unwrap_err();
    assert_eq!(faults.len(), 20_000);
    assert!(faults[0].to_string().starts_with("1:"), "{}", faults[0]);
}

#[test]
fn nesting_is_bounded() {
    for (open, close) in [("[", "]"), ("{a: ", "}")] {
        let file = |depth: usize| format!("groups: {}{}", open.repeat(depth), close.repeat(depth));
        let deep = |depth| rulesfile::read(file(depth)).unwrap_err().iter().any(|fault| fault.what.contains("levels"));
        assert!(!deep(63));
        assert!(deep(64));
        assert!(rulesfile::read(open.repeat(100_000)).is_err());
    }
    assert!(rulesfile::read("- ".repeat(200_000)).is_err());
}

#[test]
fn nothing_confidential_of_the_file_is_in_a_fault() {
    let secret = ["s3", "cr3t"].concat();
    let file = format!(
        "email: {{ from: '{secret}@x@y', smtp: 'smtp://u:{secret}@mail.example.org' }}\n\
         allow_networks: [198.51.100.7/99]\n\
         groups: {{ g: [ {{ email: '{secret}@' }}, [ {secret} ] ] }}\n\
         transports:\n  a: {{ mode: webhook, url: 'https://u:{secret}@example.org', secret: {secret} }}\n\
         \x20 b: {{ mode: webhook_slack, url: 'ftp://{secret}.example.org' }}\n\
         \x20 c: {{ mode: webhook, url: 'env:{secret}!', secret: {{ {secret}: 1 }} }}\n\
         rules:\n  r: {{ group: '{secret}@example.org', transports: ['https://hooks.example.org/{secret}'] }}\n"
    );
    let faults = rulesfile::read(&file).unwrap_err();
    assert_eq!(faults.len(), 12, "{faults:#?}");
    for fault in faults {
        let text = fault.to_string();
        assert!(!text.contains(&secret) && !text.contains("198.51"), "{text}");
    }
}

/// Fragments of rules files; random combinations of them reach deeper into the reader than random characters.
const FRAGMENTS: [&str; 62] = [
    "rules:",
    "detections:",
    "count:",
    "first_seen:",
    "absent:",
    "sequence:",
    "of:",
    "by:",
    "expect:",
    "within: minutes=5",
    "at_least: 2",
    "client_ip",
    "value:",
    "groups:",
    "transports:",
    "policies:",
    "retention:",
    "email:",
    "redact:",
    "cloudevents:",
    "actions:",
    "event_matcher:",
    "event_pattern:",
    "$or:",
    "prefix:",
    "anything-but:",
    "numeric:",
    "exists: true",
    "'>', 1",
    "'{\"a\": [1]}'",
    "action:",
    "client_ip:",
    "mode:",
    "webhook",
    "url:",
    "secret:",
    "group:",
    "policy:",
    "order:",
    "admins",
    "days=1",
    "expression:",
    "return (",
    "env:X",
    "192.0.2.0/24",
    "\n",
    "\n  ",
    "\n    ",
    "\n- ",
    "- ",
    ": ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "&a ",
    "*a",
    "|\n",
    "\"",
    "!!str ",
    "<<: ",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*") {
        let _ = rulesfile::read(&text);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = rulesfile::read(&bytes);
    }

    #[test]
    fn nothing_that_looks_like_a_rules_file_makes_the_reader_panic(
        fragments in prop::collection::vec(prop::sample::select(&FRAGMENTS[..]), 0..60),
    ) {
        match rulesfile::read(fragments.concat()) {
            Ok(_) => {}
            Err(faults) => {
                prop_assert!(!faults.is_empty());
                prop_assert!(faults.is_sorted());
                prop_assert!(faults.iter().all(|fault| fault.line > 0 && fault.column > 0));
            }
        }
    }

    #[test]
    fn nothing_that_yaml_gives_a_meaning_makes_the_reader_panic(text in "[-\\[\\]{}:,?!&*|>'\"%@`#~<= \t\n.ab0]{0,80}") {
        let _ = rulesfile::read(&text);
    }
}
