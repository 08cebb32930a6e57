//! Blocks of an open file: adding, giving up, closing.

use super::open::{Named, find_writer};
use crate::block::BlockId;
use crate::state::access::Caller;
use crate::state::record::{Extent, File, Inode, Progress};
use crate::state::resolve::resolve_open;
use crate::state::{Fault, Kind, Txn, view::View};

/// A block as a client names it, with the length that it wrote.
pub type Written = (BlockId, u64);

/// A new block.
#[derive(Debug, Clone)]
pub struct Added {
    /// The block.
    pub extent: Extent,
    /// The file.
    pub inode: Inode,
}

/// Adds a block to an open file, after the previous one is complete with the length that the client wrote.
pub fn add_block(
    txn: &mut Txn<'_>,
    caller: &Caller,
    named: Named<'_>,
    previous: Option<Written>,
) -> Result<Added, Fault> {
    let (mut inode, _) = find_writer(txn, caller, named)?;
    let file = file_of(&mut inode)?;
    let (most, count) = (txn.limits.blocks_per_file, file.blocks);
    if count >= most {
        return Err(Fault::io(format!(
            "File has reached the limit on maximum number of blocks (dfs.namenode.fs-limits.max-blocks-per-file): \
             {count} >= {most}"
        )));
    }
    if let Some(extent) = repeated(txn, named.path, &inode, previous)? {
        return Ok(Added { extent, inode });
    }
    commit_tail(txn, &mut inode, previous)?;
    let id = inode.id;
    let file = file_of(&mut inode)?;
    let (block, generation) = txn.count(|c| {
        c.next_block += 1;
        c.next_generation += 1;
        c.blocks += 1;
        (c.next_block - 1, c.next_generation - 1)
    })?;
    let progress = Progress::Building as i32;
    let extent = Extent { block, generation, offset: file.length, length: 0, progress, ..Extent::default() };
    txn.put_extent(id, file.blocks, &extent)?;
    file.blocks += 1;
    txn.put_inode(&inode);
    Ok(Added { extent, inode })
}

/// Whether the call repeats one that was executed: then the block that it got. What the client calls the previous block
/// has to be the last one, or the last but one of a repeated call.
fn repeated(txn: &Txn<'_>, path: &str, inode: &Inode, previous: Option<Written>) -> Result<Option<Extent>, Fault> {
    let Some(file) = &inode.file else { return Ok(None) };
    let named = |extent: Option<&Extent>| {
        extent.map(|e| (e.block, e.generation)) == previous.map(|(b, _)| (b.id, b.generation))
    };
    let tail = txn.tail(inode.id, file)?;
    let Some(last) = tail.filter(|tail| !named(Some(tail))) else {
        return match (file.blocks, previous) {
            (0, Some((block, _))) => Err(mismatch(path, Some(block), None)),
            _ => Ok(None),
        };
    };
    if previous.is_none() && last.is_complete() && last.length >= file.block_size {
        return Ok(None);
    }
    let before = file.blocks.checked_sub(2).map(|index| txn.extent(inode.id, index)).transpose()?;
    match (named(before.as_ref()), last.length) {
        (true, 0) => Ok(Some(last)),
        (true, length) => Err(Fault::io(format!(
            "Request looked like a retry to allocate block {} but it already contains {length} bytes",
            name(&last)
        ))),
        (false, _) => Err(mismatch(path, previous.map(|(block, _)| block), Some(&last))),
    }
}

fn mismatch(path: &str, previous: Option<BlockId>, last: Option<&Extent>) -> Fault {
    let previous = previous.map_or("null".to_owned(), |block| block.to_string());
    let last = last.map_or("null".to_owned(), name);
    Fault::io(format!(
        "Cannot allocate block in {path}: passed 'previous' block {previous} does not match actual last block in file \
         {last}"
    ))
}

fn name(extent: &Extent) -> String {
    BlockId { id: extent.block, generation: extent.generation }.to_string()
}

fn file_of(inode: &mut Inode) -> Result<&mut File, Fault> {
    let id = inode.id;
    inode.file.as_mut().ok_or_else(|| Fault::io(format!("inode {id} is not a file")))
}

/// Makes the last block complete with the length that the client wrote. A block that is complete already stays so.
fn commit_tail(txn: &mut Txn<'_>, inode: &mut Inode, written: Option<Written>) -> Result<(), Fault> {
    let id = inode.id;
    let file = file_of(inode)?;
    let Some((block, length)) = written else { return Ok(()) };
    let Some(mut tail) = txn.tail(id, file)?.filter(|tail| !tail.is_complete()) else { return Ok(()) };
    if tail.block != block.id {
        return Err(Fault::io(format!(
            "Trying to commit inconsistent block: id = {}, expected id = {}",
            block.id, tail.block
        )));
    }
    if tail.generation != block.generation {
        return Err(Fault::io(format!(
            "Commit block with mismatching GS. NN has {}, client submits {block}",
            name(&tail)
        )));
    }
    if length < tail.length {
        return Err(Fault::io(format!(
            "Trying to commit block {block} with {length} bytes, of which {} are known to be written",
            tail.length
        )));
    }
    tail.length = length;
    tail.progress = Progress::Complete as i32;
    file.length += length;
    txn.put_extent(id, file.blocks - 1, &tail)?;
    txn.put_inode(inode);
    Ok(())
}

/// Removes the last block, to which its writer could not write. Does nothing when it is not the last one any more.
pub fn abandon_block(txn: &mut Txn<'_>, caller: &Caller, named: Named<'_>, block: BlockId) -> Result<(), Fault> {
    let (mut inode, _) = find_writer(txn, caller, named)?;
    let id = inode.id;
    let file = file_of(&mut inode)?;
    let tail = txn.tail(id, file)?.filter(|tail| tail.block == block.id && !tail.is_complete());
    if let Some(tail) = tail {
        file.blocks -= 1;
        txn.drop_extent(id, file.blocks, &tail)?;
        txn.put_inode(&inode);
    }
    Ok(())
}

/// Closes a file. `false`: its last block is not complete, the client tries again. Repeated calls succeed.
pub fn complete(txn: &mut Txn<'_>, caller: &Caller, named: Named<'_>, last: Option<Written>) -> Result<bool, Fault> {
    let mut inode = match find_writer(txn, caller, named) {
        Ok((inode, _)) => inode,
        Err(fault) if fault.is(Kind::LeaseExpired) && is_closed_with(txn, caller, named, last)? => return Ok(true),
        Err(fault) => return Err(fault),
    };
    commit_tail(txn, &mut inode, last)?;
    let id = inode.id;
    let tail = txn.tail(id, file_of(&mut inode)?)?;
    if tail.is_some_and(|tail| !tail.is_complete()) {
        return Ok(false);
    }
    txn.close(&mut inode);
    Ok(true)
}

/// Whether a file is closed, and ends with the block that the client means.
fn is_closed_with(txn: &Txn<'_>, caller: &Caller, named: Named<'_>, last: Option<Written>) -> Result<bool, Fault> {
    let found = resolve_open(txn, caller, named.path, named.id)?;
    let Some(inode) = found.target() else { return Ok(false) };
    let Some(file) = inode.file.as_ref().filter(|file| !file.is_open()) else { return Ok(false) };
    let tail = txn.tail(inode.id, file)?;
    Ok(tail.map(|t| (t.block, t.generation)) == last.map(|(b, _)| (b.id, b.generation)))
}

/// Notes how much of the last block is safely written, when the client says it.
pub fn fsync(txn: &mut Txn<'_>, caller: &Caller, named: Named<'_>, length: i64) -> Result<(), Fault> {
    let (inode, _) = find_writer(txn, caller, named)?;
    let Some(file) = &inode.file else { return Ok(()) };
    let length = u64::try_from(length).unwrap_or(0);
    let tail = txn.tail(inode.id, file)?.filter(|tail| !tail.is_complete() && length > tail.length);
    if let Some(mut tail) = tail {
        tail.length = length;
        txn.put_extent(inode.id, file.blocks - 1, &tail)?;
    }
    Ok(())
}

/// There is one place for blocks. When the client has excluded it, there is none.
pub fn check_placement(path: &str, excluded: bool) -> Result<(), Fault> {
    if !excluded {
        return Ok(());
    }
    Err(Fault::io(format!(
        "File {path} could only be written to 0 of the 1 minReplication nodes. There are 1 datanode(s) running and 1 \
         node(s) are excluded in this operation."
    )))
}
