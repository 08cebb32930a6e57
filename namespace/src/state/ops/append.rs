//! Opening a closed file to write at its end.

use super::open::{check_closed, check_holder};
use crate::state::access::{Action, Caller, Needs};
use crate::state::record::{Extent, Inode, Progress, Writer};
use crate::state::resolve::{Purpose, resolve};
use crate::state::{Fault, Kind, Txn, view::View};

/// What the client needs to know to go on.
#[derive(Debug, Clone)]
pub struct Appended {
    /// The file, now open.
    pub inode: Inode,
    /// The last block: open again when it is partial and no new block was asked for; complete, for the client to name as
    /// the previous one, when a new block was. Absent when the next block is the file's first, or follows a full one.
    pub last: Option<Extent>,
}

/// Opens a file for appending.
pub fn append(
    txn: &mut Txn<'_>,
    caller: &Caller,
    asked: &str,
    holder: &str,
    new_block: bool,
) -> Result<Appended, Fault> {
    check_holder(holder)?;
    let found = resolve(txn, caller, asked, Purpose::Use)?;
    let path = found.path();
    if found.target().is_some_and(Inode::is_dir) {
        let words = format!("Cannot append to directory {path}; already exists as a directory.");
        return Err(Fault::new(Kind::FileAlreadyExists, words));
    }
    caller.check(&found, Needs { target: Some(Action::WRITE), ..Needs::default() })?;
    let Some(mut inode) = found.target().cloned() else {
        let words = format!("Failed to append to non-existent file {path} for client {}", caller.machine);
        return Err(Fault::new(Kind::FileNotFound, words));
    };
    check_closed(txn, caller, &inode, "APPEND_FILE", &path, holder)?;
    let Some(file) = &mut inode.file else { return Err(Fault::no_file(&path)) };
    let mut last = txn.tail(inode.id, file)?;
    if !new_block {
        last = last.filter(|tail| tail.length < file.block_size);
        if let Some(tail) = &mut last {
            tail.progress = Progress::Building as i32;
            file.length -= tail.length;
            txn.put_extent(inode.id, file.blocks - 1, tail)?;
        }
    }
    txn.lease(&mut inode, Writer { holder: holder.to_owned(), machine: caller.machine.to_string() });
    Ok(Appended { inode, last })
}
