//! ClientProtocol over the state machine: requests are decoded, reads are answered from the committed state, changes go
//! to the writer.

mod admin;
mod attributes;
mod beans;
mod call;
mod datanode;
mod files;
mod handler;
mod reads;
mod side;
mod summary;
mod table;
mod tree;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anabranch_journal::{Journal, Snapshot};
use tokio::sync::Notify;

use crate::block::Blocks;
use crate::clock::Clock;
use crate::config::NamespaceConfig;
use crate::groups::Groups;
use crate::metrics::Metrics;
use crate::recovery::Closer;
use crate::state::leases::Leases;
use crate::state::record::Identity;
use crate::state::{Fault, Kind, Txn};
use crate::writer::Writer;

pub use beans::beans;
pub use call::Context;
pub use wire::Node;

/// What the calls need.
pub struct Service {
    /// How it is set up.
    pub config: NamespaceConfig,
    /// The committed state.
    pub journal: Arc<dyn Journal>,
    /// Where changes go.
    pub writer: Writer,
    /// Who was heard of when.
    pub leases: Arc<Leases>,
    /// Now.
    pub clock: Arc<dyn Clock>,
    /// The block side.
    pub blocks: Arc<dyn Blocks>,
    /// Closes files in place of their writers.
    pub closer: Closer,
    /// Groups of users.
    pub groups: Box<dyn Groups>,
    /// The namespace's names.
    pub identity: Identity,
    /// The block side as clients see it.
    pub node: Node,
    /// What is counted.
    pub metrics: Metrics,
    /// Whether somebody put the namespace into safe mode. Not kept over a restart, as with a NameNode.
    pub safe_mode: Arc<AtomicBool>,
    /// Wakes the upkeep.
    pub wake: Arc<Notify>,
}

impl Service {
    /// The committed state of this moment.
    pub fn view(&self) -> Box<dyn Snapshot + '_> {
        self.journal.snapshot()
    }

    /// Refuses in safe mode. `what` says what did not happen.
    pub fn require_writable(&self, what: impl FnOnce() -> String) -> Result<(), Fault> {
        if !self.safe_mode.load(Ordering::Acquire) {
            return Ok(());
        }
        let words = format!(
            "{}. Name node is in safe mode.\nIt was turned on manually. Use \"hdfs dfsadmin -safemode leave\" to turn \
             safe mode off. NamenodeHostName:{}",
            what(),
            self.config.advertised_host
        );
        Err(Fault::new(Kind::SafeMode, words))
    }

    /// Runs a change, unless in safe mode.
    pub async fn change<R: Send + 'static>(
        &self,
        what: impl FnOnce() -> String,
        op: impl FnOnce(&mut Txn<'_>) -> Result<R, Fault> + Send + 'static,
    ) -> Result<R, Fault> {
        self.require_writable(what)?;
        self.writer.submit(op).await
    }

    /// Runs a change that a repeated call must not make twice.
    pub async fn change_once<M: prost::Message + Default + 'static>(
        &self,
        what: impl FnOnce() -> String,
        context: &Context,
        op: impl FnOnce(&mut Txn<'_>) -> Result<M, Fault> + Send + 'static,
    ) -> Result<M, Fault> {
        self.require_writable(what)?;
        self.writer.submit_once(context.retry_key(), op).await
    }

    /// Runs a change that may find that a file's last writer is gone: then the file is closed, and it runs once more.
    pub async fn change_open<M: prost::Message + Default + 'static>(
        &self,
        what: impl Fn() -> String,
        context: &Context,
        op: impl FnOnce(&mut Txn<'_>) -> Result<M, Fault> + Send + Clone + 'static,
    ) -> Result<M, Fault> {
        match self.change_once(&what, context, op.clone()).await {
            Err(Fault::Abandoned { inode, .. }) => {
                self.closer.close(inode).await?;
                self.change_once(what, context, op).await
            }
            result => result,
        }
    }
}
