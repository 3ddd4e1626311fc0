//! Reads a request's body, decompressed, up to a limit.
//!
//! The limit counts bytes after decompression and stops the decoder as it is passed, so that a small
//! body cannot become a large one. Encodings other than gzip and zstd are refused, and so is a body
//! that takes its time.

use std::io;
use std::pin::{Pin, pin};
use std::time::Duration;

use async_compression::tokio::bufread::{GzipDecoder, ZstdDecoder};
use axum::body::{Body, HttpBody};
use bytes::Bytes;
use futures_util::TryStreamExt;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio_util::io::StreamReader;

use crate::{Memory, Problem, Reservation};

/// How long a body may take to come: enough for 5 MiB on a slow line.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a body takes in memory at least: little, so that bodies that do not come do not keep out others.
const STEP: usize = 4 * 1024;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Gzip,
    Zstd,
}

/// A body, and the memory that it takes.
#[derive(Debug)]
pub struct Received {
    /// What was received, decompressed.
    pub bytes: Bytes,
    _taken: Option<Reservation>,
}

/// The whole body, decompressed as `Content-Encoding` says.
///
/// A gzip body may have several members and a zstd body several frames (RFC 1952, 2.2; RFC 8878, 3.1): the
/// result is their contents one after the other.
///
/// # Errors
/// 413 naming `limit` when there is more, 415 for an unknown encoding, 400 when the body breaks off
/// or is not what its encoding says, 408 when it does not end.
pub async fn read_body(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    Ok(read(headers, body, limit, None).await?.bytes)
}

/// The same, in memory that all requests share.
///
/// # Errors
/// Also 503, when others take too much of it for too long.
pub async fn receive(headers: &HeaderMap, body: Body, limit: usize, memory: &Memory) -> Result<Received, Problem> {
    read(headers, body, limit, Some(memory)).await
}

async fn read(headers: &HeaderMap, body: Body, limit: usize, memory: Option<&Memory>) -> Result<Received, Problem> {
    let encoding = encoding(headers)?;
    // What says beforehand that it is too large is not waited for.
    if encoding.is_none() && body.size_hint().lower() > limit as u64 {
        return Err(too_large(limit));
    }
    let taken = match memory {
        Some(memory) => Some(memory.receive(STEP).await?),
        None => None,
    };
    let late = |_| Problem::request_timeout(format!("the body did not come within {} seconds", PATIENCE.as_secs()));
    let body = tokio::time::timeout(PATIENCE, decoded(encoding, body, Plain { bytes: Vec::new(), limit, taken }));
    let Plain { bytes, taken, .. } = body.await.map_err(late)??;
    Ok(Received { bytes: bytes.into(), _taken: taken })
}

async fn decoded(encoding: Option<Encoding>, body: Body, plain: Plain) -> Result<Plain, Problem> {
    let sent = StreamReader::new(TryStreamExt::map_err(body.into_data_stream(), io::Error::other));
    match encoding {
        None => plain.fill(pin!(sent)).await,
        Some(Encoding::Gzip) => {
            let mut decoder = GzipDecoder::new(sent);
            decoder.multiple_members(true);
            plain.fill(pin!(decoder)).await
        }
        Some(Encoding::Zstd) => {
            let mut decoder = ZstdDecoder::new(sent);
            decoder.multiple_members(true);
            plain.fill(pin!(decoder)).await
        }
    }
}

/// What a body is, decompressed, as far as it was read.
struct Plain {
    bytes: Vec<u8>,
    limit: usize,
    taken: Option<Reservation>,
}

impl Plain {
    /// Reads what there is, and stops one byte after the limit.
    async fn fill(mut self, mut input: Pin<&mut impl AsyncRead>) -> Result<Self, Problem> {
        loop {
            if self.bytes.len() == self.bytes.capacity() {
                let wanted = (self.bytes.len() * 2).max(STEP).min(self.limit + 1);
                if let Some(taken) = &mut self.taken {
                    taken.grow(wanted).await?;
                }
                self.bytes.reserve_exact(wanted - self.bytes.len());
            }
            let read = input.read_buf(&mut self.bytes).await.map_err(|_| broken())?;
            if self.bytes.len() > self.limit {
                return Err(too_large(self.limit));
            }
            if read == 0 {
                return Ok(self);
            }
        }
    }
}

/// The one encoding, or none where there is nothing to undo. Case does not matter, and `x-gzip` is an alias
/// (RFC 9110, 8.4.1).
fn encoding(headers: &HeaderMap) -> Result<Option<Encoding>, Problem> {
    let mut lines = headers.get_all(CONTENT_ENCODING).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    let is = |name: &str| line.as_bytes().trim_ascii().eq_ignore_ascii_case(name.as_bytes());
    match lines.next() {
        None if is("gzip") || is("x-gzip") => Ok(Some(Encoding::Gzip)),
        None if is("zstd") => Ok(Some(Encoding::Zstd)),
        None if is("identity") => Ok(None),
        _ => Err(Problem::unsupported_media_type("Content-Encoding must be one of gzip, zstd, identity, or absent")),
    }
}

fn too_large(limit: usize) -> Problem {
    Problem::too_large(format!("the body is larger than {limit} bytes, counted after decompression"))
}

fn broken() -> Problem {
    Problem::bad_request("the body breaks off, or is not what its Content-Encoding says")
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_compression::tokio::write::{GzipEncoder, ZstdEncoder};
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::AsyncWriteExt;

    const LIMIT: usize = 100_000;

    async fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzipEncoder::new(Vec::new());
        encoder.write_all(plain).await.unwrap();
        encoder.shutdown().await.unwrap();
        encoder.into_inner()
    }

    async fn zstd(plain: &[u8]) -> Vec<u8> {
        let mut encoder = ZstdEncoder::new(Vec::new());
        encoder.write_all(plain).await.unwrap();
        encoder.shutdown().await.unwrap();
        encoder.into_inner()
    }

    async fn reading(encoding: &str, body: impl Into<Body>) -> Result<Bytes, u16> {
        let mut headers = HeaderMap::new();
        if !encoding.is_empty() {
            headers.insert(CONTENT_ENCODING, encoding.parse().unwrap());
        }
        read_body(&headers, body.into(), LIMIT).await.map_err(|problem| problem.status().as_u16())
    }

    #[tokio::test]
    async fn plain_gzip_and_zstd_up_to_the_limit() {
        let plain: Vec<u8> = (0..LIMIT).map(|place| u8::try_from(place % 251).unwrap()).collect();
        assert_eq!(reading("", plain.clone()).await.unwrap(), plain);
        assert_eq!(reading("identity", plain.clone()).await.unwrap(), plain);
        assert_eq!(reading("GZIP", gzip(&plain).await).await.unwrap(), plain);
        assert_eq!(reading("zstd", zstd(&plain).await).await.unwrap(), plain);
        assert_eq!(reading("", Vec::new()).await.unwrap(), "");
    }

    #[tokio::test]
    async fn one_byte_more_is_too_large() {
        let plain = vec![7; LIMIT + 1];
        assert_eq!(reading("", plain.clone()).await, Err(413));
        assert_eq!(reading("gzip", gzip(&plain).await).await, Err(413));
        assert_eq!(reading("zstd", zstd(&plain).await).await, Err(413));
    }

    #[tokio::test]
    async fn a_bomb_is_not_read_to_its_end() {
        for (encoding, bomb) in
            [("gzip", gzip(&vec![0; 50_000_000]).await), ("zstd", zstd(&vec![0; 250_000_000]).await)]
        {
            let taken = Arc::new(AtomicUsize::new(0));
            let counter = taken.clone();
            let size = bomb.len();
            let chunks: Vec<Bytes> = bomb.chunks(64).map(Bytes::copy_from_slice).collect();
            let stream = chunks.into_iter().map(move |chunk| {
                counter.fetch_add(chunk.len(), Ordering::Relaxed);
                Ok::<_, Infallible>(chunk)
            });
            let body = Body::from_stream(futures_util::stream::iter(stream));
            assert_eq!(reading(encoding, body).await, Err(413));
            assert!(taken.load(Ordering::Relaxed) < size / 10, "{encoding}");
        }
    }

    #[tokio::test]
    async fn broken_or_unknown_encodings() {
        let whole = gzip(b"{}").await;
        assert_eq!(reading("gzip", whole[..whole.len() - 4].to_vec()).await, Err(400));
        assert_eq!(reading("gzip", "{}").await, Err(400));
        assert_eq!(reading("zstd", "{}").await, Err(400));
        for encoding in ["br", "deflate", "gzip, zstd", "x", "x-zstd", "gzip, gzip"] {
            assert_eq!(reading(encoding, "{}").await, Err(415), "{encoding}");
        }
    }

    #[tokio::test]
    async fn every_member_of_a_gzip_body_and_every_frame_of_a_zstd_body_is_read() {
        let parts: Vec<String> = (0..100).map(|number| format!("{{\"action\":\"login_{number}\"}}\n")).collect();
        let (mut members, mut frames) = (Vec::new(), Vec::new());
        for part in &parts {
            members.extend(gzip(part.as_bytes()).await);
            frames.extend(zstd(part.as_bytes()).await);
        }
        // A member without content is a member (an empty flush writes one), and a skippable frame is no content.
        members.extend(gzip(b"").await);
        frames.extend([0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7]);
        frames.extend(zstd(b"").await);
        let plain = parts.concat();
        assert_eq!(reading("gzip", members.clone()).await.unwrap(), plain);
        assert_eq!(reading("X-GZIP", members.clone()).await.unwrap(), plain);
        assert_eq!(reading("zstd", frames.clone()).await.unwrap(), plain);
        // However it is cut on the way.
        for (encoding, whole) in [("gzip", &members), ("zstd", &frames)] {
            for size in [1, 7, 20] {
                let chunks: Vec<_> =
                    whole.chunks(size).map(|chunk| Ok::<_, Infallible>(Bytes::copy_from_slice(chunk))).collect();
                let body = Body::from_stream(futures_util::stream::iter(chunks));
                assert_eq!(reading(encoding, body).await.unwrap(), plain, "{encoding} {size}");
            }
        }
        // The limit counts all members together.
        let half = gzip(&vec![7; LIMIT / 2 + 1]).await;
        assert_eq!(reading("gzip", [half.clone(), half].concat()).await, Err(413));
    }

    #[tokio::test]
    async fn what_follows_the_last_member_and_is_none_is_an_error() {
        let (member, frame) = (gzip(b"{}").await, zstd(b"{}").await);
        for rest in [&b"\0"[..], b"\0\0\0\0", b"{}", b"\x1f", b"\x1f\x8b", &member[..member.len() - 1], &frame[..]] {
            assert_eq!(reading("gzip", [&member, rest].concat()).await, Err(400), "{rest:?}");
        }
        for rest in [&b"\0"[..], b"{}", b"\x28\xb5", &frame[..frame.len() - 1], &member[..]] {
            assert_eq!(reading("zstd", [&frame, rest].concat()).await, Err(400), "{rest:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_drips_is_not_waited_for() {
        let drip = futures_util::stream::unfold((), async |()| {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, Infallible>(Bytes::from_static(b"x")), ()))
        });
        assert_eq!(reading("", Body::from_stream(drip)).await, Err(408));
    }
}
