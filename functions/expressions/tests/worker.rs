//! Every caller gets a result, whatever happens to a worker process.

#[expect(dead_code, reason = "these tests need little of it")]
mod stage;

use std::time::Duration;

use domain::event::Object;
use expressions::worker::{DEADLINE, WorkerPool};
use expressions::{Expression, ExpressionScope, NoPolicies, PolicyCaller, PolicyResult};
use serde_json::{Value, json};
use stage::{policy, workers};

/// Policies that are bodies themselves, evaluated by the same workers.
struct Bodies<'a> {
    workers: &'a WorkerPool,
    scope: &'a ExpressionScope,
    known: &'a [(&'a str, &'a str)],
}

impl PolicyCaller for Bodies<'_> {
    fn call(&self, name: &str, context: Object) -> Result<Option<PolicyResult>, String> {
        let Some((_, body)) = self.known.iter().find(|(known, _)| *known == name) else {
            return Ok(None);
        };
        let scope = self.scope.called(context);
        let expression = Expression::parse(body).map_err(|fault| fault.to_string())?;
        let deeper = Bodies { workers: self.workers, scope: &scope, known: self.known };
        let evaluation = self.workers.evaluate(&expression, &scope, &deeper);
        let returned = evaluation.outcome.map_err(|raised| raised.to_string())?;
        Ok(Some(PolicyResult { passing: returned.truthy, messages: evaluation.messages, raw_result: returned.value }))
    }
}

fn run(workers: &WorkerPool, body: &str, bodies: &[(&str, &str)]) -> Result<Value, String> {
    let scope = policy();
    let policies = Bodies { workers, scope: &scope, known: bodies };
    let evaluation = workers.evaluate(&Expression::parse(body).unwrap(), &scope, &policies);
    evaluation.outcome.map(|returned| returned.value).map_err(|raised| raised.to_string())
}

#[test]
fn policies_call_policies_though_one_worker_is_kept() {
    let workers = workers();
    let bodies = [
        ("a", "ak_message('in a')\nreturn ak_call_policy('b', y=context['x'] + 1).raw_result"),
        ("b", "return [context['x'], context['y'], request.user.username]"),
    ];
    let body = "r = ak_call_policy('a', x=1)\nreturn [r.passing, r.messages, r.raw_result]";
    assert_eq!(run(&workers, body, &bodies), Ok(json!([true, ["in a"], [1, 2, "ann"]])));
}

#[test]
fn policies_that_call_themselves_end() {
    let workers = workers();
    let raised = run(&workers, "return ak_call_policy('a').passing", &[("a", "return ak_call_policy('a').passing")]);
    assert!(raised.clone().unwrap_err().contains("four levels deep"), "{raised:?}");
    let raised = run(&workers, "while True: ak_call_policy('a')", &[("a", "return 1")]);
    assert!(raised.clone().unwrap_err().contains("more than 32 policies"), "{raised:?}");
}

#[test]
fn the_time_of_a_called_policy_is_not_the_callers() {
    struct Slow;
    impl PolicyCaller for Slow {
        fn call(&self, _: &str, _: Object) -> Result<Option<PolicyResult>, String> {
            std::thread::sleep(DEADLINE + Duration::from_millis(50));
            Ok(Some(PolicyResult { passing: true, messages: Vec::new(), raw_result: Value::Null }))
        }
    }
    let expression = Expression::parse("return ak_call_policy('slow').passing").unwrap();
    let evaluation = workers().evaluate(&expression, &policy(), &Slow);
    assert!(evaluation.outcome.unwrap().truthy);
}

#[test]
fn many_at_once() {
    let workers = workers();
    std::thread::scope(|threads| {
        for thread in 0..4 {
            let workers = &workers;
            threads.spawn(move || {
                for round in 0..25 {
                    let body = format!("return {thread} * 100 + {round}");
                    assert_eq!(run(workers, &body, &[]), Ok(json!(thread * 100 + round)));
                }
            });
        }
    });
}

#[test]
fn a_worker_that_lasts_keeps_its_worth() {
    let workers = workers();
    let heavy = "x = ['a' * 100000 + str(i) for i in range(40)]\nreturn len(''.join(x)) > 4000000";
    for round in 0..300 {
        let body = format!("{heavy} # {}", round % 7);
        assert_eq!(run(&workers, &body, &[]), Ok(json!(true)), "round {round}");
    }
}

#[test]
fn large_events_cross() {
    let mut event = stage::event();
    event.context.insert("long".to_owned(), "x".repeat(200 * 1024).into());
    let expression = Expression::parse("return context['event'].context['long']").unwrap();
    let scope = stage::policy_of(event);
    let returned = workers().evaluate(&expression, &scope, &NoPolicies).outcome.unwrap();
    assert_eq!(returned.value.as_str().map(str::len), Some(200 * 1024));
}

#[test]
fn a_program_that_is_no_worker_is_an_exception() {
    for program in ["/bin/false", "/does/not/exist"] {
        let workers = WorkerPool::new(program, Vec::new(), 1);
        let expression = Expression::parse("return 1").unwrap();
        let raised = workers.evaluate(&expression, &policy(), &NoPolicies).outcome.unwrap_err();
        assert_eq!(raised.kind, "SandboxError", "{raised}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_worker_that_died_while_idle_is_replaced() {
    // Its own pool, so that its worker is known: this process's only child of that command line.
    let workers = workers();
    assert_eq!(run(&workers, "return 1", &[]), Ok(json!(1)));
    let shown = format!("{workers:?}");
    let pid: String =
        shown.split("pid: ").nth(1).unwrap_or_default().chars().take_while(char::is_ascii_digit).collect();
    assert!(!pid.is_empty(), "{shown}");
    assert!(std::process::Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(run(&workers, "return 2", &[]), Ok(json!(2)));
}
