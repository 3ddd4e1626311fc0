//! Detections that build on each other: circles and chains that are too long, against an independent search.

use std::collections::{BTreeMap, BTreeSet};

use domain::rules_document::Detection;
use proptest::prelude::*;
use rulesfile::Fault;

/// A file with one sequence per detection. Detection `n` is called `d{n}`; every sequence also has two steps of a
/// policy.
fn file(inputs: &[Vec<usize>]) -> String {
    let mut file = "policies: { p: { event_matcher: {} } }\ndetections:\n".to_owned();
    for (number, inputs) in inputs.iter().enumerate() {
        let names: Vec<String> = inputs.iter().map(|input| format!("d{input}")).collect();
        let of = [&names[..], &["p".to_owned(), "p".to_owned()]].concat().join(", ");
        file += &format!("  d{number}: {{ sequence: {{ of: [{of}], within: hours=1 }} }}\n");
    }
    file
}

fn faults(inputs: &[Vec<usize>]) -> Vec<Fault> {
    rulesfile::read(file(inputs)).err().unwrap_or_default()
}

/// The detections that can be reached from this one, by one step at least.
fn reachable(from: usize, inputs: &[Vec<usize>]) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut next = inputs[from].clone();
    while let Some(one) = next.pop() {
        if found.insert(one) {
            next.extend(&inputs[one]);
        }
    }
    found
}

/// The number of detections in the longest chain from each one on. There must be no circle.
fn lengths(inputs: &[Vec<usize>]) -> Vec<usize> {
    fn length(of: usize, inputs: &[Vec<usize>], known: &mut BTreeMap<usize, usize>) -> usize {
        if let Some(known) = known.get(&of) {
            return *known;
        }
        let longest = 1 + inputs[of].iter().map(|input| length(*input, inputs, known)).max().unwrap_or(0);
        known.insert(of, longest);
        longest
    }
    let mut known = BTreeMap::new();
    (0..inputs.len()).map(|one| length(one, inputs, &mut known)).collect()
}

/// The numbers of the detections that a fault about a circle names; the first again at the end.
fn named(fault: &Fault) -> Option<Vec<usize>> {
    let names = fault.what.strip_prefix("detections build on each other in a circle: ")?;
    let number = |name: &str| name.trim_matches('"').trim_start_matches('d').parse().unwrap();
    Some(names.split(" → ").map(number).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_circle_and_every_chain_that_is_too_long_is_found(
        inputs in (1..9usize).prop_flat_map(|count| {
            prop::collection::vec(prop::collection::vec(0..count, 0..3), count)
        }),
        without_circles: bool,
    ) {
        let mut inputs = inputs;
        if without_circles {
            for (number, inputs) in inputs.iter_mut().enumerate() {
                inputs.retain(|input| *input < number);
            }
        }
        let found = faults(&inputs);
        let circles: Vec<Vec<usize>> = found.iter().filter_map(named).collect();
        for circle in &circles {
            prop_assert!(circle.len() > 1 && circle.first() == circle.last(), "{circle:?}");
            for step in circle.windows(2) {
                prop_assert!(inputs[step[0]].contains(&step[1]), "{circle:?} in {inputs:?}");
            }
        }
        // Each detection that is on a circle can be reached from one that a fault names, and back.
        let named: BTreeSet<usize> = circles.into_iter().flatten().collect();
        let reachable: Vec<_> = (0..inputs.len()).map(|one| reachable(one, &inputs)).collect();
        for one in (0..inputs.len()).filter(|one| reachable[*one].contains(one)) {
            let is_named = named.iter().any(|other| reachable[one].contains(other) && reachable[*other].contains(&one));
            prop_assert!(is_named, "d{one} in {inputs:?}: {found:#?}");
        }
        if named.is_empty() {
            let chains: Vec<usize> = found.iter().map(|fault| fault.line - 3).collect();
            let lengths = lengths(&inputs);
            let wanted = (0..inputs.len()).filter(|one| lengths[*one] == Detection::LONGEST_CHAIN + 1);
            prop_assert_eq!(chains, wanted.collect::<Vec<_>>(), "{:?}: {:#?}", inputs, found);
        }
    }
}

#[test]
fn a_file_full_of_detections_is_read_in_time() {
    const COUNT: usize = 15_000;
    let chain: Vec<Vec<usize>> = (0..COUNT).map(|number| number.checked_sub(1).into_iter().collect()).collect();
    let found = faults(&chain);
    assert_eq!(found.len(), 1, "only the detection with which the chain becomes too long: {}", found[0]);
    assert!(found[0].to_string().starts_with("8:3: \"d5\" begins a chain of 6 detections; "), "{}", found[0]);

    let circle: Vec<Vec<usize>> = (0..COUNT).map(|number| vec![(number + 1) % COUNT]).collect();
    let found = faults(&circle);
    assert_eq!(found.len(), 1, "a circle has no length");
    assert!(found[0].what.ends_with("\"d18\" → \"d19\" → … → \"d0\""), "{}", found[0]);
}

#[test]
fn names_that_policies_have_are_found_in_time() {
    let names: Vec<String> = (0..8_000).map(|number| format!("n{number}")).collect();
    let mut file = "policies:\n".to_owned();
    file.extend(names.iter().map(|name| format!("  {name}: {{ event_matcher: {{}} }}\n")));
    file += "detections:\n";
    file.extend(names.iter().map(|name| format!("  {name}: {{ absent: {{ of: {name}, every: days=1 }} }}\n")));
    let found = rulesfile::read(file).unwrap_err();
    assert_eq!(found.len(), names.len());
    assert!(found[7].to_string().contains("rename one; the policy is in line 9"), "{}", found[7]);
}
