//! Deleting. A tree is cut off in one commit, whatever its size; the reaper removes it.

use super::rename::TAKE;
use crate::state::access::{Action, Caller, is_root};
use crate::state::record::Inode;
use crate::state::resolve::{Purpose, resolve};
use crate::state::{Fault, Kind, Txn, view::View};

/// Whether the caller may delete every directory of a tree. Costs a visit of each entry for those who are not
/// superusers, so it runs on a snapshot before the operation is queued.
pub fn check_delete(view: &impl View, caller: &Caller, path: &str) -> Result<(), Fault> {
    let found = resolve(view, caller, path, Purpose::Use)?;
    caller.check(&found, TAKE)?;
    caller.check_tree(view, &found, Action::ALL, true)
}

/// Deletes a file or directory. `false`: there is nothing to delete, or it is the root.
pub fn delete(txn: &mut Txn<'_>, caller: &Caller, path: &str, recursive: bool) -> Result<bool, Fault> {
    if path == "/.reserved" {
        return Err(Fault::new(Kind::InvalidPath, format!("Invalid path name {path}")));
    }
    let found = resolve(txn, caller, path, Purpose::Use)?;
    caller.check(&found, TAKE)?;
    if !recursive && found.target().is_some_and(|inode: &Inode| inode.children > 0) {
        return Err(Fault::new(Kind::NotEmpty, format!("`{} is non empty': Directory is not empty", found.path())));
    }
    match found.target() {
        Some(inode) if !is_root(inode) => txn.discard(&found).map(|()| true),
        _ => Ok(false),
    }
}
