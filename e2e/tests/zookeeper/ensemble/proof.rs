//! Breaks a writer and a watcher on purpose: whoever holds them to their promises must notice.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use anabranch_federation::MountEntry;
use anabranch_store::{Answer, Event, Reader, Records, Refusal, Revision, Snapshot, Version, Watch, Write, Writer};

use futures_util::future::join_all;

use super::workload::Workload;
use super::*;

/// How many runs each broken part gets.
const SEEDS: u64 = 6;

/// A writer that takes what is unknown for not done: it reads the versions, and writes once more.
struct Repeating(ZooKeeperStore);

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
                    Err(error) if error.may_be_done() => {}
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
            Ok(changes.iter().map(|_| Ok(Version(newest + 1))).collect())
        })
    }
}

/// A reader whose watches leave out every third change.
struct Forgetful(ZooKeeperStore);

struct ForgetfulWatch {
    watch: Box<dyn Watch<MountEntry>>,
    changes: AtomicU32,
}

impl Reader<MountEntry> for Forgetful {
    fn list(&self) -> Answer<'_, Snapshot<MountEntry>> {
        self.0.list()
    }

    fn watch(&self, from: Option<Revision>) -> Box<dyn Watch<MountEntry>> {
        Box::new(ForgetfulWatch { watch: self.0.watch(from), changes: AtomicU32::new(0) })
    }
}

impl Watch<MountEntry> for ForgetfulWatch {
    fn next(&mut self) -> Answer<'_, Event<MountEntry>> {
        Box::pin(async move {
            let event = self.watch.next().await?;
            let counted =
                matches!(event, Event::Changed { .. }) && self.changes.fetch_add(1, Ordering::Relaxed) % 3 == 2;
            if counted { self.watch.next().await } else { Ok(event) }
        })
    }
}

pub(crate) fn the_oracle_complains(site: &Site) {
    block_on(async {
        let told = |work: Workload| async {
            let stop = CancellationToken::new();
            let running = tokio::spawn(work.run(stop.clone()));
            tokio::time::sleep(Duration::from_secs(5)).await;
            stop.cancel();
            running.await.expect("a run").err()
        };
        let work = |seed| Workload::new(seed, vec![site.server.address(0)]);
        // A watcher that misses the last change waits for it as long as it is let.
        let broken = |seed| Workload { patience: Duration::from_secs(15), ..work(seed) };
        let repeating =
            |seed| Workload { writer: |store| Arc::new(Repeating(store)) as Arc<dyn Records<_>>, ..broken(seed) };
        let losing = |seed| Workload {
            writer: |store| Arc::new(Losing { store, writes: AtomicU32::new(0) }) as Arc<dyn Records<_>>,
            ..broken(seed)
        };
        let forgetful =
            |seed| Workload { watcher: |store| Arc::new(Forgetful(store)) as Arc<dyn Reader<_>>, ..broken(seed) };
        // Whether a reply is lost at the right moment is a matter of luck, so each is tried several times.
        let repeated = join_all((1..=SEEDS).map(|seed| told(repeating(seed))));
        let forgot = join_all((1..=SEEDS).map(|seed| told(forgetful(SEEDS + seed))));
        let lost = join_all((1..=SEEDS).map(|seed| told(losing(2 * SEEDS + seed))));
        let (whole, repeated, lost, forgot) = tokio::join!(told(work(0)), repeated, lost, forgot);
        assert_eq!(whole, None);
        assert!(lost.iter().all(Option::is_some), "a loss is noticed each time: {lost:?}");
        for told in [repeated, lost, forgot] {
            let evident = |told: &&String| ["were written", "after", "made"].iter().any(|word| told.contains(word));
            assert!(told.iter().flatten().any(|told| evident(&told)), "what is broken is noticed: {told:?}");
        }
    });
}
