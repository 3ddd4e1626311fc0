//! The Python of bodies behaves like ordinary Python.

mod stage;

use expressions::{Expression, ExpressionKind, ExpressionScope, NoPolicies};
use serde_json::{Value, json};
use stage::{event, mapping, policy, policy_of, run_with};

fn makes(source: &str, scope: &ExpressionScope) -> Value {
    match run_with(source, scope, &NoPolicies).outcome {
        Ok(returned) => returned.value,
        Err(raised) => panic!("{source}: {raised} (line {:?})", raised.line),
    }
}

fn raises(source: &str, scope: &ExpressionScope) -> (String, String) {
    let raised = run_with(source, scope, &NoPolicies).outcome.expect_err(source);
    (raised.kind, raised.message)
}

/// Each of these is true under Python 3.13.
const TRUE: &[&str] = &[
    // Formatting
    "'%s of %d' % ('a', 3) == 'a of 3'",
    "'%05.2f|%-5s|%5s|%x|%%' % (3.14159, 'a', 'b', 255) == '03.14|a    |    b|ff|%'",
    "'%(a)s-%(b)03d' % {'a': 1, 'b': 2} == '1-002'",
    "'%r' % 'a' == \"'a'\"",
    "'%s' % None == 'None' and '%s' % [1] == '[1]' and '%+d' % 3 == '+3'",
    "7 % 3 == 1 and -7 % 3 == 2 and 7.5 % 2 == 1.5",
    "f\"{'a':>3}|{3.14159:.2f}|{255:#x}|{1000000:,}\" == '  a|3.14|0xff|1,000,000'",
    "format(3.14159, '.2f') == '3.14' and format('a') == 'a'",
    "'{} {name}'.format('a', name='b') == 'a b'",
    "f\"{', '.join(f'{k}={v}' for k, v in {'a': 1}.items())}\" == 'a=1'",
    "'a' 'b' == 'ab' and r'\\n' == '\\\\n' and b'a'.hex() == '61'",
    // Collections
    "[x * 2 for x in range(5) if x % 2] == [2, 6]",
    "{k: v for k, v in [('a', 1)]} == {'a': 1} and {x for x in [1, 1]} == {1}",
    "sorted({'b': 1, 'a': 2}.items(), key=lambda item: item[1]) == [('b', 1), ('a', 2)]",
    "[*[1], *[2]] == [1, 2] and {**{'a': 1}, 'b': 2} == {'a': 1, 'b': 2}",
    "'abc'[::-1] == 'cba' and 'abc'[-2:] == 'bc' and [1, 2, 3][:2] == [1, 2]",
    "1 < 2 < 3 and not 1 < 2 > 3",
    "any(x > 1 for x in [1, 2]) and all([]) and sum([1, 2]) == 3 and max(1, 2) == 2",
    "dict(a=1).get('b', {}).get('c') is None",
    "list(zip([1], ['a'])) == [(1, 'a')] and list(enumerate('a')) == [(0, 'a')]",
    "'a,b'.split(',') == ['a', 'b'] and ' a '.strip() == 'a' and 'Ab'.lower() == 'ab'",
    "(lambda a, *b, **c: (a, b, c))(1, 2, d=3) == (1, (2,), {'d': 3})",
    "isinstance('a', (int, str)) and not isinstance(True, str)",
    "int('7') == 7 and str(7) == '7' and bool([]) is False and float('1.5') == 1.5 and len('é') == 1",
    // Addresses
    "ip_address('192.0.2.7') in ip_network('192.0.2.0/24')",
    "ip_address('192.0.2.7') not in ip_network('198.51.100.0/24')",
    "not (ip_address('192.0.2.7') in ip_network('2001:db8::/32'))",
    "ip_address('2001:db8::1') in ip_network('2001:db8::/32')",
    "(ip_address('192.0.2.7')\n in\n ip_network('192.0.2.0/24'))",
    "any(ip_address('10.1.2.3') in ip_network(n) for n in ['192.168.0.0/16', '10.0.0.0/8'])",
    "any(ip_address('10.1.2.3') in n for n in [ip_network('192.168.0.0/16'), ip_network('10.0.0.0/8')])",
    "ip_network('10.0.0.0/255.0.0.0').prefixlen == 8 and ip_network('10.0.0.1').prefixlen == 32",
    "ip_network('10.1.0.0/16').subnet_of(ip_network('10.0.0.0/8')) and ip_network('10.0.0.0/8').overlaps(ip_network('10.1.0.0/16'))",
    "ip_network('10.0.0.7/8', strict=False) == ip_network('10.0.0.0/8')",
    "str(ip_network('10.0.0.0/8').network_address) == '10.0.0.0' and str(ip_network('10.0.0.0/8').broadcast_address) == '10.255.255.255'",
    "ip_network('10.0.0.0/8').num_addresses == 16777216 and str(ip_network('10.0.0.0/8').netmask) == '255.0.0.0'",
    "ip_address('10.0.0.1').is_private and not ip_address('8.8.8.8').is_private and ip_address('8.8.8.8').is_global",
    "ip_address('127.0.0.1').is_loopback and ip_address('::1').is_loopback and ip_address('fe80::1').is_link_local",
    "ip_address('224.0.0.1').is_multicast and ip_address('240.0.0.1').is_reserved and ip_address('0.0.0.0').is_unspecified",
    "ip_address('1.2.3.4').version == 4 and ip_address('::1').version == 6",
    "str(ip_address('2001:DB8:0::1')) == '2001:db8::1' and f\"{ip_address('1.2.3.4')}\" == '1.2.3.4'",
    "repr(ip_address('1.2.3.4')) == \"IPv4Address('1.2.3.4')\"",
    "ip_address('1.2.3.4') == ip_address('1.2.3.4') and ip_address('1.2.3.4') != ip_address('1.2.3.5')",
    "ip_address('1.2.3.4') in [ip_address('1.2.3.4')] and ip_address('1.2.3.4') != '1.2.3.4'",
    "ip_address('::1').exploded == '0000:0000:0000:0000:0000:0000:0000:0001'",
    "ip_address('1.2.3.4').reverse_pointer == '4.3.2.1.in-addr.arpa' and ip_address('1.2.3.4').packed == b'\\x01\\x02\\x03\\x04'",
    "len({ip_address('1.2.3.4'), ip_address('1.2.3.4')}) == 1",
    // Helpers
    "regex_match('akadmin', '.*admin.*') and not regex_match('ann', 'admin')",
    "regex_replace('a1b22', r'([0-9]+)', r'<\\1>') == 'a<1>b<22>'",
    "regex_replace('ann@example.org', r'(?P<user>.*)@.*', r'\\g<user>') == 'ann'",
    "slugify(' Jack & Jill  like numbers 1,2,3 ') == 'jack-jill-like-numbers-123' and slugify('Ümläut') == 'umlaut'",
    "list_flatten(['a', 'b']) == 'a' and list_flatten([]) is None and list_flatten('a') == 'a'",
    "ak_user_by(username='bob').email == 'bob@example.org' and ak_user_by(email='cyd@example.org').username == 'cyd'",
    "ak_user_by(username='nobody') is None and ak_user_by(username__iexact='BOB').username == 'bob'",
    "ak_user_by(username=' BOB ').username == 'bob' and ak_user_by(email__in=['BOB@Example.org']).username == 'bob'",
    "ak_is_group_member(ak_user_by(username='cyd'), name__startswith='oth')",
    "not ak_is_group_member(request.user, name='nobodies')",
    "[g.name for g in request.user.ak_groups.all()] == ['admins', 'gotify-users']",
    "request.user.groups.filter(name='admins').exists() and not request.user.groups.filter(name='others').exists()",
    "not request.user.groups.filter(name='nobodies') and bool(request.user.groups.filter(name='admins'))",
    "[g.name for g in request.user.groups.filter(name__startswith='a')] == ['admins']",
    "len(request.user.groups.filter(name='admins')) == 1 and request.user.groups.filter(name='admins')[0].name == 'admins'",
    "request.user.groups.filter(name__startswith='a').filter(name='admins').count() == 1",
    "sorted(['Zoë', 'ann', 'ZOF'], key=str.casefold) == ['ann', 'ZOF', 'Zoë']",
    "request.user.groups.first().name == 'admins' and [u.username for u in request.user.groups.first().users] == ['ann', 'bob']",
    "request.user.pk == 5 and request.user.email == 'ann@example.org' and request.user.is_authenticated",
    "request.user == ak_user_by(username='ann') or request.user != ak_user_by(username='bob')",
    "request.user != ak_user_by(username='bob')",
    "request.http_request is None and request.debug is False and not ak_is_sso_flow",
    "request.obj.action == context['event'].action == 'login_failed'",
    "context is not None and 'event' in context and 'other' not in context",
    "hasattr(request.obj, 'action') and not hasattr(request.obj, 'acton') and getattr(request.obj, 'acton', 1) == 1",
    "request.obj.created.year == 2023 and request.obj.created.strftime('%Y-%m-%d %H:%M') == '2023-02-15 15:33'",
    "request.obj.created < request.obj.expires and (request.obj.expires - request.obj.created).days == 365",
    "request.obj.created.hour in range(15, 16) and request.obj.created.weekday() == 2",
    "request.obj.user['username'] == 'ann' and request.obj.brand['name'] == 'Default brand'",
    "len(request.obj.pk) == 36 and str(ak_client_ip) == '192.0.2.7'",
];

#[test]
fn what_is_true_in_python_is_true_here() {
    let wrong: Vec<_> = TRUE
        .iter()
        .filter_map(|source| {
            let outcome = run_with(&format!("return ({source})"), &policy(), &NoPolicies).outcome;
            (outcome.as_ref().ok().map(|returned| &returned.value) != Some(&Value::Bool(true)))
                .then_some((source, outcome))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn modules() {
    for (body, value) in [
        ("import json\nreturn json.loads('{\"a\": [1, null]}')", json!({ "a": [1, null] })),
        ("import json as j\nreturn j.dumps({'a': 'é'}, indent=None)", json!("{\"a\": \"\\u00e9\"}")),
        ("import re\nreturn re.sub(r'(\\w)(\\d)', r'\\2\\1', 'a1')", json!("1a")),
        (
            "import re\nm = re.compile('(?P<x>b+)').search('abbc')\nreturn [m.group(0), m.group('x'), m.start()]",
            json!(["bb", "bb", 1]),
        ),
        ("import re\nreturn re.findall('[0-9]+', 'a1b22') + re.split(',', 'a,b')", json!(["1", "22", "a", "b"])),
        ("import re\nreturn bool(re.match('(?!b)a', 'ab', re.IGNORECASE))", json!(true)),
        ("from re import search\nreturn search('b', 'abc') is not None", json!(true)),
        (
            "from datetime import datetime, timedelta\nreturn (datetime.now() - timedelta(hours=1)).isoformat()",
            json!("2023-02-15T14:33:42.771091"),
        ),
        (
            "import datetime\nreturn datetime.datetime.now(datetime.timezone.utc).isoformat()",
            json!("2023-02-15T15:33:42.771091+00:00"),
        ),
        ("import datetime\nreturn datetime.date.today().isoformat()", json!("2023-02-15")),
        (
            "from datetime import datetime\nreturn datetime.fromisoformat('2023-02-15T15:33:42+00:00').timestamp()",
            json!(1_676_475_222.0),
        ),
        ("from datetime import datetime\nreturn datetime.utcnow().isoformat('_', 'hours')", json!("2023-02-15_15")),
        (
            "from datetime import datetime, timezone\nreturn datetime.fromtimestamp(1.5, tz=timezone.utc).isoformat()",
            json!("1970-01-01T00:00:01.500000+00:00"),
        ),
        (
            "from datetime import timezone, timedelta\nreturn context['event'].created.astimezone(timezone(timedelta(hours=2))).isoformat()",
            json!("2023-02-15T17:33:42.771091+02:00"),
        ),
        (
            "import datetime\nreturn (datetime.datetime\n.now()\n.astimezone(datetime.timezone.utc)\n.isoformat(timespec='minutes'))",
            json!("2023-02-15T15:33+00:00"),
        ),
        (
            "import json\nreturn json.dumps({'a': [context['event'].created, 1]}, default=str, indent=None)",
            json!("{\"a\": [\"2023-02-15 15:33:42.771091+00:00\", 1]}"),
        ),
        (
            "from datetime import datetime\nreturn datetime.fromisoformat('2023-01-02').isoformat(' ', 'minutes')",
            json!("2023-01-02 00:00"),
        ),
        ("from datetime import timezone\nreturn timezone.utc is not None", json!(true)),
        (
            "import hashlib\nreturn hashlib.sha256(b'a').hexdigest()[:8] + hashlib.md5(b'a').hexdigest()[:8]",
            json!("ca978112".to_owned() + "0cc175b9"),
        ),
        (
            "import hashlib\nh = hashlib.new('sha1')\nh.update(b'a')\nh.update(b'b')\nreturn h.hexdigest()[:8]",
            json!("da23614e"),
        ),
        ("from hashlib import sha512\nreturn len(sha512(b'a').digest())", json!(64)),
        (
            "import hmac\nreturn hmac.new(b'k', b'm', 'sha256').hexdigest() == hmac.new(b'k', msg=b'm', digestmod='sha256').hexdigest()",
            json!(true),
        ),
        (
            "import hmac, hashlib\nreturn hmac.compare_digest(hmac.digest(b'k', b'm', 'sha1'), hmac.new(b'k', b'm', hashlib.sha1).digest())",
            json!(true),
        ),
        ("import base64\nreturn base64.b64encode(b'a').decode()", json!("YQ==")),
        (
            "import ipaddress\nreturn ipaddress.ip_address('10.0.0.1') in ipaddress.ip_network('10.0.0.0/8')",
            json!(true),
        ),
        (
            "from ipaddress import ip_address as a, ip_network\nreturn a('10.0.0.1') in ip_network('10.0.0.0/8')",
            json!(true),
        ),
        (
            "from ipaddress import (\n    ip_address,\n    ip_network,\n); x = 1\nreturn str(ip_address('10.0.0.1'))",
            json!("10.0.0.1"),
        ),
        ("import math, collections\nreturn [math.floor(1.5), collections.Counter('aab')['a']]", json!([1, 2])),
        ("try:\n    import requests\nexcept ImportError:\n    return 'none'", json!("none")),
    ] {
        assert_eq!(makes(body, &policy()), value, "{body}");
    }
}

#[test]
fn statements() {
    for (body, value) in [
        ("x = {'a': 1, 'b': 2}\ndel x['a']\nreturn x", json!({ "b": 2 })),
        ("x = [1, 2, 3]\ndel x[0], x[-1]\nreturn x", json!([2])),
        ("a, (b, *c) = 1, (2, 3, 4)\nreturn [a, b, c]", json!([1, 2, [3, 4]])),
        ("if (n := 3) > 2:\n\treturn n", json!(3)),
        ("x = 0\nwhile True:\n  x += 1\n  if x == 2: continue\n  if x > 3: break\nelse:\n  x = 9\nreturn x", json!(4)),
        ("for i in []:\n    pass\nelse:\n    return 'else'", json!("else")),
        ("try:\n    {}['a']\nexcept (KeyError, ValueError) as e:\n    return str(e)\nfinally:\n    pass", json!("'a'")),
        (
            "try:\n    raise ValueError('x')\nexcept Exception as e:\n    return f'{type(e).__name__}: {e}'",
            json!("ValueError: x"),
        ),
        (
            "def outer(a):\n    b = 1\n    def inner():\n        nonlocal b\n        b += a\n        return b\n    return inner()\nreturn outer(2)",
            json!(3),
        ),
        ("class A:\n    x = 1\n    def __init__(self, y): self.y = y\nreturn [A.x, A(2).y]", json!([1, 2])),
        ("context = context['event']\nreturn context.action", json!("login_failed")),
        ("assert 1 == 1, 'no'; return 'yes'", json!("yes")),
        ("# a comment first\n\n\nreturn 1  # and last", json!(1)),
        ("if True:\n  if True:\n      return 'mixed'", json!("mixed")),
        ("x = (1 +\n2)\nreturn \\\n  x", json!(3)),
        ("return '''a\n  b\n\nc'''", json!("a\n  b\n\nc")),
        ("x = 'd'\nreturn f'''a\n{x}\n  e'''", json!("a\nd\n  e")),
        ("return 1\r\n", json!(1)),
        (
            "return {'a': (1, 2), 'b': {3}, 'c': b'x', 'd': None, 1: float('nan')}",
            json!({ "a": [1, 2], "b": [3], "c": "x", "d": null, "1": null }),
        ),
        ("return ip_address('10.0.0.1')", json!("10.0.0.1")),
        ("return request.obj.created", json!("2023-02-15T15:33:42.771091+00:00")),
        (
            "return {'user': request.user}",
            json!({ "user": { "pk": 5, "email": "ann@example.org", "username": "ann" } }),
        ),
        ("request.obj", Value::Null),
    ] {
        assert_eq!(makes(body, &policy()), value, "{body}");
    }
}

#[test]
fn a_result_is_as_true_as_python_says() {
    for (body, truthy) in [
        ("return []", false),
        ("return {}", false),
        ("return ''", false),
        ("return 0.0", false),
        ("return None", false),
        ("pass", false),
        ("return set()", false),
        ("return 'False'", true),
        ("return [None]", true),
        ("return request.user", true),
        ("return ip_address('0.0.0.0')", true),
    ] {
        assert_eq!(run_with(body, &policy(), &NoPolicies).outcome.unwrap().truthy, truthy, "{body}");
    }
}

#[test]
fn what_is_not_there_is_named_with_what_to_use_instead() {
    for (body, kind, words) in [
        ("return requests.get('https://example.org')", "NameError", "webhook transport"),
        ("ak_send_email('a@example.org', 'b')", "NameError", "email transport"),
        ("return ak_create_jwt(request.user, 'p')", "NameError", "secret"),
        ("return resolve_dns('example.org')", "NameError", "ip_network"),
        ("return User.objects.all()", "NameError", "ak_user_by"),
        ("return event.action", "NameError", "request.context[\"event\"]"),
        ("return geoip.country", "NameError", "event.client_ip"),
        ("import time\nreturn time.time()", "ModuleNotFoundError", "datetime.now()"),
        ("from django.utils import timezone", "ModuleNotFoundError", "datetime.now()"),
        ("from django.db import models", "ModuleNotFoundError", "ak_user_by"),
        ("import os", "ModuleNotFoundError", "cannot use files"),
        ("return undefined_thing", "NameError", "name 'undefined_thing' is not defined"),
        ("return request.obj.contxt", "AttributeError", "'Event' object has no attribute 'contxt'"),
        ("request.obj.save()", "PermissionError", "cannot be changed"),
        ("return ip_network('10.0.0.1/8')", "ValueError", "has host bits set"),
        ("return ip_address('10.0.0.300')", "ValueError", "'10.0.0.300' does not appear to be"),
        ("return regex_match(None, 'a')", "TypeError", "expected string"),
        ("return regex_match('a', str('('))", "re.PatternError", "missing ), unterminated subpattern"),
        ("return regex_match('a', str('(?<=a*)'))", "re.PatternError", "look-behind requires fixed-width pattern"),
        ("return ak_is_group_member(request.user, uuid='x')", "TypeError", "'uuid' is not supported here"),
        ("return ak_is_group_member('ann', name='x')", "TypeError", "request.user"),
    ] {
        let (raised, message) = raises(body, &policy());
        assert_eq!(raised, kind, "{body}: {message}");
        assert!(message.contains(words), "{body}: {message}");
    }
    let (_, message) = raises("return event.action", &mapping());
    assert!(message.contains("notification.event"), "{message}");
    let mut nowhere = event();
    nowhere.client_ip = None;
    assert!(raises("return ak_client_ip.is_private", &policy_of(nowhere)).1.contains("no client_ip"));
}

#[test]
fn raised_at_the_line_that_the_author_sees() {
    for (body, line) in [
        ("x = 1\nreturn {}['a']", 2),
        ("\n\n\nreturn None.foo", 4),
        ("def f():\n    raise ValueError('x')\n\nreturn f()", 2),
        ("x = '''a\nb'''\nreturn ip_address(x)", 3),
        ("import hashlib, hmac\nreturn hmac.new('k', b'm', 'sha256')", 2),
        ("x = 1\nreturn '%d' % 'a'", 2),
    ] {
        assert_eq!(run_with(body, &policy(), &NoPolicies).outcome.unwrap_err().line, Some(line), "{body}");
    }
}

#[test]
fn a_logger_keeps_what_it_is_told() {
    let body = "ak_logger.info('hello', user=request.user.username, n=1)\nak_logger.warning('oh')\nreturn True";
    let log = run_with(body, &policy(), &NoPolicies).log;
    assert_eq!((log[0].level.as_str(), log[0].message.as_str()), ("info", "hello"));
    assert_eq!(Value::Object(log[0].fields.clone()), json!({ "user": "ann", "n": 1 }));
    assert_eq!(log[1].level, "warning");
}

#[test]
fn extra_keys_of_the_context() {
    let scope = mapping().with("original_body", json!({ "text": "a" }));
    assert_eq!(makes("original_body['text'] = 'b'\nreturn original_body", &scope), json!({ "text": "b" }));
    assert_eq!(makes("return request.context['original_body']", &scope), json!({ "text": "a" }));
    assert_eq!(makes("return context['foo']", &policy().with("foo", 1)), 1);
    assert_eq!(raises("return original_body", &mapping()).0, "NameError");
    assert_eq!(raises("return foo", &policy().with("foo", 1)).0, "NameError");
}

#[test]
fn what_a_body_changes_stays_changed_for_the_body() {
    let body = "event = notification.event\nevent.context['x'] = 1\nreturn notification.event.context['x']";
    assert_eq!(makes(body, &mapping()), 1);
    let body = "context['event'].context['x'] = 1\nreturn request.context['event'].context['x']";
    assert_eq!(makes(body, &policy()), 1);
    let view = run_with("request.context['notification'].body = 'b'", &mapping(), &NoPolicies).notification.unwrap();
    assert_eq!(view.body, "b");
}

#[test]
fn one_run_leaves_nothing_to_the_next() {
    let body = "if 'seen' in context:\n    return True\ncontext['seen'] = True\nrequest.user.username = 'changed'\nreturn False";
    for _ in 0..3 {
        assert_eq!(makes(body, &policy()), false);
        assert_eq!(makes("return request.user.username", &policy()), "ann");
    }
}

#[test]
fn a_filter_of_groups_that_is_kept_is_a_list_or_has_methods() {
    let run = |body: &str| {
        let source = format!("found = request.user.groups.filter(name='nobodies')\n{body}");
        run_with(&source, &policy(), &NoPolicies).outcome
    };
    assert_eq!(run("return bool(found)").unwrap().value, json!(false));
    assert_eq!(run("return [found.exists(), found.count()]").unwrap().value, json!([false, 0]));
    let both = run("return bool(found) or found.exists()").unwrap_err();
    assert!(both.kind == "AttributeError" && both.message.contains("call .exists() right behind it"), "{both:?}");
}

#[test]
fn what_cannot_be_handed_over_does_not_pass() {
    for body in ["return range(0)", "return {}.keys()", "return {}.values()", "return {}.items()"] {
        let raised = run_with(body, &policy(), &NoPolicies).outcome.unwrap_err();
        assert!(
            raised.kind == "TypeError" && raised.message.contains("return bool(…) or list(…)"),
            "{body}: {raised:?}"
        );
    }
}

#[test]
fn the_type_of_an_exception_is_not_compared() {
    let missing = |condition: &str| {
        let source = format!("try:\n    int('x')\nexcept Exception as error:\n    return {condition}");
        Expression::parse(&source).unwrap().missing(ExpressionKind::Policy)
    };
    for condition in [
        "type(error) == ValueError",
        "type(error) is ValueError",
        "ValueError != type(error)",
        "type(error) in (KeyError, ValueError)",
        "error.__class__ == ValueError",
    ] {
        let found = missing(condition);
        assert!(found.iter().any(|missing| missing.hint.starts_with("write isinstance(…, ")), "{condition}: {found:?}");
    }
    for condition in ["isinstance(error, ValueError)", "type(error.args) == tuple", "type(1) in (int, float)"] {
        assert_eq!(missing(condition), [], "{condition}");
    }
}
