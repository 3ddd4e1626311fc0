//! Decodes mails of the mailbox folder into one text: headers and all parts, so that an erasure can search it.
//!
//! Supports the encodings that this crate writes: quoted-printable, base64 and encoded words (RFC 2045 and 2047).
//! Leaves everything else as it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quoted_printable::ParseMode;

/// The headers and all parts of a mail, decoded, in order.
pub(crate) fn decode(mail: &[u8]) -> String {
    let mail = String::from_utf8_lossy(mail).replace("\r\n", "\n");
    let mut text = String::with_capacity(mail.len());
    read_part(&mail, MAX_DEPTH, &mut text);
    text
}

/// The depth to which nested parts are decoded; mails of this crate have a depth of one.
const MAX_DEPTH: u8 = 8;

fn read_part(part: &str, depth: u8, text: &mut String) {
    let (head, body) = part.split_once("\n\n").unwrap_or((part, ""));
    // A line that begins with a blank continues the header before it.
    let head = head.replace("\n ", " ").replace("\n\t", " ");
    text.push_str(&decoded_words(&head));
    text.push('\n');
    let field = |name: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    };
    let boundary = field("Content-Type").and_then(|kind| {
        let after = kind.split_once("boundary=")?.1.trim_start_matches('"');
        Some(after.split(['"', ';']).next()?.to_owned())
    });
    if let (Some(boundary), Some(deeper)) = (boundary, depth.checked_sub(1)) {
        let boundary = format!("--{boundary}");
        let inner = body.split(&boundary).skip(1).filter(|inner| !inner.starts_with("--"));
        inner.for_each(|inner| read_part(inner.trim_start_matches('\n'), deeper, text));
        return;
    }
    let decoded = match field("Content-Transfer-Encoding").unwrap_or_default().to_ascii_lowercase().as_str() {
        "quoted-printable" => quoted_printable::decode(body, ParseMode::Robust).ok(),
        "base64" => STANDARD.decode(body.split_whitespace().collect::<String>()).ok(),
        _ => None,
    };
    text.push_str(&decoded.map_or(body.to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned()));
    text.push('\n');
}

/// Decodes encoded words, `=?utf-8?b?…?=`. Blanks between two of them are dropped, as RFC 2047 requires.
fn decoded_words(head: &str) -> String {
    let head = head.replace("?= =?", "?==?");
    let mut text = String::new();
    let mut rest = head.as_str();
    while let Some(start) = rest.find("=?") {
        let word = &rest[start + 2..];
        let mut fields = word.splitn(3, '?');
        let decoded = match (fields.next(), fields.next(), fields.next()) {
            (Some(_), Some(encoding), Some(after)) => after.find("?=").and_then(|end| {
                let bytes = match encoding.to_ascii_lowercase().as_str() {
                    "b" => STANDARD.decode(&after[..end]).ok()?,
                    "q" => quoted_printable::decode(after[..end].replace('_', " "), ParseMode::Robust).ok()?,
                    _ => return None,
                };
                Some((String::from_utf8_lossy(&bytes).into_owned(), &after[end + 2..]))
            }),
            _ => None,
        };
        let Some((word, after)) = decoded else { break };
        text.push_str(&rest[..start]);
        text.push_str(&word);
        rest = after;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use lettre::message::{Message, MultiPart, SinglePart};

    use super::*;

    #[test]
    fn what_the_mailer_wrote_is_read_back() {
        let long = "Zoë Müller ".repeat(40);
        for name in ["zoe", "Zoë", "Ζωή", "a=b_c?", "佐藤", long.as_str()] {
            let body = MultiPart::alternative()
                .singlepart(SinglePart::plain(format!("{name} was here, in {long}")))
                .singlepart(SinglePart::html(format!("<p>{name}</p>")));
            let message = Message::builder()
                .from("nuncio@localhost".parse().unwrap())
                .to("Ops <ops@example.org>".parse().unwrap())
                .subject(format!("of {name}"))
                .multipart(body)
                .unwrap();
            let text = decode(&message.formatted());
            let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
            for expected in [format!("of {name}"), format!("{name} was here"), format!("<p>{name}</p>")] {
                let expected = expected.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(joined.contains(&expected), "{expected}: {joined}");
            }
        }
    }

    #[test]
    fn whatever_the_file_holds_is_read() {
        for mail in [
            &b""[..],
            b"\n\n",
            b"Subject: =?utf-8?b?!!?=\n\n=ZZ",
            b"Content-Type: multipart/mixed; boundary=\n\nx",
            b"\xff\xfe",
        ] {
            decode(mail);
        }
        assert!(decode(b"Content-Transfer-Encoding: base64\n\nnot base64").contains("not base64"));
    }
}
