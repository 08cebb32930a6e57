//! A writer lost its connection to the block, or reopens it: the block gets a new generation.

use crate::block::BlockId;
use crate::state::record::{Extent, Inode};
use crate::state::{Fault, Kind, Txn, view::View};

/// A generation stamp under which the holder may go on with its last block.
pub fn update_block_for_pipeline(txn: &mut Txn<'_>, block: BlockId, holder: &str) -> Result<(Extent, u64), Fault> {
    let (_, _, tail) = find_open_block(txn, block, holder)?;
    let generation = txn.next_generation()?;
    Ok((tail, generation))
}

/// Notes that the block side has the block under its new generation. `length` is what it has of it.
pub fn update_pipeline(txn: &mut Txn<'_>, holder: &str, old: BlockId, new: BlockId, length: u64) -> Result<(), Fault> {
    let (inode, index, mut tail) = find_open_block(txn, old, holder)?;
    if new.id != old.id {
        return Err(Fault::io(format!("{new} and {old} has different block identifier")));
    }
    if new.generation <= tail.generation || length < tail.length {
        return Err(Fault::io(format!("Update {old} (size={}) to an older state: {new} (size={length})", tail.length)));
    }
    tail.generation = new.generation;
    tail.length = length;
    txn.put_extent(inode.id, index, &tail)?;
    Ok(())
}

/// The open file that a block is the incomplete end of.
fn find_open_block(txn: &Txn<'_>, block: BlockId, holder: &str) -> Result<(Inode, u32, Extent), Fault> {
    let Some(used) = txn.block(block.id)? else { return Err(Fault::io(format!("{block} does not exist."))) };
    let extent = txn.extent(used.inode, used.index)?;
    if extent.is_complete() {
        return Err(Fault::io(format!("{block} does not exist or is not under Construction")));
    }
    let found = txn.find_inode(used.inode)?;
    let attached = found.map(|inode| txn.path_of(&inode).map(|path| path.map(|_| inode))).transpose()?.flatten();
    let gone = || Fault::io(format!("The file {block} belonged to does not exist or it is not under construction."));
    let inode = attached.ok_or_else(gone)?;
    let writer = inode.file.as_ref().and_then(|file| file.writer.as_ref()).ok_or_else(gone)?;
    if writer.holder != holder || extent.is_recovering() {
        let words = format!("Lease mismatch: {block} is accessed by a non lease holder {holder}");
        return Err(Fault::new(Kind::LeaseExpired, words));
    }
    Ok((inode, used.index, extent))
}
