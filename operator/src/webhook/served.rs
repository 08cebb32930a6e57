//! The certificate that the server shows now.

use std::sync::Arc;

use anabranch_telemetry::Condition;
use arc_swap::ArcSwapOption;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

/// The certificate that the server shows now. Connections that are open keep the one that they began with.
#[derive(Debug)]
pub struct Served {
    shown: ArcSwapOption<CertifiedKey>,
    ready: Condition,
}

/// Why a certificate cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// There is no such thing in the text.
    #[error("no {what} in PEM: {source}")]
    Pem {
        /// `certificate` or `private key`.
        what: &'static str,
        /// Why.
        source: pem::Error,
    },
    /// They do not fit, or are of a kind that nobody knows.
    #[error("certificate and key: {0}")]
    Unfit(#[from] tokio_rustls::rustls::Error),
}

impl Served {
    /// Shows none, and refuses connections, until one is set; `ready` tells.
    pub fn new(ready: Condition) -> Arc<Self> {
        Arc::new(Self { shown: ArcSwapOption::empty(), ready })
    }

    /// Shows a certificate, with those that lead to its authority behind it.
    ///
    /// # Errors
    /// When they cannot be used; the one before is still shown.
    pub fn show(&self, certificate: &[u8], key: &[u8]) -> Result<(), CertificateError> {
        let failed = |what| move |source| CertificateError::Pem { what, source };
        let chain = CertificateDer::pem_slice_iter(certificate).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(failed("certificate"))?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(failed("private key"))?;
        let certified = CertifiedKey::from_der(chain, key, &ring::default_provider())?;
        self.shown.store(Some(Arc::new(certified)));
        Ok(())
    }

    /// Tells that what is shown is trusted.
    pub fn ready(&self) {
        self.ready.ready();
    }

    /// TLS with what is shown.
    ///
    /// # Errors
    /// Never with the versions of TLS that are compiled in.
    pub fn tls(self: &Arc<Self>) -> Result<ServerConfig, tokio_rustls::rustls::Error> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        Ok(builder.with_safe_default_protocol_versions()?.with_no_client_auth().with_cert_resolver(self.clone()))
    }
}

#[cfg(test)]
impl Served {
    /// Whether this certificate, in PEM, is shown.
    pub fn shows(&self, certificate: &str) -> bool {
        let wanted = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        self.shown.load_full().is_some_and(|shown| shown.cert[0] == wanted)
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.shown.load_full()
    }
}
