//! Reads a request's body, decompressed, up to a limit.
//!
//! The limit counts bytes after decompression and stops the decoder as soon as it is exceeded, so a small body cannot
//! become a large one. Refuses encodings other than gzip and zstd, and bodies that arrive too slowly or stall.

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

use crate::{MemoryBudget, MemoryReservation, Problem, RemainingWait};

/// How long a body may take to arrive: long enough for 5 MiB on a slow connection.
const BODY_TIMEOUT: Duration = Duration::from_mins(1);

/// How long a body may pause. A client that stalls must not hold the memory of its body for the whole [`BODY_TIMEOUT`].
const STALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The first capacity of a body's buffer.
const INITIAL_CAPACITY: usize = 4 * 1024;

/// How much of a body that is refused for its length is read and discarded, and for how long. Clients that send all of
/// their body before they read would otherwise see a broken connection instead of the response.
const DISCARDED_BYTES: usize = 8 * 1024 * 1024;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(2);

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Gzip,
    Zstd,
}

/// A whole body, and the memory reserved for it while this value exists.
#[derive(Debug)]
pub struct BufferedBody {
    /// The whole body after decompression, never longer than the limit of the read.
    pub bytes: Bytes,
    /// How much longer the request may wait for memory.
    pub wait: RemainingWait,
    _reservation: Option<MemoryReservation>,
}

/// Reads the whole body and decompresses it as `Content-Encoding` says.
///
/// A gzip body may have several members and a zstd body several frames (RFC 1952, 2.2; RFC 8878, 3.1). The result is
/// their concatenated content.
///
/// # Errors
/// 413 when the body has more than `limit` bytes, 415 for an unknown encoding, 400 when the body is cut off or does not
/// match its encoding, 408 when it does not arrive in time.
pub async fn read_body(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    Ok(read(headers, body, limit, None).await?.bytes)
}

/// Like [`read_body`], but takes the memory from the budget that all requests share.
///
/// # Errors
/// Like [`read_body`], and 503 when other requests use too much of the budget for too long.
pub async fn read_body_within(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    budget: &MemoryBudget,
) -> Result<BufferedBody, Problem> {
    read(headers, body, limit, Some(budget)).await
}

async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    budget: Option<&MemoryBudget>,
) -> Result<BufferedBody, Problem> {
    let encoding = encoding(headers)?;
    let length = body.size_hint();
    // A body whose Content-Length exceeds the limit is refused before any of it is kept.
    if encoding.is_none() && length.lower() > limit as u64 {
        discard(body).await;
        return Err(too_large(limit));
    }
    // A compressed body may have any length.
    let exact = length.exact().filter(|_| encoding.is_none()).and_then(|bytes| usize::try_from(bytes).ok());
    let mut memory = BodyMemory { budget, reservation: None, wait: RemainingWait::default(), reserved: 0 };
    // One byte more than the body has, so that its end is noticed without another allocation.
    let capacity = exact.map_or(INITIAL_CAPACITY, |bytes| bytes + 1);
    memory.reserve(capacity, limit).await?;
    let timed_out =
        |_| Problem::request_timeout(format!("the body did not arrive within {} seconds", BODY_TIMEOUT.as_secs()));
    let empty = DecodedBody { bytes: Vec::with_capacity(capacity), limit, memory };
    let decoded = tokio::time::timeout(BODY_TIMEOUT, decode(encoding, body, empty)).await.map_err(timed_out)??;
    let DecodedBody { bytes, mut memory, .. } = decoded;
    if let Some(reservation) = &mut memory.reservation {
        reservation.shrink(bytes.capacity());
    }
    Ok(BufferedBody { bytes: bytes.into(), wait: memory.wait, _reservation: memory.reservation })
}

/// Reads and drops the rest of a body, up to [`DISCARDED_BYTES`].
async fn discard(body: Body) {
    let drop_all = async {
        let mut chunks = body.into_data_stream();
        let mut read = 0;
        while let Ok(Some(chunk)) = chunks.try_next().await {
            read += chunk.len();
            if read > DISCARDED_BYTES {
                break;
            }
        }
    };
    // Whether it comes to its end or not, the response follows.
    let _ = tokio::time::timeout(DISCARD_TIMEOUT, drop_all).await;
}

/// The memory reserved for a body that is being received.
struct BodyMemory<'b> {
    budget: Option<&'b MemoryBudget>,
    reservation: Option<MemoryReservation>,
    wait: RemainingWait,
    reserved: usize,
}

impl BodyMemory<'_> {
    /// Reserves memory for `bytes`. A body that turns out to be large reserves the maximum in one step: if bodies kept
    /// one part while waiting for another, they could wait for each other forever.
    async fn reserve(&mut self, bytes: usize, limit: usize) -> Result<(), Problem> {
        let Some(budget) = self.budget.filter(|_| bytes > self.reserved) else { return Ok(()) };
        let small = budget.max_small_body();
        let bytes = match bytes {
            _ if bytes <= small => small.min(bytes.next_power_of_two()),
            _ if self.reserved == 0 => bytes,
            // What is held now is small. A large reservation is never enlarged: it was for the whole body.
            _ => limit + 1,
        };
        // What is held already is released after the larger reservation is there. It comes from another pool, or it is
        // small.
        self.reservation = Some(budget.receive(bytes, &mut self.wait).await?);
        self.reserved = bytes;
        Ok(())
    }
}

async fn decode(encoding: Option<Encoding>, body: Body, output: DecodedBody<'_>) -> Result<DecodedBody<'_>, Problem> {
    let sent = StreamReader::new(TryStreamExt::map_err(body.into_data_stream(), io::Error::other));
    match encoding {
        None => output.fill(pin!(sent)).await,
        Some(Encoding::Gzip) => {
            let mut decoder = GzipDecoder::new(sent);
            decoder.multiple_members(true);
            output.fill(pin!(decoder)).await
        }
        Some(Encoding::Zstd) => {
            let mut decoder = ZstdDecoder::new(sent);
            decoder.multiple_members(true);
            output.fill(pin!(decoder)).await
        }
    }
}

/// The part of a body that has been decompressed so far.
struct DecodedBody<'b> {
    bytes: Vec<u8>,
    limit: usize,
    memory: BodyMemory<'b>,
}

impl DecodedBody<'_> {
    /// Reads `input` to its end, or to one byte past the limit.
    async fn fill(mut self, mut input: Pin<&mut impl AsyncRead>) -> Result<Self, Problem> {
        loop {
            if self.bytes.len() == self.bytes.capacity() {
                let wanted = (self.bytes.len() * 2).max(INITIAL_CAPACITY).min(self.limit + 1);
                self.memory.reserve(wanted, self.limit).await?;
                self.bytes.reserve_exact(wanted - self.bytes.len());
            }
            let read = tokio::time::timeout(STALL_TIMEOUT, input.read_buf(&mut self.bytes)).await;
            let stalled = |_| {
                Problem::request_timeout(format!("no part of the body arrived for {} seconds", STALL_TIMEOUT.as_secs()))
            };
            let read = read.map_err(stalled)?.map_err(|_| malformed())?;
            if self.bytes.len() > self.limit {
                return Err(too_large(self.limit));
            }
            if read == 0 {
                return Ok(self);
            }
        }
    }
}

/// The body's encoding, or `None` when it is not compressed. Names are case-insensitive, and `x-gzip` is an alias of
/// `gzip` (RFC 9110, 8.4.1).
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

fn malformed() -> Problem {
    Problem::bad_request("the body is cut off, or does not match its Content-Encoding")
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

    async fn read_encoded(encoding: &str, body: impl Into<Body>) -> Result<Bytes, u16> {
        let mut headers = HeaderMap::new();
        if !encoding.is_empty() {
            headers.insert(CONTENT_ENCODING, encoding.parse().unwrap());
        }
        read_body(&headers, body.into(), LIMIT).await.map_err(|problem| problem.status().as_u16())
    }

    #[tokio::test]
    async fn plain_gzip_and_zstd_up_to_the_limit() {
        let plain: Vec<u8> = (0..LIMIT).map(|place| u8::try_from(place % 251).unwrap()).collect();
        assert_eq!(read_encoded("", plain.clone()).await.unwrap(), plain);
        assert_eq!(read_encoded("identity", plain.clone()).await.unwrap(), plain);
        assert_eq!(read_encoded("GZIP", gzip(&plain).await).await.unwrap(), plain);
        assert_eq!(read_encoded("zstd", zstd(&plain).await).await.unwrap(), plain);
        assert_eq!(read_encoded("", Vec::new()).await.unwrap(), "");
    }

    #[tokio::test]
    async fn one_byte_over_the_limit_is_too_large() {
        let plain = vec![7; LIMIT + 1];
        assert_eq!(read_encoded("", plain.clone()).await, Err(413));
        assert_eq!(read_encoded("gzip", gzip(&plain).await).await, Err(413));
        assert_eq!(read_encoded("zstd", zstd(&plain).await).await, Err(413));
    }

    #[tokio::test]
    async fn a_compression_bomb_is_not_read_to_its_end() {
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
            assert_eq!(read_encoded(encoding, body).await, Err(413));
            assert!(taken.load(Ordering::Relaxed) < size / 10, "{encoding}");
        }
    }

    #[tokio::test]
    async fn broken_or_unknown_encodings() {
        let whole = gzip(b"{}").await;
        assert_eq!(read_encoded("gzip", whole[..whole.len() - 4].to_vec()).await, Err(400));
        assert_eq!(read_encoded("gzip", "{}").await, Err(400));
        assert_eq!(read_encoded("zstd", "{}").await, Err(400));
        for encoding in ["br", "deflate", "gzip, zstd", "x", "x-zstd", "gzip, gzip"] {
            assert_eq!(read_encoded(encoding, "{}").await, Err(415), "{encoding}");
        }
    }

    #[tokio::test]
    async fn all_gzip_members_and_all_zstd_frames_are_read() {
        let parts: Vec<String> = (0..100).map(|number| format!("{{\"action\":\"login_{number}\"}}\n")).collect();
        let (mut members, mut frames) = (Vec::new(), Vec::new());
        for part in &parts {
            members.extend(gzip(part.as_bytes()).await);
            frames.extend(zstd(part.as_bytes()).await);
        }
        // An empty member is valid (an empty flush writes one), and a skippable frame has no content.
        members.extend(gzip(b"").await);
        frames.extend([0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7]);
        frames.extend(zstd(b"").await);
        let plain = parts.concat();
        assert_eq!(read_encoded("gzip", members.clone()).await.unwrap(), plain);
        assert_eq!(read_encoded("X-GZIP", members.clone()).await.unwrap(), plain);
        assert_eq!(read_encoded("zstd", frames.clone()).await.unwrap(), plain);
        // However the network splits it.
        for (encoding, whole) in [("gzip", &members), ("zstd", &frames)] {
            for size in [1, 7, 20] {
                let chunks: Vec<_> =
                    whole.chunks(size).map(|chunk| Ok::<_, Infallible>(Bytes::copy_from_slice(chunk))).collect();
                let body = Body::from_stream(futures_util::stream::iter(chunks));
                assert_eq!(read_encoded(encoding, body).await.unwrap(), plain, "{encoding} {size}");
            }
        }
        // The limit counts all members together.
        let half = gzip(&vec![7; LIMIT / 2 + 1]).await;
        assert_eq!(read_encoded("gzip", [half.clone(), half].concat()).await, Err(413));
    }

    #[tokio::test]
    async fn trailing_bytes_that_are_not_a_member_are_an_error() {
        let (member, frame) = (gzip(b"{}").await, zstd(b"{}").await);
        for rest in [&b"\0"[..], b"\0\0\0\0", b"{}", b"\x1f", b"\x1f\x8b", &member[..member.len() - 1], &frame[..]] {
            assert_eq!(read_encoded("gzip", [&member, rest].concat()).await, Err(400), "{rest:?}");
        }
        for rest in [&b"\0"[..], b"{}", b"\x28\xb5", &frame[..frame.len() - 1], &member[..]] {
            assert_eq!(read_encoded("zstd", [&frame, rest].concat()).await, Err(400), "{rest:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_body_times_out() {
        let drip = futures_util::stream::unfold((), async |()| {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, Infallible>(Bytes::from_static(b"x")), ()))
        });
        assert_eq!(read_encoded("", Body::from_stream(drip)).await, Err(408));
    }
}
