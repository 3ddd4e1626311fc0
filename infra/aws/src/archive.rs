//! The archive of expired events: objects in an S3 bucket, in the format of the archive folder on one machine.
//!
//! Every write is conditional: a new object must not exist yet, and a replaced one must not have changed since it was
//! read. So concurrent archivers or erasures do not lose each other's changes. Objects with other names are ignored.

use std::io::{BufRead as _, BufReader, Read as _};

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use domain::ports::{self, ArchiveFile, StoreError};
use domain::retention::archive;
use domain::{Event, Timestamp};

use crate::codec::MAX_BYTES;
use crate::describe::describe;

/// The most attempts to find a free name. Only other archivers can take a name meanwhile, and there are few.
const MAX_ATTEMPTS: usize = 20;

/// The most names in one page of a list request.
const LIST_PAGE: usize = 1000;

/// The archive in an S3 bucket.
#[derive(Clone, Debug)]
pub struct S3Archive {
    client: Client,
    bucket: String,
}

/// The result of a conditional put.
enum PutOutcome {
    Done,
    /// The object exists already, or has changed since it was read.
    Refused,
}

impl S3Archive {
    /// The bucket of that name.
    pub fn new(client: Client, bucket: &str) -> Self {
        Self { client, bucket: bucket.to_owned() }
    }

    /// About `limit` names that begin with `prefix` and follow `after`, in order.
    async fn names(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError> {
        let (mut names, mut token) = (Vec::new(), None::<String>);
        loop {
            let wanted = (limit - names.len()).min(LIST_PAGE);
            let request = self
                .client
                .list_objects_v2()
                .bucket(&self.bucket)
                .prefix(prefix)
                .max_keys(i32::try_from(wanted).unwrap_or(i32::MAX))
                .set_start_after(after.map(str::to_owned))
                .set_continuation_token(token);
            let answer = request.send().await.map_err(|error| unavailable(&error))?;
            let keys = answer.contents.unwrap_or_default().into_iter().filter_map(|object| object.key);
            names.extend(keys.filter(|key| key.ends_with(archive::ENDING)));
            token = answer.next_continuation_token;
            if token.is_none() || names.len() >= limit {
                return Ok(names);
            }
        }
    }

    fn put_object(&self, key: &str, events: &[Event]) -> Result<PutObjectFluentBuilder, StoreError> {
        let lines: String = events.iter().map(|event| event.to_json() + "\n").collect();
        let body = zstd::bulk::compress(lines.as_bytes(), archive::LEVEL)
            .map_err(|error| StoreError::Unavailable { part: "archive", detail: error.to_string() })?;
        Ok(self.client.put_object().bucket(&self.bucket).key(key).content_type("application/zstd").body(body.into()))
    }
}

async fn put(request: PutObjectFluentBuilder) -> Result<PutOutcome, StoreError> {
    match request.send().await {
        Ok(_) => Ok(PutOutcome::Done),
        // 412: the condition failed. 409: a concurrent write of the same object.
        Err(SdkError::ServiceError(context)) if [409, 412].contains(&context.raw().status().as_u16()) => {
            Ok(PutOutcome::Refused)
        }
        Err(error) => Err(unavailable(&error)),
    }
}

fn unavailable<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> StoreError {
    StoreError::Unavailable { part: "archive", detail: describe(error) }
}

fn damaged(file: &str) -> StoreError {
    StoreError::Corrupt(format!("the archive file {file} is damaged"))
}

#[async_trait]
impl ports::Archive for S3Archive {
    async fn put(&self, events: &[Event], now: Timestamp) -> Result<(), StoreError> {
        let mut last = self.names(&archive::day(now), None, usize::MAX).await?.pop();
        for _ in 0..MAX_ATTEMPTS {
            let name = archive::name_after(now, last.as_deref());
            match put(self.put_object(&name, events)?.if_none_match("*")).await? {
                PutOutcome::Done => return Ok(()),
                PutOutcome::Refused => last = Some(name),
            }
        }
        let detail = "other archivers took every free name".to_owned();
        Err(StoreError::Unavailable { part: "archive", detail })
    }

    async fn files(&self, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError> {
        self.names("", after, limit.max(1)).await
    }

    async fn read(&self, file: &str) -> Result<ArchiveFile, StoreError> {
        let object = match self.client.get_object().bucket(&self.bucket).key(file).send().await {
            Ok(object) => object,
            Err(SdkError::ServiceError(context)) if context.err().is_no_such_key() => return Ok(ArchiveFile::default()),
            Err(error) => return Err(unavailable(&error)),
        };
        let version = object.e_tag;
        let bytes = object
            .body
            .collect()
            .await
            .map_err(|error| StoreError::Unavailable { part: "archive", detail: error.to_string() })?;
        let bytes = bytes.into_bytes();
        let text = zstd::Decoder::new(&*bytes).map_err(|_| damaged(file))?.take(MAX_BYTES);
        let lines = BufReader::new(text).lines();
        let events = lines.map(|line| {
            archive::read_line(&line.map_err(|_| damaged(file))?)
                .map_err(|error| StoreError::Corrupt(error.to_string()))
        });
        Ok(ArchiveFile { events: events.collect::<Result<_, _>>()?, version })
    }

    async fn replace(&self, file: &str, read: &ArchiveFile, events: &[Event]) -> Result<(), StoreError> {
        if events.is_empty() {
            // Unconditional: a concurrent erasure only removes events, and none of those read is to stay.
            let request = self.client.delete_object().bucket(&self.bucket).key(file);
            return request.send().await.map(drop).map_err(|error| unavailable(&error));
        }
        let request = self.put_object(file, events)?.set_if_match(read.version.clone());
        match put(request).await? {
            PutOutcome::Done => Ok(()),
            PutOutcome::Refused => {
                let detail = format!("the archive file {file} was changed meanwhile");
                Err(StoreError::Unavailable { part: "archive", detail })
            }
        }
    }
}
