//! How changes are judged and made.

use std::collections::HashMap;

use super::*;

/// Changes that passed their preconditions, and the answers for all.
struct Judged {
    batch: Batch,
    made: Vec<Change<MountEntry>>,
    answers: Vec<Result<Version, Refusal>>,
}

pub(super) async fn write(
    inner: Arc<Inner>,
    changes: Vec<MountChange>,
) -> Result<Vec<Result<Version, Refusal>>, StoreError> {
    let _writing = inner.writing.lock().await;
    let revision = inner.journal.revision() + 1;
    let judging = inner.clone();
    let judged = tokio::task::spawn_blocking(move || judge(&*judging.journal, changes, Version(revision))).await??;
    if judged.batch.is_empty() {
        return Ok(judged.answers);
    }
    let committed = match inner.journal.commit(judged.batch).await {
        Ok(committed) if committed == revision => Ok(judged.answers),
        Ok(committed) => Err(journal::Error::Storage(format!(
            "revision {committed} was committed where {revision} was next; the journal has another writer"
        ))),
        Err(error) => Err(error),
    };
    match committed {
        Ok(answers) => {
            inner.mounts.push(revision, judged.made.into());
            Ok(answers)
        }
        Err(error) => {
            // It may have been committed all the same.
            inner.mounts.restart(inner.journal.revision());
            Err(error.into())
        }
    }
}

fn judge(journal: &dyn Journal, changes: Vec<MountChange>, next: Version) -> Result<Judged, StoreError> {
    let mut judged = Judged { batch: Batch::new(), made: Vec::new(), answers: Vec::with_capacity(changes.len()) };
    // What earlier changes of this write left, by key: the version, and which of `made` it was.
    let mut earlier: HashMap<String, (Version, usize)> = HashMap::new();
    for change in changes {
        let key = change.source().to_string();
        let found = match earlier.get(&key) {
            Some((version, _)) => *version,
            None => {
                journal.get(MountEntry::KIND, key.as_bytes())?.map_or(Version::ABSENT, |kept| record::version_of(&kept))
            }
        };
        let answer = admit(&change, found);
        if answer.is_ok() {
            let left = stage(&mut judged.batch, &change, next);
            let change = match change {
                MountChange::Put { entry, .. } => Change::Put(Arc::new(entry)),
                MountChange::Delete { .. } => Change::Delete(key.clone()),
            };
            // Watchers see one change of a record per revision: the last.
            match earlier.get(&key).map(|(_, at)| *at) {
                Some(at) => judged.made[at] = change,
                None => judged.made.push(change),
            }
            let at = earlier.get(&key).map_or(judged.made.len() - 1, |(_, at)| *at);
            earlier.insert(key, (left, at));
        }
        judged.answers.push(answer.map(|()| next));
    }
    Ok(judged)
}

fn admit(change: &MountChange, found: Version) -> Result<(), Refusal> {
    let key = || change.source().to_string();
    let expected = change.expected();
    // Deleting what does not exist is a conflict even if that was expected: nothing would have been done.
    let nothing_to_delete = matches!(change, MountChange::Delete { .. }) && found == Version::ABSENT;
    if expected != found || nothing_to_delete {
        return Err(Refusal::Conflict { key: key(), expected, found });
    }
    if let MountChange::Put { entry, .. } = change {
        entry.validate()?;
        let bytes = entry.encode().len();
        if bytes > MAX_RECORD_BYTES {
            return Err(Refusal::TooLarge { key: key(), bytes });
        }
    }
    Ok(())
}

/// Adds the change to the batch, and returns the version that it leaves.
fn stage(batch: &mut Batch, change: &MountChange, next: Version) -> Version {
    match change {
        MountChange::Put { entry, .. } => {
            batch.put(MountEntry::KIND, entry.key().as_bytes(), record::seal(next, &entry.encode()));
            next
        }
        MountChange::Delete { source, .. } => {
            batch.delete(MountEntry::KIND, source.as_str().as_bytes());
            Version::ABSENT
        }
    }
}
