//! ZooKeeper's client, set up by Hadoop's keys.

use std::path::PathBuf;

use anabranch_router::config::{SaslConfig, TlsConfig, ZooKeeperConfig};
use anabranch_store::zookeeper::{Acl, Auth, Kerberos, Sasl, Tls, ZooKeeperError, ZooKeeperOptions};

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnsembleError {
    #[error(transparent)]
    Options(#[from] ZooKeeperError),
    #[error("cannot read {file}: {source}")]
    File { file: String, source: std::io::Error },
}

/// What the client is told; reads the files that values name.
pub(crate) fn options(config: ZooKeeperConfig) -> Result<ZooKeeperOptions, EnsembleError> {
    let sasl = match config.sasl {
        None => None,
        Some(SaslConfig::Password { user, file }) => {
            Some(Sasl::DigestMd5 { user, password: read(&file)?.trim_end().to_owned() })
        }
        Some(SaslConfig::Kerberos { principal, keytab, server }) => {
            Some(Sasl::Gssapi(Kerberos { principal, keytab, server }))
        }
    };
    Ok(ZooKeeperOptions {
        session_timeout: config.session_timeout,
        retry_interval: config.retry_interval,
        acl: Acl::parse(&config.acl)?,
        auth: Auth::parse(&config.auth)?,
        sasl,
        tls: config.tls.map(|TlsConfig { ca, identity, .. }| Tls { ca, identity }),
        ..ZooKeeperOptions::new(&config.address)?.with_parent(&config.parent)?
    })
}

fn read(file: &PathBuf) -> Result<String, EnsembleError> {
    std::fs::read_to_string(file).map_err(|source| EnsembleError::File { file: file.display().to_string(), source })
}
