//! Sends mail through SES. Error messages of SES may contain an address: only error codes are passed on.

use async_trait::async_trait;
use aws_sdk_ses::Client;
use aws_sdk_ses::error::SdkError;
use aws_sdk_ses::operation::send_raw_email::SendRawEmailError;
use aws_sdk_ses::primitives::Blob;
use aws_sdk_ses::types::RawMessage;
use domain::delivery::{Failure, Outcome};
use domain::ports;
use domain::rules_document::RulesDocument;

use crate::describe::code;

/// The timeout of a request with all its retries, in seconds; failures report it. See `Adapters::connect`.
pub(crate) const REQUEST_TIMEOUT_SECONDS: u64 = 15;

/// Sends mail through SES.
#[derive(Clone, Debug)]
pub struct SesMailer {
    client: Client,
}

impl SesMailer {
    /// Sends through this client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl ports::Mailer for SesMailer {
    async fn send(&self, from: &str, to: &str, mail: &[u8], _: &RulesDocument) -> Outcome {
        let Ok(message) = RawMessage::builder().data(Blob::new(mail)).build() else {
            return Outcome::Failed(Failure::Misconfigured("the mail is empty".to_owned()));
        };
        let request = self.client.send_raw_email().source(from).destinations(to).raw_message(message);
        match request.send().await {
            Ok(answer) => Outcome::Delivered { status: Some(200), answer: answer.message_id },
            Err(error) => Outcome::Failed(failure(&error)),
        }
    }
}

/// Classifies an error: SES's code decides whether a retry may help.
fn failure(error: &SdkError<SendRawEmailError>) -> Failure {
    let code = code(error).to_owned();
    match error {
        SdkError::TimeoutError(_) => Failure::Timeout(REQUEST_TIMEOUT_SECONDS),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => Failure::Timeout(REQUEST_TIMEOUT_SECONDS),
        SdkError::DispatchFailure(_) => Failure::Connect(code),
        SdkError::ServiceError(context) => match code.as_str() {
            "Throttling" | "ThrottlingException" | "TooManyRequestsException" | "ServiceUnavailable" => {
                Failure::MailService(code)
            }
            // An operator can fix these while the delivery is retried.
            "AccountSendingPausedException"
            | "ConfigurationSetDoesNotExist"
            | "ConfigurationSetSendingPausedException"
            | "MailFromDomainNotVerifiedException"
            | "AccessDenied"
            | "AccessDeniedException" => Failure::Misconfigured(format!("SES: {code}")),
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
    use domain::delivery::Class;

    fn said(status: u16, code: &str) -> Failure {
        let words = ErrorMetadata::builder().code(code).message("Address ann@example.org is not verified").build();
        let raw = HttpResponse::new(status.try_into().unwrap(), "".into());
        failure(&SdkError::service_error(SendRawEmailError::generic(words), raw))
    }

    #[test]
    fn waiting_helps_unless_the_message_is_refused() {
        let temporary = Class::Temporary { not_before: None };
        for (status, code, class) in [
            (400, "Throttling", temporary),
            (503, "InternalFailure", temporary),
            (403, "AccessDenied", temporary),
            (400, "AccountSendingPausedException", temporary),
            (400, "MessageRejected", Class::Permanent),
            (400, "InvalidParameterValue", Class::Permanent),
        ] {
            let failure = said(status, code);
            assert_eq!(failure.class(), class, "{code}");
            let text = failure.to_string();
            assert!(text.contains(code) && !text.contains('@'), "{text}");
        }
    }
}
