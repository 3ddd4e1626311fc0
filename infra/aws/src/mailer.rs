//! Sends mail through SES. Error messages of SES may contain an address: only error codes are passed on.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_ses::Client;
use aws_sdk_ses::error::SdkError;
use aws_sdk_ses::operation::send_raw_email::SendRawEmailError;
use aws_sdk_ses::primitives::Blob;
use aws_sdk_ses::types::RawMessage;
use domain::delivery::{AttemptOutcome, Failure};
use domain::ports;
use domain::rules_document::RulesDocument;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::describe::{code, describe};
use crate::send_rate::SendRate;

/// The timeout of a request with all its retries, in seconds; failures report it. See `Adapters::connect`.
pub(crate) const REQUEST_TIMEOUT_SECONDS: u64 = 15;

/// How long the account's send rate is remembered.
const QUOTA_TTL: Duration = Duration::from_mins(15);

/// Sends mail through SES.
#[derive(Clone, Debug)]
pub struct SesMailer {
    client: Client,
    configuration_set: Option<String>,
    rate: Arc<SendRate>,
    /// When the account's send rate is read again.
    quota_expires: Arc<Mutex<Option<Instant>>>,
}

impl SesMailer {
    /// Sends through this client, with the configuration set of this name if there is one.
    pub fn new(client: Client, configuration_set: Option<String>) -> Self {
        Self { client, configuration_set, rate: Arc::default(), quota_expires: Arc::default() }
    }

    /// Reads the account's send rate if it is not known or was read 15 minutes ago. Without permission to read it,
    /// mails are not paced.
    async fn refresh_rate(&self) {
        let mut expires = self.quota_expires.lock().await;
        if expires.is_some_and(|expires| expires > Instant::now()) {
            return;
        }
        *expires = Some(Instant::now() + QUOTA_TTL);
        match self.client.get_send_quota().send().await {
            Ok(quota) => self.rate.set_max(quota.max_send_rate),
            Err(error) => {
                tracing::warn!(error = describe(&error), "cannot read the send rate of SES; mails are not paced");
            }
        }
    }
}

#[async_trait]
impl ports::Mailer for SesMailer {
    async fn send(&self, from: &str, to: &str, mail: &[u8], _: &RulesDocument) -> AttemptOutcome {
        if is_local(from) {
            return AttemptOutcome::Failed(Failure::Misconfigured(
                "no sender is set; set email.from in the rules, or the stack's parameter MailFrom, to an address that SES \
                 has verified"
                    .to_owned(),
            ));
        }
        let Ok(message) = RawMessage::builder().data(Blob::new(mail)).build() else {
            return AttemptOutcome::Failed(Failure::Misconfigured("the mail is empty".to_owned()));
        };
        self.refresh_rate().await;
        if !self.rate.wait().await {
            return AttemptOutcome::Failed(Failure::MailThrottled("the account's send rate is used up".to_owned()));
        }
        let request = self.client.send_raw_email().source(from).destinations(to).raw_message(message);
        match request.set_configuration_set_name(self.configuration_set.clone()).send().await {
            Ok(answer) => {
                self.rate.accepted();
                AttemptOutcome::Delivered { status: Some(200), answer: answer.message_id }
            }
            Err(error) => {
                let failure = failure(&error, from);
                if matches!(failure, Failure::MailThrottled(_)) {
                    self.rate.throttled();
                }
                AttemptOutcome::Failed(failure)
            }
        }
    }
}

/// Whether the address is of no domain that SES could have verified, such as the default sender's.
fn is_local(address: &str) -> bool {
    address.rsplit_once('@').is_none_or(|(_, domain)| domain.eq_ignore_ascii_case("localhost"))
}

/// Whether SES refused because an address or domain is not verified; the message lists them.
/// [Source](https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html).
fn unverified(message: &str, from: &str) -> Option<Failure> {
    if !message.contains("is not verified") {
        return None;
    }
    let (message, from) = (message.to_ascii_lowercase(), from.to_ascii_lowercase());
    let domain = from.rsplit_once('@').map_or(&*from, |(_, domain)| domain);
    // A message that lists no address, or one of the sender's domain, is about the sender.
    let names_another = message.split([' ', ',']).any(|word| word.contains('@') && !word.contains(domain));
    Some(if names_another && !message.contains(&from) {
        Failure::RecipientUnverified
    } else {
        Failure::Misconfigured(
            "SES has not verified the sender; verify its address or domain in this region".to_owned(),
        )
    })
}

/// Classifies an error: SES's code decides whether a retry may help.
fn failure(error: &SdkError<SendRawEmailError>, from: &str) -> Failure {
    let code = code(error).to_owned();
    match error {
        SdkError::TimeoutError(_) => Failure::Timeout(REQUEST_TIMEOUT_SECONDS),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => Failure::Timeout(REQUEST_TIMEOUT_SECONDS),
        SdkError::DispatchFailure(_) => Failure::Connect(code),
        SdkError::ServiceError(context) => match code.as_str() {
            "Throttling" | "ThrottlingException" | "TooManyRequestsException" | "LimitExceededException" => {
                Failure::MailThrottled(code)
            }
            "ServiceUnavailable" => Failure::MailService(code),
            // An operator can fix these while the delivery is retried.
            "AccountSendingPausedException"
            | "ConfigurationSetDoesNotExist"
            | "ConfigurationSetSendingPausedException"
            | "MailFromDomainNotVerifiedException"
            | "AccessDenied"
            | "AccessDeniedException" => Failure::Misconfigured(format!("SES: {code}")),
            "MessageRejected" => {
                let message = context.err().meta().message().unwrap_or_default();
                unverified(message, from).unwrap_or(Failure::MailRefused(code))
            }
            _ if context.raw().status().as_u16() >= 500 => Failure::MailService(code),
            _ => Failure::MailRefused(code),
        },
        _ => Failure::Broken(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ses::config::http::HttpResponse;
    use aws_sdk_ses::error::ErrorMetadata;
    use domain::delivery::{Attribution, EndpointSignal, FailureClass};

    const SENDER: &str = "nuncio@example.com";

    fn said(status: u16, code: &str, message: &str) -> Failure {
        let words = ErrorMetadata::builder().code(code).message(message).build();
        let raw = HttpResponse::new(status.try_into().unwrap(), "".into());
        failure(&SdkError::service_error(SendRawEmailError::generic(words), raw), SENDER)
    }

    #[test]
    fn waiting_helps_unless_the_message_is_refused() {
        let temporary = FailureClass::Temporary { not_before: None };
        for (status, code, class) in [
            (400, "Throttling", temporary),
            (503, "InternalFailure", temporary),
            (403, "AccessDenied", temporary),
            (400, "AccountSendingPausedException", temporary),
            (400, "MessageRejected", FailureClass::Permanent),
            (400, "InvalidParameterValue", FailureClass::Permanent),
        ] {
            let failure = said(status, code, "Invalid address ann@example.org");
            assert_eq!(failure.class(), class, "{code}");
            let text = failure.to_string();
            assert!(text.contains(code) && !text.contains('@'), "{text}");
        }
    }

    #[test]
    fn a_throttled_mail_does_not_count_against_the_transport() {
        for message in ["Maximum sending rate exceeded.", "Daily message quota exceeded."] {
            let failure = said(400, "Throttling", message);
            assert_eq!(AttemptOutcome::Failed(failure).endpoint_signal(), EndpointSignal::Inconclusive, "{message}");
        }
    }

    #[test]
    fn an_address_that_is_not_verified_yet_is_waited_for() {
        let list = |addresses: &str| {
            format!(
                "Email address is not verified. The following identities failed the check in region US-EAST-1: {addresses}"
            )
        };
        let temporary = FailureClass::Temporary { not_before: None };
        for (message, attribution) in [
            (list("nuncio@example.com"), Attribution::Endpoint),
            (list("Nuncio@Example.com"), Attribution::Endpoint),
            (list("ann@example.org, nuncio@example.com"), Attribution::Endpoint),
            ("Email address is not verified.".to_owned(), Attribution::Endpoint),
            (list("ann@example.org"), Attribution::Recipient),
        ] {
            let failure = said(400, "MessageRejected", &message);
            assert_eq!((failure.class(), failure.attribution()), (temporary, attribution), "{message}");
            assert!(!failure.to_string().contains('@'));
        }
    }
}
