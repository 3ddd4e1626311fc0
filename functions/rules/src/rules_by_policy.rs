//! Which rules there are to ask once the policies are known that an event has passed.
//!
//! Owns where a rule is looked for: under each policy of which one must have passed for it to fire.

use domain::document::Mode;

use crate::rule_set::CompiledBinding;

/// Rules by policy.
#[derive(Debug, Clone)]
pub(crate) struct RulesByPolicy {
    /// Where the rules of each policy end; they begin where those of the policy before end.
    ends: Vec<u32>,
    rules: Vec<u32>,
    /// Rules that can fire although no policy has passed.
    always: Vec<u32>,
}

impl RulesByPolicy {
    /// Of rules with their checks, in order; `policies` is how many there are.
    pub(crate) fn of<'r>(policies: usize, rules: impl Iterator<Item = (Mode, &'r [CompiledBinding])> + Clone) -> Self {
        let mut sharers = vec![0u32; policies];
        for check in rules.clone().flat_map(|(_, checks)| checks) {
            sharers[check.policy as usize] += 1;
        }
        let mut always = Vec::new();
        let mut pairs = Vec::with_capacity(rules.size_hint().0);
        for (rule, (mode, checks)) in (0u32..).zip(rules) {
            let wanted = checks.iter().filter(|check| !check.negate).map(|check| check.policy);
            match mode {
                // A negated check can hold without any policy having passed.
                Mode::Any if checks.iter().any(|check| check.negate) => always.push(rule),
                Mode::Any => pairs.extend(wanted.map(|policy| (policy, rule))),
                Mode::All => match wanted.min_by_key(|&policy| sharers[policy as usize]) {
                    Some(rarest) => pairs.push((rarest, rule)),
                    None => always.push(rule),
                },
            }
        }
        let mut ends = vec![0u32; policies + 1];
        for &(policy, _) in &pairs {
            ends[policy as usize + 1] += 1;
        }
        for at in 1..ends.len() {
            ends[at] += ends[at - 1];
        }
        // Up to here an end is that of the policy before; filling in moves it on.
        let mut rules = vec![0; pairs.len()];
        for (policy, rule) in pairs {
            let end = &mut ends[policy as usize];
            rules[*end as usize] = rule;
            *end += 1;
        }
        always.shrink_to_fit();
        Self { ends, rules, always }
    }

    /// All the rules that could fire when these policies have passed and no others, each once, in order. One that
    /// has raised is among them, as a check may hold by it, too.
    pub(crate) fn candidates(&self, passed: impl Iterator<Item = u32> + Clone) -> Vec<u32> {
        let of = |policy: u32| {
            let start = policy.checked_sub(1).map_or(0, |before| self.ends[before as usize]);
            &self.rules[start as usize..self.ends[policy as usize] as usize]
        };
        let count: usize = passed.clone().map(|policy| of(policy).len()).sum();
        let mut rules = Vec::with_capacity(self.always.len() + count);
        rules.extend_from_slice(&self.always);
        for policy in passed {
            rules.extend_from_slice(of(policy));
        }
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        (self.ends.capacity() + self.rules.capacity() + self.always.capacity()) * size_of::<u32>()
    }
}
