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
    for name in Class::ALL
        .iter()
        .flat_map(|class| class.attributes().unwrap_or_default())
        .filter(|name| !["save", "delete"].contains(name))
    {
        let is_listed = table.contains(&format!("`{name}`")) || table.contains(&format!("`{name}("));
        assert!(is_listed, "functions/expressions/README.md does not list {name}");
    }
}
