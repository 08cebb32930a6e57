//! The metadata side by itself: the writer on its journal, and the names that it holds.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anabranch_journal::Journal;
use prometheus::Registry;
use tokio::sync::Notify;

use crate::block::Blocks;
use crate::clock::Clock;
use crate::config::NamespaceConfig;
use crate::groups::StaticGroups;
use crate::metrics::Metrics;
use crate::recovery::Closer;
use crate::service::{Node, Service};
use crate::start::StartError;
use crate::state::leases::Leases;
use crate::state::ops::{self, Format};
use crate::state::record::Identity;
use crate::state::view::View;
use crate::state::{Fault, tables};
use crate::upkeep::Upkeep;
use crate::writer::{Workplace, Writer};

/// The metadata side, before it is known where blocks are.
pub struct Base {
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    leases: Arc<Leases>,
    /// Where changes go.
    pub writer: Writer,
    metrics: Metrics,
    /// The namespace's names.
    pub identity: Identity,
}

impl Base {
    /// Starts the writer on a journal, formats it when it is new, and gives every lease holder its time.
    ///
    /// # Errors
    /// When the journal cannot be read or written, or the metrics exist.
    pub async fn open(
        config: &NamespaceConfig,
        journal: Arc<dyn Journal>,
        clock: Arc<dyn Clock>,
        registry: &Registry,
    ) -> Result<Self, StartError> {
        let leases = Arc::new(Leases::new(config.lease_soft_ms, config.lease_hard_ms));
        let metrics = Metrics::new(registry)?;
        let writer = Writer::start(Workplace {
            journal: journal.clone(),
            limits: config.limits.clone(),
            leases: leases.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
        });
        let format = Format {
            identity: new_identity(&config.advertised_host, clock.now().wall),
            owner: config.superuser.clone(),
            group: config.supergroup.clone(),
        };
        writer.submit(|txn| ops::format(txn, format)).await?;
        let identity = journal.snapshot().identity()?;
        metrics.show(&journal.snapshot().counters()?);
        let now = clock.now().monotonic;
        for holder in holders(&journal.snapshot())? {
            leases.start(&holder, now);
        }
        Ok(Self { journal, clock, leases, writer, metrics, identity })
    }

    /// The service over these blocks, and its background task.
    pub fn serve(self, config: NamespaceConfig, blocks: Arc<dyn Blocks>, node: Node) -> (Service, Upkeep) {
        let closer = Closer::new(self.writer.clone(), blocks.clone());
        let (wake, safe_mode) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let upkeep = Upkeep {
            journal: self.journal.clone(),
            closer: closer.clone(),
            leases: self.leases.clone(),
            clock: self.clock.clone(),
            every: Duration::from_millis(config.upkeep_ms),
            safe_mode: safe_mode.clone(),
            wake: wake.clone(),
        };
        let service = Service {
            groups: Box::new(StaticGroups::new(&config.groups)),
            config,
            journal: self.journal,
            writer: self.writer,
            leases: self.leases,
            clock: self.clock,
            blocks,
            closer,
            identity: self.identity,
            node,
            metrics: self.metrics,
            safe_mode,
            wake,
        };
        (service, upkeep)
    }
}

/// Holders of leases, each once.
fn holders(view: &impl View) -> Result<Vec<String>, Fault> {
    let mut holders: Vec<String> = Vec::new();
    let mut from = Vec::new();
    loop {
        let rows = view.scan(tables::LEASES, &from, None, 1)?;
        let Some((key, _)) = rows.first() else { return Ok(holders) };
        let end = key.iter().position(|&b| b == 0).unwrap_or(key.len());
        let holder = std::str::from_utf8(&key[..end]).map_err(|e| Fault::corrupt(tables::LEASES, e))?;
        holders.push(holder.to_owned());
        // The next holder's keys are above every key of this one.
        from = [&key[..end], &[1]].concat();
    }
}

/// Names for a new namespace, in the form that NameNodes give them.
fn new_identity(host: &str, now: u64) -> Identity {
    let uuid = || {
        let [a, b, c, d, e]: [u32; 5] = rand::random();
        format!("{a:08x}-{:04x}-4{:03x}-{:04x}-{:04x}{e:08x}", b >> 16, b & 0xfff, 0x8000 | c >> 18, d >> 16)
    };
    let number: u32 = rand::random::<u32>() >> 2;
    Identity {
        pool: format!("BP-{number}-{host}-{now}"),
        cluster: format!("CID-{}", uuid()),
        namespace: number,
        created: now,
        storage: format!("DS-{}", uuid()),
        datanode: uuid(),
    }
}
