//! One operation at work: the state as it sees it, and the changes that it makes.

use anabranch_journal::{Batch, Journal, Table};
use prost::Message;

use super::leases::Leases;
use super::overlay::Overlay;
use super::record::{Answer, Counters, Extent, Inode, Use, Writer};
use super::resolve::Resolved;
use super::view::{Row, View};
use super::{Fault, Kind, tables};

/// The time of an operation, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Since the epoch; what files' times are set to.
    pub wall: u64,
    /// On a clock that never jumps; what leases are measured with.
    pub monotonic: u64,
}

/// What an operation may at most create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// `dfs.namenode.fs-limits.max-component-length`, in bytes; 0: none.
    pub name_bytes: usize,
    /// `dfs.namenode.fs-limits.max-directory-items`.
    pub directory_items: u64,
    /// `dfs.namenode.fs-limits.min-block-size`, in bytes.
    pub min_block_size: u64,
    /// `dfs.namenode.fs-limits.max-blocks-per-file`.
    pub blocks_per_file: u32,
    /// `dfs.replication.max`.
    pub max_replication: u32,
    /// How long an answer is kept for a repeated call, in milliseconds (`dfs.namenode.retrycache.expirytime.millis`).
    pub answer_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            name_bytes: 255,
            directory_items: 1 << 20,
            min_block_size: 0,
            blocks_per_file: 10_000,
            max_replication: 512,
            answer_ms: 600_000,
        }
    }
}

/// Runs operations one after the other, and collects their changes for one commit.
pub struct Txn<'j> {
    overlay: Overlay<'j>,
    /// What may be created.
    pub limits: &'j Limits,
    /// Who was heard of when.
    pub leases: &'j Leases,
    /// The running operation's time.
    pub now: Moment,
}

impl View for Txn<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.overlay.get(table, key)
    }

    fn scan(&self, table: Table, from: &[u8], to: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, Fault> {
        self.overlay.scan(table, from, to, limit)
    }
}

impl<'j> Txn<'j> {
    /// Nothing is changed yet.
    pub fn new(journal: &'j dyn Journal, limits: &'j Limits, leases: &'j Leases) -> Self {
        Self { overlay: Overlay::new(journal), limits, leases, now: Moment { wall: 0, monotonic: 0 } }
    }

    /// Runs one operation: all of its changes are taken, or, when it fails, none.
    pub fn run<R>(&mut self, now: Moment, op: impl FnOnce(&mut Self) -> Result<R, Fault>) -> Result<R, Fault> {
        self.now = now;
        let result = op(self);
        if result.is_ok() {
            self.overlay.accept()
        } else {
            self.overlay.discard()
        }
        result
    }

    /// Forgets what an operation changed that did not end.
    pub fn forget(&mut self) {
        self.overlay.discard();
    }

    /// Runs an operation that must not be executed twice: a repeated call gets the first one's result message.
    pub fn run_once<M: Message + Default>(
        &mut self,
        now: Moment,
        call: Option<&[u8]>,
        op: impl FnOnce(&mut Self) -> Result<M, Fault>,
    ) -> Result<M, Fault> {
        let Some(call) = call else { return self.run(now, op) };
        self.run(now, |txn| {
            if let Some(answer) = txn.record::<Answer>(tables::ANSWERS, call)? {
                return M::decode(answer.result).map_err(|e| Fault::corrupt(tables::ANSWERS, e));
            }
            let result = op(txn)?;
            if txn.overlay.is_dirty() {
                let expires = now.wall + txn.limits.answer_ms;
                let answer = Answer { expires, result: result.encode_to_vec().into() };
                txn.put(tables::ANSWERS, call, &answer);
                txn.overlay.put(tables::EXPIRIES, tables::expiry(expires, call), []);
            }
            Ok(result)
        })
    }

    /// Number of keys that the operations so far change.
    pub fn changes(&self) -> usize {
        self.overlay.len()
    }

    /// The changes of all operations that succeeded.
    pub fn into_batch(self) -> Batch {
        self.overlay.into_batch()
    }

    /// Writes a record.
    pub fn put(&mut self, table: Table, key: impl AsRef<[u8]>, record: &impl Message) {
        self.overlay.put(table, key.as_ref(), record.encode_to_vec());
    }

    /// Removes a key.
    pub fn remove(&mut self, table: Table, key: impl AsRef<[u8]>) {
        self.overlay.delete(table, key.as_ref());
    }

    /// Writes an inode.
    pub fn put_inode(&mut self, inode: &Inode) {
        self.put(tables::INODES, tables::number(inode.id), inode);
    }

    /// Changes the counters, and returns what the change returns.
    pub fn count<R>(&mut self, change: impl FnOnce(&mut Counters) -> R) -> Result<R, Fault> {
        let mut counters = self.counters()?;
        let result = change(&mut counters);
        self.put(tables::META, tables::COUNTERS, &counters);
        Ok(result)
    }

    /// A generation stamp that was never used.
    pub fn next_generation(&mut self) -> Result<u64, Fault> {
        self.count(|c| {
            c.next_generation += 1;
            c.next_generation - 1
        })
    }

    /// Makes an inode in a directory, with the next number. `dir` gets the new entry count and time.
    pub fn create(&mut self, dir: &mut Inode, dir_path: &str, mut inode: Inode) -> Result<Inode, Fault> {
        self.check_entry(dir, dir_path, &inode.name)?;
        inode.id = self.count(|c| {
            c.inodes += 1;
            c.next_inode += 1;
            c.next_inode - 1
        })?;
        self.link(dir, inode)
    }

    /// Whether the limits allow a new entry.
    pub fn check_entry(&self, dir: &Inode, dir_path: &str, name: &str) -> Result<(), Fault> {
        let (limit, found) = (self.limits.name_bytes, name.len());
        if limit > 0 && found > limit {
            return Err(Fault::new(
                Kind::NameTooLong,
                format!(
                    "The maximum path component name limit of {name} in directory {dir_path} is exceeded: \
                     limit={limit} length={found}"
                ),
            ));
        }
        let (limit, found) = (self.limits.directory_items, dir.children);
        if found >= limit {
            let words =
                format!("The directory item limit of {dir_path} is exceeded: limit={limit} items={}", found + 1);
            return Err(Fault::new(Kind::MaxDirectoryItems, words));
        }
        Ok(())
    }

    /// Puts an inode under its name into a directory.
    pub fn link(&mut self, dir: &mut Inode, mut inode: Inode) -> Result<Inode, Fault> {
        inode.parent = dir.id;
        dir.children += 1;
        dir.mtime = self.now.wall;
        self.put_inode(dir);
        self.put_inode(&inode);
        let mut value = tables::number(inode.id).to_vec();
        value.push(u8::from(inode.is_dir()));
        self.overlay.put(tables::ENTRIES, tables::entry(dir.id, inode.name.as_bytes()), value);
        Ok(inode)
    }

    /// Takes an inode out of its directory. What becomes of the inode is the caller's to say.
    pub fn unlink(&mut self, dir: &mut Inode, inode: &Inode) {
        dir.children = dir.children.saturating_sub(1);
        dir.mtime = self.now.wall;
        self.put_inode(dir);
        self.remove(tables::ENTRIES, tables::entry(dir.id, inode.name.as_bytes()));
    }

    /// Unlinks what a path leads to and leaves it to the reaper. Its lease, if it is an open file, is gone at once.
    pub fn discard(&mut self, path: &Resolved) -> Result<(), Fault> {
        let (Some(dir), Some(inode)) = (path.parent(), path.target()) else { return Ok(()) };
        let (mut dir, mut inode) = (dir.clone(), inode.clone());
        self.unlink(&mut dir, &inode);
        inode.parent = 0;
        self.put_inode(&inode);
        self.release(&inode);
        self.overlay.put(tables::ORPHANS, tables::number(inode.id), []);
        Ok(())
    }

    /// Leaves an unlinked inode to the reaper.
    pub fn orphan(&mut self, inode: u64) {
        self.overlay.put(tables::ORPHANS, tables::number(inode), []);
    }

    /// Writes a block of a file, and where it is used.
    pub fn put_extent(&mut self, inode: u64, index: u32, extent: &Extent) -> Result<(), Fault> {
        let key = tables::extent(inode, index);
        let before = self.record::<Extent>(tables::EXTENTS, &key)?.map_or(0, |extent| extent.stored());
        self.put(tables::EXTENTS, key, extent);
        self.put(tables::BLOCKS, tables::number(extent.block), &Use { inode, index });
        let after = extent.stored();
        if before == after { Ok(()) } else { self.count(|c| c.bytes = (c.bytes + after).saturating_sub(before)) }
    }

    /// Takes a block from a file, to be put into another.
    pub fn take_extent(&mut self, inode: u64, index: u32, extent: &Extent) -> Result<(), Fault> {
        self.remove(tables::EXTENTS, tables::extent(inode, index));
        self.count(|c| c.bytes = c.bytes.saturating_sub(extent.stored()))
    }

    /// Removes a block from a file; its replica is deleted later.
    pub fn drop_extent(&mut self, inode: u64, index: u32, extent: &Extent) -> Result<(), Fault> {
        self.take_extent(inode, index, extent)?;
        self.remove(tables::BLOCKS, tables::number(extent.block));
        self.overlay.put(tables::GARBAGE, tables::number(extent.block), []);
        self.count(|c| c.blocks = c.blocks.saturating_sub(1))
    }

    /// Opens a file for a writer.
    pub fn lease(&mut self, inode: &mut Inode, writer: Writer) {
        self.release(inode);
        self.overlay.put(tables::LEASES, tables::lease(&writer.holder, inode.id), []);
        self.leases.start(&writer.holder, self.now.monotonic);
        if let Some(file) = &mut inode.file {
            file.writer = Some(writer);
        }
        self.put_inode(inode);
    }

    /// Removes the lease row of an open file.
    pub fn release(&mut self, inode: &Inode) {
        if let Some(writer) = inode.file.as_ref().and_then(|f| f.writer.as_ref()) {
            self.remove(tables::LEASES, tables::lease(&writer.holder, inode.id));
        }
    }

    /// Closes a file, now.
    pub fn close(&mut self, inode: &mut Inode) {
        self.release(inode);
        if let Some(file) = &mut inode.file {
            file.writer = None;
        }
        inode.mtime = self.now.wall;
        self.put_inode(inode);
    }
}
