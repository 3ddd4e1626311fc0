//! The precondition that is derived from a body without running it.

use expressions::Expression;
use serde_json::{Value, json};

fn read(source: &str) -> Value {
    let expression = Expression::parse(source).unwrap_or_else(|fault| panic!("{source}: {fault}"));
    serde_json::to_value(expression.precondition()).unwrap()
}

fn in_net(net: &str) -> Value {
    json!({ "client_ip": { "nets": [net], "or_none": true } })
}

fn action(names: &[&str]) -> Value {
    json!({ "action": names })
}

#[test]
fn what_is_necessary_is_found() {
    let documented = "if \"event\" not in request.context:\n    return False\n\
                      return ip_address(request.context[\"event\"].client_ip) in ip_network('192.0.2.0/24')";
    let guarded = "event = request.context.get(\"event\", None)\nif not event:\n  ak_logger.info(\"x\")\n  return False\n\
                   if event.action != \"login\":\n    return False\nreturn event.context[\"a\"][\"b\"] == False";
    let branches = "e = context['event']\nif e.action == 'a':\n  return e.context['x']\nelif e.action.startswith('b_'):\n  \
                    x = e.app\n  return True\nreturn False";
    let addressed = "e = request.obj\nif not e.client_ip:\n    return False\nif ip_address(e.client_ip) not in ip_network('10.0.0.0/8'):\n    \
                     return\nreturn ip_address(e.client_ip) in ip_network('10.1.0.0/16') and e.context['x']";
    for (source, needed) in [
        (documented, in_net("192.0.2.0/24")),
        (guarded, action(&["login"])),
        (branches, action(&["a", "b_*"])),
        (addressed, json!({ "client_ip": { "nets": ["10.0.0.0/8"], "or_none": false } })),
        (
            "return context['event'].action in ['a', 'b'] and context['event'].app == 'x'",
            json!({ "action": ["a", "b"], "app": "x" }),
        ),
        ("return ak_client_ip in ip_network('2001:db8::/32')", in_net("2001:db8::/32")),
        ("return ip_address(request.obj.client_ip) in ip_network('192.0.2.7')", in_net("192.0.2.7/32")),
        ("return request.obj.action == 'a' or request.obj.action == 'b'", action(&["a", "b"])),
        ("return not (request.obj.action != 'a' or request.obj.context['x'])", action(&["a"])),
        ("return 'a' == request.obj.action and request.obj.context['x']['y']", action(&["a"])),
        (
            "return request.obj.client_ip == '192.0.2.7'",
            json!({ "client_ip": { "nets": ["192.0.2.7/32"], "or_none": false } }),
        ),
        ("return request.obj.client_ip is None", json!({ "client_ip": { "nets": [], "or_none": true } })),
        ("return request.obj.context.get('x') == 1 and request.obj.app.startswith('a.b.')", json!({ "app": "a.b" })),
        ("if request.obj.action == 'a':\n    ak_message('x')", action(&["a"])),
        ("import json", json!({})),
    ] {
        assert_eq!(read(source), needed, "{source}");
    }
}

#[test]
fn what_could_raise_or_do_something_before_is_not_passed_over() {
    for source in [
        "ak_message('x')\nreturn request.obj.action == 'a'",
        "x = request.obj.context['x']\nreturn request.obj.action == 'a'",
        "return request.obj.context['x'] and request.obj.action == 'a'",
        "return ip_address(request.obj.client_ip).is_private and request.obj.action == 'a'",
        "if request.obj.action != 'a':\n    ak_message('x')\n    return False\nreturn True",
        "for x in []: pass\nreturn request.obj.action == 'a'",
        "return request.obj.action == 'a' or True",
        "return not request.obj.action == 'a'",
        "request = None\nreturn request.obj.action == 'a'",
        "ip_network = str\nreturn ip_address(request.obj.client_ip) in ip_network('10.0.0.0/8')",
        "e = request.obj\ne = None\nreturn e.action == 'a'",
        "if e.action != 'a': return False\ne = request.obj\nreturn True",
        "if request.obj.app:\n    e = request.obj\nreturn e.action == 'a'",
        "e = request.obj\nx = [e for e in [1]]\nreturn e.action == 'a'",
        "return ip_address(request.obj.client_ip) in ip_network('192.0.2.7/24')",
        "return ip_address(request.obj.client_ip) in ip_network('::/0')",
        "return request.obj.action in 'login_failed'",
        "return request.obj.client_ip.startswith('10.')",
        "return True",
    ] {
        assert_eq!(read(source), json!({}), "{source}");
    }
    // The address decides first, and the action is asked only then.
    let source = "return ip_address(request.obj.client_ip) in ip_network('10.0.0.0/8') and request.obj.action == 'a'";
    assert_eq!(read(source), in_net("10.0.0.0/8"));
}
