//! A disk that fills up and drains again, under writers.

use std::sync::Arc;
use std::time::Instant;

use anabranch_hdfs_proto::hdfs::MkdirsResponseProto;
use anabranch_journal::{Error, Journal, Options, RocksJournal};
use anabranch_namespace::NamespaceConfig;
use anabranch_namespace::base::Base;
use anabranch_namespace::clock::SystemClock;
use anabranch_namespace::state::access::Caller;
use anabranch_namespace::state::audit::audit;
use anabranch_namespace::state::{Txn, ops, tables};
use anabranch_namespace::writer::Writer as Names;
use anabranch_store::suite::history::{History, Observed, observe, write};
use anabranch_store::{DisabledNameservice, Records, StoreError};
use anabranch_testkit::volume::Volume;
use futures_util::{StreamExt, stream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::*;

const PATIENCE: Duration = Duration::from_secs(60);
/// How often the disk fills up.
const TIMES: u32 = 3;
const MEGABYTES: u32 = 16;
/// How many runs go on at once: most of the time they wait.
const TOGETHER: usize = 8;

/// A small volume, where that is permitted.
#[allow(clippy::print_stdout, reason = "says why nothing was done")]
fn volume() -> Option<Volume> {
    let volume = Volume::mount(MEGABYTES).expect("a directory");
    if volume.is_none() {
        println!("skipped: only root mounts a volume that fills up");
    }
    volume
}

pub(crate) fn loses_nothing((): &()) {
    let one = async |seed, volume| run(seed, volume).await.unwrap_or_else(|error| panic!("SEED={seed}: {error:#}"));
    let made: Vec<usize> = block_on(async {
        let volumes = seeds().map_while(|seed| Some((seed, volume()?)));
        stream::iter(volumes).map(|(seed, volume)| one(seed, volume)).buffer_unordered(TOGETHER).collect().await
    });
    assert!(made.is_empty() || made.iter().sum::<usize>() > made.len(), "nobody wrote anything");
}

/// Writes a record of a kind of its own until that ends as `wanted`: true, it is made; false, it is refused for lack of room.
async fn until(store: &JournalStore, probe: &mut Probe, wanted: bool) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    loop {
        let made = probe.write(store).await?;
        if made == wanted {
            return Ok(());
        }
        ensure!(Instant::now() < end, "writes are {} after {PATIENCE:?}", if made { "made" } else { "refused" });
        sleep(Duration::from_millis(1)).await;
    }
}

/// A record that shows whether anything can be written.
struct Probe {
    version: Version,
    tag: u64,
}

impl Probe {
    async fn write(&mut self, store: &JournalStore) -> Result<bool> {
        match store.put(DisabledNameservice::since("probe", self.tag + 1)?, self.version).await {
            Ok(version) => (self.version, self.tag) = (version, self.tag + 1),
            Err(StoreError::Journal(Error::Full { .. })) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        Ok(true)
    }
}

/// How many changes were made.
async fn run(seed: u64, volume: Volume) -> Result<usize> {
    let mut random = SmallRng::seed_from_u64(seed);
    let dir = volume.path().join("data");
    let store = JournalStore::open(&dir)?;
    let (stop, (done, ends)) = (CancellationToken::new(), tokio::sync::watch::channel(None));
    let watchers = [(); 2].map(|()| tokio::spawn(observe(Arc::new(store.clone()), ends.clone())));
    let writers: Vec<tokio::task::JoinHandle<Observed<History>>> = (0..WRITERS)
        .map(|n| {
            let (store, stop): (Arc<dyn Records<MountEntry>>, _) = (Arc::new(store.clone()), stop.clone());
            let random = SmallRng::from_rng(&mut random);
            tokio::spawn(write(store, keys(n).into(), random, move || !stop.is_cancelled()))
        })
        .collect();
    let mut probe = Probe { version: Version::ABSENT, tag: 0 };
    for _ in 0..TIMES {
        sleep(Duration::from_millis(random.random_range(0..60))).await;
        volume.fill()?;
        until(&store, &mut probe, false).await.context("a full disk")?;
        Reader::<MountEntry>::list(&store).await.context("a full disk is read")?;
        sleep(Duration::from_millis(random.random_range(0..60))).await;
        volume.drain()?;
        until(&store, &mut probe, true).await.context("room again")?;
    }
    stop.cancel();
    let mut history = History::default();
    for writer in writers {
        let Observed { found, verdict } = timeout(PATIENCE, writer).await.context("a writer's end")??;
        verdict.map_err(anyhow::Error::msg)?;
        history.merge(found);
    }
    done.send_replace(Some(history.last()));
    for watcher in watchers {
        history.judge(&timeout(PATIENCE, watcher).await.context("a watcher's end")??).map_err(anyhow::Error::msg)?;
    }
    let judge = async |store: &JournalStore| {
        history.judge_end(&Reader::<MountEntry>::list(store).await?).map_err(anyhow::Error::msg)
    };
    judge(&store).await?;

    // It is opened on a full disk, too, read, and written when there is room.
    volume.fill()?;
    until(&store, &mut probe, false).await.context("a full disk")?;
    drop(store);
    let store = JournalStore::open(&dir).context("opening on a full disk")?;
    judge(&store).await.context("on a full disk")?;
    // What was in its log may be in tables now, which take less.
    volume.fill()?;
    until(&store, &mut probe, false).await.context("a full disk")?;
    volume.drain()?;
    until(&store, &mut probe, true).await.context("room again")?;
    judge(&store).await.context("with room again")?;
    drop(store);
    judge(&JournalStore::open(&dir)?).await.context("in the end")?;
    Ok(history.made.values().map(Vec::len).sum())
}

async fn make(names: &Names, path: String) -> Result<(), String> {
    let who = Caller { user: "root".into(), groups: Default::default(), superuser: true, machine: "here".into() };
    let made = names.submit(move |txn: &mut Txn<'_>| {
        ops::mkdirs(txn, &who, &path, 0o755, true)?;
        Ok(MkdirsResponseProto { result: true })
    });
    made.await.map(drop).map_err(|fault| fault.to_string())
}

pub(crate) fn a_namespace_goes_on((): &()) {
    let Some(volume) = volume() else { return };
    block_on(async {
        let dir = volume.path().join("metadata");
        let journal = Arc::new(RocksJournal::open(&dir, tables::ALL, &Options::default()).expect("a journal"));
        let config = NamespaceConfig::local(volume.path(), "ns", "root");
        let clock = Arc::new(SystemClock::default());
        let base = Base::open(&config, journal.clone(), clock, &prometheus::Registry::new()).await;
        let base = base.expect("a namespace");
        make(&base.writer, "/before".to_owned()).await.expect("room");
        volume.fill().expect("a full disk");
        let end = Instant::now() + PATIENCE;
        let mut made = 0;
        let refused = loop {
            match make(&base.writer, format!("/{made}")).await {
                Err(refused) => break refused,
                Ok(()) => assert!(Instant::now() < end, "the disk is full"),
            }
            made += 1;
        };
        let refused_again = make(&base.writer, "/refused".to_owned()).await.expect_err("the disk is full");
        for refused in [refused, refused_again] {
            assert!(refused.contains("metadata: No space left on device: free some space"), "{refused}");
        }
        volume.drain().expect("room");
        make(&base.writer, "/after".to_owned()).await.expect("room again");
        assert_eq!(audit(&journal.snapshot()).expect("names"), Vec::<String>::new());
    });
}
