//! Which detections an event enters: those that watch a policy that the event passed.
//!
//! Owns what a detection may see. Refuses to know what a detection does with the event.

use domain::Event;
use domain::detection::{DetectionId, FiringState, detection_id};
use domain::rules_document::{Detection, Policy, RulesDocument};
use serde_json::Value;

use crate::policy_table::PolicyNumbers;

/// The detections of a document, and the policies that they watch.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watches {
    detections: Vec<(Detection, DetectionId)>,
    /// By the policy's number.
    watches: Vec<Watch>,
}

/// A policy that a detection names.
#[derive(Debug, Clone, Copy)]
struct Watch {
    policy: u32,
    /// Whether the policy is itself a detection.
    is_detection: bool,
    entered: EnteredDetection,
}

/// A detection that an event enters, as one of its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnteredDetection {
    /// The index of the detection among those of the document.
    index: usize,
    /// The step of a sequence, from 0; 0 for every other kind.
    pub step: usize,
}

impl Watches {
    pub(crate) fn compile(document: &RulesDocument, names: &PolicyNumbers<'_>) -> Self {
        let (mut detections, mut watches) = (Vec::new(), Vec::new());
        for policy in document.policies.values() {
            let Policy::Detection(detection) = &**policy else { continue };
            for (step, input) in detection.inputs().iter().enumerate() {
                let Some(&number) = names.get(input.as_str()) else { continue };
                let is_detection =
                    document.policies.get(input).is_some_and(|input| matches!(**input, Policy::Detection(_)));
                let entered = EnteredDetection { index: detections.len(), step };
                watches.push(Watch { policy: number, is_detection, entered });
            }
            detections.push((detection.clone(), detection_id(detection)));
        }
        watches.sort_by_key(|watch| watch.policy);
        Self { detections, watches }
    }

    /// The numbers of the policies that are watched.
    pub(crate) fn policies(&self) -> impl Iterator<Item = u32> {
        self.watches.iter().map(|watch| watch.policy)
    }

    /// The detections that watch one of the policies that the event passed, whose numbers are in ascending order. An
    /// event that a detection wrote is seen only by detections that name this detection, and only if it says that the
    /// pattern was found.
    pub(crate) fn entered(&self, event: &Event, passed: &[u32]) -> Vec<EnteredDetection> {
        if self.watches.is_empty() || passed.is_empty() {
            return Vec::new();
        }
        let is_detection = event.detection().is_some();
        let state = event.context.get("state").and_then(Value::as_str);
        if is_detection && state != Some(FiringState::Fired.as_str()) {
            return Vec::new();
        }
        let sees = |watch: &&Watch| watch.is_detection == is_detection;
        let of_policy = |&policy: &u32| {
            let from = self.watches.partition_point(|watch| watch.policy < policy);
            self.watches[from..].iter().take_while(move |watch| watch.policy == policy).filter(sees)
        };
        let mut entered: Vec<_> = passed.iter().flat_map(of_policy).map(|watch| watch.entered).collect();
        entered.sort_unstable();
        entered.dedup();
        entered
    }

    /// The detection of an entry, with its id.
    ///
    /// # Panics
    /// If the entry is of another document.
    pub(crate) fn detection(&self, entered: EnteredDetection) -> (&Detection, DetectionId) {
        let (detection, id) = &self.detections[entered.index];
        (detection, *id)
    }

    /// The detection of this id; `None` if the document has none.
    pub(crate) fn by_id(&self, id: DetectionId) -> Option<&Detection> {
        self.detections.iter().find(|(_, other)| *other == id).map(|(detection, _)| detection)
    }

    /// All detections with their ids.
    pub(crate) fn all(&self) -> &[(Detection, DetectionId)] {
        &self.detections
    }
}
