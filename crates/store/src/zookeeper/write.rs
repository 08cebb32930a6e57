//! How changes are judged and made: what is there is read, and all that passes is one transaction that demands that it is
//! still there.
//!
//! ZooKeeper compares the version of a node's data, which counts from 0 again when the node is removed and made anew. So
//! whoever removes a record writes the directory's data as well, and whoever writes one demands that nobody has done so.
//! Java routers don't: what they remove and make anew between reading and writing is overwritten, but not unnoticed.

use std::collections::HashMap;

use super::layout::{self, Kind};
use super::protocol::{Op, Outcome, Request, Stat, code, outcome};
use super::wire::In;
use super::*;
use crate::writer::admit;

/// How often changes are judged anew because others were quicker.
const ATTEMPTS: u32 = 16;
/// Servers take a megabyte (`jute.maxbuffer`), with what they add.
const MAX_REQUEST: usize = 0xf_ffff - 1024;
/// The version of what the same write has written, before it has one.
const OURS: Version = Version(u64::MAX);

/// What is in the node of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct There {
    /// The transaction that made the node.
    created: u64,
    /// Of the record; a node that is being filled has none.
    version: Version,
    /// Of the node's data.
    data: i32,
}

impl There {
    fn new(stat: &Stat) -> Self {
        let version = if stat.length == 0 { Version::ABSENT } else { Version(stat.modified) };
        Self { created: stat.created, version, data: stat.version }
    }
}

/// What is known before a write.
#[derive(Debug)]
struct Known {
    /// The directory's data, and its version.
    directory: (Vec<u8>, i32),
    /// The nodes that change, by name.
    there: HashMap<String, There>,
}

/// Changes that passed their preconditions, and the answers for all.
#[derive(Debug, PartialEq)]
struct Judged {
    ops: Vec<Op>,
    answers: Vec<Result<(), Refusal>>,
}

pub(super) async fn write<R: Held>(
    inner: Arc<Inner>,
    changes: Vec<Write<R>>,
) -> Result<Vec<Result<Version, Refusal>>, StoreError> {
    let kept = inner.follow::<R>();
    let directory = kept.inbox.directory();
    // The changes are watched from before they are made.
    inner.reached(kept, 0).await?;
    let mut lost_to = None;
    for _ in 0..ATTEMPTS {
        let known = match inner.known(directory, &changes).await {
            Err(ZooKeeperError::Refused { code: code::NO_NODE, .. }) => {
                layout::ensure(&inner.session, directory, &inner.options.acl).await?;
                continue;
            }
            known => known?,
        };
        let Judged { ops, answers } = judge(directory, &changes, known.there.clone());
        if ops.is_empty() {
            return Ok(answers.into_iter().map(|answer| answer.map(|()| Version::ABSENT)).collect());
        }
        let ops = guarded(directory, known.directory, ops);
        let request = Request::multi(directory, &ops);
        let bytes = request.body.len();
        if bytes > MAX_REQUEST {
            return Err(ZooKeeperError::TooLarge { bytes, limit: MAX_REQUEST }.into());
        }
        let (refused, answer) = match inner.session.call(request).await {
            Ok(answer) => match outcome(&answer.body)? {
                Outcome::Made(nodes) => {
                    let zxid = nodes.iter().flatten().map(|stat| stat.modified).max();
                    let version = Version(zxid.unwrap_or(answer.zxid));
                    // It is done, whether or not watchers see it soon.
                    kept.inbox.poke();
                    let _ = inner.reached(kept, version.0).await;
                    if let Some(path) = remade(directory, &ops, &nodes, &known.there) {
                        return Err(ZooKeeperError::Remade { path: path.to_owned() }.into());
                    }
                    return Ok(answers.into_iter().map(|answer| settle(answer, version)).collect());
                }
                Outcome::Refused(code) => (code, ZooKeeperError::Refused { code, path: directory.to_owned() }),
            },
            Err(ZooKeeperError::Refused { code, path }) => (code, ZooKeeperError::Refused { code, path }),
            Err(error) => return Err(error.into()),
        };
        match refused {
            code::BAD_VERSION | code::NODE_EXISTS => {}
            code::NO_NODE => layout::ensure(&inner.session, directory, &inner.options.acl).await?,
            _ => return Err(answer.into()),
        }
        lost_to = changes.iter().zip(&answers).find(|(_, answer)| answer.is_ok()).map(|(change, _)| change);
    }
    let refusal = lost_to.map_or(Refusal::Invalid(DecodeError::Missing("key")), |change| Refusal::Conflict {
        key: change.key().to_owned(),
        expected: change.expected(),
        found: change.expected(),
    });
    Err(StoreError::Contended { attempts: ATTEMPTS, refusal })
}

/// The answer, now that the version is known.
fn settle(answer: Result<(), Refusal>, version: Version) -> Result<Version, Refusal> {
    match answer {
        Ok(()) => Ok(version),
        Err(Refusal::Conflict { key, expected, found: OURS }) => {
            Err(Refusal::Conflict { key, expected, found: version })
        }
        Err(refusal) => Err(refusal),
    }
}

impl Inner {
    /// What is in the nodes that change. The directory is read before them.
    async fn known<R: Kind>(&self, directory: &str, changes: &[Write<R>]) -> Result<Known, ZooKeeperError> {
        // The version that is expected may be from another member, which knew more.
        let sync = self.session.call(Request::sync(directory));
        let above = self.session.call(Request::get_data(directory));
        let names: std::collections::BTreeSet<String> =
            changes.iter().map(|change| layout::name(change.key())).collect();
        let stats = stream::iter(names).map(|name| async move {
            match self.session.call(Request::exists(&format!("{directory}/{name}"))).await {
                Ok(answer) => Ok(Some((name, There::new(&Stat::read(&mut In(&answer.body))?)))),
                Err(ZooKeeperError::Refused { code: code::NO_NODE, .. }) => Ok(None),
                Err(error) => Err(error),
            }
        });
        let (synced, above, stats): (_, _, Vec<_>) =
            tokio::join!(biased; sync, above, stats.buffered(PIPELINED).collect());
        synced?;
        let above = above?.body;
        let mut from = In(&above);
        let directory = (from.bytes()?.to_vec(), Stat::read(&mut from)?.version);
        Ok(Known { directory, there: stats.into_iter().filter_map(Result::transpose).collect::<Result<_, _>>()? })
    }
}

/// The changes, if the directory is still as it was read. One that removes records writes its data anew.
fn guarded(directory: &str, (data, version): (Vec<u8>, i32), mut ops: Vec<Op>) -> Vec<Op> {
    let path = directory.to_owned();
    let removes = ops.iter().any(|op| matches!(op, Op::Delete { .. }));
    ops.insert(0, if removes { Op::Set { path, data, version } } else { Op::Check { path, version } });
    ops
}

/// The first node that was overwritten though it was not the one that was read, nor made by the same transaction.
fn remade<'o>(
    directory: &str,
    ops: &'o [Op],
    nodes: &[Option<Stat>],
    there: &HashMap<String, There>,
) -> Option<&'o str> {
    ops.iter().zip(nodes).find_map(|(op, stat)| {
        let (Op::Set { path, .. }, Some(stat)) = (op, stat) else { return None };
        let read = there.get(path.strip_prefix(directory)?.strip_prefix('/')?)?;
        (stat.created != read.created && stat.created != stat.modified).then_some(path.as_str())
    })
}

fn judge<R: Kind>(directory: &str, changes: &[Write<R>], mut there: HashMap<String, There>) -> Judged {
    let mut judged = Judged { ops: Vec::new(), answers: Vec::with_capacity(changes.len()) };
    for change in changes {
        let name = layout::name(change.key());
        let path = format!("{directory}/{name}");
        let node = there.get(&name).copied();
        let answer = admit(change, node.map_or(Version::ABSENT, |node| node.version));
        if answer.is_ok() {
            match (change, node) {
                (Write::Put { record, .. }, None) => {
                    judged.ops.push(Op::Create { path, data: layout::seal(record) });
                    there.insert(name, There { created: OURS.0, version: OURS, data: 0 });
                }
                (Write::Put { record, .. }, Some(There { created, data: version, .. })) => {
                    judged.ops.push(Op::Set { path, data: layout::seal(record), version });
                    there.insert(name, There { created, version: OURS, data: version.wrapping_add(1) });
                }
                (Write::Delete { .. }, node) => {
                    let version = node.map_or(-1, |node| node.data);
                    judged.ops.push(Op::Delete { path, version });
                    there.remove(&name);
                }
            }
        }
        judged.answers.push(answer);
    }
    judged
}

#[cfg(test)]
mod tests;
