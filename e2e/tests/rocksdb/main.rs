//! The `rocksdb` driver inside a process that is killed with -9, and on a disk that fills up: no acknowledged write is lost,
//! none is made twice, and what is written at once is there whole or not at all.

mod full;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anabranch_federation::MountEntry;
use anabranch_store::suite::{Sample, entry};
use anabranch_store::{Change, Event, JournalStore, Reader, Snapshot, Version, Write, Writer};
use anabranch_testkit::scratch::Scratch;
use anabranch_testkit::suite::{self, Case};
use anyhow::{Context, Result, ensure};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// Says to the program, when it is started by itself, where it shall write.
const DATA: &str = "ANABRANCH_TEST_DATA";
const WRITERS: usize = 3;
const KILLS: u64 = 2;

const CASES: &[Case<'_, ()>] = &[
    ("kill_9_loses_nothing_that_was_acknowledged", kill_9),
    ("a_full_disk_loses_nothing_that_was_acknowledged", full::loses_nothing),
    ("a_namespace_goes_on_when_there_is_room", full::a_namespace_goes_on),
];

fn main() -> ExitCode {
    match std::env::var_os(DATA) {
        Some(dir) => match block_on(write_until_killed(Path::new(&dir))) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        None => suite::run(|| Ok(()), CASES),
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(work)
}

/// The two records of a writer, which it always writes at once.
fn keys(writer: usize) -> [String; 2] {
    [format!("/w{writer}"), format!("/w{writer}/below")]
}

/// What is stored: the tag of each writer, and the version. Both records of a writer say the same.
fn written(list: &Snapshot<MountEntry>) -> Result<Vec<(u64, Version)>> {
    let found: BTreeMap<_, _> =
        list.records.iter().map(|s| (s.record.source.to_string(), (s.record.tag(), s.version))).collect();
    ensure!(found.len() == list.records.len() && list.broken.is_empty(), "broken records: {:?}", list.broken);
    let of = |writer| {
        let [one, other] = keys(writer).map(|key| found.get(&key).copied().unwrap_or((0, Version::ABSENT)));
        ensure!(one == other, "half of a write: {found:?}");
        Ok(one)
    };
    (0..WRITERS).map(of).collect()
}

/// Counts up, and tells what was acknowledged, line by line: writer, tag, version.
async fn write_until_killed(dir: &Path) -> Result<()> {
    let store = JournalStore::open(dir)?;
    let known = written(&Reader::<MountEntry>::list(&store).await?)?;
    let writers = known.into_iter().enumerate().map(|(writer, (mut tag, mut version))| {
        let store = store.clone();
        tokio::spawn(async move {
            loop {
                tag += 1;
                let put = |key: String| Write::Put { record: entry(&key, tag), expected: version };
                version = store.write(keys(writer).map(put).into()).await?.pop().context("an answer")??;
                writeln!(std::io::stdout(), "{writer} {tag} {}", version.0)?;
            }
        })
    });
    let writers: Vec<tokio::task::JoinHandle<Result<()>>> = writers.collect();
    for writer in writers {
        writer.await??;
    }
    Ok(())
}

/// `SEEDS=n` are so many runs, `SEED=n` is that one alone.
fn seeds() -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    number("SEED").map_or(0..number("SEEDS").unwrap_or(5), |seed| seed..seed + 1)
}

fn kill_9((): &()) {
    let mut acknowledged = 0;
    for seed in seeds() {
        acknowledged += block_on(run(seed)).unwrap_or_else(|error| panic!("SEED={seed}: {error:#}"));
    }
    assert!(acknowledged > 0, "nobody wrote anything");
}

/// How many writes were acknowledged.
async fn run(seed: u64) -> Result<u64> {
    let mut random = SmallRng::seed_from_u64(seed);
    let dir = Scratch::new("rocksdb-kill9")?;
    let mut total = 0;
    for round in 0..KILLS {
        let mut child = Command::new(std::env::current_exe()?)
            .env(DATA, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the writers")?;
        let mut lines = BufReader::new(child.stdout.take().context("no standard output")?).lines();
        // Not before somebody has written.
        let first = lines.next().context("it ended early")??;
        std::thread::sleep(Duration::from_micros(random.random_range(0..40_000)));
        child.kill()?;
        child.wait()?;
        let mut last = vec![(0, Version::ABSENT); WRITERS];
        // The last line may be cut off.
        for line in std::iter::once(Ok(first)).chain(lines) {
            let line = line?;
            let numbers: Vec<u64> = line.split(' ').map_while(|number| number.parse().ok()).collect();
            let [writer, tag, version] = numbers[..] else { continue };
            last[usize::try_from(writer)?] = (tag, Version(version));
            total += 1;
        }
        // Each check makes two changes of its own.
        check(dir.path(), &last, 2 * round).await.with_context(|| format!("acknowledged: {last:?}"))?;
    }
    Ok(total)
}

/// Opens the store as the killed process left it.
async fn check(dir: &Path, acknowledged: &[(u64, Version)], others: u64) -> Result<()> {
    let store = JournalStore::open(dir)?;
    let list = Reader::<MountEntry>::list(&store).await?;
    let found = written(&list)?;
    for ((tag, version), (last, at)) in found.iter().zip(acknowledged) {
        // One more may have been made before its writer could tell.
        ensure!(
            tag == last && version == at || *tag == last + 1 && version > at || *at == Version::ABSENT,
            "{found:?}"
        );
    }
    // Every revision is one write of one writer.
    let made = others + found.iter().map(|(tag, _)| tag).sum::<u64>();
    ensure!(list.revision == made, "revision {} after {made} writes", list.revision);
    // Who was up to date goes on.
    let mut watch = Reader::<MountEntry>::watch(&store, Some(made));
    let version = store.put(entry("/after", made), Version::ABSENT).await?;
    let event = watch.next().await?;
    let Event::Changed { revision, changes } = &event else { anyhow::bail!("{event:?}") };
    ensure!(*revision == version.0 && matches!(&changes[..], [Change::Put { .. }]), "{event:?}");
    Writer::<MountEntry>::delete(&store, "/after".to_owned(), version).await?;
    Ok(())
}
