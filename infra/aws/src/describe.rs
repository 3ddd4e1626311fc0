//! Describes errors of AWS services for operators. Never includes the request, which may hold an event or an address.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// The error's code and the service's message.
pub(crate) fn describe<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    match (code(error), error.message()) {
        (code, Some(message)) => format!("{code}: {message}"),
        (code, None) => code.to_owned(),
    }
}

/// The error's code without the service's message, which may contain an address. Without a response, fixed words.
pub(crate) fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> &str {
    match error {
        SdkError::TimeoutError(_) => "no response in time",
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "no response in time",
        SdkError::DispatchFailure(failure) if failure.is_io() => "could not connect",
        SdkError::DispatchFailure(_) => "the request could not be sent; are there credentials and a region?",
        SdkError::ConstructionFailure(_) => "the request could not be built",
        SdkError::ServiceError(_) => error.meta().code().unwrap_or("an error without a code"),
        _ => "the response could not be read",
    }
}
