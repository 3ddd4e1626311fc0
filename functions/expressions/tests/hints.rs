//! What a hint recommends works, and comes to the same as what it replaces.

mod stage;

use expressions::{Expression, ExpressionKind, ExpressionScope, NoPolicies};
use serde_json::{Value, json};
use stage::{mapping, policy, run_with};

/// What `nuncio check` says about a body: the names and the hints.
fn missing(body: &str, scope: &ExpressionScope) -> Vec<(String, String)> {
    let expression = Expression::parse_as(body, scope.kind).unwrap_or_else(|fault| panic!("{body}: {fault}"));
    expression.missing(scope.kind).into_iter().map(|missing| (missing.name, missing.hint)).collect()
}

/// Python that is refused, words of the hint, a body that follows the hint, and what Python returns for the former. If
/// the sandbox comes to support the former, it has to return that as well.
const REPLACED: &[(&str, &str, &str, &str)] = &[
    ("import math\nreturn math.hypot(3, 4)", "math.sqrt", "import math\nreturn math.sqrt(3 * 3 + 4 * 4)", "5.0"),
    (
        "from collections import OrderedDict\nreturn list(OrderedDict([('b', 1), ('a', 2)]))",
        "a dict",
        "return list(dict([('b', 1), ('a', 2)]))",
        r#"["b", "a"]"#,
    ),
    (
        "import itertools\nreturn [[k, list(v)] for k, v in itertools.groupby([1, 1, 2])]",
        "setdefault",
        "groups = {}\nfor item in [1, 1, 2]:\n    groups.setdefault(item, []).append(item)\nreturn [[k, v] for k, v in groups.items()]",
        "[[1, [1, 1]], [2, [2]]]",
    ),
    (
        "import itertools\nreturn [list(pair) for pair in itertools.product([1, 2], [3])]",
        "two loops",
        "return [[a, b] for a in [1, 2] for b in [3]]",
        "[[1, 3], [2, 3]]",
    ),
    (
        "from functools import cmp_to_key\nreturn sorted([2, 1], key=cmp_to_key(lambda a, b: a - b))",
        "key=lambda",
        "return sorted([2, 1], key=lambda item: item)",
        "[1, 2]",
    ),
    (
        "from datetime import date, datetime, time\nreturn str(datetime.combine(date(2024, 2, 3), time(4, 5)))",
        "day.year",
        "from datetime import date, datetime, time\nday = date(2024, 2, 3)\nreturn str(datetime(day.year, day.month, day.day, 4, 5))",
        r#""2024-02-03 04:05:00""#,
    ),
    (
        "import re\nreturn bool(re.match('a # one\\n b', 'ab', re.VERBOSE))",
        "without spaces",
        "import re\nreturn bool(re.match('a' 'b', 'ab'))",
        "true",
    ),
    ("x = 1\nreturn x.__class__.__name__", "type(value)", "x = 1\nreturn type(x).__name__", r#""int""#),
    (
        "return sorted(['b', 'A'], key=str.lower)",
        "lambda",
        "return sorted(['b', 'A'], key=lambda value: value.lower())",
        r#"["A", "b"]"#,
    ),
    ("f = 'a'.upper\nreturn f()", "lambda", "f = lambda: 'a'.upper()\nreturn f()", r#""A""#),
    (
        "import urllib.parse\nreturn urllib.parse.urlparse('https://a.example/b').netloc",
        "re.match",
        "import re\nreturn re.match(r\"https?://([^/]+)\", 'https://a.example/b').group(1)",
        r#""a.example""#,
    ),
    (
        "from urllib.parse import urlparse\nreturn urlparse('/b?c=1').query",
        "partition",
        "return '/b?c=1'.partition(\"?\")[2]",
        r#""c=1""#,
    ),
    ("import os.path\nreturn os.path.basename('a/b')", "rpartition", "return 'a/b'.rpartition('/')[2]", r#""b""#),
    (
        "import copy\nreturn copy.deepcopy({'a': [1]})",
        "json.loads",
        "import json\nreturn json.loads(json.dumps({'a': [1]}))",
        r#"{"a": [1]}"#,
    ),
    (
        "import operator\nreturn operator.itemgetter('a')({'a': 1})",
        "lambda item",
        "return (lambda item: item['a'])({'a': 1})",
        "1",
    ),
    (
        "import statistics\nreturn statistics.mean([1, 2])",
        "len(values)",
        "values = [1, 2]\nreturn sum(values) / len(values)",
        "1.5",
    ),
    ("import io\nreturn io.StringIO('a').read()", "join", "return ''.join(['a'])", r#""a""#),
    (
        "import secrets\nreturn secrets.compare_digest('a', 'a')",
        "hmac.compare_digest",
        "import hmac\nreturn hmac.compare_digest('a', 'a')",
        "true",
    ),
    (
        "from zoneinfo import ZoneInfo\nfrom datetime import datetime\nreturn datetime(2024, 1, 1, tzinfo=ZoneInfo('Etc/GMT-1')).isoformat()",
        "timedelta(hours=",
        "from datetime import datetime, timedelta, timezone\nreturn datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=1))).isoformat()",
        r#""2024-01-01T00:00:00+01:00""#,
    ),
    (
        "try:\n    raise ValueError('a', 2)\nexcept ValueError as raised:\n    return len(raised.args)",
        "one text",
        "try:\n    raise ValueError('a 2')\nexcept ValueError:\n    return 2",
        "2",
    ),
    (
        "count = 3\ntry:\n    raise ValueError(count)\nexcept ValueError as raised:\n    return str(raised)",
        "one text",
        "count = 3\ntry:\n    raise ValueError(f'{count}')\nexcept ValueError as raised:\n    return str(raised)",
        r#""3""#,
    ),
    ("return callable(1)", "None", "return 1 is None", "false"),
    ("return issubclass(bool, int)", "isinstance", "return isinstance(True, int)", "true"),
];

#[test]
fn a_hint_recommends_what_comes_to_the_same() {
    for (body, words, instead, expected) in REPLACED {
        let expected: Value = serde_json::from_str(expected).unwrap();
        let run = |body: &str| run_with(body, &policy(), &NoPolicies).outcome.map(|returned| returned.value);
        match missing(body, &policy()).as_slice() {
            [] => assert_eq!(run(body), Ok(expected.clone()), "{body}"),
            [(_, hint), ..] => assert!(hint.contains(words), "{body}: {hint}"),
        }
        assert_eq!(run(instead), Ok(expected), "{instead}");
    }
}

#[test]
fn a_hint_says_truly_why_a_module_is_missing() {
    for (module, words, wrong) in [
        ("urllib.parse", "re.match", "network"),
        ("urllib.request", "network", "randomness"),
        ("uuid", "UUIDs are texts", "randomness"),
        ("random", "randomness", "network"),
        ("http.client", "network", "files"),
        ("logging", "ak_logger", "database"),
        ("structlog", "ak_logger", "database"),
        ("django.utils.text", "slugify", "database"),
        ("django.utils.timezone", "datetime.now()", "database"),
        ("authentik.core.models", "ak_user_by", "network"),
        ("io", "join", "files"),
        ("pathlib", "rpartition", "files"),
        ("os", "files", "network"),
        ("time", "clock", "files"),
        ("decimal", "can be imported", "network"),
    ] {
        for body in [format!("import {module}\nreturn 1"), format!("from {module} import x\nreturn 1")] {
            let missing = missing(&body, &policy());
            let [(name, hint)] = missing.as_slice() else { panic!("{body}: {missing:?}") };
            assert_eq!(name, module);
            assert!(hint.contains(words) && !hint.contains(wrong), "{module}: {hint}");
        }
    }
    let (_, hint) = missing("import decimal", &policy()).remove(0);
    let (_, modules) = hint.split_once("; ").unwrap();
    let modules = modules.trim_end_matches(" can be imported").replace(" and ", ", ");
    assert!(modules.split(", ").count() > 10);
    for module in modules.split(", ") {
        assert_eq!(missing(&format!("import {module}\nreturn 1"), &policy()), [], "{module}");
    }
}

#[test]
fn what_the_sandbox_supplies_in_policies_or_mappings_is_known() {
    let names = |body: &str, scope: &ExpressionScope| {
        missing(body, scope).into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    for name in
        ["request", "ak_logger", "regex_match", "ip_address", "slugify", "list_flatten", "ak_user_by", "len", "format"]
    {
        for scope in [policy(), mapping()] {
            assert_eq!(names(&format!("x = {name}"), &scope), [""; 0], "{name}");
        }
    }
    for name in ["context", "ak_message", "ak_client_ip", "ak_is_sso_flow", "ak_call_policy"] {
        assert_eq!(names(&format!("x = {name}"), &policy()), [""; 0], "{name}");
        assert_eq!(names(&format!("x = {name}"), &mapping()), [name]);
    }
    for name in ["notification", "user", "original_body"] {
        assert_eq!(names(&format!("x = {name}"), &mapping()), [""; 0], "{name}");
        assert_eq!(names(&format!("x = {name}"), &policy()), [name]);
    }
    assert_eq!(names("x = open('a')", &policy()), ["open"]);
    let headers = Expression::parse_as("return {'X-Text': original_body['text']}", ExpressionKind::Mapping).unwrap();
    assert!(headers.missing(ExpressionKind::Mapping).is_empty());
    assert_eq!(headers.missing_without_original()[0].name, "original_body");
}

#[test]
fn a_mapping_knows_of_its_recipient_what_the_event_says_about_the_same_person() {
    let view = |event: Value| {
        let mut notification = stage::notification();
        notification.event = std::sync::Arc::new(domain::Event {
            user: event["user"].as_object().cloned().unwrap_or_default(),
            context: event["context"].as_object().cloned().unwrap_or_default(),
            ..stage::event()
        });
        let scope = ExpressionScope::mapping(&notification, stage::groups());
        let body = "return [request.user.pk, user.pk, notification.user.pk, user.username, user.email, user.name]";
        run_with(body, &scope, &NoPolicies).outcome.unwrap().value
    };
    let acting =
        json!({ "user": { "pk": 7, "username": "BOB", "email": "evil@evil.example", "name": "Bob" }, "context": {} });
    assert_eq!(view(acting), json!([7, 7, 7, "bob", "bob@example.org", "Bob"]), "as configured");
    let affected =
        json!({ "user": { "pk": 5, "username": "ann" }, "context": { "subject": { "pk": 8, "username": "bob" } } });
    assert_eq!(view(affected), json!([8, 8, 8, "bob", "bob@example.org", "bob"]));
    let other = json!({ "user": { "pk": 5, "username": "ann" }, "context": {} });
    assert_eq!(view(other), json!([null, null, null, "bob", "bob@example.org", "bob"]));
    assert_eq!(ExpressionScope::mapping(&stage::notification(), stage::groups()).kind, ExpressionKind::Mapping);
}
