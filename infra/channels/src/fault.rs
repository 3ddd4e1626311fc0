//! Describes connection errors in fixed words.
//! Owns the search in error chains. Never repeats an error's own text, which may contain the URL, the host name or data
//! from the receiver.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};

/// The first error of type `T` in the chain of causes, including those inside an I/O error.
pub(crate) fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        // `source` of an I/O error skips the error inside it.
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = inside.and_then(|inside| find::<T>(inside)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The kind of the I/O error in the chain, such as `connection refused`; `None` if there is none or it says nothing.
pub(crate) fn io_words(error: &(dyn Error + 'static)) -> Option<String> {
    find::<io::Error>(error)
        .map(io::Error::kind)
        .filter(|kind| *kind != io::ErrorKind::Other)
        .map(|kind| kind.to_string())
}

/// A description of the TLS error in the chain; `None` if there is none.
pub(crate) fn tls_words(error: &(dyn Error + 'static)) -> Option<&'static str> {
    find::<rustls::Error>(error).map(words)
}

fn words(error: &rustls::Error) -> &'static str {
    match error {
        rustls::Error::InvalidCertificate(certificate) => certificate_words(certificate),
        rustls::Error::InvalidMessage(_) => "the other side does not speak TLS on this port",
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the other side requires a client certificate"
        }
        rustls::Error::AlertReceived(_) => "the other side aborted the handshake",
        rustls::Error::PeerIncompatible(_) => "the other side supports no common TLS version or cipher",
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
            "the certificate is for another host name"
        }
        _ => "the certificate is not valid; self-signed certificates are not accepted",
    }
}
