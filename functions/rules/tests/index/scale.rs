//! In a document of twenty thousand rules of every kind, each rule has the same result as alone.

use domain::ports::NoExpressions;
use rules::RuleSet;

use super::mixes::{self, Draw, MIXES};

const RULES: usize = 5_000;
const EVENTS: usize = 50;

#[test]
fn many_rules_fire_as_each_does_alone() {
    for mix in MIXES {
        let document = mixes::document(mix, RULES);
        let rules = RuleSet::compile(&document);
        let draw = &mut Draw(1);
        let mut fired = 0;
        for _ in 0..EVENTS {
            let event = mixes::event(draw, RULES);
            let matched = rules.matches(&event);
            let explained = rules::explain(&document, &event, &NoExpressions);
            let each: Vec<_> = (0..RULES).filter(|&at| explained[at].matched).collect();
            assert_eq!(matched, each, "{mix:?} {}", event.to_json());
            fired += matched.len();
        }
        assert!(fired > EVENTS / 10, "the rules of {mix:?} are such that some fire, but {fired} did");
    }
}
