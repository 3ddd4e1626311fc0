//! The `webhook_slack` transport: one attachment, for Slack, Discord (`/slack`), Mattermost and Rocket.Chat. Owns the
//! attachment's shape and limits. Text from events cannot become markup, mention a whole channel, or grow until the
//! receiver refuses the message.

use async_trait::async_trait;
use domain::delivery::{AttemptOutcome, Failure};
use domain::notification::rendered::RenderedMessage;
use domain::notification::{DigestSummary, Notification};
use domain::rules_document::{PlainOrSecret, RulesDocument, Severity};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Value, json};

use crate::http::PostRequest;
use crate::mapping::Mapped;
use crate::rendered_request::rendered_request;
use crate::transport_handler::{SendContext, TransportHandler};
use crate::{VERSION, secret};

const MAX_FIELDS: usize = 25;
const TITLE_CHARS: usize = 256;
const VALUE_CHARS: usize = 1024;
/// The most characters of the message's text: Discord's limit, the lowest of the four.
const TEXT_CHARS: usize = 2000;
/// The most characters in title, fields and footer together: Discord's limit, the lowest of the four. Counted in UTF-16
/// units, to be safe.
const TOTAL_UNITS: usize = 6000;
/// The part of [`TOTAL_UNITS`] that is reserved for the footer.
const FOOTER_UNITS: usize = 80;

/// The settings of a `webhook_slack` transport.
pub(crate) struct Slack<'a> {
    pub(crate) url: &'a PlainOrSecret,
}

#[async_trait]
impl TransportHandler for Slack<'_> {
    fn default_body(&self, notification: &Notification) -> Option<Value> {
        Some(body(notification))
    }

    fn render(&self, mapped: Mapped<'_>, document: &RulesDocument) -> Result<RenderedMessage, Failure> {
        let (headers, body) = compose(mapped);
        Ok(rendered_request(&headers, body, document))
    }

    async fn send(&self, mapped: Mapped<'_>, context: SendContext<'_>) -> Result<AttemptOutcome, Failure> {
        let SendContext { channels, document, ca } = context;
        let url = secret::text(self.url, &*channels.secrets).await?;
        let (headers, body) = compose(mapped);
        let (redactor, body, allow) = (url.redactor(), body.to_string().into_bytes(), &document.allow_networks);
        channels.http.post(PostRequest { url: &url, redactor: &redactor, headers, body, allow, ca }).await
    }
}

fn compose(mapped: Mapped<'_>) -> (HeaderMap, Value) {
    let Mapped { notification, body: mapped_body, headers: mapped_headers } = mapped;
    let mut headers = crate::http::traced(&notification);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.extend(mapped_headers);
    (headers, mapped_body.unwrap_or_else(|| body(&notification)))
}

/// The default body: a message with one attachment.
fn body(notification: &Notification) -> Value {
    let event = &notification.event;
    // A digest's fields show its events, which its body lists below the headline.
    let words = notification.digest.as_ref().map_or_else(|| notification.body.clone(), DigestSummary::headline);
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

/// Shortens titles and values of fields until together they have at most `room` units: the longest ones first, to a
/// common length. Returns the number of shortened texts.
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

/// The beginning of an escaped text, with an ellipsis. Does not cut an escape in two.
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

/// One field per sampled event: its time and its summary.
fn lines(digest: &DigestSummary) -> impl Iterator<Item = Value> {
    let field = |(at, words): (String, String)| json!({ "title": at, "value": shown(&words, VALUE_CHARS) });
    digest.lines().into_iter().map(field)
}

/// The text, or `(empty)`: Discord refuses a message with an empty field.
fn shown(text: &str, chars: usize) -> String {
    if text.trim().is_empty() { "(empty)".to_owned() } else { escaped(text, chars) }
}

/// Escapes a text as Slack requires, cut so that the escaped text has at most `chars` characters.
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
            // With a zero-width space the text looks the same, but mentions nobody.
            '@' if mentions_all(rest.as_str()) => "@\u{200b}",
            other => other.encode_utf8(&mut plain),
        };
        let Some(left) = room.checked_sub(piece.chars().count()) else { break };
        escaped.push_str(piece);
        room = left;
    }
    escaped
}

/// Whether an `@` before this text would mention everybody in one of the four chat systems.
fn mentions_all(rest: &str) -> bool {
    ["everyone", "here", "channel", "all"]
        .iter()
        .any(|name| rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_contains_no_markup_and_mentions_nobody() {
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
