//! Records, snapshots, changes and answers as messages, and back. Plain functions.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message;

use super::proto::{self, Chunk, answer, record};
use crate::record::shortened;
use crate::{
    Broken, Change, DecodeError, MAX_CHANGES, MAX_RECORD_BYTES, MAX_WRITE_BYTES, Record, Refusal, Revision, Snapshot,
    StoreError, Version, Versioned, Write,
};

/// A message is ended when it has so many bytes.
const CHUNK_BYTES: usize = 128 << 10;

/// The largest message of a server: a chunk, with one record (and its key) too many; or the answers to the largest write.
pub(super) const MAX_REPLY_BYTES: usize = CHUNK_BYTES + 2 * MAX_RECORD_BYTES + 4096;

/// The largest message of a client: a write, with what each change takes beside its record.
pub(super) const MAX_REQUEST_BYTES: usize = MAX_WRITE_BYTES + 64 * MAX_CHANGES;

/// What no server of this protocol sends.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// A snapshot as messages; at least one.
pub(super) fn chunks<R: Record>(history: &Bytes, snapshot: &Snapshot<R>) -> Vec<Chunk> {
    let good = snapshot.records.iter().map(|stored| proto::Record {
        key: stored.record.key().to_owned(),
        version: stored.version.0,
        content: Some(record::Content::Message(stored.record.encode().into())),
    });
    let broken = snapshot.broken.iter().map(|broken| proto::Record {
        key: shortened(broken.key.clone(), MAX_RECORD_BYTES),
        version: broken.version.0,
        content: Some(record::Content::Broken(broken.reason.short())),
    });
    let groups = grouped(good.chain(broken));
    let last = groups.len() - 1;
    let chunk =
        |(at, records)| Chunk { history: history.clone(), revision: snapshot.revision, records, last: at == last };
    groups.into_iter().enumerate().map(chunk).collect()
}

/// The changes of one revision as messages; at least one.
pub(super) fn changed<R: Record>(revision: Revision, changes: &[Change<R>]) -> Vec<proto::Changed> {
    let groups = grouped(changes.iter().map(|change| match change {
        Change::Put { record, version } => {
            let message = Some(record.encode().into());
            proto::Change { key: record.key().to_owned(), message, version: version.0 }
        }
        Change::Delete(key) => proto::Change { key: key.clone(), message: None, version: 0 },
    }));
    let last = groups.len() - 1;
    let part = |(at, changes)| proto::Changed { revision, changes, last: at == last };
    groups.into_iter().enumerate().map(part).collect()
}

/// Groups of bounded size; at least one, if it is empty.
fn grouped<M: Message>(all: impl Iterator<Item = M>) -> Vec<Vec<M>> {
    let mut groups = vec![Vec::new()];
    let mut bytes = 0;
    for message in all {
        if bytes >= CHUNK_BYTES {
            groups.push(Vec::new());
            bytes = 0;
        }
        // A few bytes for its tag and length.
        bytes += message.encoded_len() + 8;
        if let Some(group) = groups.last_mut() {
            group.push(message);
        }
    }
    groups
}

/// A snapshot that comes in chunks.
#[derive(Debug)]
pub(super) struct Incoming<R> {
    history: Bytes,
    snapshot: Snapshot<R>,
}

impl<R: Record> Incoming<R> {
    /// Adds a chunk to what came before; gives the history and the snapshot when it is complete.
    pub(super) fn add(before: &mut Option<Self>, chunk: Chunk) -> Result<Option<(Bytes, Snapshot<R>)>, Malformed> {
        let revision = chunk.revision;
        let incoming = before.get_or_insert_with(|| Self {
            history: chunk.history.clone(),
            snapshot: Snapshot { revision, records: Vec::new(), broken: Vec::new() },
        });
        if incoming.history != chunk.history || incoming.snapshot.revision != revision {
            return Err(Malformed("chunks of different snapshots"));
        }
        for stored in chunk.records {
            let (key, version) = (stored.key, Version(stored.version));
            let read = match stored.content {
                Some(record::Content::Message(message)) => read(&key, &message),
                Some(record::Content::Broken(reason)) => Err(DecodeError::Told(reason)),
                None => return Err(Malformed("a record without content")),
            };
            match read {
                Ok(record) => incoming.snapshot.records.push(Versioned { version, record }),
                Err(reason) => incoming.snapshot.broken.push(Broken { key, version, reason }),
            }
        }
        if !chunk.last {
            return Ok(None);
        }
        Ok(before.take().map(|mut incoming| {
            incoming.snapshot.broken.sort_by(|a, b| a.key.cmp(&b.key));
            (incoming.history, incoming.snapshot)
        }))
    }
}

fn read<R: Record>(key: &str, message: &[u8]) -> Result<R, DecodeError> {
    let record = R::decode(message)?;
    if record.key() != key {
        return Err(DecodeError::OtherKey(record.key().to_owned()));
    }
    Ok(record)
}

/// A change as a watcher gets it. `None`: the record can't be read here, which only a snapshot can tell.
pub(super) fn read_change<R: Record>(change: proto::Change) -> Option<Change<R>> {
    match change.message {
        None => Some(Change::Delete(change.key)),
        Some(message) => {
            let version = Version(change.version);
            read(&change.key, &message).ok().map(|record| Change::Put { record: Arc::new(record), version })
        }
    }
}

/// A write as a message, unless it is larger than any server accepts.
pub(super) fn write<R: Record>(changes: &[Write<R>]) -> Result<proto::WriteRequest, StoreError> {
    if changes.len() > MAX_CHANGES {
        return Err(StoreError::TooManyChanges(changes.len()));
    }
    let mut bytes = 0;
    let one = |change: &Write<R>| {
        let message = match change {
            Write::Put { record, .. } => Some(Bytes::from(record.encode())),
            Write::Delete { .. } => None,
        };
        let key = change.key().to_owned();
        bytes += key.len() + message.as_ref().map_or(0, Bytes::len);
        let expected = change.expected().0;
        proto::ExpectedChange { change: Some(proto::Change { key, message, version: 0 }), expected }
    };
    let request = proto::WriteRequest { kind: R::KIND.to_owned(), changes: changes.iter().map(one).collect() };
    if bytes > MAX_WRITE_BYTES { Err(StoreError::TooManyBytes(bytes)) } else { Ok(request) }
}

/// A write as a server reads it: each change, or why it is refused.
pub(super) fn read_write<R: Record>(
    changes: Vec<proto::ExpectedChange>,
) -> Result<Vec<Result<Write<R>, Refusal>>, Malformed> {
    let one = |change: proto::ExpectedChange| {
        let expected = Version(change.expected);
        let proto::Change { key, message, .. } =
            change.change.ok_or(Malformed("an expected version without a change"))?;
        Ok(match message {
            None => Ok(Write::Delete { key, expected }),
            Some(message) => match read(&key, &message) {
                Ok(record) => Ok(Write::Put { record, expected }),
                // A store judges the size itself, but not of what it can't be given.
                Err(_) if message.len() > MAX_RECORD_BYTES => Err(Refusal::TooLarge { key, bytes: message.len() }),
                Err(reason) => Err(Refusal::Invalid(reason)),
            },
        })
    };
    changes.into_iter().map(one).collect()
}

/// An answer as a message.
pub(super) fn answer(answer: &Result<Version, Refusal>) -> proto::Answer {
    let outcome = match answer {
        Ok(version) => answer::Outcome::Version(version.0),
        Err(Refusal::Conflict { expected, found, .. }) => {
            answer::Outcome::Conflict(proto::Conflict { expected: expected.0, found: found.0 })
        }
        Err(Refusal::Invalid(reason)) => answer::Outcome::Invalid(reason.short()),
        Err(Refusal::TooLarge { bytes, .. }) => answer::Outcome::TooLarge(*bytes as u64),
    };
    proto::Answer { outcome: Some(outcome) }
}

/// The answer to the change of `key`.
pub(super) fn read_answer(key: &str, answer: proto::Answer) -> Result<Result<Version, Refusal>, Malformed> {
    let key = key.to_owned();
    Ok(match answer.outcome.ok_or(Malformed("an answer that says nothing"))? {
        answer::Outcome::Version(version) => Ok(Version(version)),
        answer::Outcome::Conflict(proto::Conflict { expected, found }) => {
            Err(Refusal::Conflict { key, expected: Version(expected), found: Version(found) })
        }
        answer::Outcome::Invalid(reason) => Err(Refusal::Invalid(DecodeError::Told(reason))),
        answer::Outcome::TooLarge(bytes) => {
            Err(Refusal::TooLarge { key, bytes: usize::try_from(bytes).unwrap_or(usize::MAX) })
        }
    })
}

#[cfg(test)]
mod tests;
