//! One round through the directories that mounts with quotas lead to: counts what is used, and sets quotas right.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use anabranch_federation::{Destination, MountPath, MountTable, NameserviceId, Usage};
use futures_util::stream::{self, FuturesUnordered, StreamExt};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::Quotas;
use super::directory::Directory;
use super::known::Task;
use super::wanted::{Wanted, directories, wanted};
use crate::core::Core;
use crate::upstream::{Failure, Nameservice};

/// Directories of one subcluster that are looked at at the same time.
const AT_ONCE: usize = 8;

/// The least time that a subcluster is given for a call.
const PATIENCE: Duration = Duration::from_secs(10);

/// See the module.
pub struct Round<'a> {
    core: &'a Arc<Core>,
    data: &'a Handle,
    table: Arc<MountTable>,
    wanted: Wanted,
    /// Whether somebody waits for it, who has to hear of failures that are no news.
    asked_for: bool,
}

impl<'a> Round<'a> {
    /// Through all directories, or those of the mounts at these paths and below. Returns when all subclusters have answered
    /// or failed; what one of them answers counts when its own part is done.
    ///
    /// A subcluster that another round waits for is left to that one, unless the round is `asked_for`.
    pub async fn run(core: &'a Arc<Core>, data: &'a Handle, only: Option<Vec<MountPath>>, asked_for: bool) {
        // A table that is too old to be trusted says nothing.
        let Some(table) = core.mounts.load_full().filter(|_| core.quotas.are_heeded()) else { return };
        let only = only.map(|sources| directories(&table, &sources));
        let wanted = wanted(&table);
        let tasks = core.quotas.known.lock().tasks(&wanted, only.as_ref());
        let round = Self { core, data, table, wanted, asked_for };
        round.count();
        let subclusters = core.upstream.directory();
        let mut by_nameservice: BTreeMap<NameserviceId, Vec<(Destination, Task)>> = BTreeMap::new();
        for (place, task) in tasks {
            by_nameservice.entry(place.nameservice.clone()).or_default().push((place, task));
        }
        let lanes = by_nameservice.into_iter().filter_map(|(id, tasks)| {
            let nameservice = subclusters.get(id.as_str()).filter(|_| !subclusters.disabled().contains(&id))?;
            let busy = Busy::mark(&core.quotas, &id);
            (asked_for || busy.is_some()).then(|| round.lane(nameservice.clone(), tasks, busy))
        });
        let mut lanes: FuturesUnordered<_> = lanes.collect();
        while lanes.next().await.is_some() {
            round.count();
        }
    }

    /// The directories of one subcluster. When it is away, the others of its directories are left for later.
    async fn lane(&self, nameservice: Arc<Nameservice>, tasks: Vec<(Destination, Task)>, _busy: Option<Busy<'_>>) {
        let visits = tasks.into_iter().map(|(place, task)| self.visit(nameservice.clone(), place, task));
        let mut visits = stream::iter(visits).buffer_unordered(AT_ONCE);
        let mut failed: Option<(Destination, Failure)> = None;
        while let Some((place, visited)) = visits.next().await {
            match visited {
                Ok(usage) => self.core.quotas.known.lock().done(&place, usage),
                Err(failure) => {
                    let away = failure.is_unavailable();
                    failed.get_or_insert((place, failure));
                    if away {
                        break;
                    }
                }
            }
        }
        let news = self.core.quotas.known.lock().failing(nameservice.id(), failed.is_some());
        let nameservice = nameservice.id();
        match failed {
            Some((place, error)) if news || self.asked_for => {
                let path = place.path;
                tracing::warn!(%nameservice, %path, %error, "quotas are not counted and set everywhere; tried again later");
            }
            None if news => tracing::info!(%nameservice, "quotas are counted and set again"),
            _ => {}
        }
    }

    /// Does a task, and returns what is used of the directory; nothing of one that is not there.
    async fn visit(
        &self,
        nameservice: Arc<Nameservice>,
        place: Destination,
        task: Task,
    ) -> (Destination, Result<Usage, Failure>) {
        let patience = self.core.config.quota.interval.max(PATIENCE);
        let deadline = self.core.upstream.deadline().min(Instant::now() + patience);
        let directory = Directory { core: self.core, data: self.data, nameservice, place, deadline };
        let visited = async {
            let Some((actual, usage)) = directory.look().await? else { return Ok(Usage::default()) };
            let wanted = task.wanted(actual);
            // Others may have seen a newer table, and set what that says.
            if wanted != actual && self.is_in_use() {
                let set = directory.set(&actual, &wanted).await;
                self.core.metrics.quotas.set(&set);
                if set? > 0 {
                    let Destination { nameservice, path } = &directory.place;
                    tracing::info!(%nameservice, %path, ?actual, ?wanted, "the quota of a directory is set");
                }
            }
            Ok(usage)
        };
        let visited = visited.await;
        (directory.place, visited)
    }

    /// Whether the quotas of the mount table are still those that this round began with.
    fn is_in_use(&self) -> bool {
        self.core.mounts.load().as_ref().is_some_and(|table| table.limited() == self.table.limited())
    }

    /// Puts what is known in use.
    fn count(&self) {
        let quotas = &self.core.quotas;
        let known = quotas.known.lock();
        // Another round may have begun with a newer table.
        let newer = self.core.mounts.load_full().filter(|table| table.limited() != self.table.limited());
        let wanted = newer.as_deref().map(wanted);
        let table = newer.as_ref().unwrap_or(&self.table);
        let usages = known.count(wanted.as_ref().unwrap_or(&self.wanted), &quotas.usages.load());
        self.core.metrics.quotas.counted(table, &usages);
        quotas.usages.store(Arc::new(usages));
    }
}

/// A subcluster that a round is waiting for.
struct Busy<'a> {
    quotas: &'a Quotas,
    one: NameserviceId,
}

impl<'a> Busy<'a> {
    /// None if it is one already: then [`Quotas::freed`] tells when it is no longer.
    fn mark(quotas: &'a Quotas, one: &NameserviceId) -> Option<Self> {
        match quotas.busy.lock().entry(one.clone()) {
            Entry::Occupied(mut missed) => {
                missed.insert(true);
                None
            }
            Entry::Vacant(free) => {
                free.insert(false);
                Some(Self { quotas, one: one.clone() })
            }
        }
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        if self.quotas.busy.lock().remove(&self.one) == Some(true) {
            self.quotas.freed.notify_one();
        }
    }
}
