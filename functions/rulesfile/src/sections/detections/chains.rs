//! Checks how detections build on each other: not in a circle, and not in a chain that is too long.
//!
//! Works without recursion, because a file may have a chain of many thousand detections.

use std::collections::HashMap;

use domain::rules_document::Detection;

use crate::diagnostics::Diagnostics;
use crate::names::shown;
use crate::source_map::Position;

/// How many names of a circle a fault lists. A longer circle can hardly be meant.
const MAX_NAMES: usize = 20;

/// The names on which a detection builds.
pub(super) struct DetectionInputs<'n> {
    pub(super) name: &'n str,
    pub(super) at: Position,
    /// The names in `of`, each with its position.
    pub(super) of: Vec<(&'n str, Position)>,
}

/// How far the walk has come with a detection.
#[derive(Clone, Copy)]
enum Visit {
    NotYet,
    /// The detection is on the walk's path, at this index.
    OnPath(usize),
    /// The number of detections in the longest chain from this one on, itself included.
    Done(usize),
}

/// Reports every circle, and every detection with which a chain becomes too long.
pub(super) fn check(detections: &[DetectionInputs<'_>], diagnostics: &mut Diagnostics) {
    let numbers: HashMap<&str, usize> = detections.iter().enumerate().map(|(at, own)| (own.name, at)).collect();
    let mut visits = vec![Visit::NotYet; detections.len()];
    for start in 0..detections.len() {
        if matches!(visits[start], Visit::NotYet) {
            walk(start, detections, &numbers, &mut visits, diagnostics);
        }
    }
}

/// A detection on the walk's path.
struct PathStep {
    detection: usize,
    /// How many of its inputs have been visited.
    visited: usize,
    /// The longest chain below it, so far.
    longest: usize,
}

impl PathStep {
    fn new(detection: usize) -> Self {
        Self { detection, visited: 0, longest: 0 }
    }
}

/// Visits the detection, and depth first all on which it builds.
fn walk(
    start: usize,
    detections: &[DetectionInputs<'_>],
    numbers: &HashMap<&str, usize>,
    visits: &mut [Visit],
    diagnostics: &mut Diagnostics,
) {
    let mut path = vec![PathStep::new(start)];
    visits[start] = Visit::OnPath(0);
    while let Some(step) = path.last_mut() {
        let own = &detections[step.detection];
        let Some((input, at)) = own.of.get(step.visited) else {
            let (detection, length) = (step.detection, step.longest + 1);
            if length == Detection::LONGEST_CHAIN + 1 {
                let what = format!("{} begins a chain of {length} detections", shown(own.name));
                let hint = format!("a chain has at most {}; build on policies instead", Detection::LONGEST_CHAIN);
                diagnostics.fault(own.at, what, hint);
            }
            visits[detection] = Visit::Done(length);
            path.pop();
            if let Some(above) = path.last_mut() {
                above.longest = above.longest.max(length);
            }
            continue;
        };
        step.visited += 1;
        // A name that is not a detection's is a policy's, or a fault of its own.
        let Some(&next) = numbers.get(input) else { continue };
        match visits[next] {
            Visit::NotYet => {
                visits[next] = Visit::OnPath(path.len());
                path.push(PathStep::new(next));
            }
            Visit::OnPath(from) => {
                let circle = path[from..].iter().map(|step| detections[step.detection].name);
                let what = format!("detections build on each other in a circle: {}", listed(circle, input));
                diagnostics.fault(*at, what, "name another policy or detection in one of them");
            }
            Visit::Done(length) => step.longest = step.longest.max(length),
        }
    }
}

/// The names of a circle, which ends with its first name.
fn listed<'n>(mut circle: impl ExactSizeIterator<Item = &'n str>, first: &str) -> String {
    let is_long = circle.len() > MAX_NAMES;
    let mut names: Vec<String> = circle.by_ref().take(MAX_NAMES).map(shown).collect();
    if is_long {
        names.push("…".to_owned());
    }
    names.push(shown(first));
    names.join(" → ")
}
