//! What an AWS error says, for the operator. Never the request, which may hold an event or an address.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// The error's code and the service's own words.
pub(crate) fn describe<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    match (code(error), error.message()) {
        (code, Some(message)) => format!("{code}: {message}"),
        (code, None) => code.to_owned(),
    }
}

/// The error's code alone, where the service's words may name somebody.
pub(crate) fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> &str {
    match error {
        SdkError::TimeoutError(_) => "no answer in time",
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "no answer in time",
        SdkError::DispatchFailure(failure) if failure.is_io() => "could not connect",
        SdkError::DispatchFailure(_) => "the request could not be sent; are there credentials and a region?",
        SdkError::ConstructionFailure(_) => "the request could not be built",
        SdkError::ServiceError(_) => error.meta().code().unwrap_or("an error without a code"),
        _ => "the answer could not be read",
    }
}
