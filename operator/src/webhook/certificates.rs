//! Where certificates come from, and how they are renewed while the server runs.

mod files;
mod issued;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use self::files::Files;
pub use self::issued::Shared;
use super::served::Served;

/// Where certificates come from.
pub enum Certificates {
    /// The operators issue them, and share them in a Secret.
    Issued(Box<Shared>),
    /// Someone else writes `tls.crt` and `tls.key` into a directory.
    Files(PathBuf),
}

impl Certificates {
    /// Shows the newest, until `stop`. What goes wrong is told and tried again: the one before is shown until it is well.
    pub async fn follow(self, served: Arc<Served>, stop: CancellationToken) {
        let work = async {
            match self {
                Self::Issued(shared) => loop {
                    if let Err(error) = shared.step(&served).await {
                        tracing::warn!(%error, "the certificate of the webhook was not looked at; trying again");
                    }
                    tokio::time::sleep(shared.period()).await;
                },
                Self::Files(dir) => {
                    let mut files = Files::new(dir);
                    loop {
                        if let Err(error) = files.step(&served).await {
                            tracing::warn!(%error, "the certificate of the webhook cannot be used; keeping the one before");
                        }
                        tokio::time::sleep(Duration::from_secs(5)).await;
                    }
                }
            }
        };
        stop.run_until_cancelled(work).await;
    }
}
