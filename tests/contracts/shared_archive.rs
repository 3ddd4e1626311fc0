//! On AWS, several processes write to one archive, which may contain other objects too: no process loses another's
//! file.

use domain::Event;
use domain::ports::{Archive, ArchiveFile, StoreError};
use futures_util::future::join_all;
use support::emulator::Emulator;
use support::{event, unique};

use crate::world::somewhen;

struct Bucket {
    client: aws_sdk_s3::Client,
    name: String,
    archive: aws::S3Archive,
}

async fn bucket() -> Bucket {
    let (client, name) = (aws_sdk_s3::Client::new(&Emulator::shared().sdk().await), unique("archive"));
    client.create_bucket().bucket(&name).send().await.unwrap();
    Bucket { archive: aws::S3Archive::new(client.clone(), &name), client, name }
}

fn events(many: usize) -> Vec<Event> {
    (0..many).map(|_| event("login").created(somewhen()).build()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_puts_at_once_gets_files_of_their_own() {
    let (bucket, now) = (bucket().await, somewhen());
    let files: Vec<Vec<Event>> = (0..8).map(|_| events(2)).collect();
    join_all(files.iter().map(async |events| bucket.archive.put(events, now).await.unwrap())).await;
    let names = bucket.archive.files(None, 100).await.unwrap();
    assert_eq!(names.len(), files.len());
    let mut found = Vec::new();
    for name in &names {
        found.push(bucket.archive.read(name).await.unwrap().events);
    }
    assert!(files.iter().all(|events| found.contains(events)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_replaced_only_as_it_was_read() {
    let (bucket, events) = (bucket().await, events(3));
    bucket.archive.put(&events, somewhen()).await.unwrap();
    let [name] = &bucket.archive.files(None, 9).await.unwrap()[..] else { panic!("one file") };
    let (one, other) = (bucket.archive.read(name).await.unwrap(), bucket.archive.read(name).await.unwrap());
    bucket.archive.replace(name, &one, &events[1..]).await.unwrap();
    let refused = bucket.archive.replace(name, &other, &events[..2]).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { part: "archive", .. })), "{refused:?}");
    let read = bucket.archive.read(name).await.unwrap();
    assert_eq!(read.events, events[1..], "nobody comes back");

    bucket.archive.replace(name, &read, &[]).await.unwrap();
    bucket.archive.replace(name, &read, &[]).await.unwrap();
    assert_eq!(bucket.archive.read(name).await.unwrap(), ArchiveFile::default());
    let refused = bucket.archive.replace(name, &read, &events[..1]).await;
    assert!(refused.is_err(), "nor does a file");
    assert!(bucket.archive.files(None, 9).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_objects_are_left_alone_and_damage_is_told() {
    let (bucket, now) = (bucket().await, somewhen());
    let day = domain::retention::archive::day(now);
    let put = async |key: String, body: Vec<u8>| {
        bucket.client.put_object().bucket(&bucket.name).key(key).body(body.into()).send().await.unwrap();
    };
    put("0-readme.txt".to_owned(), b"ours".to_vec()).await;
    put(format!("{day}zip"), b"ours".to_vec()).await;
    bucket.archive.put(&events(1), now).await.unwrap();
    let own = vec![format!("{day}000001.ndjson.zst")];
    assert_eq!(bucket.archive.files(None, 1).await.unwrap(), own);

    let secret = zstd::encode_all(&b"{\"secret\":1}\n"[..], 1).unwrap();
    for body in [b"no zstd".to_vec(), secret[..secret.len() - 2].to_vec(), secret] {
        put(own[0].clone(), body).await;
        let damaged = bucket.archive.read(&own[0]).await.unwrap_err();
        assert!(matches!(&damaged, StoreError::Corrupt(_)) && !damaged.to_string().contains("secret"), "{damaged}");
    }
    let gone = aws::S3Archive::new(bucket.client.clone(), "nobodys-bucket");
    let refused = gone.put(&events(1), now).await.unwrap_err().to_string();
    assert!(refused.starts_with("archive is unavailable: NoSuchBucket"), "{refused}");
}
