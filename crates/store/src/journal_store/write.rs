//! How changes are judged and made.

use std::collections::HashMap;

use super::*;
use crate::writer::admit;

/// Changes that passed their preconditions, and the answers for all.
struct Judged<R> {
    batch: Batch,
    made: Vec<Change<R>>,
    /// Of the records that were made, encoded.
    bytes: usize,
    answers: Vec<Result<Version, Refusal>>,
}

pub(super) async fn write<R: Logged>(
    inner: Arc<Inner>,
    changes: Vec<Write<R>>,
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
            R::log(&inner.logs).push(revision, judged.made.into(), judged.bytes);
            Ok(answers)
        }
        Err(error) => {
            if error.may_be_done() {
                R::log(&inner.logs).restart(inner.journal.revision());
            }
            Err(error.into())
        }
    }
}

fn judge<R: Record>(journal: &dyn Journal, changes: Vec<Write<R>>, next: Version) -> Result<Judged<R>, StoreError> {
    let mut judged =
        Judged { batch: Batch::new(), made: Vec::new(), bytes: 0, answers: Vec::with_capacity(changes.len()) };
    // What earlier changes of this write left, by key: the version, and which of `made` it was.
    let mut earlier: HashMap<String, (Version, usize)> = HashMap::new();
    for change in changes {
        let key = change.key().to_owned();
        let found = match earlier.get(&key) {
            Some((version, _)) => *version,
            None => journal.get(R::KIND, key.as_bytes())?.map_or(Version::ABSENT, |kept| record::version_of(&kept)),
        };
        let answer = admit(&change, found);
        if answer.is_ok() {
            let (left, bytes) = stage(&mut judged.batch, &change, next);
            judged.bytes += bytes;
            let change = match change {
                Write::Put { record, .. } => Change::Put { record: Arc::new(record), version: next },
                Write::Delete { .. } => Change::Delete(key.clone()),
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

/// Adds the change to the batch, and returns the version and the bytes that it leaves.
fn stage<R: Record>(batch: &mut Batch, change: &Write<R>, next: Version) -> (Version, usize) {
    match change {
        Write::Put { record, .. } => {
            let sealed = record::seal(next, &record.encode());
            let bytes = sealed.len();
            batch.put(R::KIND, record.key().as_bytes(), sealed);
            (next, bytes)
        }
        Write::Delete { key, .. } => {
            batch.delete(R::KIND, key.as_bytes());
            (Version::ABSENT, key.len())
        }
    }
}
