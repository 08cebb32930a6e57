//! `rename` as the shell and most programs call it: it answers `false` where `rename2` says why.

use crate::state::access::{Action, Caller, Needs};
use crate::state::record::Inode;
use crate::state::resolve::{Purpose, Resolved, check_path_length, is_reserved, is_valid_name, resolve};
use crate::state::{Fault, Kind, Txn};

/// Of the directory that something is taken from.
pub const TAKE: Needs = Needs { ancestor: None, parent: Some(Action::WRITE), target: None, owner: false };
/// Of the directory that something is put into.
pub const GIVE: Needs = Needs { ancestor: Some(Action::WRITE), parent: None, target: None, owner: false };

/// Moves a file or directory. Into a directory that exists it moves under its own name.
pub fn rename(txn: &mut Txn<'_>, caller: &Caller, from: &str, to: &str) -> Result<bool, Fault> {
    check_path_length("rename", to)?;
    if !is_valid_name(to) {
        return Err(Fault::new(Kind::InvalidPath, format!("Invalid path name Invalid file name: {to}")));
    }
    let source = resolve(txn, caller, from, Purpose::Use)?;
    let mut target = resolve(txn, caller, to, Purpose::Create)?;
    if target.target().is_some_and(Inode::is_dir) && !source.names.is_empty() {
        let inside = format!("{}/{}", target.path().trim_end_matches('/'), source.name());
        target = resolve(txn, caller, &inside, Purpose::Create)?;
    }
    caller.check(&source, TAKE)?;
    caller.check(&target, GIVE)?;
    if source.target().is_none() || source.names.is_empty() || is_reserved(&target.path()) {
        return Ok(false);
    }
    if source.names == target.names {
        return Ok(true);
    }
    if target.names.starts_with(&source.names) || target.target().is_some() {
        return Ok(false);
    }
    if !target.parent().is_some_and(Inode::is_dir) {
        return Ok(false);
    }
    relink(txn, &source, &target)?;
    Ok(true)
}

/// Moves the source's inode to where the target, which does not exist, would be.
pub fn relink(txn: &mut Txn<'_>, source: &Resolved, target: &Resolved) -> Result<(), Fault> {
    let (Some(from), Some(inode), Some(to)) = (source.parent(), source.target(), target.parent()) else {
        return Err(Fault::no_file(&source.path()));
    };
    let (mut from, mut inode, mut to) = (from.clone(), inode.clone(), to.clone());
    let same = from.id == to.id;
    if !same {
        txn.check_entry(&to, &target.parent_path(), target.name())?;
    }
    txn.unlink(&mut from, &inode);
    if same {
        to = from;
        txn.check_entry(&to, &target.parent_path(), target.name())?;
    }
    target.name().clone_into(&mut inode.name);
    txn.link(&mut to, inode)?;
    Ok(())
}
