//! Expressions that use up their time or memory again and again are not run for the rest of a message.
//!
//! Owns that count: a message holds hundreds of events and must end within a function's time, whatever
//! the rules say. What is not run raises what it raised before.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::expression::{Evaluation, Policies, Raised, Scope};
use domain::ports::Expressions;

/// How often one body may use up its bounds in one message.
const STRIKES: u32 = 3;

/// Expressions, for the length of one message.
pub(crate) struct Patience<'a> {
    expressions: &'a dyn Expressions,
    /// By body.
    strikes: Mutex<HashMap<String, (u32, Raised)>>,
}

impl<'a> Patience<'a> {
    pub(crate) fn with(expressions: &'a dyn Expressions) -> Self {
        Self { expressions, strikes: Mutex::default() }
    }
}

impl Expressions for Patience<'_> {
    fn evaluate(&self, source: &str, scope: &Scope, policies: &dyn Policies) -> Evaluation {
        let strikes = || self.strikes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((STRIKES.., raised)) = strikes().get(source) {
            return Evaluation::raised(&raised.kind, format!("{}, {STRIKES} times running", raised.message));
        }
        let evaluation = self.expressions.evaluate(source, scope, policies);
        if let Err(raised) = &evaluation.outcome
            && raised.is_of_bounds()
        {
            strikes().entry(source.to_owned()).or_insert_with(|| (0, raised.clone())).0 += 1;
        }
        evaluation
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;

    use domain::event::Object;
    use domain::expression::NoPolicies;

    use super::*;

    /// Raises, and counts how often it was asked.
    struct Bomb(&'static str, Mutex<Cell<u32>>);

    impl Expressions for Bomb {
        fn evaluate(&self, _: &str, _: &Scope, _: &dyn Policies) -> Evaluation {
            let count = self.1.lock().unwrap();
            count.set(count.get() + 1);
            Evaluation::raised(self.0, "too much")
        }
    }

    fn asked(kind: &'static str, times: u32) -> u32 {
        let bomb = Bomb(kind, Mutex::default());
        let patience = Patience::with(&bomb);
        let scope = Scope::policy(Arc::new(login()), Object::new(), Arc::default());
        for _ in 0..times {
            let raised = patience.evaluate("while True: pass", &scope, &NoPolicies).outcome.unwrap_err();
            assert_eq!(raised.kind, kind);
        }
        assert_eq!(patience.evaluate("return 1", &scope, &NoPolicies).outcome.unwrap_err().message, "too much");
        bomb.1.lock().unwrap().get() - 1
    }

    fn login() -> domain::Event {
        let event = serde_json::json!({
            "pk": "018655ab-7777-8000-8000-2779b173eb2a", "user": {}, "action": "login", "app": "", "context": {},
            "client_ip": null, "created": "2023-02-15T15:32:55.319608Z", "expires": "2024-02-15T15:32:55.314581Z",
            "brand": {},
        });
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn what_uses_up_its_bounds_is_run_three_times() {
        assert_eq!(asked("TimeoutError", 9), 3);
        assert_eq!(asked("MemoryError", 9), 3);
        assert_eq!(asked("KeyError", 9), 9, "what ends by itself may raise as often as it likes");
    }
}
