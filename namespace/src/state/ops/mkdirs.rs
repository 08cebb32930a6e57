//! Making directories.

use crate::state::access::{Action, Caller, Needs};
use crate::state::record::Inode;
use crate::state::resolve::{Purpose, Resolved, check_path_length, is_reserved, is_valid_name, resolve};
use crate::state::{Fault, Kind, Txn};

/// Bits that every directory on the way gets for its owner, so that the rest of the path can be made.
const OWNER_PASS: u32 = 0o300;

/// Makes a directory, and those above it when `create_parent`.
pub fn mkdirs(txn: &mut Txn<'_>, caller: &Caller, path: &str, mode: u32, create_parent: bool) -> Result<(), Fault> {
    check_path_length("mkdirs", path)?;
    if !is_valid_name(path) {
        return Err(Fault::new(Kind::InvalidPath, format!("Invalid path name Invalid file name: {path}")));
    }
    let mut found = resolve(txn, caller, path, Purpose::Create)?;
    if let Some(target) = found.target() {
        if target.is_dir() {
            return Ok(());
        }
        let words = format!("Path is not a directory: {path}");
        return Err(Fault::new(Kind::FileAlreadyExists, words));
    }
    if is_reserved(path) {
        let words = "File name \".reserved\" is reserved and cannot be created. If this is during upgrade change the name \
                     of the existing file or directory to another name before upgrading to the new release.";
        return Err(Fault::new(Kind::HadoopIllegalArgument, words));
    }
    caller.check(&found, Needs { ancestor: Some(Action::WRITE), ..Needs::default() })?;
    if !create_parent {
        check_parent(&found)?;
    }
    let count = found.names.len();
    make_parents(txn, caller, &mut found, |_| (mode & 0o1777) | OWNER_PASS)?;
    make_directory(txn, caller, &mut found, count, mode & 0o1777)
}

/// Makes the directories above a file that is created: they take their bits from the one that they are in.
pub fn make_ancestors(txn: &mut Txn<'_>, caller: &Caller, path: &mut Resolved) -> Result<(), Fault> {
    make_parents(txn, caller, path, |dir| dir.mode & 0o777 | OWNER_PASS)
}

/// The parent has to exist, and to be a directory.
pub fn check_parent(path: &Resolved) -> Result<(), Fault> {
    match path.parent() {
        _ if path.names.len() <= 1 => Ok(()),
        None => {
            let words = format!("Parent directory doesn't exist: {}", path.parent_path());
            Err(Fault::new(Kind::FileNotFound, words))
        }
        Some(parent) if !parent.is_dir() => {
            let words = format!("Parent path is not a directory: {}", path.parent_path());
            Err(Fault::new(Kind::ParentNotDirectory, words))
        }
        Some(_) => Ok(()),
    }
}

fn make_parents(
    txn: &mut Txn<'_>,
    caller: &Caller,
    path: &mut Resolved,
    mode: impl Fn(&Inode) -> u32,
) -> Result<(), Fault> {
    for count in path.inodes.len()..path.names.len() {
        let mode = mode(&path.inodes[count - 1]);
        make_directory(txn, caller, path, count, mode)?;
    }
    Ok(())
}

/// Makes the directory that the first `count` components name; the one above it exists.
fn make_directory(
    txn: &mut Txn<'_>,
    caller: &Caller,
    path: &mut Resolved,
    count: usize,
    mode: u32,
) -> Result<(), Fault> {
    let dir_path = path.prefix(count - 1);
    let name = path.names[count - 1].clone();
    let dir = &mut path.inodes[count - 1];
    let inode = Inode {
        name,
        owner: caller.user.to_string(),
        group: dir.group.clone(),
        mode,
        mtime: txn.now.wall,
        ..Inode::default()
    };
    let made = txn.create(dir, &dir_path, inode)?;
    path.inodes.push(made);
    Ok(())
}
