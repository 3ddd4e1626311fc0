//! The contract of every store of jobs: a job is stored completely, and a write succeeds only with the last revision.

use domain::event::ActionPattern;
use domain::ports::PurgeScope;
use domain::retention::job::{Job, JobReport, JobTask};
use domain::rules_document::{Period, Retention};
use futures_util::future::join_all;
use support::random_bits;

use crate::world::{DAY, World, after, somewhen};

fn job() -> Job {
    let retention = Retention::new(
        Period::days(365),
        vec![(ActionPattern::parse("model_*").unwrap(), Period::parse("hours=3;minutes=30").unwrap())],
    );
    Job::new(JobTask::Restamp { retention }, true, "ann é".to_owned(), somewhen(), random_bits())
}

async fn replace(world: &World, job: &Job) -> bool {
    world.jobs.replace(job).await.unwrap()
}

pub(crate) async fn are_kept_whole_and_replaced(world: &World) {
    let (first, other) = (job(), job());
    assert_eq!(world.jobs.get(&first.id).await.unwrap(), None);
    let mut second = first.claimed(first.created).unwrap();
    second.report.count("examined", 3);
    assert!(!replace(world, &second).await, "there is nothing to replace");
    assert!(replace(world, &first).await && replace(world, &other).await);
    assert!(!replace(world, &first).await, "there is one already");
    assert!(replace(world, &second).await);
    assert!(!replace(world, &second).await && !replace(world, &Job { revision: 3, ..second.clone() }).await);
    assert_eq!(world.jobs.get(&first.id).await.unwrap().as_ref(), Some(&second));
    let all = world.jobs.all().await.unwrap();
    assert!(all.contains(&second) && all.contains(&other) && !all.contains(&first));
}

pub(crate) async fn let_one_of_sixteen_take_one(world: &World) {
    let job = job();
    assert!(replace(world, &job).await);
    let claims: Vec<_> = (0..16).map(|n| job.claimed(after(job.created, n)).unwrap()).collect();
    let won = join_all(claims.iter().map(|claim| replace(world, claim))).await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
}

pub(crate) async fn are_forgotten_long_after_their_end(world: &World) {
    let (done, running) = (job(), job());
    let now = done.created;
    let ended = done.after(JobReport::default(), None, now);
    for one in [&done, &ended, &running] {
        assert!(replace(world, one).await);
    }
    world.log.purge(PurgeScope::All, after(now, 90 * DAY - 1000), 1000).await.unwrap();
    assert!(world.jobs.get(&done.id).await.unwrap().is_some());
    world.log.purge(PurgeScope::All, after(now, 90 * DAY), 1000).await.unwrap();
    assert_eq!(world.jobs.get(&done.id).await.unwrap(), None);
    assert!(world.jobs.get(&running.id).await.unwrap().is_some());
}
