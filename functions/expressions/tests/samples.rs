//! The documented bodies and those found in the wild run as written.

mod stage;

use domain::Event;
use domain::event::Object;
use expressions::{Evaluation, ExpressionKind, ExpressionScope, NoPolicies, PolicyCaller, PolicyResult};
use serde_json::{Value, json};
use stage::{event, mapping, policy, policy_of, run_with};

fn run(source: &str, scope: &ExpressionScope) -> Evaluation {
    run_with(source, scope, &NoPolicies)
}

fn passes(source: &str, scope: &ExpressionScope) -> bool {
    run(source, scope).outcome.unwrap().truthy
}

fn makes(source: &str, scope: &ExpressionScope) -> Value {
    run(source, scope).outcome.unwrap().value
}

fn raises(source: &str, scope: &ExpressionScope) -> (String, String, Option<usize>) {
    let raised = run(source, scope).outcome.unwrap_err();
    (raised.kind, raised.message, raised.line)
}

const TEST_NET: &str = r#"
if "event" not in request.context:
    return False
return ip_address(request.context["event"].client_ip) in ip_network('192.0.2.0/24')
"#;

/// An object literal.
fn object(value: Value) -> Object {
    value.as_object().cloned().unwrap_or_default()
}

#[test]
fn a01_address_in_a_network() {
    assert!(passes(TEST_NET, &policy()));
    let mut elsewhere = event();
    elsewhere.client_ip = Some("198.51.100.1".parse().unwrap());
    assert!(!passes(TEST_NET, &policy_of(elsewhere)));
    let mut nowhere = event();
    nowhere.client_ip = None;
    let (kind, message, line) = raises(TEST_NET, &policy_of(nowhere));
    assert_eq!((kind.as_str(), line), ("ValueError", Some(4)));
    assert_eq!(message, "None does not appear to be an IPv4 or IPv6 address");
}

#[test]
fn a02_new_device() {
    let body = r#"
event = request.context.get("event", None)
if not event:
  ak_logger.info("no event", reason="none given")
  return False
if event.action != "login":
    return False
return event.context["auth_method_args"]["known_device"] == False
"#;
    assert!(!passes(body, &policy()));
    let mut login = event();
    login.action = domain::event::Action::parse("login").unwrap();
    assert!(passes(body, &policy_of(login.clone())));
    login.context = Object::new();
    let (kind, message, line) = raises(body, &policy_of(login));
    assert_eq!((kind.as_str(), message.as_str(), line), ("KeyError", "auth_method_args", Some(8)));
}

#[test]
fn a03_a04_the_database_is_named_with_what_to_use_instead() {
    let body = "from authentik.core.models import User\n\
                user = User.objects.filter(pk=request.user.pk).first()\n\
                user.attributes[\"x\"] = True\nuser.save()\nreturn True";
    let expression = expressions::Expression::parse(body).unwrap();
    let missing = &expression.missing(ExpressionKind::Policy)[0];
    assert_eq!((missing.name.as_str(), missing.line), ("authentik.core.models", 1));
    assert!(missing.hint.contains("ak_user_by"), "{}", missing.hint);
    let (kind, message, line) = raises(body, &policy());
    assert_eq!((kind.as_str(), line), ("ModuleNotFoundError", Some(1)));
    assert!(message.starts_with("No module named 'authentik.core.models': "), "{message}");
    assert!(message.contains("ak_is_group_member"), "{message}");

    let body = "from authentik.core.models import Application\nfrom authentik.policies.models import PolicyBinding\n\
                app = Application.objects.get(pk=1)\n\
                return not PolicyBinding.objects.filter(target=app).exists() and (1 != 2 or 3 != 4)";
    assert_eq!(expressions::Expression::parse(body).unwrap().missing(ExpressionKind::Policy).len(), 2);
    assert_eq!(raises(body, &policy()).0, "ModuleNotFoundError");
}

#[test]
fn a05_group_history_with_the_clock_of_the_event() {
    let body = r#"
from datetime import datetime

event = context["event"]
timestamp = datetime.now().isoformat(timespec='seconds')
history = []
if "add" in event.context["diff"]["users"]:
    added = event.context["diff"]["users"]["add"][0]
    history.append(timestamp + ": " + added["name"] + " was added")
return history
"#;
    assert_eq!(makes(body, &policy()), json!(["2023-02-15T15:33:42: Bob was added"]));
}

struct Known;

impl PolicyCaller for Known {
    fn call(&self, name: &str, context: Object) -> Result<Option<PolicyResult>, String> {
        assert_eq!(context, object(json!({ "foo": "bar" })));
        let messages = vec!["asked".to_owned()];
        Ok((name == "p").then(|| PolicyResult { passing: true, messages, raw_result: json!(1) }))
    }
}

#[test]
fn the_configuration_says_who_somebody_is() {
    let named = object(json!({ "pk": 5, "username": "BOB", "email": "evil@evil.example" }));
    let scope = policy_of(Event { user: named, ..event() });
    assert!(passes("u = ak_user_by(username='bob')\nreturn u.email == 'bob@example.org' and u.pk == 5", &scope));
    assert!(passes("return ak_user_by(email='evil@evil.example') is None", &scope));
    assert!(passes("return ak_is_group_member(request.user, name='admins')", &scope), "in whatever case");
}

#[test]
fn a06_helpers() {
    let scope = policy();
    assert!(!passes("return regex_match(request.user.username, '.*admin.*')", &scope));
    assert!(passes("return regex_match(request.user.username, 'n{2}$')", &scope));
    assert!(passes("return ak_is_group_member(request.user, name=\"admins\")", &scope));
    assert!(!passes("return ak_is_group_member(request.user, name=\"others\")", &scope));
    assert!(passes("return ak_client_ip.is_private", &scope));
    assert!(!passes("return ak_client_ip.is_loopback or ak_client_ip.version == 6", &scope));
    let body = "r = ak_call_policy(\"p\", foo=\"bar\")\nreturn r.passing and [r.messages[0], r.raw_result]";
    let called = run_with(body, &scope, &Known);
    assert_eq!(called.outcome.unwrap().value, json!(["asked", 1]));
    assert_eq!(raises(body, &scope).1, "Policy 'p' not found.");
}

#[test]
fn a07_events_and_messages() {
    let made = run("ak_create_event(\"testaction\", foo=request.user)\nreturn True", &policy());
    assert!(made.outcome.unwrap().truthy);
    assert_eq!(made.events.len(), 1);
    assert_eq!(made.events[0].action, "custom_testaction");
    let user = json!({ "foo": { "pk": 5, "email": "ann@example.org", "username": "ann" } });
    assert_eq!(Value::Object(made.events[0].context.clone()), user);

    let said = run("ak_message(\"Not from here\"); return False", &policy());
    assert!(!said.outcome.unwrap().truthy);
    assert_eq!(said.messages, ["Not from here"]);
}

#[test]
fn a08_a09_bodies_and_headers() {
    let scope = mapping();
    assert_eq!(
        makes("return {\"foo\": request.context['notification'].body}", &scope),
        json!({ "foo": "Login failed" })
    );
    assert_eq!(
        makes("return {\"email\": request.user.email, \"client_ip\": notification.event.client_ip}", &scope),
        json!({ "email": "bob@example.org", "client_ip": "192.0.2.7" })
    );
    assert_eq!(makes("return {\"Authorization\": \"Bearer x\"}", &scope), json!({ "Authorization": "Bearer x" }));
}

#[test]
fn a10_failed_login() {
    let body = r#"
event = notification.event
return {
    "user": event.context.get("username"),
    "geo": event.context.get("geo"),
    "asn": event.context.get("asn"),
    "nothing": event.context.get("nothing"),
}
"#;
    let made = makes(body, &mapping());
    assert_eq!(made, json!({ "user": "ann", "geo": { "country": "DE" }, "asn": { "asn": 64500 }, "nothing": null }));
}

#[test]
fn a11_splunk() {
    let body = r#"
event = notification.event
return {
    "event": {"action": event.action, "app": event.app, "context": {"stage": event.context["stage"]["name"]}},
    "time": event.created.timestamp(),
    "iso": event.created.isoformat(),
}
"#;
    assert_eq!(
        makes(body, &mapping()),
        json!({
            "event": { "action": "login_failed", "app": "authentik.events.signals", "context": { "stage": "password" } },
            "time": 1_676_475_222.771_091,
            "iso": "2023-02-15T15:33:42.771091+00:00"
        })
    );
}

#[test]
fn a12_a13_gotify() {
    let body = r#"return {"message": notification.body, "priority": 5, "title": notification.event.action}"#;
    assert_eq!(makes(body, &mapping()), json!({ "message": "Login failed", "priority": 5, "title": "login_failed" }));
    let body = r#"
try:
    event_user = notification.event.context["nobody"]
except:
    event_user = notification.event.user["username"]

if notification.severity == "alert":
    priority = 9
elif notification.severity == "warning":
    priority = 5
else:
    priority = 1
if ak_is_group_member(ak_user_by(username=event_user), name="gotify-users"):
    priority = priority + 1
return {"message": event_user, "priority": priority}
"#;
    assert_eq!(makes(body, &mapping()), json!({ "message": "ann", "priority": 10 }));
}

#[test]
fn a14_ntfy() {
    let body = r#"
fields = [
    {"title": "Severity", "value": notification.severity},
]
for key, value in notification.event.context.items():
    if not isinstance(value, str):
        continue
    fields.append({"title": key[:256], "value": value[:3]})
return "\n".join(f"{field['title']}: {field['value']}" for field in fields)
"#;
    assert_eq!(makes(body, &mapping()), "Severity: alert\nusername: ann\nemail: ann\nname: Ann");
}

#[test]
fn a15_a16_context_of_the_event() {
    let body = "c = notification.event.context\nreturn [c[\"email\"], c[\"name\"], c[\"username\"], c[\"created\"]]";
    assert_eq!(makes(body, &mapping()), json!(["ann@example.org", "Ann", "ann", true]));
    let body = r#"
return {
    "event_type": "authentik",
    "client_payload": {"user": notification.event.context.get("model", {}).get("username", "none")},
}
"#;
    assert_eq!(makes(body, &mapping()), json!({ "event_type": "authentik", "client_payload": { "user": "none" } }));
}

#[test]
fn a17_a_mapping_may_change_the_notification() {
    let changed = run("notification.body = 'foo'", &mapping());
    assert_eq!(changed.outcome.unwrap().value, Value::Null);
    let view = changed.notification.unwrap();
    assert_eq!((view.body.as_str(), view.severity.as_str()), ("foo", "alert"));
    assert_eq!(run("return notification.body", &mapping()).notification, None);
}

#[test]
fn a18_a_signature_by_hand() {
    let body = r#"
import hmac, hashlib, json

payload = {
    "groups": [group.name for group in request.user.groups.all()] if request.user else [],
    "body": notification.body,
}
message = json.dumps(payload, sort_keys=True).encode("utf-8")
signature = hmac.new(b"key", message, hashlib.sha256).hexdigest()
return {"X-Signature": f"sha256={signature}", "text": message.decode()}
"#;
    let made = makes(body, &mapping());
    assert_eq!(made["text"], r#"{"body": "Login failed", "groups": ["admins"]}"#);
    // By openssl dgst -sha256 -hmac key.
    assert_eq!(made["X-Signature"], "sha256=58a0ae214dc521379582f9a7dcd9a7a0fe1b7a0554c86ef8a3ab9b2debb78538");
}
