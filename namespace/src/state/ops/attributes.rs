//! Owner, permissions, times, replication.

use super::create::check_replication;
use crate::state::access::{Action, Caller, Needs, denied};
use crate::state::record::Inode;
use crate::state::resolve::{Purpose, resolve};
use crate::state::{Fault, Kind, Txn, view::View};

/// Finds what a path leads to, if the caller may.
fn find(txn: &Txn<'_>, caller: &Caller, path: &str, needs: Needs) -> Result<(String, Option<Inode>), Fault> {
    let found = resolve(txn, caller, path, Purpose::Use)?;
    caller.check(&found, needs)?;
    Ok((found.path(), found.target().cloned()))
}

const OWNER: Needs = Needs { ancestor: None, parent: None, target: None, owner: true };
const WRITE: Needs = Needs { ancestor: None, parent: None, target: Some(Action::WRITE), owner: false };

fn absent(path: &str) -> Fault {
    Fault::new(Kind::FileNotFound, format!("Directory/File does not exist {path}"))
}

/// Sets the permission bits.
pub fn set_permission(txn: &mut Txn<'_>, caller: &Caller, path: &str, mode: u32) -> Result<(), Fault> {
    let (path, inode) = find(txn, caller, path, OWNER)?;
    let mut inode = inode.ok_or_else(|| absent(&path))?;
    inode.mode = mode & 0o1777;
    txn.put_inode(&inode);
    Ok(())
}

/// Sets owner and group, each if given. Only superusers give a file away; owners choose among their own groups.
pub fn set_owner(
    txn: &mut Txn<'_>,
    caller: &Caller,
    path: &str,
    owner: Option<&str>,
    group: Option<&str>,
) -> Result<(), Fault> {
    let (path, inode) = find(txn, caller, path, OWNER)?;
    if !caller.superuser {
        let user = &caller.user;
        if owner.is_some_and(|owner| owner != &**user) {
            let words = format!("User {user} is not a super user (non-super user cannot change owner).");
            return Err(denied(words));
        }
        if let Some(group) = group.filter(|group| !caller.is_in(group)) {
            return Err(denied(format!("User {user} does not belong to {group}")));
        }
    }
    let mut inode = inode.ok_or_else(|| absent(&path))?;
    if let Some(owner) = owner {
        owner.clone_into(&mut inode.owner);
    }
    if let Some(group) = group {
        group.clone_into(&mut inode.group);
    }
    txn.put_inode(&inode);
    Ok(())
}

/// Sets modification and access time, each if given.
pub fn set_times(
    txn: &mut Txn<'_>,
    caller: &Caller,
    path: &str,
    mtime: Option<u64>,
    atime: Option<u64>,
) -> Result<(), Fault> {
    let (path, inode) = find(txn, caller, path, WRITE)?;
    let Some(mut inode) = inode else {
        let words = format!("File/Directory {path} does not exist.");
        return Err(Fault::new(Kind::FileNotFound, words));
    };
    inode.mtime = mtime.unwrap_or(inode.mtime);
    inode.atime = atime.unwrap_or(inode.atime);
    txn.put_inode(&inode);
    Ok(())
}

/// Notes that a file was read, unless a later read was noted.
pub fn set_access_time(txn: &mut Txn<'_>, id: u64) -> Result<(), Fault> {
    let now = txn.now.wall;
    if let Some(mut inode) = txn.find_inode(id)?.filter(|inode| inode.atime < now) {
        inode.atime = now;
        txn.put_inode(&inode);
    }
    Ok(())
}

/// Sets a file's replication. `false`: there is no such file.
pub fn set_replication(txn: &mut Txn<'_>, caller: &Caller, path: &str, replication: u32) -> Result<bool, Fault> {
    check_replication(txn.limits, replication, path, None)?;
    let (_, inode) = find(txn, caller, path, WRITE)?;
    let Some(mut inode) = inode else { return Ok(false) };
    let Some(file) = &mut inode.file else { return Ok(false) };
    file.replication = replication;
    txn.put_inode(&inode);
    Ok(true)
}
