//! `rename2`: a move that says why it did not happen, and may replace what is at the target.

use super::rename::{GIVE, TAKE, relink};
use crate::state::access::Caller;
use crate::state::resolve::{Purpose, Resolved, check_path_length, is_reserved, is_valid_name, resolve};
use crate::state::{Fault, Kind, Txn};

/// What a client asks for.
#[derive(Debug, Clone)]
pub struct Rename2 {
    /// What to move.
    pub from: String,
    /// Its new path.
    pub to: String,
    /// Whether a file or an empty directory there is replaced.
    pub overwrite: bool,
}

/// Moves a file or directory.
pub fn rename2(txn: &mut Txn<'_>, caller: &Caller, ask: &Rename2) -> Result<(), Fault> {
    check_path_length("rename", &ask.to)?;
    if !is_valid_name(&ask.to) || is_reserved(&ask.to) {
        return Err(Fault::new(Kind::InvalidPath, format!("Invalid path name Invalid file name: {}", ask.to)));
    }
    let source = resolve(txn, caller, &ask.from, Purpose::Use)?;
    let target = resolve(txn, caller, &ask.to, Purpose::Create)?;
    caller.check(&source, TAKE)?;
    caller.check(&target, GIVE)?;
    validate(&source, &target, ask.overwrite)?;
    if target.target().is_some() {
        txn.discard(&target)?;
    }
    // Replacing the target may have changed the directory that both are in.
    let all = &Caller { superuser: true, ..caller.clone() };
    let source = resolve(txn, all, &source.path(), Purpose::Use)?;
    let target = resolve(txn, all, &target.path(), Purpose::Create)?;
    relink(txn, &source, &target)
}

fn validate(source: &Resolved, target: &Resolved, overwrite: bool) -> Result<(), Fault> {
    let (from, to) = (source.path(), target.path());
    let Some(inode) = source.target() else {
        return Err(Fault::new(Kind::FileNotFound, format!("rename source {from} is not found.")));
    };
    if source.names.is_empty() {
        return Err(Fault::io("rename source cannot be the root"));
    }
    if from == to {
        let words = format!("The source {from} and destination {to} are the same");
        return Err(Fault::new(Kind::FileAlreadyExists, words));
    }
    if target.names.starts_with(&source.names) {
        let words = format!("Rename destination {to} is a directory or file under source {from}");
        return Err(Fault::io(words));
    }
    if target.names.is_empty() {
        return Err(Fault::io("rename destination cannot be the root"));
    }
    if let Some(existing) = target.target() {
        if existing.is_dir() != inode.is_dir() {
            return Err(Fault::io(format!("Source {from} and destination {to} must both be directories")));
        }
        if !overwrite {
            let words = format!("rename destination {to} already exists");
            return Err(Fault::new(Kind::FileAlreadyExists, words));
        }
        if existing.children > 0 {
            return Err(Fault::io(format!("rename destination directory is not empty: {to}")));
        }
    }
    match target.parent() {
        None => Err(Fault::new(Kind::FileNotFound, format!("rename destination parent {to} not found."))),
        Some(parent) if !parent.is_dir() => {
            let words = format!("rename destination parent {to} is a file.");
            Err(Fault::new(Kind::ParentNotDirectory, words))
        }
        Some(_) => Ok(()),
    }
}
