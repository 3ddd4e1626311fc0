//! The contract of every store of silences.

use domain::Timestamp;
use domain::ports::PurgeScope;
use domain::rules_document::Silence;
use support::unique;

use crate::world::{DAY, World, after, somewhen};

fn silence(ends: Timestamp) -> Silence {
    Silence {
        id: unique("silence"),
        rules: vec!["a rule".to_owned()],
        event_matcher: Some(serde_json::from_str(r#"{"action":["login*"],"client_ip":"192.0.2.0/24"}"#).unwrap()),
        reason: "a \"test\", é".to_owned(),
        by: "ann".to_owned(),
        starts: after(ends, -DAY),
        ends,
    }
}

pub(crate) async fn are_kept_whole_and_replaced(world: &World) {
    let now = somewhen();
    let (one, other) = (silence(now), silence(now));
    assert_eq!(world.silences.get(&one.id).await.unwrap(), None);
    world.silences.put(&one).await.unwrap();
    world.silences.put(&other).await.unwrap();
    assert_eq!(world.silences.get(&one.id).await.unwrap().as_ref(), Some(&one));
    let ended = one.clone().ended(after(now, -1000));
    world.silences.put(&ended).await.unwrap();
    assert_eq!(world.silences.get(&one.id).await.unwrap().as_ref(), Some(&ended));
    let all = world.silences.all().await.unwrap();
    assert!(all.contains(&ended) && all.contains(&other) && !all.contains(&one));
}

pub(crate) async fn are_forgotten_long_after_their_end(world: &World) {
    let now: Timestamp = "2001-02-03T04:05:06Z".parse().unwrap();
    let silence = silence(now);
    world.silences.put(&silence).await.unwrap();
    world.log.purge(PurgeScope::All, after(now, 90 * DAY - 1000), 1000).await.unwrap();
    assert!(world.silences.get(&silence.id).await.unwrap().is_some());
    world.log.purge(PurgeScope::All, after(now, 90 * DAY), 1000).await.unwrap();
    assert_eq!(world.silences.get(&silence.id).await.unwrap(), None);
}
