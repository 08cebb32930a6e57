//! TLS from PEM files that may change while the program runs: certificates live for hours in some places, and connections
//! for weeks. What is connected stays connected; who connects anew meets what the files say then.

use std::path::PathBuf;
use std::sync::Arc;
use std::{fs, io};

use parking_lot::Mutex;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

/// A file that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", file.display())]
pub struct TlsError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// A file as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    path: PathBuf,
    pub(crate) pem: Vec<u8>,
}

impl File {
    fn read(path: &PathBuf) -> Result<Self, TlsError> {
        let failed = |error: io::Error| TlsError { file: path.clone(), reason: error.to_string() };
        Ok(Self { path: path.clone(), pem: fs::read(path).map_err(failed)? })
    }

    pub(crate) fn unusable(&self, reason: impl ToString) -> TlsError {
        TlsError { file: self.path.clone(), reason: reason.to_string() }
    }

    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.pem).collect();
        let read = read.map_err(|error| self.unusable(error))?;
        if read.is_empty() { Err(self.unusable("no certificate")) } else { Ok(read) }
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        PrivateKeyDer::from_pem_slice(&self.pem).map_err(|_| self.unusable("no private key"))
    }

    /// As those that are trusted to sign.
    fn authorities(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates()? {
            roots.add(certificate).map_err(|error| self.unusable(error))?;
        }
        Ok(roots)
    }
}

/// Named here rather than installed for the process, which others may have done in their way.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// What a client needs: of an authority's file, or of that, a certificate's and its key's.
pub(crate) fn client(files: &[File]) -> Result<ClientConfig, TlsError> {
    let [authority, identity @ ..] = files else { unreachable!("an authority is always named") };
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| authority.unusable(error))?
        .with_root_certificates(authority.authorities()?);
    match identity {
        [certificate, key] => builder
            .with_client_auth_cert(certificate.certificates()?, key.key()?)
            .map_err(|error| certificate.unusable(error)),
        _ => Ok(builder.with_no_client_auth()),
    }
}

/// What a server of HTTP/2 needs: of a certificate's and its key's file, or of these and that of its clients' authority.
pub(crate) fn server(files: &[File]) -> Result<ServerConfig, TlsError> {
    let [certificate, key, authority @ ..] = files else { unreachable!("both are always named") };
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| certificate.unusable(error))?;
    let builder = match authority {
        [] => builder.with_no_client_auth(),
        [authority, ..] => {
            let roots = Arc::new(authority.authorities()?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| authority.unusable(error))?)
        }
    };
    let mut config = builder
        .with_single_cert(certificate.certificates()?, key.key()?)
        .map_err(|error| certificate.unusable(error))?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

/// What is made of files, and made anew when what is in them changes. A clone is the same.
pub(crate) struct Reloaded<T> {
    inner: Arc<Inner<T>>,
}

impl<T> Clone for Reloaded<T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

type Make<T> = Box<dyn Fn(&[File]) -> Result<T, TlsError> + Send + Sync>;

struct Inner<T> {
    paths: Vec<PathBuf>,
    make: Make<T>,
    current: Mutex<Current<T>>,
}

struct Current<T> {
    /// What was in the files when they were last looked at, whether it could be used or not.
    seen: Result<Vec<File>, TlsError>,
    made: Arc<T>,
}

impl<T: Send + Sync + 'static> Reloaded<T> {
    /// Reads the files for the first time, when they must be good.
    pub(crate) fn open(
        paths: Vec<PathBuf>,
        make: impl Fn(&[File]) -> Result<T, TlsError> + Send + Sync + 'static,
    ) -> Result<Self, TlsError> {
        let files = read(&paths)?;
        let current = Mutex::new(Current { made: Arc::new(make(&files)?), seen: Ok(files) });
        Ok(Self { inner: Arc::new(Inner { paths, make: Box::new(make), current }) })
    }

    /// As it was when the files were last looked at.
    pub(crate) fn latest(&self) -> Arc<T> {
        self.inner.current.lock().made.clone()
    }

    /// Looks at the files. Those that cannot be used are told once, and what was made before stays.
    pub(crate) async fn current(&self) -> Arc<T> {
        let inner = self.inner.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || inner.look()).await {
            tracing::warn!(%error, "cannot look at TLS certificates");
        }
        self.latest()
    }
}

impl<T> Inner<T> {
    fn look(&self) {
        let files = read(&self.paths);
        let mut current = self.current.lock();
        // While files are replaced some are old and some are new: the next look sees all of them.
        if files == current.seen || files != read(&self.paths) {
            return;
        }
        match files.as_ref().map_err(Clone::clone).and_then(|files| (self.make)(files)) {
            Ok(made) => {
                current.made = Arc::new(made);
                let files: Vec<_> = self.paths.iter().map(|path| path.display().to_string()).collect();
                tracing::info!(
                    files = files.join(", "),
                    "TLS certificates have changed; new connections use the new ones"
                );
            }
            Err(error) => {
                tracing::warn!(%error, "new TLS certificates cannot be used; new connections use those from before");
            }
        }
        current.seen = files;
    }
}

fn read(paths: &[PathBuf]) -> Result<Vec<File>, TlsError> {
    paths.iter().map(File::read).collect()
}

#[cfg(test)]
mod tests;
