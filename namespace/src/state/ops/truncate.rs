//! Cutting a file.

use super::open::{check_closed, check_holder};
use super::recover::{Recovery, prepare};
use crate::state::access::{Action, Caller, Needs};
use crate::state::record::{File, Inode, Writer};
use crate::state::resolve::{Purpose, resolve};
use crate::state::{Fault, Kind, Txn, leases, view::View};

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truncated {
    /// The file has its new length.
    Done,
    /// The last block has to be cut by the block side; until then the file is open.
    Cutting(Recovery),
}

/// Cuts a closed file to a length.
pub fn truncate(
    txn: &mut Txn<'_>,
    caller: &Caller,
    asked: &str,
    holder: &str,
    length: i64,
) -> Result<Truncated, Fault> {
    check_holder(holder)?;
    let Ok(length) = u64::try_from(length) else {
        let words = format!("Cannot truncate to a negative file size: {length}.");
        return Err(Fault::new(Kind::HadoopIllegalArgument, words));
    };
    let found = resolve(txn, caller, asked, Purpose::Use)?;
    caller.check(&found, Needs { target: Some(Action::WRITE), ..Needs::default() })?;
    let mut inode = found.file(asked)?.clone();
    check_closed(txn, caller, &inode, "TRUNCATE_FILE", asked, holder)?;
    let id = inode.id;
    let Some(file) = &mut inode.file else { return Err(Fault::no_file(asked)) };
    if length == file.length {
        return Ok(Truncated::Done);
    }
    if length > file.length {
        let words =
            format!("Cannot truncate to a larger file size. Current size: {}, truncate size: {length}.", file.length);
        return Err(Fault::new(Kind::HadoopIllegalArgument, words));
    }
    drop_behind(txn, id, file, length)?;
    inode.mtime = txn.now.wall;
    if inode.file.as_ref().is_some_and(|file| file.length == length) {
        txn.put_inode(&inode);
        return Ok(Truncated::Done);
    }
    // The service itself is the writer, so that it goes on with the cut after a restart.
    txn.lease(&mut inode, Writer { holder: leases::SERVICE.to_owned(), machine: caller.machine.to_string() });
    reopen(txn, inode, length).map(Truncated::Cutting)
}

/// Drops the blocks that start at or behind a length.
fn drop_behind(txn: &mut Txn<'_>, id: u64, file: &mut File, length: u64) -> Result<(), Fault> {
    while let Some(tail) = txn.tail(id, file)?.filter(|tail| tail.offset >= length) {
        file.blocks -= 1;
        file.length = tail.offset;
        txn.drop_extent(id, file.blocks, &tail)?;
    }
    Ok(())
}

/// Makes the last block incomplete, to be cut to where the file ends.
fn reopen(txn: &mut Txn<'_>, mut inode: Inode, length: u64) -> Result<Recovery, Fault> {
    let id = inode.id;
    let Some(file) = &mut inode.file else { return Err(Fault::io(format!("inode {id} is not a file"))) };
    let Some(mut tail) = txn.tail(id, file)? else {
        return Err(Fault::io(format!("inode {id} has bytes but no block")));
    };
    file.length = tail.offset;
    let cut = length - tail.offset;
    tail.cut = Some(cut);
    tail.length = cut;
    txn.put_inode(&inode);
    prepare(txn, &inode, tail)
}
