//! Typed reading of the tables, the same for the committed state and for what an operation is about to commit.

use anabranch_journal::{Snapshot, Table, prefix_end};
use prost::Message;

use super::Fault;
use super::record::{Counters, Extent, File, Identity, Inode, Use};
use super::tables;

/// One key and its value.
pub type Row = (Box<[u8]>, Box<[u8]>);

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its number.
    pub inode: u64,
    /// Whether it is a directory.
    pub is_dir: bool,
}

/// A state of the tables.
pub trait View {
    /// The value of a key.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Fault>;

    /// At most `limit` keys at or above `from` and below `to`, in byte order.
    fn scan(&self, table: Table, from: &[u8], to: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, Fault>;

    /// A record by its key.
    fn record<M: Message + Default>(&self, table: Table, key: &[u8]) -> Result<Option<M>, Fault> {
        let Some(value) = self.get(table, key)? else { return Ok(None) };
        M::decode(&value[..]).map(Some).map_err(|error| Fault::corrupt(table, error))
    }

    /// An inode that is known to exist.
    fn inode(&self, id: u64) -> Result<Inode, Fault> {
        self.find_inode(id)?.ok_or_else(|| Fault::corrupt(tables::INODES, format!("no inode {id}")))
    }

    /// An inode, if there is one.
    fn find_inode(&self, id: u64) -> Result<Option<Inode>, Fault> {
        self.record(tables::INODES, &tables::number(id))
    }

    /// The entry of a directory with this name.
    fn child(&self, parent: u64, name: &str) -> Result<Option<Inode>, Fault> {
        match self.get(tables::ENTRIES, &tables::entry(parent, name.as_bytes()))? {
            Some(value) => entry_target(&value).and_then(|(id, _)| self.inode(id)).map(Some),
            None => Ok(None),
        }
    }

    /// At most `limit` entries of a directory with names above `after` (empty: all), in the order of a NameNode.
    fn children(&self, parent: u64, after: &[u8], limit: usize) -> Result<Vec<Entry>, Fault> {
        let mut from = tables::entry(parent, after);
        if !after.is_empty() {
            from.push(0);
        }
        let to = prefix_end(&tables::number(parent));
        let rows = self.scan(tables::ENTRIES, &from, to.as_deref(), limit)?;
        rows.iter()
            .map(|(key, value)| {
                let name =
                    String::from_utf8(tables::entry_name(key)).map_err(|e| Fault::corrupt(tables::ENTRIES, e))?;
                let (inode, is_dir) = entry_target(value)?;
                Ok(Entry { name, inode, is_dir })
            })
            .collect()
    }

    /// A block of a file.
    fn extent(&self, inode: u64, index: u32) -> Result<Extent, Fault> {
        self.record(tables::EXTENTS, &tables::extent(inode, index))?
            .ok_or_else(|| Fault::corrupt(tables::EXTENTS, format!("inode {inode} has no block {index}")))
    }

    /// The last block of a file.
    fn tail(&self, inode: u64, file: &File) -> Result<Option<Extent>, Fault> {
        file.blocks.checked_sub(1).map(|index| self.extent(inode, index)).transpose()
    }

    /// At most `limit` blocks of a file, from this index on.
    fn extents(&self, inode: u64, from: u32, limit: usize) -> Result<Vec<Extent>, Fault> {
        let to = prefix_end(&tables::number(inode));
        let rows = self.scan(tables::EXTENTS, &tables::extent(inode, from), to.as_deref(), limit)?;
        rows.iter()
            .map(|(_, value)| Extent::decode(&value[..]).map_err(|e| Fault::corrupt(tables::EXTENTS, e)))
            .collect()
    }

    /// Bytes of a file, with what is known of a block that is being written.
    fn length(&self, inode: &Inode) -> Result<u64, Fault> {
        let Some(file) = &inode.file else { return Ok(0) };
        if !file.is_open() {
            return Ok(file.length);
        }
        let tail = self.tail(inode.id, file)?;
        Ok(file.length + tail.filter(|t| !t.is_complete()).map_or(0, |t| t.length))
    }

    /// Which file uses a block.
    fn block(&self, block: u64) -> Result<Option<Use>, Fault> {
        self.record(tables::BLOCKS, &tables::number(block))
    }

    /// Open files of a holder with numbers above `after`, at most `limit`.
    fn leases_of(&self, holder: &str, after: u64, limit: usize) -> Result<Vec<u64>, Fault> {
        let prefix = tables::lease_prefix(holder);
        let from = tables::lease(holder, after.saturating_add(1));
        let rows = self.scan(tables::LEASES, &from, prefix_end(&prefix).as_deref(), limit)?;
        Ok(rows.iter().filter_map(|(key, _)| tables::leading_number(&key[prefix.len()..])).collect())
    }

    /// Totals and next numbers.
    fn counters(&self) -> Result<Counters, Fault> {
        self.record(tables::META, tables::COUNTERS)?
            .ok_or_else(|| Fault::corrupt(tables::META, "no counters; the namespace was not formatted"))
    }

    /// The namespace's names.
    fn identity(&self) -> Result<Identity, Fault> {
        self.record(tables::META, tables::IDENTITY)?
            .ok_or_else(|| Fault::corrupt(tables::META, "no identity; the namespace was not formatted"))
    }

    /// The path of an inode; `None` when it, or a directory above it, was deleted.
    fn path_of(&self, inode: &Inode) -> Result<Option<String>, Fault> {
        let mut names = Vec::new();
        let mut id = inode.id;
        let mut at = inode.clone();
        while id != tables::ROOT {
            if at.parent == 0 {
                return Ok(None);
            }
            id = at.parent;
            let Some(parent) = self.find_inode(id)? else { return Ok(None) };
            names.push(std::mem::replace(&mut at, parent).name);
        }
        Ok(Some(join(names.iter().rev().map(String::as_str))))
    }
}

/// The path with these components.
pub fn join<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut path = String::new();
    for name in names {
        path.push('/');
        path.push_str(name);
    }
    if path.is_empty() { "/".to_owned() } else { path }
}

/// What an entry's value says: number, and whether it is a directory.
fn entry_target(value: &[u8]) -> Result<(u64, bool), Fault> {
    match (tables::leading_number(value), value.get(8)) {
        (Some(id), Some(kind)) => Ok((id, *kind == 1)),
        _ => Err(Fault::corrupt(tables::ENTRIES, format!("a value of {} bytes", value.len()))),
    }
}

impl View for Box<dyn Snapshot + '_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        Ok(Snapshot::get(&**self, table, key)?)
    }

    fn scan(&self, table: Table, from: &[u8], to: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, Fault> {
        Ok(Snapshot::scan(&**self, table, from, to).take(limit).collect::<Result<_, _>>()?)
    }
}
