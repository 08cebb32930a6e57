//! Certificates from files.

use std::fs;
use std::io;
use std::path::Path;

use anabranch_store::grpc::ServerTls;

/// Where the certificates are.
pub(super) struct TlsFiles<'a> {
    pub(super) certificate: Option<&'a Path>,
    pub(super) key: Option<&'a Path>,
    pub(super) client_ca: Option<&'a Path>,
}

/// A file that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path}: {source}")]
pub(super) struct Unreadable {
    path: String,
    source: io::Error,
}

impl TlsFiles<'_> {
    /// Reads them; `None` without a certificate.
    pub(super) fn read(&self) -> Result<Option<ServerTls>, Unreadable> {
        let read =
            |path: &Path| fs::read(path).map_err(|source| Unreadable { path: path.display().to_string(), source });
        let (Some(certificate), Some(key)) = (self.certificate, self.key) else { return Ok(None) };
        let client_ca = self.client_ca.map(read).transpose()?;
        Ok(Some(ServerTls { certificate: read(certificate)?, key: read(key)?, client_ca }))
    }
}

/// Whether clients are asked for certificates, where there is TLS at all, in a word.
pub(super) fn shown(mutual: Option<bool>) -> &'static str {
    match mutual {
        None => "none",
        Some(false) => "server",
        Some(true) => "mutual",
    }
}
