//! No body can harm its caller: every bomb ends as an exception, in time, and the next body runs as if nothing had
//! happened.

#[expect(dead_code, reason = "these tests need little of it")]
mod stage;

use std::time::{Duration, Instant};

use expressions::worker::WorkerPool;
use expressions::{Expression, NoPolicies, RaisedException};
use stage::{policy, workers};

/// The deadline is 100 ms; a busy machine is late.
const PATIENCE: Duration = Duration::from_millis(600);

fn run(workers: &WorkerPool, source: &str) -> Result<serde_json::Value, RaisedException> {
    let expression = Expression::parse(source).unwrap_or_else(|fault| panic!("{source}: {fault}"));
    workers.evaluate(&expression, &policy(), &NoPolicies).outcome.map(|returned| returned.value)
}

const ENDS: [&str; 6] =
    ["TimeoutError", "MemoryError", "OverflowError", "RuntimeError", "ValueError", "RecursionError"];

const TIME: &[&str] = &[
    "while True: pass",
    "for i in range(2 * 10 ** 9): pass",
    "for i in range(10 ** 12): pass",
    "for i in range(10 ** 5):\n    for j in range(10 ** 5):\n        pass",
    "return max(range(2 * 10 ** 9))",
    "return sum(range(2 * 10 ** 9))",
    "return min(range(2 * 10 ** 9))",
    "return any(x < 0 for x in range(10 ** 10))",
    "return 3 ** (3 ** 18) % 7",
    "x = 3\nfor i in range(40): x = x * x\nreturn x",
    "while True:\n    try:\n        while True: pass\n    except:\n        pass",
    "def f(n):\n    return f(n - 1) + f(n - 2) if n > 1 else n\nreturn f(60)",
    "while True:\n    regex_match('a' * 1000, 'a*b')",
    "return [hash(str(i)) for i in range(10 ** 9)]",
    "return 'a' * 10 ** 6 in ('b' * 10 ** 6 for i in range(10 ** 6))",
];

/// Bombs elsewhere, but not for engines that are linear or bounded.
const DUDS: &[&str] = &[
    "import re\nreturn re.match('(a+)+$', 'a' * 40 + 'b')",
    "import re\nreturn re.search('(a|a)*b(?=c)', 'a' * 5000)",
    "import re\nreturn re.sub('(a*)*(?!b)', 'x', 'a' * 100000)",
    "import re\nreturn re.match(r'(a*)*\\1b', 'a' * 30)",
    "return regex_match('a' * 40 + 'b', '(a+)+$')",
    "return ' ' * 10 ** 7 == ' ' * 10 ** 7",
];

const MEMORY: &[&str] = &[
    "return [i for i in range(2 * 10 ** 9)]",
    "return sorted(range(2 * 10 ** 8))",
    "return len('a' * 10 ** 9)",
    "return len('a' * 10 ** 11)",
    "x = 'ab'\nwhile True: x = x + x",
    "x = [1]\nwhile True: x = x + x",
    "x = []\nwhile True: x.append('a' * 1000)",
    "x = {}\nfor i in range(10 ** 9): x[i] = str(i)",
    "return [1] * 10 ** 9",
    "return list(range(2 * 10 ** 9))",
    "return (0,) * 10 ** 10",
    "return len(b'a' * 10 ** 10)",
    "return len(('a' * 10 ** 6).replace('a', 'b' * 10 ** 4))",
    "return len(('x' * 10 ** 5).join(['a'] * 10 ** 5))",
    "return 2 ** 10 ** 9",
    "return 1 << 10 ** 10",
    "return f\"{'a':>1000000000}\"",
    "return '{:>1000000000}'.format('a')",
    "return 'a'.ljust(10 ** 10)",
    "return '%1000000000d' % 1",
    "return '\\t'.expandtabs(10 ** 10)",
    "a = []\nfor i in range(40): a = [a, a]\nreturn a",
    "a = 'x' * 1000\nfor i in range(40): a = [a, a]\nreturn str(a)",
    "import json\na = []\nfor i in range(40): a = [a, a]\nreturn json.dumps(a)",
    "ak_message('a' * 10 ** 8)",
    "import hashlib\nh = hashlib.sha256()\nwhile True: h.update(b'a' * 10 ** 6)",
    "s = set()\nfor i in range(10 ** 9): s.add(i)",
    "import itertools\nreturn list(itertools.repeat(1))",
    "import collections\nreturn collections.deque(range(10 ** 9))",
    "import base64\nreturn base64.b64encode(b'a' * 10 ** 8)",
    "return regex_replace('a' * 10 ** 6, 'a', 'b' * 10 ** 5)",
];

const OTHER: &[(&str, &str)] = &[
    ("def f(): return f()\nreturn f()", "RecursionError"),
    ("f = lambda f: f(f)\nreturn f(f)", "RecursionError"),
    ("class A:\n    def __eq__(self, other): return self == other\nreturn A() == A()", "RecursionError"),
    ("a = []\na.append(a)\nreturn a", "ValueError"),
    ("a = {}\na['a'] = a\nreturn a", "ValueError"),
    ("for i in range(1000): ak_message('again')", "RuntimeError"),
    ("for i in range(1000): ak_create_event('again')", "RuntimeError"),
    ("for i in range(1000): ak_logger.info('again')", "RuntimeError"),
    ("ak_create_event('again', a='b' * 300000)", "ValueError"),
    ("while True:\n    request.user", "RuntimeError"),
    ("return 'a' * 2 * 10 ** 6", "ValueError"),
    ("return regex_match('a', '((a{1000}){1000}){1000}')", "re.PatternError"),
    ("return open('/etc/passwd').read()", "PermissionError"),
    ("import os\nreturn os.environ", "ModuleNotFoundError"),
    ("from pathlib import Path\nreturn Path('/').exists()", "ModuleNotFoundError"),
    ("return __import__('os')", "NameError"),
    ("return eval('1')", "NameError"),
    ("return requests.get('https://example.org')", "NameError"),
    ("raise ValueError('own')", "ValueError"),
    ("return ().__class__.__bases__[0].__subclasses__()", "AttributeError"),
];

#[test]
fn every_bomb_is_an_exception_in_time_and_the_next_body_is_answered() {
    let workers = workers();
    let mut wrong = Vec::new();
    for source in TIME.iter().chain(MEMORY).chain(DUDS) {
        workers.prestart().unwrap();
        let asked = Instant::now();
        let outcome = run(&workers, source);
        let took = asked.elapsed();
        let kind = outcome.as_ref().map_or_else(|raised| raised.kind.clone(), |_| "returned".to_owned());
        println!("{:>6.1} ms  {kind:<14} {source:?}", took.as_secs_f64() * 1e3);
        let ended_well = match &outcome {
            Ok(_) => DUDS.contains(source),
            Err(raised) => ENDS.contains(&raised.kind.as_str()),
        };
        let answers = run(&workers, "return 1 + 1").ok() == Some(2.into());
        if !ended_well || took > PATIENCE || !answers {
            wrong.push((source, took, outcome));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_ends_by_itself_ends_with_pythons_words() {
    let workers = workers();
    for (source, kind) in OTHER {
        let raised = run(&workers, source).expect_err(source);
        assert_eq!(&raised.kind, kind, "{source}: {raised}");
    }
}
