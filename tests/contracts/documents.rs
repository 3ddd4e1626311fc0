//! The contract of every store of rules documents. A store has a single sequence of versions, so these contracts run
//! one after another.

use domain::person::Person;
use domain::ports::{ActiveRules, SaveOutcome};
use domain::rules_document::RulesDocument;
use futures_util::future::join_all;
use support::unique;
use tokio::sync::{Mutex, MutexGuard};

use crate::world::{World, somewhen};

static TURN: Mutex<()> = Mutex::const_new(());

/// The next version, with the exclusive right to save it until it is dropped.
async fn next(world: &World) -> (MutexGuard<'static, ()>, ActiveRules) {
    let turn = TURN.lock().await;
    let version = world.documents.newest().await.unwrap().map_or(0, |newest| newest.version) + 1;
    let mut document = RulesDocument::built_in();
    document.public_url = Some(format!("https://{}.example.org", unique("n")));
    let source = "# é \"quoted\"\nretention: days=365\n".to_owned();
    (turn, ActiveRules { version, document, source, at: somewhen(), by: "ann".to_owned() })
}

pub(crate) async fn keep_the_newest_whole(world: &World) {
    let (_turn, first) = next(world).await;
    assert_eq!(world.documents.save(&first).await.unwrap(), SaveOutcome::Saved);
    assert_eq!(world.documents.newest().await.unwrap().as_ref(), Some(&first));
    assert_eq!(world.documents.get(first.version).await.unwrap().as_ref(), Some(&first));
    let first_version = first.version;

    // Larger than one stored item may be, on stores that have such a limit.
    let mut large = ActiveRules { version: first.version + 1, ..first };
    let people = (0..20_000).map(|_| Person::new(unique("somebody"), ""));
    let detections = rulesfile::read(include_str!("../corpus/rules/good/detections.yaml")).unwrap();
    large.document.policies = detections.policies;
    large.document.groups.insert("everybody".to_owned(), people.collect());
    large.source = (0..20_000).map(|_| unique("# line")).collect::<Vec<_>>().join("\n");
    assert_eq!(world.documents.save(&large).await.unwrap(), SaveOutcome::Saved);
    assert_eq!(world.documents.newest().await.unwrap().as_ref(), Some(&large));
    for (version, newer) in [(0, true), (first_version, true), (large.version, false), (u64::MAX, false)] {
        let found = world.documents.newest_after(version).await.unwrap();
        assert_eq!(found, newer.then(|| large.clone()), "after version {version}");
    }

    // What it replaced is still there.
    assert_eq!(world.documents.get(first_version).await.unwrap().map(|earlier| earlier.version), Some(first_version));
    assert_eq!(world.documents.get(large.version).await.unwrap(), Some(large.clone()));
    for never in [0, large.version + 1, u64::MAX] {
        assert_eq!(world.documents.get(never).await.unwrap(), None);
    }
}

pub(crate) async fn refuse_a_stale_save(world: &World) {
    let (_turn, first) = next(world).await;
    assert_eq!(world.documents.save(&first).await.unwrap(), SaveOutcome::Saved);
    for version in [first.version - 1, first.version, first.version + 2] {
        let stale = ActiveRules { version, by: "bob".to_owned(), ..first.clone() };
        assert_eq!(world.documents.save(&stale).await.unwrap(), SaveOutcome::Conflict, "{version}");
        assert_eq!(world.documents.newest().await.unwrap().as_ref(), Some(&first));
    }
}

pub(crate) async fn let_one_of_sixteen_save(world: &World) {
    let (_turn, first) = next(world).await;
    let rivals: Vec<_> = (0..16).map(|n| ActiveRules { by: format!("rival {n}"), ..first.clone() }).collect();
    let answers = join_all(rivals.iter().map(|rival| world.documents.save(rival))).await;
    let won: Vec<_> = rivals
        .into_iter()
        .zip(answers)
        .filter(|(_, saved)| *saved == Ok(SaveOutcome::Saved))
        .map(|(rival, _)| rival)
        .collect();
    assert_eq!(won.len(), 1);
    assert_eq!(world.documents.newest().await.unwrap(), won.into_iter().next());
}
