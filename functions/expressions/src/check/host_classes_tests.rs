use super::*;
use crate::expression::Expression;

fn found(source: &str, kind: ExpressionKind) -> Vec<(String, usize, usize)> {
    let expression = Expression::parse_as(source, kind).unwrap();
    expression.missing(kind).iter().map(|one| (one.name.clone(), one.line, one.column)).collect()
}

#[test]
fn misspelt_attributes_are_found_at_their_places() {
    for (source, kind, name, line, column) in [
        ("return {'t': notification.titel}", ExpressionKind::Mapping, "notification.titel", 1, 27),
        ("return {'a': notification.event.actoin}", ExpressionKind::Mapping, "notification.event.actoin", 1, 33),
        ("notification.bdoy = 'x'", ExpressionKind::Mapping, "notification.bdoy", 1, 14),
        ("n = request.context['notification']\nreturn {'t': n.titel}", ExpressionKind::Mapping, "n.titel", 2, 16),
        (
            "return request.context['event'].actoin == 'login'",
            ExpressionKind::Policy,
            "request.context['event'].actoin",
            1,
            33,
        ),
        ("event = context.get('event', None)\nreturn event.actoin", ExpressionKind::Policy, "event.actoin", 2, 14),
        ("return request.obj.clientip is None", ExpressionKind::Policy, "request.obj.clientip", 1, 20),
        ("return request.usr.username == 'ann'", ExpressionKind::Policy, "request.usr", 1, 16),
        ("return request.user.groups.exist()", ExpressionKind::Policy, "request.user.groups.exist", 1, 28),
        ("g = user.ak_groups.filter(name='a')\nreturn {'g': g.frist()}", ExpressionKind::Mapping, "g.frist", 2, 16),
        ("r = ak_call_policy('p')\nreturn r.pasing", ExpressionKind::Policy, "r.pasing", 2, 10),
        ("return ak_call_policy('p').result", ExpressionKind::Policy, "ak_call_policy('p').result", 1, 28),
        ("e = request.obj\nreturn [e.acton for i in range(2)]", ExpressionKind::Policy, "e.acton", 2, 11),
    ] {
        assert_eq!(found(source, kind), [(name.to_owned(), line, column)], "{source}");
    }
}

#[test]
fn members_of_values_that_the_host_gives_are_checked() {
    for (source, kind, name, hint) in [
        ("return request.obj.action.startwith('log')", ExpressionKind::Policy, "str.startwith", "str.startswith"),
        (
            "event = request.context['event']\nreturn event.action.lower().startwith('log')",
            ExpressionKind::Policy,
            "str.startwith",
            "str.startswith",
        ),
        ("return request.user.emial == 'a'", ExpressionKind::Policy, "request.user.emial", "email"),
        ("return {'u': user.usrname}", ExpressionKind::Mapping, "user.usrname", "username"),
        (
            "return ak_user_by(username='ann').usernmae",
            ExpressionKind::Policy,
            "ak_user_by(username='ann').usernmae",
            "username",
        ),
        ("u = ak_user_by(pk=1)\nreturn u and u.emial", ExpressionKind::Policy, "u.emial", "email"),
        ("return ak_client_ip.is_privat", ExpressionKind::Policy, "ip_address(…).is_privat", "is_private"),
        ("return request.context.gett('event')", ExpressionKind::Policy, "dict.gett", "dict.get"),
        ("return request.obj.user.username", ExpressionKind::Policy, "dict.username", "value[\"username\"]"),
        ("return request.obj.context.geo", ExpressionKind::Policy, "dict.geo", "value[\"geo\"]"),
        ("return request.obj.created.isofromat()", ExpressionKind::Policy, "datetime.datetime.isofromat", "isoformat"),
        ("return {'t': notification.body.uper()}", ExpressionKind::Mapping, "str.uper", "str.upper"),
        ("return slugify('a').tilte()", ExpressionKind::Policy, "str.tilte", "str.title"),
        ("return 'a b'.split().joinn(',')", ExpressionKind::Policy, "list.joinn", "list has"),
        ("r = ak_call_policy('p')\nreturn r.messages.append('x')", ExpressionKind::Policy, "tuple.append", "tuple has"),
        ("return request.http_requst", ExpressionKind::Policy, "request.http_requst", "http_request"),
    ] {
        let expression = Expression::parse_as(source, kind).unwrap();
        let missing = expression.missing(kind);
        let [one] = &missing[..] else { panic!("{source}: {missing:?}") };
        assert_eq!(one.name, name, "{source}");
        assert!(one.hint.contains(hint), "{source}: {}", one.hint);
    }
}

#[test]
fn what_may_work_is_left_alone() {
    for (source, kind) in [
        ("return hasattr(request.obj, 'acton') and request.obj.acton", ExpressionKind::Policy),
        ("try:\n    return request.obj.acton\nexcept AttributeError:\n    return False", ExpressionKind::Policy),
        ("notification.note = 'x'\nreturn {'n': notification.note}", ExpressionKind::Mapping),
        ("def f(request):\n    return request.anything\nreturn f(1)", ExpressionKind::Policy),
        ("for request in [1]:\n    pass\nreturn request.real == 1", ExpressionKind::Policy),
        ("event = request.obj\nevent = {}\nreturn event.get('x')", ExpressionKind::Policy),
        (
            "return request.user.groups.filter(name='a').exists() and request.user.ak_groups.all()",
            ExpressionKind::Policy,
        ),
        ("groups = request.user.groups\nreturn [g.anything for g in groups.all()]", ExpressionKind::Policy),
        ("r = ak_call_policy('p')\nreturn r.passing or r.raw_result or r.messages", ExpressionKind::Policy),
        (
            "def ak_call_policy(name):\n    return request.user\nreturn ak_call_policy('p').anything",
            ExpressionKind::Policy,
        ),
        ("return request.user.anything or notification.user.anything", ExpressionKind::Mapping),
        ("return request.context['event'].context.get('x') or request.obj.user.get('y')", ExpressionKind::Policy),
        ("return request.context['other'].anything", ExpressionKind::Policy),
        ("return request.user.mail or request.user.emails or request.user.group", ExpressionKind::Policy),
        ("return request.user.path or request.user.uid or request.user.type", ExpressionKind::Policy),
        ("return request.user.email.anything or request.user.name.anything", ExpressionKind::Policy),
        ("return request.obj.client_ip.startswith('10.')", ExpressionKind::Policy),
        ("u = ak_user_by(pk=1)\nif u is None:\n    u = {}\nreturn u.get('emial')", ExpressionKind::Policy),
        ("notification.body = {'a': 1}\nreturn {'b': notification.body.get('a')}", ExpressionKind::Mapping),
        ("def regex_replace(*args):\n    return {}\nreturn regex_replace('a').get('x')", ExpressionKind::Policy),
        ("for user in [request.user]:\n    return user.emial", ExpressionKind::Policy),
        ("return request.obj.created.date().isoformat() + request.obj.action[0].upper()", ExpressionKind::Policy),
        ("return getattr(request.obj, 'acton', 1) or request.obj.acton", ExpressionKind::Policy),
    ] {
        assert_eq!(found(source, kind), [], "{source}");
    }
}

#[test]
fn the_readme_lists_every_attribute() {
    let readme = include_str!("../../README.md");
    let (_, table) = readme.split_once("\n## Attributes\n").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    for name in HostClass::ALL
        .iter()
        .flat_map(|class| class.attributes().unwrap_or_default())
        .filter(|name| !["save", "delete"].contains(name))
    {
        let is_listed = table.contains(&format!("`{name}`")) || table.contains(&format!("`{name}("));
        assert!(is_listed, "functions/expressions/README.md does not list {name}");
    }
}
