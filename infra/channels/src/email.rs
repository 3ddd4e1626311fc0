//! The `email` transport: one message, text and HTML, to one recipient.
//! Owns the message's headers; `letter` owns what it says, and a `Mailer` how it leaves. Lets no text that strangers
//! wrote end a header's line, and gives the same bytes on every attempt.

use std::time::SystemTime;

use domain::delivery::{Failure, Outcome};
use domain::mail_address::{InvalidAddress, MailAddress};
use domain::notification::Notification;
use domain::notification::rendered::Rendered;
use domain::ports::Mailer;
use domain::rules_document::RulesDocument;
use domain::text::cut;
use jiff::Timestamp;
use lettre::address::{Address, Envelope};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use sha2::{Digest, Sha256};

use crate::letter::Letter;
use crate::text::one_line;

const DEFAULT_FROM: &str = "Nuncio <nuncio@localhost>";
const SUBJECT_CHARS: usize = 200;
/// Carries the delivery's id, so that a mailbox can tell a repetition.
pub(crate) const DELIVERY_HEADER: &str = "X-Nuncio-Delivery";

pub(crate) async fn send(
    notification: &Notification,
    subject_prefix: &str,
    document: &RulesDocument,
    mailer: &dyn Mailer,
) -> Result<Outcome, Failure> {
    let from = sender(document)?;
    let to = recipient(notification)?;
    // Given, not read back from the headers: their reader knows neither quoted local parts nor address literals.
    let envelope = Envelope::new(Some(from.email.clone()), vec![to.email.clone()]);
    let envelope = envelope.map_err(|_| Failure::NoAddress)?;
    let mail = compose(notification, subject_prefix, from.clone(), to.clone(), envelope)?;
    Ok(mailer.send(from.email.as_ref(), to.email.as_ref(), &mail, document).await)
}

/// The mail's words and whom it goes to.
pub(crate) fn render(
    notification: &Notification,
    subject_prefix: &str,
    document: &RulesDocument,
) -> Result<Rendered, Failure> {
    Ok(Rendered::Mail {
        from: sender(document)?.to_string(),
        to: recipient(notification)?.to_string(),
        subject: subject(notification, subject_prefix),
        text: Letter::of(notification).text()?,
    })
}

fn sender(document: &RulesDocument) -> Result<Mailbox, Failure> {
    let text = document.email.from.as_deref().unwrap_or(DEFAULT_FROM);
    let mailbox: Option<Mailbox> = if text.chars().any(char::is_control) { None } else { text.trim().parse().ok() };
    let sendable = mailbox.and_then(|mailbox| Some(Mailbox::new(mailbox.name, sendable(mailbox.email.as_ref()).ok()?)));
    sendable.ok_or_else(|| {
        Failure::Misconfigured("email.from is no address; write it like Nuncio <nuncio@example.org>".to_owned())
    })
}

fn recipient(notification: &Notification) -> Result<Mailbox, Failure> {
    let person = &notification.recipient;
    let address = person.email.trim();
    if address.is_empty() {
        return Err(Failure::NoAddress);
    }
    let address = sendable(address)?;
    let name = one_line(&person.username);
    Ok(Mailbox::new((!name.is_empty()).then_some(name), address))
}

/// The address as an envelope has it, its domain in ASCII.
fn sendable(address: &str) -> Result<Address, InvalidAddress> {
    let address = MailAddress::parse(address)?;
    Ok(Address::new_dangerous(address.local(), address.domain()))
}

fn subject(notification: &Notification, prefix: &str) -> String {
    cut(&one_line(&format!("{prefix}{}", notification.title())), SUBJECT_CHARS)
}

/// The RFC 5322 bytes.
fn compose(
    notification: &Notification,
    prefix: &str,
    from: Mailbox,
    to: Mailbox,
    envelope: Envelope,
) -> Result<Vec<u8>, Failure> {
    let id = notification.delivery.to_string();
    let domain = if from.email.domain().is_ascii() { from.email.domain().to_owned() } else { "localhost".to_owned() };
    // All mails of a rule answer a first one that was never sent, which makes them one thread.
    let thread = format!("<rule.{}@{domain}>", digest(&notification.rule));
    let letter = Letter::of(notification);
    let body = MultiPart::alternative()
        .boundary(format!("nuncio-{}", digest(&id)))
        .singlepart(SinglePart::plain(letter.text()?))
        .singlepart(SinglePart::html(letter.html()?));
    Message::builder()
        .date(SystemTime::from(notification.created.max(Timestamp::UNIX_EPOCH)))
        .from(from)
        .to(to)
        .subject(subject(notification, prefix))
        .message_id(Some(format!("<delivery.{id}@{domain}>")))
        .in_reply_to(thread.clone())
        .references(thread)
        .raw_header(header("Auto-Submitted", "auto-generated"))
        .raw_header(header(DELIVERY_HEADER, &id))
        .envelope(envelope)
        .multipart(body)
        .map(|message| message.formatted())
        .map_err(|error| Failure::Unsendable(error.to_string()))
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// 20 hex digits that stand for a text.
pub(crate) fn digest(text: &str) -> String {
    let hash = Sha256::digest(text);
    let (start, _) = hash.split_at(10);
    start.iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"))
}
