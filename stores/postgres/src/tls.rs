//! Encryption of connections.

use std::fmt;
use std::sync::Arc;

use enact::store::StoreError;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// How connections are encrypted, by the `sslmode` of the URL: `require` verifies the server. `prefer`, the default, encrypts if the server
/// can, and verifies nothing: who can intercept the connection could also turn the encryption off.
pub(crate) fn connector(mode: SslMode, roots: Option<&[u8]>) -> Result<MakeRustlsConnect, StoreError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::new("TLS cannot be set up").caused_by(error))?;
    let config = if mode == SslMode::Require {
        builder.with_root_certificates(trusted(roots)?).with_no_client_auth()
    } else {
        let verifier = Arc::new(AnyServer(provider));
        builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
    };
    Ok(MakeRustlsConnect::new(config))
}

/// The certificates in a text, or those that the system trusts.
fn trusted(roots: Option<&[u8]>) -> Result<RootCertStore, StoreError> {
    let mut store = RootCertStore::empty();
    if let Some(pem) = roots {
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let added = certificate.map_err(|error| error.to_string());
            added.and_then(|certificate| store.add(certificate).map_err(|error| error.to_string())).map_err(
                |error| {
                    StoreError::new("a root certificate cannot be read; give certificates as PEM")
                        .caused_by(error)
                },
            )?;
        }
    } else {
        // Those that cannot be read are of no use.
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if store.is_empty() {
        return Err(StoreError::new(
            "`sslmode=require` needs a root certificate to verify the server: the system has none; give it by `root_certificates`",
        ));
    }
    Ok(store)
}

/// Accepts any certificate.
struct AnyServer(Arc<CryptoProvider>);

impl fmt::Debug for AnyServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyServer")
    }
}

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
