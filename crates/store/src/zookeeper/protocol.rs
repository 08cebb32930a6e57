//! The requests of ZooKeeper that the store makes, and their answers.

use super::ZooKeeperError;
use super::options::Acl;
use super::wire::{In, Out};

/// Error codes of answers.
pub(super) mod code {
    pub(crate) const UNIMPLEMENTED: i32 = -6;
    pub(crate) const NO_NODE: i32 = -101;
    pub(crate) const BAD_VERSION: i32 = -103;
    pub(crate) const NODE_EXISTS: i32 = -110;
    pub(crate) const SESSION_EXPIRED: i32 = -112;
    pub(crate) const AUTH_FAILED: i32 = -115;
    pub(crate) const SESSION_MOVED: i32 = -118;
    pub(crate) const MUST_AUTHENTICATE: i32 = -124;
}

const CREATE: i32 = 1;
const DELETE: i32 = 2;
const EXISTS: i32 = 3;
const GET_DATA: i32 = 4;
const SET_DATA: i32 = 5;
const SYNC: i32 = 9;
const GET_CHILDREN: i32 = 8;
const CHECK: i32 = 13;
const MULTI: i32 = 14;
const CREATE_WITH_STAT: i32 = 15;
const ADD_WATCH: i32 = 106;

/// A watch on a node and all below it, that stays.
const PERSISTENT_RECURSIVE: i32 = 1;

/// A request without its header.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) op: i32,
    pub(super) body: Vec<u8>,
    /// What it is about, for messages.
    pub(super) path: String,
}

impl Request {
    fn new(op: i32, path: &str, write: impl FnOnce(&mut Out)) -> Self {
        let mut out = Out::default();
        write(&mut out);
        Self { op, body: out.0, path: path.to_owned() }
    }

    pub(super) fn exists(path: &str) -> Self {
        Self::new(EXISTS, path, |out| _ = out.text(path).flag(false))
    }

    pub(super) fn get_data(path: &str) -> Self {
        Self::new(GET_DATA, path, |out| _ = out.text(path).flag(false))
    }

    pub(super) fn get_children(path: &str) -> Self {
        Self::new(GET_CHILDREN, path, |out| _ = out.text(path).flag(false))
    }

    /// Brings the member to what the leader had committed before.
    pub(super) fn sync(path: &str) -> Self {
        Self::new(SYNC, path, |out| _ = out.text(path))
    }

    pub(super) fn add_watch(path: &str) -> Self {
        Self::new(ADD_WATCH, path, |out| _ = out.text(path).int(PERSISTENT_RECURSIVE))
    }

    pub(super) fn create(path: &str, acl: &[Acl]) -> Self {
        Self::new(CREATE, path, |out| create(out, path, b"", acl))
    }

    pub(super) fn multi(path: &str, ops: &[Op]) -> Self {
        Self::new(MULTI, path, |out| {
            for op in ops {
                op.write(out);
            }
            out.int(-1).flag(true).int(-1);
        })
    }
}

fn create(out: &mut Out, path: &str, data: &[u8], acl: &[Acl]) {
    out.text(path).bytes(data).int(i32::try_from(acl.len()).unwrap_or(i32::MAX));
    for acl in acl {
        out.int(acl.permissions).text(&acl.scheme).text(&acl.id);
    }
    // Persistent, without a sequence number.
    out.int(0);
}

/// One of the changes that are made together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Op {
    Create {
        path: String,
        data: Vec<u8>,
    },
    Set {
        path: String,
        data: Vec<u8>,
        version: i32,
    },
    Delete {
        path: String,
        version: i32,
    },
    /// Changes nothing, and demands that the data has this version.
    Check {
        path: String,
        version: i32,
    },
}

impl Op {
    fn write(&self, out: &mut Out) {
        let kind = match self {
            Self::Create { .. } => CREATE_WITH_STAT,
            Self::Set { .. } => SET_DATA,
            Self::Delete { .. } => DELETE,
            Self::Check { .. } => CHECK,
        };
        out.int(kind).flag(false).int(-1);
        match self {
            Self::Create { path, data } => create(out, path, data, &[Acl::open()]),
            Self::Set { path, data, version } => _ = out.text(path).bytes(data).int(*version),
            Self::Delete { path, version } | Self::Check { path, version } => _ = out.text(path).int(*version),
        }
    }
}

/// What is known of a node beside its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Stat {
    /// The transaction that made the node.
    pub(super) created: u64,
    /// The transaction that wrote the data last.
    pub(super) modified: u64,
    pub(super) created_ms: u64,
    pub(super) modified_ms: u64,
    /// Counts the writes of the data.
    pub(super) version: i32,
    pub(super) length: i32,
    /// The transaction that made or removed a child last.
    pub(super) children: u64,
}

impl Stat {
    pub(super) fn read(from: &mut In<'_>) -> Result<Self, ZooKeeperError> {
        let created = from.long()?.cast_unsigned();
        let modified = from.long()?.cast_unsigned();
        let created_ms = from.long()?.cast_unsigned();
        let modified_ms = from.long()?.cast_unsigned();
        let version = from.int()?;
        let (_children_version, _acl_version, _owner) = (from.int()?, from.int()?, from.long()?);
        let length = from.int()?;
        let _children_count = from.int()?;
        let children = from.long()?.cast_unsigned();
        Ok(Self { created, modified, created_ms, modified_ms, version, length, children })
    }
}

/// What came of the changes that were to be made together.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All were made; what is known of each node afterwards, where the answer says so.
    Made(Vec<Option<Stat>>),
    /// None was made, for this reason.
    Refused(i32),
}

/// Reads the answer to [`Request::multi`].
pub(super) fn outcome(body: &[u8]) -> Result<Outcome, ZooKeeperError> {
    let (mut from, mut made) = (In(body), Vec::new());
    let mut refused = None;
    loop {
        let (kind, done, _error) = (from.int()?, from.flag()?, from.int()?);
        if done {
            return Ok(refused.map_or(Outcome::Made(made), Outcome::Refused));
        }
        match kind {
            // Of the changes that were not tried because of another's failure, and those that were undone, nothing is said.
            -1 => refused = refused.or(Some(from.int()?).filter(|code| !matches!(code, 0 | -2))),
            CREATE_WITH_STAT => {
                from.text()?;
                made.push(Some(Stat::read(&mut from)?));
            }
            SET_DATA => made.push(Some(Stat::read(&mut from)?)),
            DELETE | CHECK => made.push(None),
            _ => return Err(ZooKeeperError::Malformed),
        }
    }
}

/// A node that was made, changed or removed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Happened<'a> {
    pub(super) path: &'a str,
    pub(super) removed: bool,
}

impl<'a> Happened<'a> {
    pub(super) fn read(body: &'a [u8]) -> Result<Self, ZooKeeperError> {
        let mut from = In(body);
        let (kind, _state) = (from.int()?, from.int()?);
        Ok(Self { path: from.text()?, removed: kind == 2 })
    }
}
