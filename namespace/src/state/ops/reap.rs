//! What is removed behind the answers: cut-off trees, unused blocks, old answers. Each step is bounded, and everything
//! that is left to do is in the tables, so that a restart goes on with it.

use anabranch_journal::prefix_end;

use crate::block::BlockId;
use crate::state::record::Inode;
use crate::state::{Fault, Txn, tables, view::View};

/// Removes at most about `budget` entries or blocks of what was cut off. Whether something is left.
pub fn reap(txn: &mut Txn<'_>, budget: usize) -> Result<bool, Fault> {
    let mut left = budget;
    while left > 0 {
        let orphans = txn.scan(tables::ORPHANS, &[], None, left.min(64))?;
        if orphans.is_empty() {
            return Ok(false);
        }
        for (key, _) in orphans {
            let id = tables::leading_number(&key).unwrap_or_default();
            let used = match txn.find_inode(id)? {
                Some(inode) if inode.is_dir() => reap_directory(txn, &inode, left)?,
                Some(inode) => reap_file(txn, inode, left)?,
                None => {
                    txn.remove(tables::ORPHANS, key);
                    1
                }
            };
            left = left.saturating_sub(used);
            if left == 0 {
                break;
            }
        }
    }
    Ok(true)
}

fn reap_directory(txn: &mut Txn<'_>, dir: &Inode, budget: usize) -> Result<usize, Fault> {
    let entries = txn.children(dir.id, &[], budget)?;
    for entry in &entries {
        txn.remove(tables::ENTRIES, tables::entry(dir.id, entry.name.as_bytes()));
        txn.orphan(entry.inode);
    }
    if entries.len() < budget {
        remove(txn, dir.id)?;
    }
    Ok(entries.len() + 1)
}

fn reap_file(txn: &mut Txn<'_>, mut inode: Inode, budget: usize) -> Result<usize, Fault> {
    txn.release(&inode);
    let id = inode.id;
    let Some(file) = &mut inode.file else { return Ok(1) };
    let mut used = 1;
    while used < budget {
        let Some(tail) = txn.tail(id, file)? else {
            remove(txn, id)?;
            return Ok(used);
        };
        file.blocks -= 1;
        txn.drop_extent(id, file.blocks, &tail)?;
        used += 1;
    }
    // The lease row is gone; a writer that the record still names is not found by it any more.
    file.writer = None;
    txn.put_inode(&inode);
    Ok(used)
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
