use proptest::prelude::*;
use serde_json::json;

use super::*;

mod faults;

fn event() -> Event {
    serde_json::from_value(json!({
        "pk": "018650dd-2c93-7f1e-8afe-ad5af90bf680",
        "user": { "pk": 5, "username": "Ann", "email": "ann@example.org" },
        "action": "login_failed", "app": "authentik.core",
        "context": { "geo": { "country": "DE", "lat": 52.5 }, "ok": true, "n": 9_007_199_254_740_993_i64, "nil": null,
                     "tags": ["Red", "blue", ["deep", null], 7], "empty": [],
                     "items": [{ "name": "a", "n": 1 }, { "name": ["b", "c"] }, {}], "quote": "say \"hi\"", "my-key": 1, "größe": 2, "a.b c": { "0": "x" }, "path": "C:\\Temp\n" },
        "client_ip": "2001:db8::7", "created": "2026-01-02T03:04:05.6Z", "expires": "2027-01-02T03:04:05Z",
        "brand": { "name": "Default brand" }, "id": "order-7", "source": "shop"
    }))
    .unwrap()
}

#[test]
fn a_number_of_many_digits_is_written_as_it_is_read() {
    let query = SearchQuery::parse(&format!("context.n = -1.{}5e3", "3".repeat(90))).unwrap();
    assert_eq!(SearchQuery::parse(&query.to_string()).unwrap(), query);
    // As a stored event is read, shown, and read again.
    let number: serde_json::Number = serde_json::from_str("1333.33333333333337122895").unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Number>(&number.to_string()).unwrap(), number);
}

#[test]
fn comparisons_mean_what_they_say() {
    let event = event();
    for (query, expected) in [
        (r#"action = "login_failed""#, true),
        (r#"action = "LOGIN_FAILED""#, false),
        ("action != 'login'", true),
        (r#"app startswith "Authentik""#, true),
        (r#"app not endswith "CORE""#, false),
        (r#"user.username ~ "AN""#, true),
        (r#"user.username !~ "bob""#, true),
        ("user.pk = 5", true),
        (r#"user.pk = "5""#, false),
        ("user.pk in (4, 5)", true),
        ("user.pk not in (4, 5)", false),
        (r#"user.pk ~ "5""#, true),
        (r#"brand.name = "Default brand""#, true),
        (r#"client_ip = "2001:0db8:0:0:0:0:0:7""#, true),
        ("client_ip = None", false),
        ("client_ip > '::ffff:10.1.1.1'", true),
        (r#"event_uuid = "018650DD-2C93-7F1E-8AFE-AD5AF90BF680""#, true),
        (r#"context.geo.country in ("AT", "DE")"#, true),
        ("context.geo.lat > 52", true),
        ("context.geo.lat <= 52.5", true),
        (r#"context.geo.lat < "53""#, false),
        ("context.n = 9007199254740993", true),
        ("context.n = 9007199254740992", false),
        ("context.ok = True", true),
        ("context.ok != False", true),
        ("context.nil = None", true),
        ("context.missing = None", true),
        (r#"context.missing != "x""#, true),
        (r#"context.missing !~ "x""#, true),
        ("context.missing > 0", false),
        ("context.geo.country.deeper = None", true),
        (r#"context.tags ~ "red""#, true),
        (r#"context.quote = 'say "hi"'"#, true),
        ("context.quote = \"say \\u0022hi\\\"\"", true),
        (r#"created = "2026-01-02""#, true),
        (r#"created = "2026-01-02 03:04""#, true),
        (r#"created = "2026-01-02 03:04:06""#, false),
        (r#"created > "2026-01-02""#, false),
        (r#"created >= "2026-01-02""#, true),
        (r#"created > "2026-01-01""#, true),
        (r#"created <= "2026-01-02""#, true),
        ("context.my-key = 1", true),
        ("context.größe = 2", true),
        (r#"context."a.b c"."0" = "x""#, true),
        (r#"context.'a.b c'.'\u0030' = "x""#, true),
        (r#"context.path ~ "c:\\temp""#, true),
        (r#"created < "2026-01-02 03:04:05""#, false),
        (r#"created >= "2026-01-02T04:04:05.6+01:00""#, true),
        (r#"created ~ "2026-01""#, true),
        ("created != None", true),
        (r#"id = "order-7" and source = "shop""#, true),
        (r#"id in ("order-8")"#, false),
        ("expires > '2026-12-31' and expires < '2027-01-03'", true),
        ("context.n NOT IN (1, 2) AND context.n In (9007199254740993)", true),
        (r#"app StartsWith "auth" Or app = "x""#, true),
        (r#"app Not EndsWith "core""#, false),
    ] {
        assert_eq!(SearchQuery::parse(query).unwrap().holds(&event), expected, "{query}");
    }
}

/// As in the patterns of EventBridge, the queries of `MongoDB` and the lax paths of SQL/JSON. The queries of authentik
/// (`jsonb = '"blue"'`) find no item of a list.
#[test]
fn a_test_of_a_list_is_about_its_items() {
    let event = event();
    for (query, expected) in [
        (r#"context.tags = "blue""#, true),
        (r#"context.tags = "deep""#, true),
        (r#"context.tags = "green""#, false),
        (r#"context.tags != "blue""#, false),
        (r#"context.tags != "green""#, true),
        (r#"context.tags in ("green", "Red")"#, true),
        (r#"context.tags not in ("green", "Red")"#, false),
        (r#"context.tags startswith "dee""#, true),
        (r#"context.tags not endswith "ue""#, false),
        (r#"context.tags ~ "blu""#, true),
        (r#"context.tags ~ "red\",\"blue""#, true),
        ("context.tags > 6 and context.tags < 8", true),
        ("context.tags = None", true),
        ("context.empty = None", false),
        ("context.empty != 1", true),
        (r#"context.items.name = "a" and context.items.name = "c""#, true),
        (r#"context.items.name = "d""#, false),
        ("context.items.n = 1", true),
        ("context.items.n = None", false),
        ("context.items.m = None", true),
        ("context.empty.name = None", true),
        (r#"context.items ~ "name""#, true),
        ("context.items = None", false),
    ] {
        assert_eq!(SearchQuery::parse(query).unwrap().holds(&event), expected, "{query}");
    }
}

#[test]
fn and_binds_tighter_than_or() {
    let query = |text| SearchQuery::parse(text).unwrap();
    let (a, b, c) = (query("app = 'a'"), query("app = 'b'"), query("app = 'c'"));
    let and = |parts: [&SearchQuery; 2]| SearchQuery::All(parts.map(Clone::clone).to_vec());
    let or = |parts: [&SearchQuery; 2]| SearchQuery::Any(parts.map(Clone::clone).to_vec());
    assert_eq!(query("app = 'a' and app = 'b' or app = 'c'"), or([&and([&a, &b]), &c]));
    assert_eq!(query("app = 'a' or app = 'b' and app = 'c'"), or([&a, &and([&b, &c])]));
    assert_eq!(query("app = 'a' and (app = 'b' or app = 'c')"), and([&a, &or([&b, &c])]));
    assert_eq!(query("((app = 'a'))"), a);
    assert_eq!(query("app = 'a' OR app = 'b' AND app = 'c'"), or([&a, &and([&b, &c])]));
}

#[test]
fn what_is_no_query_is_text() {
    let event = event();
    let (search, why) = Search::read("DEFAULT Brand");
    assert!(search.matches(&event) && why.is_some());
    let (search, why) = Search::read("app = 'x'");
    assert!(!search.matches(&event) && why.is_none());
}

#[test]
fn text_is_found_as_it_is_shown_not_as_json_escapes_it() {
    let event = event();
    for (text, expected) in [
        (r#"say "hi""#, true),
        (r#"Y "H"#, true),
        (r"C:\Temp", true),
        (r"c:\temp", true),
        (r"C:\\Temp", false),
        ("temp\n", true),
        (r#""country":"de""#, true),
        (r"größe", true),
        ("say 'hi'", false),
    ] {
        let search = Search::text(text);
        assert_eq!(search.matches(&event), expected, "{text}");
        let Search::Text(text) = search else { panic!() };
        let json = serde_json::to_string(&event).unwrap().to_lowercase();
        assert!(!expected || text.pieces().all(|piece| json.contains(piece)), "{text:?}");
    }
}

#[test]
fn what_is_necessary_is_there() {
    let query = |text| SearchQuery::parse(text).unwrap();
    let both = query("action = 'login' and context.geo.city = 'x' and user.pk = 5 and client_ip = '::1'");
    assert_eq!(
        both.necessary(),
        [
            RequiredPiece::Pair("action", "login"),
            RequiredPiece::Key("geo"),
            RequiredPiece::Key("city"),
            RequiredPiece::Text("x")
        ]
    );
    for none in ["action = 'login' or app = 'x'", "action != 'login'", "action ~ 'login'"] {
        assert!(query(none).necessary().is_empty(), "{none}");
    }
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        any::<String>().prop_map(Literal::Text),
        prop::sample::select(vec!["blue", "deep", "a", "c", "DE"]).prop_map(|text| Literal::Text(text.to_owned())),
        any::<i64>().prop_map(|number| Literal::Number(number.into())),
        any::<i32>().prop_filter_map("finite", |eighths| serde_json::Number::from_f64(f64::from(eighths) / 8.0)
            .map(Literal::Number)),
        any::<bool>().prop_map(Literal::Bool),
        Just(Literal::None),
    ]
}

fn field() -> impl Strategy<Value = SearchField> {
    let key = || {
        let of_the_event = prop::sample::select(vec!["tags", "items", "name", "geo", "country", "username"]);
        prop_oneof!["[_A-Za-zé][-_0-9A-Za-zé]{0,5}", any::<String>(), of_the_event.prop_map(str::to_owned)]
    };
    let path = move || prop::collection::vec(key(), 1..4);
    prop_oneof![
        Just(SearchField::Action),
        Just(SearchField::Created),
        Just(SearchField::Pk),
        path().prop_map(SearchField::User),
        path().prop_map(SearchField::Context)
    ]
}

fn comparison() -> impl Strategy<Value = SearchQuery> {
    let ordered =
        prop_oneof![any::<String>().prop_map(Literal::Text), any::<i64>().prop_map(|n| Literal::Number(n.into()))];
    let orders = (ordered, 0..4).prop_map(|(value, order)| match order {
        0 => FieldTest::Above(value),
        1 => FieldTest::AtLeast(value),
        2 => FieldTest::Below(value),
        _ => FieldTest::AtMost(value),
    });
    let deniable = prop_oneof![
        literal().prop_map(FieldTest::Equals),
        any::<String>().prop_map(FieldTest::Contains),
        any::<String>().prop_map(FieldTest::Starts),
        any::<String>().prop_map(FieldTest::Ends),
        prop::collection::vec(literal(), 1..4).prop_map(FieldTest::Among),
    ];
    let tests = prop_oneof![(deniable, any::<bool>()), (orders, Just(false))];
    (field(), tests).prop_map(|(field, (test, denied))| {
        let test = match field {
            SearchField::Created => with_values(test, || Literal::Text("2026-01-02".to_owned())),
            SearchField::Action | SearchField::Pk => with_values(test, || Literal::Text("login".to_owned())),
            _ => test,
        };
        SearchQuery::Comparison(Comparison { field, denied, test })
    })
}

/// The same test with other values.
fn with_values(test: FieldTest, value: impl Fn() -> Literal) -> FieldTest {
    match test {
        FieldTest::Equals(_) => FieldTest::Equals(value()),
        FieldTest::Above(_) => FieldTest::Above(value()),
        FieldTest::AtLeast(_) => FieldTest::AtLeast(value()),
        FieldTest::Below(_) => FieldTest::Below(value()),
        FieldTest::AtMost(_) => FieldTest::AtMost(value()),
        FieldTest::Among(values) => FieldTest::Among(values.iter().map(|_| value()).collect()),
        of_text => of_text,
    }
}

fn query() -> impl Strategy<Value = SearchQuery> {
    comparison().prop_recursive(4, 24, 4, |inner| {
        let parts = || prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![parts().prop_map(SearchQuery::All), parts().prop_map(SearchQuery::Any)]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(query in query()) {
        prop_assert_eq!(SearchQuery::parse(&query.to_string()).unwrap(), query);
    }

    /// Whatever the precision of the date: the three comparisons of an instant exclude each other.
    #[test]
    fn an_instant_is_before_a_date_or_within_it_or_behind(
        at in 1_767_225_600_000_000_i64 - 100_000_000_000..1_767_225_600_000_000_i64 + 100_000_000_000,
        near in prop_oneof![-2_000_000_i64..2_000_000, -200_000_000_000_i64..200_000_000_000],
        form in 0..5,
    ) {
        let mut event = event();
        event.created = jiff::Timestamp::from_microsecond(at).unwrap();
        let date = jiff::Timestamp::from_microsecond(at + near).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
        let date = match form {
            0 => date.strftime("%Y-%m-%d").to_string(),
            1 => date.strftime("%Y-%m-%d %H:%M").to_string(),
            2 => date.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            3 => crate::time::format(date.timestamp()),
            _ => date.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string(),
        };
        let holds = |operator: &str| SearchQuery::parse(&format!("created {operator} '{date}'")).unwrap().holds(&event);
        let (less, equal, greater) = (holds("<"), holds("="), holds(">"));
        prop_assert_eq!(u8::from(less) + u8::from(equal) + u8::from(greater), 1, "{}", date);
        prop_assert_eq!(holds("<="), less || equal);
        prop_assert_eq!(holds(">="), greater || equal);
        prop_assert_eq!(holds("!="), !equal);
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = Search::read(&text).0.matches(&event());
    }

    #[test]
    fn no_near_query_panics(words in prop::collection::vec(
        prop::sample::select(vec!["action", "context.a", "=", "!=", "~", "in", "not", "(", ")", ",", "'x'", "\"\\u00", "1e", "-", "and", "or", "None"]), 0..30
    )) {
        let _ = Search::read(&words.join(" ")).0.matches(&event());
    }

    #[test]
    fn what_is_necessary_rules_nothing_out(query in query()) {
        let event = event();
        let json = serde_json::to_string(&event).unwrap();
        if query.holds(&event) {
            for piece in query.necessary() {
                let json_of = |text: &str| serde_json::to_string(text).unwrap();
                let piece = match piece {
                    RequiredPiece::Pair(key, text) => format!("{}:{}", json_of(key), json_of(text)),
                    RequiredPiece::Key(key) => json_of(key) + ":",
                    RequiredPiece::Text(text) => json_of(text),
                };
                prop_assert!(json.contains(&piece), "{} in {}", piece, json);
            }
        }
    }
}
