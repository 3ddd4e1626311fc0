//! How many bytes a page of a list may have, so that every response fits its transport.

/// The size at which a page ends. A Lambda function answers at most 6 MB, and Lambda carries the response as a string
/// in JSON. The last item of a page may exceed this size: an event by up to 512 KiB.
const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Counts the bytes of a page that is being filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PageBudget {
    used: usize,
}

impl PageBudget {
    /// Counts an item of this [escaped size](escaped_len).
    pub fn add(&mut self, escaped_len: usize) {
        self.used += escaped_len;
    }

    /// Whether the page must end before the next item.
    pub fn is_used_up(self) -> bool {
        self.used >= MAX_PAGE_BYTES
    }
}

/// The bytes that a text, such as an item's JSON, takes as a string in JSON, without the quotation marks.
pub fn escaped_len(text: &str) -> usize {
    let escaped = |byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0x00..=0x1f => "\\u0000".len(),
        _ => 1,
    };
    text.bytes().map(escaped).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_size_is_that_of_a_string(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            for text in [text, json] {
                let carried = serde_json::to_string(&text).unwrap();
                prop_assert_eq!(escaped_len(&text), carried.len() - 2);
            }
        }
    }
}
