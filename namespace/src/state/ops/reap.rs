//! What is removed behind the answers: cut-off trees, unused blocks, old answers. Each step is bounded, and everything
//! that is left to do is in the tables, so that a restart goes on with it.

use anabranch_journal::prefix_end;

use crate::block::BlockId;
use crate::state::record::Inode;
use crate::state::{Fault, Txn, tables, view::View};

/// Where the next step goes on. What was removed leaves traces in the journal until it is compacted; a step that began at
/// the first row would pass over all of them, and a large tree would take a time that grows with its square.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The first orphan that is not done.
    orphan: u64,
    /// The entries of this orphan up to here are gone.
    name: String,
}

impl Place {
    fn at(orphan: u64) -> Self {
        Self { orphan, ..Self::default() }
    }
}

/// Removes at most about `budget` entries or blocks of what was cut off, from a place on. `None`: the end is reached; what
/// was found below the removed directories waits for the next turn.
pub fn reap(txn: &mut Txn<'_>, from: &Place, budget: usize) -> Result<Option<Place>, Fault> {
    let mut left = budget;
    for (key, _) in txn.scan(tables::ORPHANS, &tables::number(from.orphan), None, budget)? {
        let id = tables::leading_number(&key).unwrap_or_default();
        let after = if id == from.orphan { &from.name[..] } else { "" };
        let (used, rest) = match txn.find_inode(id)? {
            Some(inode) if inode.is_dir() => reap_directory(txn, &inode, after, left)?,
            Some(inode) => reap_file(txn, inode, left)?,
            None => {
                txn.remove(tables::ORPHANS, key);
                (1, None)
            }
        };
        left = left.saturating_sub(used);
        if rest.is_some() {
            return Ok(rest);
        }
        if left == 0 {
            return Ok(Some(Place::at(id + 1)));
        }
    }
    Ok(None)
}

/// How much was done, and where to go on if the directory is not done.
fn reap_directory(txn: &mut Txn<'_>, dir: &Inode, after: &str, budget: usize) -> Result<(usize, Option<Place>), Fault> {
    let entries = txn.children(dir.id, after.as_bytes(), budget)?;
    for entry in &entries {
        txn.remove(tables::ENTRIES, tables::entry(dir.id, entry.name.as_bytes()));
        txn.orphan(entry.inode);
    }
    let used = entries.len() + 1;
    match entries.into_iter().last() {
        Some(last) if used > budget => Ok((used, Some(Place { orphan: dir.id, name: last.name }))),
        _ => remove(txn, dir.id).map(|()| (used, None)),
    }
}

fn reap_file(txn: &mut Txn<'_>, mut inode: Inode, budget: usize) -> Result<(usize, Option<Place>), Fault> {
    txn.release(&inode);
    let id = inode.id;
    let Some(file) = &mut inode.file else { return Ok((1, None)) };
    let mut used = 1;
    while used <= budget {
        let Some(tail) = txn.tail(id, file)? else {
            return remove(txn, id).map(|()| (used, None));
        };
        file.blocks -= 1;
        txn.drop_extent(id, file.blocks, &tail)?;
        used += 1;
    }
    // The lease row is gone; a writer that the record still names is not found by it any more.
    file.writer = None;
    txn.put_inode(&inode);
    Ok((used, Some(Place::at(id))))
}

fn remove(txn: &mut Txn<'_>, id: u64) -> Result<(), Fault> {
    txn.remove(tables::INODES, tables::number(id));
    txn.remove(tables::ORPHANS, tables::number(id));
    txn.count(|c| c.inodes = c.inodes.saturating_sub(1))
}

/// At most `limit` blocks that nobody uses, with numbers above `after`.
pub fn garbage(view: &impl View, after: u64, limit: usize) -> Result<Vec<BlockId>, Fault> {
    let rows = view.scan(tables::GARBAGE, &tables::number(after.saturating_add(1)), None, limit)?;
    rows.iter()
        .map(|(key, _)| match tables::leading_number(key) {
            // A writer may have got a generation that was never reported; all of them go.
            Some(id) => Ok(BlockId { id, generation: u64::MAX }),
            None => Err(Fault::corrupt(tables::GARBAGE, "a malformed key")),
        })
        .collect()
}

/// Forgets blocks whose replicas are gone.
pub fn collect_garbage(txn: &mut Txn<'_>, gone: &[BlockId]) -> Result<(), Fault> {
    for block in gone {
        txn.remove(tables::GARBAGE, tables::number(block.id));
    }
    Ok(())
}

/// Forgets at most `limit` answers whose time is over. Whether there may be more.
pub fn forget_answers(txn: &mut Txn<'_>, limit: usize) -> Result<bool, Fault> {
    let now = tables::number(txn.now.wall);
    let old = txn.scan(tables::EXPIRIES, &[], prefix_end(&now).as_deref(), limit)?;
    for (key, _) in &old {
        txn.remove(tables::ANSWERS, &key[8..]);
        txn.remove(tables::EXPIRIES, key);
    }
    Ok(old.len() == limit)
}
