//! Reads the `Idempotency-Key` of a request.
//!
//! The key, together with an event's index, names each event of the request. Only a hash of it is stored.

use api::Problem;
use http::HeaderMap;

const MAX_CHARS: usize = 255;

/// The key; `None` if the header is missing.
///
/// # Errors
/// If the header occurs twice or is malformed.
pub(crate) fn from_headers(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut lines = headers.get_all("idempotency-key").iter();
    let Some(line) = lines.next() else { return Ok(None) };
    let key = line.to_str().ok().filter(|key| {
        (1..=MAX_CHARS).contains(&key.len())
            && key.bytes().all(|byte| byte.is_ascii_graphic())
            && lines.next().is_none()
    });
    key.map(Some).ok_or_else(|| {
        Problem::bad_request("Idempotency-Key must be sent once and have 1 to 255 visible ASCII characters, no spaces")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn visible_ascii_once() {
        let read = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("idempotency-key", HeaderValue::from_bytes(value).unwrap());
            }
            from_headers(&headers).map(|key| key.map(str::to_owned)).map_err(|problem| problem.status().as_u16())
        };
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[b"order-7/a"]), Ok(Some("order-7/a".to_owned())));
        assert!(read(&[&[b'k'; 255]]).is_ok());
        for bad in [&[&b""[..]][..], &[b"a b"], &[b"\xc3\xa9"], &[&[b'k'; 256]], &[b"a", b"a"]] {
            assert_eq!(read(bad), Err(400), "{bad:?}");
        }
    }
}
