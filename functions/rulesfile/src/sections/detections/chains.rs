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

/// Reports every circle. If there is none, reports every detection with which a chain becomes too long.
pub(super) fn check(detections: &[DetectionInputs<'_>], diagnostics: &mut Diagnostics) {
    let numbers = detections.iter().enumerate().map(|(at, own)| (own.name, at)).collect();
    let visits = vec![Visit::NotYet; detections.len()];
    let mut walk = ChainWalk { detections, numbers, visits, too_long: Vec::new(), circles: 0, diagnostics };
    for start in 0..detections.len() {
        if matches!(walk.visits[start], Visit::NotYet) {
            walk.visit(start);
        }
    }
    if walk.circles > 0 {
        return;
    }
    for own in walk.too_long.iter().map(|at| &detections[*at]) {
        let what = format!("{} begins a chain of {} detections", shown(own.name), Detection::LONGEST_CHAIN + 1);
        let hint = format!("a chain has at most {}; build on policies instead", Detection::LONGEST_CHAIN);
        diagnostics.fault(own.at, what, hint);
    }
}

/// A walk through all detections, depth first.
struct ChainWalk<'w, 'n> {
    detections: &'w [DetectionInputs<'n>],
    /// The index of each detection, by its name.
    numbers: HashMap<&'n str, usize>,
    /// How far the walk has come, by detection.
    visits: Vec<Visit>,
    /// The detections with which a chain becomes too long.
    too_long: Vec<usize>,
    circles: usize,
    diagnostics: &'w mut Diagnostics,
}

/// A detection on the walk's path.
struct PathStep {
    detection: usize,
    /// How many of its inputs have been visited.
    visited: usize,
    /// The longest chain below it, so far.
    longest: usize,
}

impl ChainWalk<'_, '_> {
    /// Visits the detection and all on which it builds.
    fn visit(&mut self, start: usize) {
        let mut path = Vec::new();
        self.enter(start, &mut path);
        while let Some(step) = path.last_mut() {
            let Some(&(input, at)) = self.detections[step.detection].of.get(step.visited) else {
                self.leave(&mut path);
                continue;
            };
            step.visited += 1;
            // A name that is not a detection's is a policy's, or a fault of its own.
            let Some(&next) = self.numbers.get(input) else { continue };
            match self.visits[next] {
                Visit::NotYet => self.enter(next, &mut path),
                Visit::OnPath(from) => {
                    let circle = path[from..].iter().map(|step| self.detections[step.detection].name);
                    let what = format!("detections build on each other in a circle: {}", listed(circle, input));
                    self.diagnostics.fault(at, what, "name another policy or detection in one of them");
                    self.circles += 1;
                }
                Visit::Done(length) => step.longest = step.longest.max(length),
            }
        }
    }

    fn enter(&mut self, detection: usize, path: &mut Vec<PathStep>) {
        self.visits[detection] = Visit::OnPath(path.len());
        path.push(PathStep { detection, visited: 0, longest: 0 });
    }

    fn leave(&mut self, path: &mut Vec<PathStep>) {
        let Some(PathStep { detection, longest, .. }) = path.pop() else { return };
        let length = longest + 1;
        if length == Detection::LONGEST_CHAIN + 1 {
            self.too_long.push(detection);
        }
        self.visits[detection] = Visit::Done(length);
        if let Some(above) = path.last_mut() {
            above.longest = above.longest.max(length);
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
