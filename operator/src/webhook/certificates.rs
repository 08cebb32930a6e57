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

/// Half of the first pause after a failure: when a release is installed, rights and webhooks come a moment later than the
/// operators.
const FIRST_RETRY: Duration = Duration::from_millis(500);

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
                Self::Issued(shared) => {
                    let mut retry = FIRST_RETRY;
                    loop {
                        let pause = match shared.step(&served).await {
                            Ok(()) => {
                                retry = FIRST_RETRY;
                                shared.period()
                            }
                            Err(error) => {
                                tracing::warn!(%error, "the certificate of the webhook was not looked at; trying again");
                                retry = (retry * 2).min(shared.period());
                                retry
                            }
                        };
                        tokio::time::sleep(pause).await;
                    }
                }
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
