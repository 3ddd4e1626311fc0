//! When detections fire, by an independent reference: pySigma's SQL, and SQL and searches that are written from the
//! specification. See `reference.py`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use domain::Event;
use domain::detection::time_of;
use domain::rules_document::{Detection, DetectionKind, FieldPath, Repeat};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::tools;

/// The firings of one group. All times are in milliseconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct ExpectedFirings {
    /// When it fires, if the events are evaluated in order.
    pub fired: Vec<i64>,
    /// When an absence ends.
    pub resolved: Vec<i64>,
    /// The members of each run, of a count.
    pub runs: Vec<Vec<i64>>,
    /// How many runs were joined in the order of arrival; `None` if that was not counted.
    pub joins: Option<usize>,
}

/// By detection, then by group: the JSON of its values.
pub type ExpectedDetections = BTreeMap<String, BTreeMap<String, ExpectedFirings>>;

/// The firings of each of these batches. A batch is an object of `detections`, as [`described`] and each after those
/// that it names, `events`, as [`described_event`], and `shuffled`: whether the events come out of order.
pub fn ask(batches: &[Value]) -> Vec<ExpectedDetections> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("support/detection_reference");
    let python = tools::python("pysigma", &here.join("requirements.txt"));
    let mut reference = Command::new(python)
        .arg("-B")
        .arg(here.join("reference.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = reference.stdin.take().unwrap();
    stdin.write_all(&serde_json::to_vec(batches).unwrap()).unwrap();
    drop(stdin);
    let output = reference.wait_with_output().unwrap();
    assert!(output.status.success(), "the reference failed; see above");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The event, as the reference reads it. `message` is the number of the message in which it came.
pub fn described_event(event: &Event, message: usize) -> Value {
    json!({
        "message": message, "pk": event.pk, "at": time_of(event) / 1000, "action": event.action.as_str(),
        "app": event.app, "user": event.user, "context": event.context,
    })
}

/// The detection, as the reference reads it. Durations are in seconds. The names of its policies are the actions that
/// they match.
pub fn described(detection: &Detection) -> Value {
    let paths = |paths: &[FieldPath]| paths.iter().map(|path| path.as_str().to_owned()).collect::<Vec<_>>();
    let mut described = json!({
        "name": detection.name, "kind": detection.kind.as_str(), "by": paths(&detection.by), "of": detection.inputs(),
    });
    let settings = match &detection.kind {
        DetectionKind::Count(settings) => json!({
            "within": settings.within.duration().as_secs(),
            "at_least": settings.at_least,
            "distinct": settings.distinct.as_ref().map(FieldPath::as_str),
            "repeat": match settings.repeat {
                Repeat::Crossing => json!("crossing"),
                Repeat::Every => json!("every"),
                Repeat::After(period) => json!(period.duration().as_secs()),
            },
        }),
        DetectionKind::Sequence(settings) => {
            json!({ "within": settings.within.duration().as_secs(), "ordered": settings.ordered })
        }
        DetectionKind::FirstSeen(settings) => {
            json!({ "value": paths(&settings.value), "remember": settings.remember.duration().as_secs() })
        }
        DetectionKind::Absent(settings) => json!({
            "wait": settings.every.duration().as_secs() + settings.grace.as_secs(),
            "forgotten_after": settings.forget.map(|times| i64::from(times) * settings.every.duration().as_secs()),
        }),
    };
    described.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    described
}
