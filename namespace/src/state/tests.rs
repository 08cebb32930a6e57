//! The operations on a journal in a temporary directory, one commit per operation.

mod files;
mod hostile;
mod model;
mod permissions;
mod recovery;
mod tree;

use anabranch_journal::{Journal, Options, RocksJournal};

use super::access::Caller;
use super::audit::audit;
use super::leases::Leases;
use super::ops::{self, Create, Format};
use super::record::{Identity, Inode};
use super::resolve::{Purpose, Resolved, resolve};
use super::view::View;
use super::{Fault, Limits, Moment, Txn, tables};

pub struct Rig {
    dir: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    journal: Option<RocksJournal>,
    pub limits: Limits,
    pub leases: Leases,
    pub now: u64,
}

impl Rig {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let journal = Some(open(dir.path()));
        let limits = Limits::default();
        let mut rig = Self { dir, runtime, journal, limits, leases: Leases::new(60, 600), now: 1_000 };
        let format = Format { identity: Identity::default(), owner: "root".into(), group: "supergroup".into() };
        rig.run(|txn| ops::format(txn, format)).unwrap();
        rig
    }

    pub fn journal(&self) -> &RocksJournal {
        self.journal.as_ref().unwrap()
    }

    /// Runs an operation and commits it.
    pub fn run<R>(&mut self, op: impl FnOnce(&mut Txn<'_>) -> Result<R, Fault>) -> Result<R, Fault> {
        self.group(|txn, now| txn.run(now, op))
    }

    /// Runs several operations and commits them together.
    pub fn group<R>(&mut self, ops: impl FnOnce(&mut Txn<'_>, Moment) -> R) -> R {
        self.now += 1;
        let now = Moment { wall: self.now, monotonic: self.now };
        let journal = self.journal.as_ref().unwrap();
        let mut txn = Txn::new(journal, &self.limits, &self.leases);
        let result = ops(&mut txn, now);
        self.runtime.block_on(journal.commit(txn.into_batch())).unwrap();
        result
    }

    pub fn find(&self, path: &str) -> Resolved {
        resolve(&self.journal().snapshot(), &root(), path, Purpose::Use).unwrap()
    }

    pub fn inode(&self, path: &str) -> Inode {
        self.find(path).target().cloned().unwrap_or_else(|| panic!("no {path}"))
    }

    pub fn exists(&self, path: &str) -> bool {
        self.find(path).target().is_some()
    }

    pub fn mkdirs(&mut self, path: &str) {
        self.run(|txn| ops::mkdirs(txn, &root(), path, 0o755, true)).unwrap();
    }

    /// Makes a closed file with blocks of these lengths.
    pub fn file(&mut self, path: &str, lengths: &[u64]) -> Inode {
        let inode = self.run(|txn| ops::create(txn, &root(), &ask(path))).unwrap();
        let mut last = None;
        for &length in lengths {
            let added = self.run(|txn| ops::add_block(txn, &root(), named(path), last)).unwrap().extent;
            let block = crate::block::BlockId { id: added.block, generation: added.generation };
            last = Some((block, length));
        }
        assert!(self.run(|txn| ops::complete(txn, &root(), named(path), last)).unwrap());
        inode
    }

    /// Reaps once from the first orphan to the last, in steps.
    pub fn reap(&mut self, budget: usize) {
        let mut next = Some(ops::Place::default());
        while let Some(from) = next {
            next = self.run(|txn| ops::reap(txn, &from, budget)).unwrap();
        }
    }

    /// Reaps until nothing is left, then checks that the tables agree.
    pub fn settle(&mut self) {
        while self.rows(tables::ORPHANS) > 0 {
            self.reap(7);
        }
        assert_eq!(audit(&self.journal().snapshot()).unwrap(), Vec::<String>::new());
    }

    /// Opens the journal again, as after a restart.
    pub fn restart(&mut self) {
        self.journal = None;
        self.journal = Some(open(self.dir.path()));
    }

    pub fn rows(&self, table: anabranch_journal::Table) -> usize {
        View::scan(&self.journal().snapshot(), table, &[], None, usize::MAX).unwrap().len()
    }
}

fn open(dir: &std::path::Path) -> RocksJournal {
    RocksJournal::open(dir, tables::ALL, &Options::default()).unwrap()
}

pub fn root() -> Caller {
    Caller { superuser: true, ..user("root") }
}

pub fn user(name: &str) -> Caller {
    let groups = [name.into()].into_iter().collect();
    Caller { user: name.into(), groups, superuser: false, machine: "127.0.0.1".into() }
}

pub fn ask(path: &str) -> Create {
    Create {
        path: path.into(),
        mode: 0o644,
        holder: "client".into(),
        create: true,
        overwrite: false,
        create_parent: true,
        replication: 1,
        block_size: 100,
    }
}

pub fn named(path: &str) -> ops::Named<'_> {
    ops::Named { path, id: 0, holder: "client" }
}
