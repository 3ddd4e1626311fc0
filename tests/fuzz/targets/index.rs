//! The rule index against asking each rule, and each pattern against the language's definition: a document and its
//! events are drawn from an input's bytes, of few keys and values, so that they often meet.

#![no_main]

#[path = "../../../functions/rules/tests/patterns/naive.rs"]
mod naive;

use domain::event::{ActionPattern, Event};
use domain::ports::NoExpressions;
use domain::rules_document::{Binding, BindingMode, EventMatcher, EventPattern, Policy, Rule, RulesDocument};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use rules::RuleSet;
use serde_json::{Map, Value, json};

const KEYS: [&str; 3] = ["a", "b", "c"];
const DEPTH: usize = 3;

const LEAVES: [&str; 22] = [
    r#""x""#,
    r#""X""#,
    r#""xy""#,
    r#""yx""#,
    r#""x*y""#,
    r#""x-abcd-y""#,
    r#""abcdefgh""#,
    r#""xſς-y""#,
    r#""XSΣ-Y""#,
    r#""""#,
    "1",
    "1.0",
    "0",
    "-0.0",
    "2.5",
    "-3",
    "9007199254740993",
    "null",
    "true",
    "false",
    r#""192.0.2.7""#,
    r#""::1""#,
];

const TESTS: [&str; 36] = [
    r#"{"exists":true}"#,
    r#"{"exists":false}"#,
    r#"{"exactly":"x"}"#,
    r#"{"prefix":"x"}"#,
    r#"{"prefix":""}"#,
    r#"{"prefix":{"equals-ignore-case":"X"}}"#,
    r#"{"suffix":"y"}"#,
    r#"{"suffix":{"equals-ignore-case":"Y"}}"#,
    r#"{"equals-ignore-case":"xY"}"#,
    r#"{"wildcard":"x*y"}"#,
    r#"{"wildcard":"*abcd*"}"#,
    r#"{"wildcard":"*bcdef*"}"#,
    r#"{"wildcard":"*-*-*"}"#,
    r#"{"wildcard":"x\\*y"}"#,
    r#"{"wildcard":{"equals-ignore-case":"*SσÇ*"}}"#,
    r#"{"wildcard":{"equals-ignore-case":"*Sσ-*"}}"#,
    r#"{"wildcard":{"equals-ignore-case":"X*Y"}}"#,
    r#"{"anything-but":{"wildcard":{"equals-ignore-case":["*Y","a*"]}}}"#,
    r#"{"anything-but":"x"}"#,
    r#"{"anything-but":["x","xy"]}"#,
    r#"{"anything-but":[1,2.5]}"#,
    r#"{"anything-but":{"prefix":"x"}}"#,
    r#"{"anything-but":{"suffix":["x","y"]}}"#,
    r#"{"anything-but":{"wildcard":"x*"}}"#,
    r#"{"numeric":["=",1]}"#,
    r#"{"numeric":["=",0]}"#,
    r#"{"numeric":[">",-3]}"#,
    r#"{"numeric":["<=",1.0]}"#,
    r#"{"numeric":[">=",-3,"<",2.5]}"#,
    r#"{"numeric":[">",0,"<",1.5]}"#,
    r#"{"cidr":"192.0.2.0/24"}"#,
    r#"{"cidr":"192.0.2.7/32"}"#,
    r#"{"cidr":"::/0"}"#,
    r#"{"cidr":"::1/128"}"#,
    r#"{"numeric":["<",5]}"#,
    r#"{"numeric":["=",2.5]}"#,
];

fuzz_target!(|input: &[u8]| {
    check(&mut Unstructured::new(input)).expect("there always is something to draw");
});

fn check(draw: &mut Unstructured<'_>) -> Result<()> {
    let mut document = RulesDocument::default();
    let mut written = Vec::new();
    for at in 0..draw.int_in_range(1..=8)? {
        let (policy, pattern) = policy(draw)?;
        document.policies.insert(format!("p{at}"), policy.into());
        document
            .rules
            .push(Rule { bindings: vec![Binding::to_policy(format!("p{at}"))], ..Rule::named(format!("r{at}")) });
        written.push(pattern);
    }
    for at in 0..draw.int_in_range(0..=4)? {
        let mode = *draw.choose(&[BindingMode::Any, BindingMode::All])?;
        let enabled = !draw.ratio(1, 8)?;
        let count = draw.int_in_range(0..=3)?;
        let bindings = (0..count).map(|_| binding(draw, written.len())).collect::<Result<_>>()?;
        document.rules.push(Rule { bindings, mode, enabled, ..Rule::named(format!("m{at}")) });
    }
    let rules = RuleSet::compile(&document);
    for _ in 0..draw.int_in_range(1..=4)? {
        let event = event(draw)?;
        let explained = rules::explain(&document, &event, &NoExpressions);
        let each: Vec<_> = (0..explained.len()).filter(|&at| explained[at].matched).collect();
        assert_eq!(rules.matches(&event), each, "{} {written:?}", event.to_json());
        let json = serde_json::to_value(&event).expect("an event is written");
        for (pattern, explained) in written.iter().zip(&explained) {
            let Some(pattern) = pattern else { continue };
            assert_eq!(naive::admits(pattern, &json), explained.matched, "{json} {pattern}");
        }
    }
    Ok(())
}

fn binding(draw: &mut Unstructured<'_>, policies: usize) -> Result<Binding> {
    // The last of these policies is not there.
    let policy = format!("p{}", draw.int_in_range(0..=policies)?);
    let [enabled, negate, failure_result] = draw.arbitrary()?;
    Ok(Binding { enabled, negate, failure_result, ..Binding::to_policy(policy) })
}

/// A policy, and its text if it is a pattern.
fn policy(draw: &mut Unstructured<'_>) -> Result<(Policy, Option<Value>)> {
    if draw.ratio(1, 5)? {
        return Ok((Policy::EventMatcher(matcher(draw)?), None));
    }
    let mut pattern = json!({ "context": fields(draw, 2)? });
    if let (key, Some(tests)) = *draw.choose(&[
        ("", None),
        ("client_ip", Some(r#"[{"cidr":"192.0.2.0/24"}]"#)),
        ("client_ip", Some(r#"[{"cidr":"192.0.2.0/29"},null]"#)),
        ("client_ip", Some(r#"["192.0.2.7"]"#)),
        ("id", Some(r#"[{"exists":false},"x"]"#)),
        ("action", Some(r#"["login",{"prefix":"logo"}]"#)),
        ("pk", Some(r#"[{"prefix":"0186"}]"#)),
        ("unknown", Some(r#"[{"exists":false}]"#)),
        ("unknown", Some("[1]")),
    ])? {
        pattern[key] = json(tests);
    }
    let read = EventPattern::read(&pattern).unwrap_or_else(|faults| panic!("{pattern}: {faults:?}"));
    Ok((Policy::EventPattern(read), Some(pattern)))
}

fn matcher(draw: &mut Unstructured<'_>) -> Result<EventMatcher> {
    let actions = ["login", "login_failed", "log*", "logout*", "*"];
    let count = draw.int_in_range(0..=2)?;
    let action = (0..count).map(|_| Ok(ActionPattern::parse(draw.choose(&actions)?).expect("an action")));
    let action = action.collect::<Result<_>>()?;
    let nets = [None, Some("192.0.2.0/24"), Some("::ffff:192.0.2.0/120"), Some("::/0"), Some("10.0.0.0/8")];
    Ok(EventMatcher {
        action,
        app: draw.choose(&[None, Some("a"), Some("a.b"), Some("ab"), Some("")])?.map(str::to_owned),
        model: draw.choose(&[None, None, Some("core.user"), Some("core.group")])?.map(str::to_owned),
        client_ip: draw.choose(&nets)?.map(|net| net.parse().expect("a network")),
        query: None,
    })
}

fn fields(draw: &mut Unstructured<'_>, depth: usize) -> Result<Value> {
    let mut fields = Map::new();
    for _ in 0..draw.int_in_range(1..=2)? {
        let key = *draw.choose(&KEYS)?;
        let field = if depth > 0 && draw.ratio(1, 3)? { self::fields(draw, depth - 1)? } else { tests(draw)? };
        fields.insert(key.to_owned(), field);
    }
    if depth > 0 && draw.ratio(1, 4)? {
        let alternatives = [self::fields(draw, depth - 1)?, self::fields(draw, depth - 1)?];
        fields.insert("$or".to_owned(), json!(alternatives));
    }
    Ok(Value::Object(fields))
}

fn tests(draw: &mut Unstructured<'_>) -> Result<Value> {
    let count = draw.int_in_range(1..=2)?;
    let test = |_| if draw.ratio(1, 3)? { leaf(draw) } else { Ok(json(draw.choose(&TESTS)?)) };
    (0..count).map(test).collect()
}

fn leaf(draw: &mut Unstructured<'_>) -> Result<Value> {
    Ok(json(draw.choose(&LEAVES)?))
}

fn event(draw: &mut Unstructured<'_>) -> Result<Event> {
    let mut context = object(draw, DEPTH)?;
    if let Some((app, name)) = *draw.choose(&[None, Some(("core", "user")), Some(("core", "group"))])? {
        context["model"] = json!({ "app": app, "model_name": name });
    }
    let addresses = [None, Some("192.0.2.7"), Some("192.0.2.9"), Some("2001:db8::1")];
    let mut event = json!({
        "pk": "018653ab-3bf8-7000-8000-000000000000", "user": {}, "context": context, "brand": {},
        "action": draw.choose(&["login", "login_failed", "logout"])?, "app": draw.choose(&["", "a", "a.b", "ab", ".a"])?,
        "client_ip": draw.choose(&addresses)?, "created": "2023-02-15T15:33:42.771091Z",
        "expires": "2024-02-15T15:33:42.771091Z",
    });
    if let Some(id) = draw.choose(&[None, Some("x"), Some("X")])? {
        event["id"] = json!(id);
    }
    Ok(serde_json::from_value(event).expect("an event"))
}

fn object(draw: &mut Unstructured<'_>, depth: usize) -> Result<Value> {
    let count = draw.int_in_range(0..=3)?;
    (0..count).map(|_| Ok(((*draw.choose(&KEYS)?).to_owned(), value(draw, depth)?))).collect()
}

fn value(draw: &mut Unstructured<'_>, depth: usize) -> Result<Value> {
    match draw.int_in_range(0..=3)? {
        2 if depth > 0 => object(draw, depth - 1),
        3 if depth > 0 => {
            let count = draw.int_in_range(0..=3)?;
            (0..count).map(|_| value(draw, depth - 1)).collect()
        }
        _ => leaf(draw),
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect(text)
}
