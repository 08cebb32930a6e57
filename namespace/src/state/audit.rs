//! Whether the tables agree with each other. Visits every row, so it is for tests and for a doctor, not for calls.

use anabranch_journal::Table;
use hashbrown::{HashMap, HashSet};
use prost::Message;

use super::record::{Extent, Inode, Use};
use super::view::View;
use super::{Fault, tables};

/// Rows that one step reads.
const STEP: usize = 1_000;

/// Every contradiction that is found, in words; empty: there is none.
///
/// # Errors
/// When a row cannot be read at all.
pub fn audit(view: &impl View) -> Result<Vec<String>, Fault> {
    let mut audit = Audit { view, inodes: HashMap::new(), orphans: HashSet::new(), bytes: 0, found: Vec::new() };
    each(view, tables::INODES, |key, value| {
        let inode = Inode::decode(value).map_err(|e| Fault::corrupt(tables::INODES, e))?;
        if tables::leading_number(key) != Some(inode.id) {
            audit.found.push(format!("inode {} stands under another number", inode.id));
        }
        audit.inodes.insert(inode.id, inode);
        Ok(())
    })?;
    each(view, tables::ORPHANS, |key, _| {
        audit.orphans.extend(tables::leading_number(key));
        Ok(())
    })?;
    audit.entries()?;
    audit.blocks()?;
    audit.leases()?;
    audit.counters()?;
    Ok(audit.found)
}

struct Audit<'v, V> {
    view: &'v V,
    inodes: HashMap<u64, Inode>,
    orphans: HashSet<u64>,
    /// Bytes in complete blocks.
    bytes: u64,
    found: Vec<String>,
}

impl<V: View> Audit<'_, V> {
    fn claim(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.found.push(otherwise());
        }
    }

    /// Every entry leads to an inode that says so, every inode has an entry or waits to be reaped, and directories know
    /// how many entries they have.
    fn entries(&mut self) -> Result<(), Fault> {
        let mut counts: HashMap<u64, u64> = HashMap::new();
        let mut linked = HashSet::new();
        each(self.view, tables::ENTRIES, |key, value| {
            let (parent, name) = (tables::leading_number(key).unwrap_or_default(), tables::entry_name(key));
            let child = tables::leading_number(value).unwrap_or_default();
            *counts.entry(parent).or_default() += 1;
            self.claim(linked.insert(child), || format!("inode {child} has two entries"));
            match self.inodes.get(&child) {
                None => self.found.push(format!("an entry of {parent} leads to inode {child}, which is not there")),
                Some(inode) if inode.parent != parent || inode.name.as_bytes() != name => {
                    self.found.push(format!("inode {child} does not know its entry in {parent}"));
                }
                Some(_) => {}
            }
            let is_dir = self.inodes.get(&parent).is_some_and(Inode::is_dir);
            self.claim(is_dir, || format!("entry of {parent}, which is not a directory"));
            Ok(())
        })?;
        let mut problems = Vec::new();
        for inode in self.inodes.values() {
            let id = inode.id;
            let waits = self.orphans.contains(&id);
            if id != tables::ROOT && !linked.contains(&id) && !waits {
                problems.push(format!("inode {id} is lost"));
            }
            let count = counts.get(&id).copied().unwrap_or(0);
            if inode.is_dir() && !waits && inode.children != count {
                problems.push(format!("directory {id} has {count} entries, and says {}", inode.children));
            }
        }
        self.found.append(&mut problems);
        Ok(())
    }

    /// Every block of a file is where the file says, and every block is used once.
    fn blocks(&mut self) -> Result<(), Fault> {
        let mut ends: HashMap<u64, (u32, u64)> = HashMap::new();
        each(self.view, tables::EXTENTS, |key, value| {
            let extent = Extent::decode(value).map_err(|e| Fault::corrupt(tables::EXTENTS, e))?;
            let inode = tables::leading_number(key).unwrap_or_default();
            let (index, end) = ends.entry(inode).or_default();
            let here = Use { inode, index: *index };
            let fits = key == tables::extent(inode, *index) && extent.offset == *end;
            let used = self.view.block(extent.block)?;
            *index += 1;
            *end = extent.offset + extent.stored();
            self.bytes += extent.stored();
            self.claim(fits, || format!("block {} of inode {inode} is out of line", extent.block));
            self.claim(used.as_ref() == Some(&here), || format!("block {} does not know its file", extent.block));
            Ok(())
        })?;
        each(self.view, tables::BLOCKS, |key, value| {
            let used = Use::decode(value).map_err(|e| Fault::corrupt(tables::BLOCKS, e))?;
            let block = tables::leading_number(key).unwrap_or_default();
            let extent: Option<Extent> = self.view.record(tables::EXTENTS, &tables::extent(used.inode, used.index))?;
            let known = extent.is_some_and(|extent| extent.block == block);
            self.claim(known, || format!("block {block} says that inode {} has it", used.inode));
            Ok(())
        })?;
        let mut problems = Vec::new();
        for inode in self.inodes.values() {
            let Some(file) = &inode.file else { continue };
            let (blocks, bytes) = ends.remove(&inode.id).unwrap_or_default();
            if (file.blocks, file.length) != (blocks, bytes) && !self.orphans.contains(&inode.id) {
                problems.push(format!(
                    "file {} has {blocks} blocks with {bytes} bytes, and says {} with {}",
                    inode.id, file.blocks, file.length
                ));
            }
        }
        problems.extend(ends.keys().map(|inode| format!("blocks of inode {inode}, which is not there")));
        self.found.append(&mut problems);
        Ok(())
    }

    /// Leases and open files are the same.
    fn leases(&mut self) -> Result<(), Fault> {
        let mut leases = HashSet::new();
        each(self.view, tables::LEASES, |key, _| {
            leases.insert(key.to_vec());
            Ok(())
        })?;
        let mut problems = Vec::new();
        for inode in self.inodes.values().filter(|inode| !self.orphans.contains(&inode.id)) {
            let Some(writer) = inode.file.as_ref().and_then(|file| file.writer.as_ref()) else { continue };
            if !leases.remove(&tables::lease(&writer.holder, inode.id)) {
                problems.push(format!("file {} is open without a lease", inode.id));
            }
        }
        let orphaned = |key: &Vec<u8>| {
            let inode = key.len().checked_sub(8).and_then(|at| tables::leading_number(&key[at..]));
            inode.is_some_and(|id| self.orphans.contains(&id))
        };
        problems.extend(
            leases
                .iter()
                .filter(|key| !orphaned(key))
                .map(|key| format!("a lease without an open file: {}", key.escape_ascii())),
        );
        self.found.append(&mut problems);
        Ok(())
    }

    fn counters(&mut self) -> Result<(), Fault> {
        let counters = self.view.counters()?;
        let mut blocks = 0;
        each(self.view, tables::BLOCKS, |key, _| {
            blocks += 1;
            let block = tables::leading_number(key).unwrap_or_default();
            self.claim(block < counters.next_block, || format!("block {block} has a number of the future"));
            Ok(())
        })?;
        let inodes = self.inodes.len() as u64;
        let newest = self.inodes.keys().max().copied().unwrap_or_default();
        self.claim(newest < counters.next_inode, || format!("inode {newest} has a number of the future"));
        self.claim(inodes == counters.inodes, || format!("{inodes} inodes, counted are {}", counters.inodes));
        let bytes = self.bytes;
        self.claim(bytes == counters.bytes, || format!("{bytes} bytes, counted are {}", counters.bytes));
        self.claim(blocks == counters.blocks, || format!("{blocks} blocks, counted are {}", counters.blocks));
        Ok(())
    }
}

/// Shows every row of a table.
fn each(view: &impl View, table: Table, mut show: impl FnMut(&[u8], &[u8]) -> Result<(), Fault>) -> Result<(), Fault> {
    let mut from = Vec::new();
    loop {
        let rows = view.scan(table, &from, None, STEP)?;
        for (key, value) in &rows {
            show(key, value)?;
        }
        match rows.last() {
            Some((key, _)) if rows.len() == STEP => from = [key, &[0][..]].concat(),
            _ => return Ok(()),
        }
    }
}
