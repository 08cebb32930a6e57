//! GET requests of NameNodes' web servers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anabranch_telemetry::http::{self, GetError};
use axum::http::StatusCode;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use crate::config::{HeartbeatConfig, WebScheme};

/// The largest answer that is read. Those that are asked for have some kilobytes.
const MAX_BODY: usize = 4 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum WebError {
    #[error("cannot connect: {0}")]
    Connect(#[from] std::io::Error),
    #[error("{0} is no name that a certificate could have")]
    Name(String),
    #[error("no authorities were read at the start")]
    NoTls,
    #[error(transparent)]
    Get(#[from] GetError),
    #[error("the answer has status {0}")]
    Status(StatusCode),
}

/// Why web servers with TLS cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file of the authorities cannot be used.
    #[error("anabranch.router.namenode.https.ca = {path:?}: {reason}; expected a PEM file of certificates", path = .0, reason = .1)]
    File(PathBuf, String),
    /// The library refuses its defaults.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// Asks web servers, with TLS if any of those that are watched needs it.
#[derive(Clone)]
pub struct WebClient {
    tls: Option<TlsConnector>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl WebClient {
    /// For the NameNodes of a configuration. Reads files.
    ///
    /// # Errors
    /// When the authorities cannot be read.
    pub fn new(config: &HeartbeatConfig) -> Result<Self, TrustError> {
        let secure = config.namenodes.iter().chain(&config.resolved).any(|one| one.web_scheme == WebScheme::Https);
        let tls = if secure { Some(connector(config.https_ca.as_deref())?) } else { None };
        Ok(Self { tls })
    }

    /// The body of the answer. Waits for as long as it takes.
    pub(super) async fn get(&self, scheme: WebScheme, address: &str, path_and_query: &str) -> Result<Bytes, WebError> {
        let stream = TcpStream::connect(address).await?;
        let stream: Box<dyn Stream> = match scheme {
            WebScheme::Http => Box::new(stream),
            WebScheme::Https => {
                let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
                let name = ServerName::try_from(host.to_owned()).map_err(|_| WebError::Name(host.to_owned()))?;
                let tls = self.tls.as_ref().ok_or(WebError::NoTls)?;
                Box::new(tls.connect(name, stream).await?)
            }
        };
        match http::get(stream, address, path_and_query, MAX_BODY).await? {
            (StatusCode::OK, body) => Ok(body),
            (status, _) => Err(WebError::Status(status)),
        }
    }
}

/// The provider is named here rather than installed for the process, which others may have done in their way.
fn connector(ca: Option<&Path>) -> Result<TlsConnector, TrustError> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(file) => {
            let wrong = |reason: &dyn std::fmt::Display| TrustError::File(file.to_owned(), reason.to_string());
            for certificate in CertificateDer::pem_file_iter(file).map_err(|e| wrong(&e))? {
                roots.add(certificate.map_err(|e| wrong(&e))?).map_err(|e| wrong(&e))?;
            }
            if roots.is_empty() {
                return Err(wrong(&"no certificate"));
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                let reason = found.errors.first().map(ToString::to_string).unwrap_or_default();
                tracing::warn!(
                    reason,
                    "this machine trusts no authority: NameNodes give no statistics; set anabranch.router.namenode.https.ca"
                );
            }
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
