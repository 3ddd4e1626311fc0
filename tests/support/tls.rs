//! TLS in front of a server, with a certificate of an authority that was created for the test.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// The far end of TLS, at 127.0.0.1.
#[derive(Debug)]
pub struct TlsFront {
    address: SocketAddr,
    /// The authority's certificate, as PEM.
    pub ca: String,
}

impl TlsFront {
    /// Passes on what comes by TLS to the server at this address, for as long as the test runs.
    pub async fn before(server: SocketAddr) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = params.self_signed(&key).expect("an authority");
        let authority = Issuer::new(params, key);
        let key = KeyPair::generate().expect("a key");
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let own =
            CertificateParams::new(names).expect("parameters").signed_by(&key, &authority).expect("a certificate");
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the usual versions")
            .with_no_client_auth()
            .with_single_cert(vec![own.der().clone()], key)
            .expect("a server's configuration");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // Who does not know the authority hangs up.
                    let Ok(mut client) = acceptor.accept(stream).await else { return };
                    let Ok(mut behind) = TcpStream::connect(server).await else { return };
                    let _ = copy_bidirectional(&mut client, &mut behind).await;
                });
            }
        });
        Self { address, ca: ca.pem() }
    }

    /// A URL of it.
    pub fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }
}
