//! The contract of every archive: files are complete and in order, are never overwritten, and are replaced only if they
//! have not changed since they were read.

use domain::Event;
use domain::ports::Archive;
use support::event;

use crate::world::{DAY, World, after, somewhen};

fn archive(world: &World) -> &dyn Archive {
    world.archive.as_deref().expect("this world has one")
}

fn events(many: usize) -> Vec<Event> {
    (0..many).map(|_| event("login").created(somewhen()).build()).collect()
}

pub(crate) async fn keeps_files_in_the_order_in_which_they_were_put(world: &World) {
    let (archive, now, events) = (archive(world), somewhen(), events(4));
    assert!(archive.files(None, 10).await.unwrap().is_empty());
    for (n, events) in [&events[..2], &events[2..3], &events[3..]].into_iter().enumerate() {
        archive.put(events, after(now, i64::try_from(n).unwrap() / 2 * DAY)).await.unwrap();
    }
    let files = archive.files(None, 10).await.unwrap();
    let day = |at| domain::retention::archive::day(after(now, at));
    let [one, two, three] =
        [(0, "000001"), (0, "000002"), (DAY, "000001")].map(|(at, number)| format!("{}{number}.ndjson.zst", day(at)));
    assert_eq!(files, [one.clone(), two.clone(), three.clone()]);
    assert_eq!(archive.files(None, 2).await.unwrap(), files[..2]);
    assert_eq!(archive.files(Some(&one), 1).await.unwrap(), files[1..2]);
    assert_eq!(archive.files(Some(&two), 10).await.unwrap(), files[2..]);
    assert!(archive.files(Some(&three), 10).await.unwrap().is_empty());
    assert_eq!(archive.read(&one).await.unwrap().events, events[..2]);
    assert_eq!(archive.read(&three).await.unwrap().events, events[3..]);
}

pub(crate) async fn replaces_and_removes_a_file(world: &World) {
    let (archive, now, events) = (archive(world), somewhen(), events(3));
    archive.put(&events, now).await.unwrap();
    archive.put(&events, now).await.unwrap();
    let files = archive.files(None, 10).await.unwrap();
    let read = archive.read(&files[0]).await.unwrap();
    archive.replace(&files[0], &read, &events[..1]).await.unwrap();
    let read = archive.read(&files[0]).await.unwrap();
    assert_eq!(read.events, events[..1]);
    archive.replace(&files[0], &read, &[]).await.unwrap();
    assert_eq!(archive.files(None, 10).await.unwrap(), files[1..]);
    // The name of the day's last file is not given again while that is there.
    archive.put(&events, now).await.unwrap();
    let last = archive.files(Some(&files[1]), 10).await.unwrap();
    assert_eq!((last.len(), archive.read(&files[1]).await.unwrap().events), (1, events));
}

pub(crate) async fn keeps_a_large_file_whole(world: &World) {
    let (archive, now) = (archive(world), somewhen());
    let large = |_| {
        let noise: Vec<_> = (0..4000).map(|_| format!("{:032x}", support::random_bits())).collect();
        event("login").created(now).context(serde_json::json!({ "noise": noise.concat() })).build()
    };
    let events: Vec<_> = (0..60).map(large).collect();
    archive.put(&events, now).await.unwrap();
    let [file] = &archive.files(None, 10).await.unwrap()[..] else { panic!("one file") };
    assert!(archive.read(file).await.unwrap().events == events);
}
