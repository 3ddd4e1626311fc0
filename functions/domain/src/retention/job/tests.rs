use super::*;
use crate::loop_guard;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + seconds).unwrap()
}

fn job() -> Job {
    let task = JobTask::Restamp { retention: Retention::default() };
    Job::new(task, true, "ann".to_owned(), at(0), 7)
}

fn found(count: usize) -> JobReport {
    let mut report = JobReport::default();
    report.count("examined", count);
    report
}

#[test]
fn one_has_it_until_the_lease_ends() {
    let claimed = job().claimed(at(1)).unwrap();
    assert_eq!((claimed.revision, claimed.claimed(at(60))), (1, None));
    let other = claimed.claimed(at(61)).unwrap();
    assert_eq!(other.revision, 2);
    assert_eq!(other.released().claimed(at(62)).map(|job| job.revision), Some(4));
}

#[test]
fn a_step_that_failed_and_costs_much_waits_for_a_minute() {
    let deferred = job().claimed(at(1)).unwrap().deferred(at(2));
    assert_eq!((deferred.claimed(at(61)), deferred.claimed(at(62)).map(|job| job.revision)), (None, Some(3)));
}

#[test]
fn whose_data_goes_is_forgotten_before_the_files_are_scrubbed() {
    let subject = crate::retention::erasure::ErasureSubject::new(Some("ann"), None).unwrap();
    let erasing = Job::new(JobTask::erase(subject), false, "root".to_owned(), at(0), 7).claimed(at(1)).unwrap();
    let inbox = erasing.after(JobReport::default(), Some(JobCursor::Inbox), at(2));
    assert!(matches!(&inbox.task, JobTask::Erase { subject: Some(_), .. }));
    let scrub = inbox.after(JobReport::default(), Some(JobCursor::Scrub), at(3));
    assert!(matches!(&scrub.task, JobTask::Erase { subject: None, person } if person.len() == 64));
}

#[test]
fn it_goes_on_where_it_stopped_and_ends_once() {
    let place = JobCursor::Events { after: Some(EventCursor { before: EventPk::first_at(at(-5)), shard: Some(3) }) };
    let half = job().claimed(at(1)).unwrap().after(found(3), Some(place.clone()), at(2));
    assert_eq!((&half.cursor, half.lease, half.ended), (&place, Some(at(62)), None));
    let done = half.after(found(4), None, at(3));
    assert_eq!((done.state, done.ended, done.report.counts["examined"]), (JobState::Done, Some(at(3)), 7));
    assert!(done.claimed(at(62)).is_some(), "somebody must still tell of it");
    assert_eq!(done.reported().claimed(at(999)), None);
}

#[test]
fn a_position_of_0_1_0_is_read() {
    let before = EventPk::first_at(at(-5));
    let after = EventCursor { before, shard: None };
    for (written, after) in [
        (r#"{"events":{"before":null}}"#.to_owned(), None),
        (format!(r#"{{"events":{{"before":"{before}"}}}}"#), Some(after)),
        (format!(r#"{{"events":{{"before":"{before}","shard":7}}}}"#), Some(EventCursor { shard: Some(7), ..after })),
    ] {
        let read: JobCursor = serde_json::from_str(&written).unwrap();
        assert_eq!(read, JobCursor::Events { after }, "{written}");
        assert_eq!(serde_json::from_str::<JobCursor>(&serde_json::to_string(&read).unwrap()).unwrap(), read);
    }
}

#[test]
fn its_end_is_one_event_that_may_notify() {
    let document = RulesDocument::built_in();
    assert_eq!(job().event(&document).unwrap(), None);
    let failed = job().failed("the disk is full".to_owned(), at(9));
    let event = failed.event(&document).unwrap().unwrap();
    assert_eq!(event.pk, failed.reported().event(&document).unwrap().unwrap().pk);
    assert!(event.pk.is_named());
    assert_eq!(loop_guard::check(&event, &document), None);
    assert_eq!(event.context_str("message"), Some("The job restamp (dry run) has ended: failed: the disk is full"));
}

#[test]
fn whose_data_goes_is_forgotten_at_the_end() {
    let task = JobTask::erase(ErasureSubject::new(Some("ann"), Some("ann@example.org")).unwrap());
    let job = Job::new(task, false, "root".to_owned(), at(0), 7);
    for ended in [job.after(found(1), None, at(1)), job.failed("the disk is full".to_owned(), at(1))] {
        let stored = serde_json::to_string(&ended).unwrap();
        assert!(!stored.contains("ann") && stored.contains("\"person\":\""), "{stored}");
        let told = ended.event(&RulesDocument::built_in()).unwrap().unwrap();
        assert_eq!(told.context_str("person").map(str::len), Some(64));
    }
}

#[test]
fn a_stored_job_is_read_back() {
    let mut job = job().claimed(at(1)).unwrap();
    job.report.add(JobReport { from: Some(at(-9)), to: Some(at(-1)), ..found(2) });
    let text = serde_json::to_string(&job).unwrap();
    assert!(text.contains(r#""kind":"restamp","parameters":{"retention":"#), "{text}");
    assert_eq!(serde_json::from_str::<Job>(&text).unwrap(), job);
}
