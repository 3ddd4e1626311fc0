//! What an evaluation costs, here and in a worker: the least and the median of many, in microseconds.
//!
//! `cargo bench -p expressions`

#![expect(clippy::print_stdout, reason = "printing is what a bench is for")]

#[expect(dead_code, reason = "a bench needs little of it")]
#[path = "../tests/stage/mod.rs"]
mod stage;

use std::hint::black_box;
use std::time::{Duration, Instant};

use expressions::{Expression, NoPolicies, Scope};
use stage::{mapping, policy, workers};

const NETWORK: &str = "return ip_address(request.context[\"event\"].client_ip) in ip_network('192.0.2.0/24')";

const POLICIES: [(&str, &str); 7] = [
    ("constant", "return True"),
    ("address in network", NETWORK),
    (
        "documented, with its guard",
        "if \"event\" not in request.context:\n    return False\n\
         return ip_address(request.context[\"event\"].client_ip) in ip_network('192.0.2.0/24')",
    ),
    (
        "address in one of three",
        "a = ip_address(context['event'].client_ip)\nreturn any(a in ip_network(n) for n in ['10.0.0.0/8', '192.168.0.0/16', '192.0.2.0/24'])",
    ),
    (
        "action and context",
        "event = context['event']\nreturn event.action == 'login' and event.context['geo']['country'] != 'DE'",
    ),
    ("regex_match", "return regex_match(request.user.username, '.*admin.*')"),
    ("group", "return ak_is_group_member(request.user, name='admins')"),
];

const MAPPINGS: [(&str, &str); 2] = [
    (
        "mapping: three fields",
        "return {'message': notification.body, 'priority': 5, 'title': notification.event.action}",
    ),
    (
        "mapping: fields of the context",
        "fields = []\nfor key, value in notification.event.context.items():\n    if not isinstance(value, str):\n        continue\n    \
         fields.append({'title': key[:256], 'value': value})\nreturn '\\n'.join(f\"{f['title']}: {f['value']}\" for f in fields)",
    ),
];

fn measure(rounds: usize, mut what: impl FnMut()) -> (Duration, Duration) {
    let mut times: Vec<_> = (0..rounds)
        .map(|_| {
            let begin = Instant::now();
            what();
            begin.elapsed()
        })
        .collect();
    times.sort_unstable();
    (times[0], times[rounds / 2])
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

fn show(name: &str, source: &str, scope: &Scope) {
    let workers = workers();
    let expression = Expression::parse(source).expect("a body");
    expression.evaluate(scope, &NoPolicies).outcome.expect("a result");
    let compile = measure(200, || drop(black_box(Expression::parse(source))));
    let here = measure(5000, || drop(black_box(expression.evaluate(scope, &NoPolicies))));
    let there = measure(5000, || drop(black_box(workers.evaluate(&expression, scope, &NoPolicies))));
    println!(
        "{name:<32} {:>7.1} {:>7.1}  {:>7.1} {:>7.1}  {:>7.1} {:>7.1}",
        micros(compile.0),
        micros(compile.1),
        micros(here.0),
        micros(here.1),
        micros(there.0),
        micros(there.1)
    );
}

fn main() {
    println!("{:<32} {:^15}  {:^15}  {:^15}", "µs, least and median", "compile", "here", "in a worker");
    for (name, source) in POLICIES {
        show(name, source, &policy());
    }
    for (name, source) in MAPPINGS {
        show(name, source, &mapping());
    }
    let workers = workers();
    let start = measure(50, || workers.prestart().expect("a worker"));
    println!("{:<32} {:>7.1} {:>7.1}", "start of a worker", micros(start.0), micros(start.1));
}
