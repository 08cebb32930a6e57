//! A writer and a watcher that write down what happens.

use std::sync::Arc;
use std::time::Duration;

use anabranch_federation::MountEntry;
use rand::Rng;
use rand::rngs::SmallRng;
use tokio::sync::watch;
use tokio::time::sleep;

use super::{History, Made, Seen};
use crate::suite::{Sample, entry};
use crate::{Reader, Records, Refusal, Revision, StoreError, Version, Write};

/// Between attempts at a store that is away.
const PAUSE: Duration = Duration::from_millis(5);

/// A record as it is stored: tag and version, or nothing.
type Stored = Option<(u64, Version)>;

/// What came of it.
#[derive(Debug)]
pub struct Observed<T> {
    /// What was seen until the end, or until something was wrong.
    pub found: T,
    /// What was wrong.
    pub verdict: Result<(), String>,
}

/// Writes records that nobody else writes, one or several at once, while `goes_on`, and then all of them a last time. What
/// may have been made is looked for, and tried again as it was until that is settled, so that nothing is made after the
/// end.
pub async fn write(
    store: Arc<dyn Records<MountEntry>>,
    keys: Vec<String>,
    mut random: SmallRng,
    goes_on: impl Fn() -> bool,
) -> Observed<History> {
    let mut history = History::default();
    let mut known: Vec<Stored> = vec![None; keys.len()];
    let mut tag = 0;
    loop {
        let last = !goes_on();
        tag += 1;
        let mut chosen: Vec<usize> = (0..keys.len()).filter(|_| last || random.random_bool(0.6)).collect();
        if chosen.is_empty() {
            chosen.push(random.random_range(0..keys.len()));
        }
        let wanted: Vec<(usize, Option<u64>)> = chosen
            .into_iter()
            .map(|at| (at, Some(tag).filter(|_| last || known[at].is_none() || random.random_bool(0.8))))
            .collect();
        let versions = match settle(&*store, &keys, &known, &wanted).await {
            Ok(versions) => versions,
            Err(wrong) => return Observed { found: history, verdict: Err(wrong) },
        };
        for ((at, tag), version) in wanted.into_iter().zip(versions) {
            known[at] = tag.zip(version);
            let version = version.map(|version| version.0);
            history.made.entry(keys[at].clone()).or_default().push(Made { tag, version });
        }
        if last {
            return Observed { found: history, verdict: Ok(()) };
        }
        sleep(Duration::from_millis(random.random_range(0..30))).await;
    }
}

/// Tries until it is known that these changes were made: their versions, as far as they are known.
async fn settle(
    store: &dyn Records<MountEntry>,
    keys: &[String],
    known: &[Stored],
    wanted: &[(usize, Option<u64>)],
) -> Result<Vec<Option<Version>>, String> {
    let names = || wanted.iter().map(|(at, _)| keys[*at].as_str()).collect::<Vec<_>>().join(", ");
    let mut unknown = false;
    loop {
        let change = |(at, tag): &(usize, Option<u64>)| {
            let expected = known[*at].map_or(Version::ABSENT, |(_, version)| version);
            match tag {
                Some(tag) => Write::Put { record: entry(&keys[*at], *tag), expected },
                None => Write::Delete { key: keys[*at].clone(), expected },
            }
        };
        let answer = store.write(wanted.iter().map(change).collect()).await;
        let conflict = match answer {
            Ok(answers) if answers.iter().all(Result::is_ok) => {
                let versions: Vec<_> = answers.into_iter().filter_map(Result::ok).collect();
                let newest = known.iter().flatten().map(|(_, version)| *version).max();
                if versions.iter().any(|version| *version != versions[0] || Some(*version) <= newest) {
                    return Err(format!("{}: acknowledged with {versions:x?} after {known:x?}", names()));
                }
                return Ok(versions.into_iter().map(Some).collect());
            }
            Ok(answers) if answers.iter().all(|answer| matches!(answer, Err(Refusal::Conflict { .. }))) && unknown => {
                true
            }
            Ok(answers) => return Err(format!("{}: {answers:x?} after {known:x?}", names())),
            Err(error @ StoreError::Refused(_)) => return Err(format!("{}: {error}", names())),
            Err(error) if error.may_be_done() => false,
            Err(_) => {
                sleep(PAUSE).await;
                continue;
            }
        };
        unknown = true;
        let stored = look(store, keys).await;
        let made = |(at, tag): &(usize, Option<u64>)| stored[*at].map(|(tag, _)| tag) == *tag;
        if wanted.iter().all(made) {
            return Ok(wanted.iter().map(|(at, _)| stored[*at].map(|(_, version)| version)).collect());
        }
        if stored != known || conflict {
            return Err(format!("{}: stored is {stored:x?} after {known:x?} and {wanted:?}", names()));
        }
    }
}

/// What is stored, as soon as the store answers.
async fn look(store: &dyn Records<MountEntry>, keys: &[String]) -> Vec<Stored> {
    loop {
        if let Ok(list) = store.list().await {
            let found = |key: &String| {
                let stored = list.records.iter().find(|stored| stored.record.source == **key);
                stored.map(|stored| (stored.record.tag(), stored.version))
            };
            return keys.iter().map(found).collect();
        }
        sleep(PAUSE).await;
    }
}

/// Follows the records up to the revision that `last` names in the end.
pub async fn observe(store: Arc<dyn Reader<MountEntry>>, mut last: watch::Receiver<Option<Revision>>) -> Vec<Seen> {
    let mut watch = store.watch(None);
    let (mut seen, mut newest) = (Vec::new(), 0);
    while last.borrow_and_update().is_none_or(|last| newest < last) {
        let event = tokio::select! {
            event = watch.next() => event,
            changed = last.changed() => {
                if changed.is_err() {
                    return seen;
                }
                continue;
            }
        };
        match event {
            Ok(event) => {
                let event = Seen::from(event);
                if let Seen::Snapshot(revision, _) | Seen::Changed(revision, _) = event {
                    newest = revision;
                }
                seen.push(event);
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
    seen
}
