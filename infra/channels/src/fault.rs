//! Says in fixed words why a connection failed.
//! Owns the reading of error chains; refuses to repeat an error's own text, which may hold the URL, the host's name or
//! what the receiver sent.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};

/// The first `T` among an error and its causes, those inside an I/O error included.
pub(crate) fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        // An I/O error's source is that of the error inside it, which would be passed over.
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = inside.and_then(|inside| find::<T>(inside)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// What the operating system said, such as `connection refused`.
pub(crate) fn io_words(error: &(dyn Error + 'static)) -> Option<String> {
    find::<io::Error>(error)
        .map(io::Error::kind)
        .filter(|kind| *kind != io::ErrorKind::Other)
        .map(|kind| kind.to_string())
}

/// What is wrong with the TLS connection, if that is what failed.
pub(crate) fn tls_words(error: &(dyn Error + 'static)) -> Option<&'static str> {
    find::<rustls::Error>(error).map(words)
}

fn words(error: &rustls::Error) -> &'static str {
    match error {
        rustls::Error::InvalidCertificate(certificate) => certificate_words(certificate),
        rustls::Error::InvalidMessage(_) => "the other side does not speak TLS on this port",
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the other side wants a client certificate"
        }
        rustls::Error::AlertReceived(_) => "the other side broke off the handshake",
        rustls::Error::PeerIncompatible(_) => "the other side has no TLS version or cipher in common with us",
        _ => "the handshake failed",
    }
}

fn certificate_words(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "the certificate has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet"
        }
        CertificateError::Revoked => "the certificate was revoked",
        CertificateError::UnknownIssuer => "the certificate comes from an authority that this system does not trust",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate is for another name"
        }
        _ => "the certificate is not valid; one that signs itself is not accepted",
    }
}
