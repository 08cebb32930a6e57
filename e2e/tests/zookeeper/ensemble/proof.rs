//! Breaks a writer and a watcher on purpose: whoever holds them to their promises must notice.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use anabranch_federation::MountEntry;
use anabranch_store::{Answer, Event, Reader, Records, Refusal, Revision, Snapshot, Version, Watch, Write, Writer};

use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use super::workload::Workload;
use super::*;

/// How many runs each broken part gets.
const SEEDS: u64 = 6;
/// A run whose writers have noticed comes to no more misdeeds.
const LONG: Duration = Duration::from_secs(20);

/// How often a broken part of a run did what it must not.
type Misdeeds = Arc<AtomicU32>;

/// A writer that takes what is unknown for not done: it reads the versions, and writes once more.
struct Repeating(ZooKeeperStore, Misdeeds);

impl Reader<MountEntry> for Repeating {
    fn list(&self) -> Answer<'_, Snapshot<MountEntry>> {
        self.0.list()
    }

    fn watch(&self, from: Option<Revision>) -> Box<dyn Watch<MountEntry>> {
        self.0.watch(from)
    }
}

impl Writer<MountEntry> for Repeating {
    fn write(&self, mut changes: Vec<Write<MountEntry>>) -> Answer<'_, Vec<Result<Version, Refusal>>> {
        Box::pin(async move {
            loop {
                match self.0.write(changes.clone()).await {
                    Err(error) if error.may_be_done() => drop(self.1.fetch_add(1, Ordering::Relaxed)),
                    answer => return answer,
                }
                let Ok(list) = Reader::<MountEntry>::list(&self.0).await else { continue };
                for change in &mut changes {
                    let found = list.records.iter().find(|stored| stored.record.source.as_str() == change.key());
                    if let (Write::Put { expected, .. } | Write::Delete { expected, .. }, Some(found)) = (change, found)
                    {
                        *expected = found.version;
                    }
                }
            }
        })
    }
}

/// A writer that acknowledges every fifth write without making it.
struct Losing {
    store: ZooKeeperStore,
    writes: AtomicU32,
    misdeeds: Misdeeds,
}

impl Reader<MountEntry> for Losing {
    fn list(&self) -> Answer<'_, Snapshot<MountEntry>> {
        self.store.list()
    }

    fn watch(&self, from: Option<Revision>) -> Box<dyn Watch<MountEntry>> {
        self.store.watch(from)
    }
}

impl Writer<MountEntry> for Losing {
    fn write(&self, changes: Vec<Write<MountEntry>>) -> Answer<'_, Vec<Result<Version, Refusal>>> {
        if self.writes.fetch_add(1, Ordering::Relaxed) % 5 != 4 {
            return self.store.write(changes);
        }
        Box::pin(async move {
            let newest = Reader::<MountEntry>::list(&self.store).await?.revision;
            self.misdeeds.fetch_add(1, Ordering::Relaxed);
            Ok(changes.iter().map(|_| Ok(Version(newest + 1))).collect())
        })
    }
}

/// A reader whose watches leave out every third change.
struct Forgetful(ZooKeeperStore, Misdeeds);

struct ForgetfulWatch {
    watch: Box<dyn Watch<MountEntry>>,
    changes: u32,
    misdeeds: Misdeeds,
}

impl Reader<MountEntry> for Forgetful {
    fn list(&self) -> Answer<'_, Snapshot<MountEntry>> {
        self.0.list()
    }

    fn watch(&self, from: Option<Revision>) -> Box<dyn Watch<MountEntry>> {
        Box::new(ForgetfulWatch { watch: self.0.watch(from), changes: 0, misdeeds: self.1.clone() })
    }
}

impl Watch<MountEntry> for ForgetfulWatch {
    fn next(&mut self) -> Answer<'_, Event<MountEntry>> {
        Box::pin(async move {
            let event = self.watch.next().await?;
            self.changes += u32::from(matches!(event, Event::Changed { .. }));
            if self.changes < 3 {
                return Ok(event);
            }
            self.changes = 0;
            self.misdeeds.fetch_add(1, Ordering::Relaxed);
            self.watch.next().await
        })
    }
}

/// A run with something broken in it, and how often that shows.
struct Broken {
    work: Workload,
    misdeeds: Misdeeds,
    /// So many are enough to be noticed.
    enough: u32,
}

impl Broken {
    /// What the run has to say when enough has happened.
    async fn told(self) -> Option<String> {
        let stop = CancellationToken::new();
        let running = tokio::spawn(self.work.run(stop.clone()));
        let enough = async {
            while self.misdeeds.load(Ordering::Relaxed) < self.enough {
                sleep(Duration::from_millis(10)).await;
            }
        };
        // What is missed then is missed below.
        let _ = timeout(LONG, enough).await;
        stop.cancel();
        running.await.expect("a run").err()
    }
}

pub(crate) fn the_oracle_complains(site: &Site) {
    let broken = |seed, enough| {
        let misdeeds = Misdeeds::default();
        // A watcher that misses the last change waits for it as long as it is let.
        let patience = Duration::from_secs(15);
        Broken { work: Workload { patience, ..Workload::new(seed, vec![site.server.address(0)]) }, misdeeds, enough }
    };
    let repeating = |seed| {
        let mut run = broken(seed, 8);
        let misdeeds = run.misdeeds.clone();
        run.work.writer = Box::new(move |store| Arc::new(Repeating(store, misdeeds.clone())) as Arc<dyn Records<_>>);
        run
    };
    let losing = |seed| {
        let mut run = broken(seed, 1);
        let misdeeds = run.misdeeds.clone();
        run.work.writer = Box::new(move |store| {
            Arc::new(Losing { store, writes: AtomicU32::new(0), misdeeds: misdeeds.clone() }) as Arc<dyn Records<_>>
        });
        run
    };
    let forgetful = |seed| {
        let mut run = broken(seed, 8);
        let misdeeds = run.misdeeds.clone();
        run.work.watcher = Box::new(move |store| Arc::new(Forgetful(store, misdeeds.clone())) as Arc<dyn Reader<_>>);
        run
    };
    block_on(async {
        // What is whole runs beside them, as long as they do.
        let (stop, whole) = (CancellationToken::new(), Workload::new(0, vec![site.server.address(0)]));
        let whole = tokio::spawn(whole.run(stop.clone()));
        // Whether a reply is lost at the right moment is a matter of luck, so each is tried several times.
        let repeated = join_all((1..=SEEDS).map(|seed| repeating(seed).told()));
        let forgot = join_all((1..=SEEDS).map(|seed| forgetful(SEEDS + seed).told()));
        let lost = join_all((1..=SEEDS).map(|seed| losing(2 * SEEDS + seed).told()));
        let (repeated, lost, forgot) = tokio::join!(repeated, lost, forgot);
        stop.cancel();
        assert_eq!(whole.await.expect("a run").err(), None);
        assert!(lost.iter().all(Option::is_some), "a loss is noticed each time: {lost:?}");
        for told in [repeated, lost, forgot] {
            let evident = |told: &&String| ["were written", "after", "made"].iter().any(|word| told.contains(word));
            assert!(told.iter().flatten().any(|told| evident(&told)), "what is broken is noticed: {told:?}");
        }
    });
}
