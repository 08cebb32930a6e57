//! Creating a file.

use super::mkdirs::{check_parent, make_ancestors};
use super::open::{check_closed, check_holder};
use crate::state::access::{Action, Caller, Needs};
use crate::state::record::{File, Inode, Writer};
use crate::state::resolve::{Purpose, check_path_length, is_reserved, is_valid_name, resolve};
use crate::state::{Fault, Kind, Limits, Txn};

/// What a client asks for.
#[derive(Debug, Clone)]
pub struct Create {
    /// Where.
    pub path: String,
    /// Permission bits, the client's umask applied.
    pub mode: u32,
    /// The client's name for itself.
    pub holder: String,
    /// Whether a new file may be made.
    pub create: bool,
    /// Whether an existing file may be replaced.
    pub overwrite: bool,
    /// Whether missing directories are made.
    pub create_parent: bool,
    /// Replication, which is noted and otherwise without effect.
    pub replication: u32,
    /// Preferred block size in bytes.
    pub block_size: u64,
}

/// Makes an empty file that is open for the caller. Returns its inode.
pub fn create(txn: &mut Txn<'_>, caller: &Caller, ask: &Create) -> Result<Inode, Fault> {
    let Create { path, holder, .. } = ask;
    check_path_length("create", path)?;
    if !is_valid_name(path) || (is_reserved(path) && !path.starts_with("/.reserved/.inodes/")) {
        return Err(Fault::new(Kind::InvalidPath, format!("Invalid path name {path}")));
    }
    check_holder(holder)?;
    check_replication(txn.limits, ask.replication, path, Some(&caller.machine))?;
    check_block_size(txn.limits, ask.block_size)?;
    let mut found = resolve(txn, caller, path, Purpose::Create)?;
    if is_reserved(&found.path()) {
        return Err(Fault::new(Kind::InvalidPath, format!("Invalid path name {path}")));
    }
    caller.check(&found, Needs { ancestor: Some(Action::WRITE), ..Needs::default() })?;
    if let Some(target) = found.target() {
        if target.is_dir() {
            let words = format!("{} already exists as a directory", found.path());
            return Err(Fault::new(Kind::FileAlreadyExists, words));
        }
        if ask.overwrite {
            caller.check(&found, Needs { target: Some(Action::WRITE), ..Needs::default() })?;
        }
    }
    if !ask.create_parent {
        check_parent(&found)?;
    }
    match found.target() {
        None if !ask.create => {
            let words = format!("Can't overwrite non-existent {path}");
            return Err(Fault::new(Kind::FileNotFound, words));
        }
        None => {}
        Some(_) if ask.overwrite => {
            txn.discard(&found)?;
            found = resolve(txn, caller, path, Purpose::Create)?;
        }
        Some(target) => {
            check_closed(txn, caller, target, "CREATE_FILE", path, holder)?;
            let words = format!("{path} for client {} already exists", caller.machine);
            return Err(Fault::new(Kind::FileAlreadyExists, words));
        }
    }
    make_ancestors(txn, caller, &mut found)?;
    let (dir_path, name) = (found.parent_path(), found.name().to_owned());
    let dir = found.inodes.last_mut().ok_or_else(|| Fault::no_file(path))?;
    // A block of no bytes cannot be; HDFS makes it one byte too.
    let file = File { replication: ask.replication, block_size: ask.block_size.max(1), ..File::default() };
    let inode = Inode {
        name,
        owner: caller.user.to_string(),
        group: dir.group.clone(),
        mode: ask.mode & 0o1777,
        mtime: txn.now.wall,
        atime: txn.now.wall,
        file: Some(file),
        ..Inode::default()
    };
    let mut inode = txn.create(dir, &dir_path, inode)?;
    txn.lease(&mut inode, Writer { holder: holder.clone(), machine: caller.machine.to_string() });
    Ok(inode)
}

/// Refuses replications outside of what is configured.
pub fn check_replication(limits: &Limits, replication: u32, path: &str, client: Option<&str>) -> Result<(), Fault> {
    let most = limits.max_replication;
    let wrong = match replication {
        0 => " is less than the required minimum of 1".to_owned(),
        found if found > most => format!(" exceeds maximum of {most}"),
        _ => return Ok(()),
    };
    let client = client.map(|client| format!(", clientName={client}")).unwrap_or_default();
    Err(Fault::io(format!("Requested replication factor of {replication}{wrong} for {path}{client}")))
}

fn check_block_size(limits: &Limits, asked: u64) -> Result<(), Fault> {
    let least = limits.min_block_size;
    // Java has no larger numbers: what is above was negative.
    if i64::try_from(asked).is_ok() && asked >= least {
        return Ok(());
    }
    let asked = i64::from_ne_bytes(asked.to_ne_bytes());
    Err(Fault::io(format!(
        "Specified block size is less than configured minimum value (dfs.namenode.fs-limits.min-block-size): \
         {asked} < {least}"
    )))
}
