//! A text that is not a query: the fault, its column, and what to write instead.

use crate::query::search::{MAX_DEPTH, SearchQuery};

#[test]
fn faults_say_what_and_where() {
    for (text, expected) in [
        ("", "expected a field such as action, at column 1"),
        (
            "disk full",
            "an event has no field disk; write context.disk or user.disk, or one of action, app, client_ip, created, \
             event_uuid, expires, id, source, at column 1",
        ),
        ("traceparent = '00'", "a query cannot test traceparent; search for its value alone, at column 1"),
        ("or action = 'x'", "expected a field such as action before or, at column 1"),
        ("action", "expected an operator such as =, ~ or in, at column 7"),
        ("action = login", "expected a value such as \"text\" or 7; put a text in quotes: \"login\", at column 10"),
        ("app = a.b", "expected a value such as \"text\" or 7; put a text in quotes: \"a.b\", at column 7"),
        ("context.a = true", "expected a value such as \"text\" or 7; write True for true, at column 13"),
        ("context.a in (1, FALSE)", "expected a value such as \"text\" or 7; write False for FALSE, at column 18"),
        ("context.a != null", "expected a value such as \"text\" or 7; write None for null, at column 14"),
        ("context.a = (1, 2)", "expected a value such as \"text\" or 7; write in before a list, at column 13"),
        ("app ~ shop", "expected a text such as \"text\"; put it in quotes: \"shop\", at column 7"),
        ("user.pk ~ 5", "expected a text such as \"text\"; put it in quotes: \"5\", at column 11"),
        ("action in 'x'", "expected a list in parentheses, such as (\"a\", \"b\"), at column 11"),
        ("action == 'x'", "== has no meaning here; write =, at column 8"),
        ("action <> 'x'", "<> has no meaning here; write !=, at column 8"),
        ("action:login", ": has no meaning here; write =, at column 7"),
        ("app = 'a' && app = 'b'", "&& has no meaning here; write and, at column 11"),
        ("app = 'a' || app = 'b'", "|| has no meaning here; write or, at column 11"),
        ("!(app = 'a')", "! alone has no meaning here; negate a test with !=, !~ or not in, at column 1"),
        ("app = “a”", "“ has no meaning here; put a text in straight quotes, such as \"login\", at column 7"),
        ("app is 'a'", "expected an operator such as =, ~ or in; write = for is, at column 5"),
        ("app LIKE 'a'", "expected an operator such as =, ~ or in; write ~ for LIKE, at column 5"),
        ("action = 5", "action is a text; put the value in quotes: \"5\", at column 10"),
        ("id in (7)", "id is a text; put the value in quotes: \"7\", at column 8"),
        ("app = 'a' app = 'b'", "expected and, or, or the end, at column 11"),
        ("user = 'x'", "user is a whole object; add a key, such as user.name, at column 1"),
        ("action = 'é", "the text that begins with this ' has no ' at its end, at column 10"),
        ("context.\"a = 1", "the text that begins with this \" has no \" at its end, at column 9"),
        ("action > None", "None cannot be compared by size; use = or !=, at column 10"),
        (
            "not action = 'x'",
            "not stands behind a field; negate a test with !=, !~, not in, not startswith or not endswith, at column 1",
        ),
        ("action not = 'x'", "expected startswith, endswith or in, at column 12"),
        ("action in ()", "expected a value such as \"text\" or 7, at column 12"),
        ("(action = 'x'", "expected ), at column 14"),
        (
            "context..a = 1",
            "a key must follow the dot, such as context.geo; quote a key that is not a name: context.\"0\", at column 9",
        ),
        ("context.a = 1.2.3", "1.2.3 is not a number; put a text in quotes, at column 13"),
        ("client_ip = 192.0.2.7/24", "192.0.2.7/24 is not a number; put a text in quotes, at column 13"),
        ("created > 2026-01-02", "2026-01-02 is not a number; put a text in quotes, at column 11"),
        ("context.account = 012345678901", "012345678901 is not a number; put a text in quotes, at column 19"),
        ("created = 'yesterday'", "expected a date such as \"2026-01-02\" or \"2026-01-02 03:04:05\", at column 11"),
        ("created > 5", "expected a date such as \"2026-01-02\" or \"2026-01-02 03:04:05\", at column 11"),
        (
            "client_ip != '192.0.2.'",
            "expected an address such as \"192.0.2.7\" or a network such as \"192.0.2.0/24\"; ~ searches for a part of an address, at column 14",
        ),
        (
            "client_ip in ('::1', True)",
            "expected an address such as \"192.0.2.7\" or a network such as \"192.0.2.0/24\"; ~ searches for a part of an address, at column 22",
        ),
        ("app = '\\ud800'", "half of a surrogate pair is not a character, at column 14"),
        (
            "context.0 = 1",
            "a key must follow the dot, such as context.geo; quote a key that is not a name: context.\"0\", at column 9",
        ),
        ("action.x = 1", "action has no keys; write action alone, at column 1"),
        ("app # 1", "unexpected '#', at column 5"),
    ] {
        assert_eq!(SearchQuery::parse(text).unwrap_err().to_string(), expected, "{text}");
    }
    let nested = |depth| "(".repeat(depth) + "app = 'a'" + &")".repeat(depth);
    assert!(SearchQuery::parse(&nested(MAX_DEPTH)).is_ok());
    assert!(SearchQuery::parse(&nested(MAX_DEPTH + 1)).is_err());
    assert!(SearchQuery::parse(&"(".repeat(1_000_000)).is_err());
}
