//! The `email` transport: one message, text and HTML, to one recipient.
//! Owns the message's headers; `mail_content` owns its text, and a `Mailer` sends it. Text from events cannot end a
//! header line. Every attempt produces the same bytes.

use std::time::SystemTime;

use async_trait::async_trait;
use domain::delivery::{AttemptOutcome, Failure};
use domain::mail_address::{InvalidAddress, MailAddress};
use domain::notification::Notification;
use domain::notification::rendered::RenderedMessage;
use domain::rules_document::RulesDocument;
use domain::text::truncate;
use jiff::Timestamp;
use lettre::address::{Address, Envelope};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use sha2::{Digest, Sha256};

use crate::mail_content::MailContent;
use crate::mapping::Mapped;
use crate::text::one_line;
use crate::transport_handler::{SendContext, TransportHandler};

const DEFAULT_FROM: &str = "Nuncio <nuncio@localhost>";
const SUBJECT_CHARS: usize = 200;
/// The header with the delivery's id, by which a mailbox can recognise a repeated mail.
pub(crate) const DELIVERY_HEADER: &str = "X-Nuncio-Delivery";

/// The settings of an `email` transport. The sender and the mail server come from the document instead.
pub(crate) struct Email<'a> {
    pub(crate) subject_prefix: &'a str,
}

#[async_trait]
impl TransportHandler for Email<'_> {
    fn render(&self, mapped: Mapped<'_>, document: &RulesDocument) -> Result<RenderedMessage, Failure> {
        let notification = &*mapped.notification;
        Ok(RenderedMessage::Mail {
            from: sender(document)?.to_string(),
            to: recipient(notification)?.to_string(),
            subject: subject(notification, self.subject_prefix),
            text: MailContent::from_notification(notification).text()?,
        })
    }

    async fn send(&self, mapped: Mapped<'_>, context: SendContext<'_>) -> Result<AttemptOutcome, Failure> {
        let SendContext { channels, document, .. } = context;
        let from = sender(document)?;
        let to = recipient(&mapped.notification)?;
        // Without an envelope, lettre would parse the headers, and it knows neither quoted local parts nor address
        // literals.
        let envelope = Envelope::new(Some(from.email.clone()), vec![to.email.clone()]);
        let envelope = envelope.map_err(|_| Failure::NoAddress)?;
        let mail = compose(&mapped.notification, self.subject_prefix, from.clone(), to.clone(), envelope)?;
        Ok(channels.mailer.send(from.email.as_ref(), to.email.as_ref(), &mail, document).await)
    }
}

fn sender(document: &RulesDocument) -> Result<Mailbox, Failure> {
    let text = document.email.from.as_deref().unwrap_or(DEFAULT_FROM);
    let mailbox: Option<Mailbox> = if text.chars().any(char::is_control) { None } else { text.trim().parse().ok() };
    let sendable = mailbox.and_then(|mailbox| Some(Mailbox::new(mailbox.name, sendable(mailbox.email.as_ref()).ok()?)));
    sendable.ok_or_else(|| {
        Failure::Misconfigured("email.from is not an address; write it like Nuncio <nuncio@example.org>".to_owned())
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

/// The address for an envelope, with its domain in ASCII.
fn sendable(address: &str) -> Result<Address, InvalidAddress> {
    let address = MailAddress::parse(address)?;
    Ok(Address::new_dangerous(address.local(), address.domain()))
}

fn subject(notification: &Notification, prefix: &str) -> String {
    truncate(&one_line(&format!("{prefix}{}", notification.title())), SUBJECT_CHARS)
}

/// The mail as RFC 5322 bytes.
fn compose(
    notification: &Notification,
    prefix: &str,
    from: Mailbox,
    to: Mailbox,
    envelope: Envelope,
) -> Result<Vec<u8>, Failure> {
    let id = notification.delivery.to_string();
    let domain = if from.email.domain().is_ascii() { from.email.domain().to_owned() } else { "localhost".to_owned() };
    // Every mail of a rule replies to the same message, which was never sent: mail readers show them as one thread.
    let thread = format!("<rule.{}@{domain}>", digest(&notification.rule));
    let content = MailContent::from_notification(notification);
    let body = MultiPart::alternative()
        .boundary(format!("nuncio-{}", digest(&id)))
        .singlepart(SinglePart::plain(content.text()?))
        .singlepart(SinglePart::html(content.html()?));
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

/// A hash of the text: 20 hexadecimal digits.
pub(crate) fn digest(text: &str) -> String {
    let hash = Sha256::digest(text);
    let (start, _) = hash.split_at(10);
    start.iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"))
}
