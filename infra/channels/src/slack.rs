//! The `webhook_slack` transport: one attachment, for Slack, Discord (`/slack`), Mattermost and Rocket.Chat.
//! Owns the attachment's form and its limits. Lets no text that strangers wrote become markup, call a whole channel, or
//! grow until the receiver refuses the message.

use domain::delivery::{Failure, Outcome};
use domain::notification::{Digested, Notification};
use domain::rules_document::{Severity, Text};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use ipnet::IpNet;
use serde_json::{Value, json};

use crate::http::Post;
use crate::mapping::Mapped;
use crate::{Channels, VERSION, secret};

const MAX_FIELDS: usize = 25;
const TITLE_CHARS: usize = 256;
const VALUE_CHARS: usize = 1024;
/// What Discord takes as a message's own text, the least of the four.
const TEXT_CHARS: usize = 2000;
/// What Discord takes in title, fields and footer together, the least of the four; in UTF-16 units, to be safe.
const TOTAL_UNITS: usize = 6000;
/// Of them for the footer.
const FOOTER_UNITS: usize = 80;

pub(crate) async fn send(
    channels: &Channels,
    mapped: Mapped<'_>,
    url: &Text,
    ca: Option<&str>,
    allow: &[IpNet],
) -> Result<Outcome, Failure> {
    let url = secret::text(url, &*channels.secrets).await?;
    let (headers, body) = compose(mapped);
    channels
        .http
        .post(Post { url: &url, hidden: &url.hidden(), headers, body: body.to_string().into_bytes(), allow, ca })
        .await
}

/// All of the request.
pub(crate) fn compose(mapped: Mapped<'_>) -> (HeaderMap, Value) {
    let Mapped { notification, body: own, headers: more } = mapped;
    let mut headers = crate::http::traced(&notification);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.extend(more);
    (headers, own.unwrap_or_else(|| payload(&notification)))
}

pub(crate) fn payload(notification: &Notification) -> Value {
    let event = &notification.event;
    // The fields have what a digest's body says below its headline.
    let words = notification.digest.as_ref().map_or_else(|| notification.body.clone(), Digested::headline);
    let text = escaped(&format!("[{}] {words}", notification.severity.as_str()), TEXT_CHARS);
    let title = escaped(&notification.title(), TITLE_CHARS);
    let mut footer = format!("Nuncio {VERSION}");
    let mut fields = fields(notification);
    let shortened = fit(&mut fields, TOTAL_UNITS - units(&title) - FOOTER_UNITS);
    if shortened > 0 {
        footer = format!("{footer} · {shortened} texts shortened to fit");
    }
    let mut attachment = json!({
        "fallback": text,
        "color": color(notification.severity),
        "title": title,
        "fields": fields,
        "footer": footer,
        "ts": notification.digest.as_ref().map_or(event.created, |digest| digest.last).as_second(),
    });
    if let Some(link) = &notification.link {
        attachment["title_link"] = json!(link.target);
    }
    json!({ "username": "Nuncio", "text": text, "attachments": [attachment] })
}

/// Shortens titles and values of fields until together they have at most `room` units: the longest ones first, all of
/// those to the same length. Says how many it has shortened.
fn fit(fields: &mut [Value], room: usize) -> usize {
    let mut lengths: Vec<usize> =
        fields.iter().flat_map(|field| [&field["title"], &field["value"]]).map(|text| units(as_text(text))).collect();
    if lengths.iter().sum::<usize>() <= room {
        return 0;
    }
    lengths.sort_unstable();
    let (mut left, mut longest) = (room, 0);
    for (at, length) in lengths.iter().enumerate() {
        longest = left / (lengths.len() - at);
        if *length > longest {
            break;
        }
        left -= length;
    }
    let mut shortened = 0;
    for field in fields {
        for key in ["title", "value"] {
            let text = as_text(&field[key]);
            if units(text) > longest {
                field[key] = shorter(text, longest).into();
                shortened += 1;
            }
        }
    }
    shortened
}

fn as_text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The beginning of a text that is escaped already, with an ellipsis; no escape is cut in two.
fn shorter(text: &str, units: usize) -> String {
    let mut room = units.saturating_sub(1);
    let kept = text.chars().take_while(|char| {
        let fits = char.len_utf16() <= room;
        room = room.saturating_sub(char.len_utf16());
        fits
    });
    let mut kept: String = kept.collect();
    if let Some(at) = kept.rfind('&').filter(|at| !kept[*at..].contains(';')) {
        kept.truncate(at);
    }
    kept.push('…');
    kept
}

fn color(severity: Severity) -> &'static str {
    match severity {
        Severity::Notice => "#2f6fdb",
        Severity::Warning => "#e0a100",
        Severity::Alert => "#d1242f",
    }
}

fn fields(notification: &Notification) -> Vec<Value> {
    let event = &notification.event;
    let short = |title: &str, value: &str| json!({ "title": title, "value": shown(value, VALUE_CHARS), "short": true });
    let mut fields = vec![
        short("Severity", notification.severity.as_str()),
        short("Dispatched for user", notification.recipient.label()),
    ];
    if let Some(digest) = &notification.digest {
        fields.extend(lines(digest));
        return fields;
    }
    if let Some(user) = event.user_str("username").or_else(|| event.user_str("email")) {
        fields.push(short("Event user", user));
    }
    let strings = event.context.iter().filter_map(|(key, value)| Some((key, value.as_str()?)));
    fields.extend(
        strings
            .map(|(key, value)| json!({ "title": shown(key, TITLE_CHARS), "value": shown(value, VALUE_CHARS) }))
            .take(MAX_FIELDS - fields.len()),
    );
    fields
}

/// When each of some events happened and what it says.
fn lines(digest: &Digested) -> impl Iterator<Item = Value> {
    let field = |(at, words): (String, String)| json!({ "title": at, "value": shown(&words, VALUE_CHARS) });
    digest.lines().into_iter().map(field)
}

/// Discord refuses a whole message for one empty field.
fn shown(text: &str, chars: usize) -> String {
    if text.trim().is_empty() { "(empty)".to_owned() } else { escaped(text, chars) }
}

/// Escaped as Slack asks, and cut so that what is sent has at most so many characters.
fn escaped(text: &str, chars: usize) -> String {
    let mut escaped = String::with_capacity(text.len().min(4 * chars));
    let mut room = chars;
    let mut rest = text.chars();
    while let Some(char) = rest.next() {
        let mut plain = [0; 4];
        let piece = match char {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            // A zero-width space: it reads the same and calls nobody.
            '@' if calls_all(rest.as_str()) => "@\u{200b}",
            other => other.encode_utf8(&mut plain),
        };
        let Some(left) = room.checked_sub(piece.chars().count()) else { break };
        escaped.push_str(piece);
        room = left;
    }
    escaped
}

/// Whether an `@` before this text would call everybody, in one of the four.
fn calls_all(rest: &str) -> bool {
    ["everyone", "here", "channel", "all"]
        .iter()
        .any(|name| rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_markup_and_no_call_to_all() {
        assert_eq!(escaped("<!channel> & <https://x|y>", 99), "&lt;!channel&gt; &amp; &lt;https://x|y&gt;");
        assert_eq!(
            escaped("hi @Everyone, @here, ann@example.org", 99),
            "hi @\u{200b}Everyone, @\u{200b}here, ann@example.org"
        );
    }

    #[test]
    fn what_is_sent_keeps_the_limit() {
        assert_eq!(escaped(&"é".repeat(2000), VALUE_CHARS), "é".repeat(1024));
        let hostile = escaped(&"&".repeat(2000), VALUE_CHARS);
        assert_eq!(hostile, "&amp;".repeat(204));
        assert_eq!(shown(" ", 9), "(empty)");
    }
}
