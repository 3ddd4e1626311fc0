//! Finds the rules that could fire, given the policies that an event has passed.
//!
//! Owns under which policies a rule is listed: a rule with mode `any` under each of its policies, a rule with mode
//! `all` only under the one that the fewest rules use.

use domain::rules_document::BindingMode;

/// A binding to an existing policy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CompiledBinding {
    /// The number of the policy in the [`PolicyTable`](crate::policy_table::PolicyTable).
    pub(crate) policy: u32,
    pub(crate) negate: bool,
    pub(crate) failure_result: bool,
}

/// The compiled rules, listed by policy. Rules and policies are numbers.
#[derive(Debug, Clone)]
pub(crate) struct RulesByPolicy {
    /// For each policy, the end of its range in `rules`. The range begins at the end of the previous policy.
    ends: Vec<u32>,
    rules: Vec<u32>,
    /// Rules that can fire even if no policy has passed.
    always: Vec<u32>,
}

impl RulesByPolicy {
    /// Lists the rules, given with their bindings in the order of their numbers. `policies` is the number of policies.
    pub(crate) fn from_rules<'r>(
        policies: usize,
        rules: impl Iterator<Item = (BindingMode, &'r [CompiledBinding])> + Clone,
    ) -> Self {
        let mut uses = vec![0u32; policies];
        for check in rules.clone().flat_map(|(_, checks)| checks) {
            uses[check.policy as usize] += 1;
        }
        let mut always = Vec::new();
        let mut pairs = Vec::with_capacity(rules.size_hint().0);
        for (rule, (mode, checks)) in (0u32..).zip(rules) {
            let wanted = checks.iter().filter(|check| !check.negate).map(|check| check.policy);
            match mode {
                // A negated binding can hold although no policy has passed.
                BindingMode::Any if checks.iter().any(|check| check.negate) => always.push(rule),
                BindingMode::Any => pairs.extend(wanted.map(|policy| (policy, rule))),
                BindingMode::All => match wanted.min_by_key(|&policy| uses[policy as usize]) {
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
        // At this point each end is the start of the range; filling the range in moves it to the end.
        let mut rules = vec![0; pairs.len()];
        for (policy, rule) in pairs {
            let end = &mut ends[policy as usize];
            rules[*end as usize] = rule;
            *end += 1;
        }
        always.shrink_to_fit();
        Self { ends, rules, always }
    }

    /// All rules that could fire if exactly the policies in `passed` have passed, each once, in ascending order. The
    /// caller includes the policies whose expression raised, because `failure_result` may make their bindings hold.
    pub(crate) fn candidates(&self, passed: impl Iterator<Item = u32> + Clone) -> Vec<u32> {
        let rules_of = |policy: u32| {
            let start = policy.checked_sub(1).map_or(0, |before| self.ends[before as usize]);
            &self.rules[start as usize..self.ends[policy as usize] as usize]
        };
        let count: usize = passed.clone().map(|policy| rules_of(policy).len()).sum();
        let mut rules = Vec::with_capacity(self.always.len() + count);
        rules.extend_from_slice(&self.always);
        for policy in passed {
            rules.extend_from_slice(rules_of(policy));
        }
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// The heap memory in bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        (self.ends.capacity() + self.rules.capacity() + self.always.capacity()) * size_of::<u32>()
    }
}
