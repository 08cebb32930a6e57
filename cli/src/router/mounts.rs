//! Mounts from files, where there is no state store.

use std::path::PathBuf;
use std::sync::Arc;

use anabranch_federation::{MountTable, NameserviceId};
use anabranch_router::RouterConfig;
use tokio::sync::watch;

use crate::failure::Failure;
use crate::manifest::{Change, Federation, Scope, Source, Watch};

/// Mounts from files, and the channel on which the router gets them. They do not grow stale as a store's do: files that
/// cannot be read or understood say nothing about the last table, which stays in use, and the log tells of them.
pub(super) struct FileMounts {
    default: Option<NameserviceId>,
    current: Federation,
    watch: Watch,
    tables: watch::Sender<Option<Arc<MountTable>>>,
}

impl FileMounts {
    pub(super) fn read(directory: PathBuf, config: &RouterConfig) -> Result<Self, Failure> {
        let known: Vec<NameserviceId> =
            config.nameservices.iter().filter_map(|known| NameserviceId::parse(&known.id).ok()).collect();
        let scope = Scope::Mounts(known);
        let source = Source::new(directory);
        let files = source.read().map_err(Failure::usage)?;
        let current = Federation::parse(&files, &scope).map_err(Failure::usage)?;
        let watch = Watch::start(source, scope, files, current.clone());
        let mounts =
            Self { default: super::default_nameservice(config), current, watch, tables: watch::Sender::new(None) };
        mounts.tables.send_replace(Some(mounts.table(1)));
        Ok(mounts)
    }

    /// What the router reads.
    pub(super) fn feed(&self) -> anabranch_router::Mounts {
        self.tables.subscribe()
    }

    fn table(&self, revision: u64) -> Arc<MountTable> {
        let table = MountTable::build(self.current.mounts.iter().cloned(), self.default.clone());
        Arc::new(table.with_revision(revision))
    }

    /// Passes valid edits on to the router, each as a new revision; never ends.
    pub(super) async fn follow(&mut self) {
        let mut revision = 1;
        loop {
            match self.watch.next().await {
                Change::Applied(new) => {
                    revision += 1;
                    self.current = new;
                    self.tables.send_replace(Some(self.table(revision)));
                    tracing::info!(revision, mounts = self.current.mounts.len(), "mounts changed");
                }
                Change::Refused(reason) => tracing::warn!("edit refused, the last mounts stay in use: {reason}"),
                Change::Restored => tracing::info!("the files say again what is in use"),
            }
        }
    }
}
