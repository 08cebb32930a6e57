//! Closing a file in place of its writer. The last block may have more bytes than were reported, so the block side is
//! asked: first the file is taken over, then the block is closed there, then the result is noted here. Each step may be
//! repeated.

use crate::block::BlockId;
use crate::state::access::{Action, Caller, Needs};
use crate::state::record::{Extent, Inode, Progress, Writer};
use crate::state::resolve::{Purpose, resolve};
use crate::state::{Fault, Kind, Txn, leases, view::View};

/// What the block side has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The file.
    pub inode: u64,
    /// Its last block, as known.
    pub block: BlockId,
    /// The generation under which it is closed.
    pub generation: u64,
    /// The length to cut it to.
    pub cut: Option<u64>,
}

/// What taking over a file came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Takeover {
    /// The file is closed.
    Closed,
    /// Its last block has to be closed first.
    Block(Recovery),
}

/// Whether the caller may close a file that another one writes, and which one it is. `None`: it is closed.
pub fn take_over(view: &impl View, caller: &Caller, path: &str) -> Result<Option<u64>, Fault> {
    let found = resolve(view, caller, path, Purpose::Use)?;
    let inode = found.file(path)?;
    if !inode.file.as_ref().is_some_and(|file| file.is_open()) {
        return Ok(None);
    }
    caller.check(&found, Needs { target: Some(Action::WRITE), ..Needs::default() })?;
    Ok(Some(inode.id))
}

/// Takes a file from its writer. A file without an incomplete block is closed at once, one that was deleted counts as
/// closed.
pub fn begin_recovery(txn: &mut Txn<'_>, id: u64) -> Result<Takeover, Fault> {
    let Some(mut inode) = txn.find_inode(id)? else { return Ok(Takeover::Closed) };
    let Some(file) = inode.file.clone().filter(|file| file.is_open()) else { return Ok(Takeover::Closed) };
    if txn.path_of(&inode)?.is_none() {
        return Ok(Takeover::Closed);
    }
    let Some(tail) = txn.tail(id, &file)?.filter(|tail| !tail.is_complete()) else {
        txn.close(&mut inode);
        return Ok(Takeover::Closed);
    };
    let machine = file.writer.map(|writer| writer.machine).unwrap_or_default();
    txn.lease(&mut inode, Writer { holder: leases::SERVICE.to_owned(), machine });
    prepare(txn, &inode, tail).map(Takeover::Block)
}

/// Marks the last block as being closed by the service.
pub fn prepare(txn: &mut Txn<'_>, inode: &Inode, mut tail: Extent) -> Result<Recovery, Fault> {
    let index = inode.file.as_ref().map_or(0, |file| file.blocks.saturating_sub(1));
    let generation = txn.next_generation()?;
    tail.progress = Progress::Recovering as i32;
    tail.recovery = Some(generation);
    txn.put_extent(inode.id, index, &tail)?;
    let block = BlockId { id: tail.block, generation: tail.generation };
    Ok(Recovery { inode: inode.id, block, generation, cut: tail.cut })
}

/// Notes how long the block is and closes the file. `None`: it has no replica; if no byte of it is known, it goes. Of several
/// recoveries only the newest does so.
pub fn finish_recovery(txn: &mut Txn<'_>, done: &Recovery, length: Option<u64>) -> Result<(), Fault> {
    let Some(mut inode) = txn.find_inode(done.inode)? else { return Ok(()) };
    let Some(mut file) = inode.file.clone().filter(|file| file.is_open()) else { return Ok(()) };
    let tail = txn.tail(inode.id, &file)?.filter(|tail| tail.is_recovering() && tail.block == done.block.id);
    let Some(mut tail) = tail else { return Ok(()) };
    if tail.recovery != Some(done.generation) {
        let words = format!("{} is closed by another recovery, which began later", done.block);
        return Err(Fault::new(Kind::RecoveryInProgress, words));
    }
    tail.recovery = None;
    match length {
        // The replica of bytes that are known to be written is gone. The block stays, so that readers get an error and
        // not a shorter file.
        None if tail.length > 0 => {
            tail.progress = Progress::Complete as i32;
            tail.cut = None;
            file.length += tail.length;
            txn.put_extent(inode.id, file.blocks - 1, &tail)?;
        }
        Some(length) if length > 0 => {
            tail.length = length;
            tail.generation = done.generation;
            tail.progress = Progress::Complete as i32;
            tail.cut = None;
            txn.put_extent(inode.id, file.blocks - 1, &tail)?;
            file.length += length;
        }
        _ => {
            file.blocks -= 1;
            // The replica, if there is one, has the new generation.
            tail.generation = done.generation;
            txn.drop_extent(inode.id, file.blocks, &tail)?;
        }
    }
    inode.file = Some(file);
    txn.close(&mut inode);
    Ok(())
}
