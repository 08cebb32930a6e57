//! Joining files: the target gets the blocks of the others, which cease to exist.

use crate::state::access::{Action, Caller, Needs};
use crate::state::record::{File, Inode};
use crate::state::resolve::{Purpose, Resolved, resolve};
use crate::state::{Fault, Kind, Txn, tables, view::View};

/// Appends the blocks of `sources`, files of the same directory, to `target`. Costs one step per moved block.
pub fn concat(txn: &mut Txn<'_>, caller: &Caller, target: &str, sources: &[String]) -> Result<(), Fault> {
    if target.is_empty() {
        return Err(Fault::new(Kind::IllegalArgument, "Target file name is empty"));
    }
    if sources.is_empty() {
        return Err(Fault::new(Kind::IllegalArgument, "No sources given"));
    }
    let found = resolve(txn, caller, target, Purpose::Use)?;
    caller.check(&found, Needs { target: Some(Action::WRITE), ..Needs::default() })?;
    let inode = found.file(target)?.clone();
    let Some(mut file) = inode.file.clone() else { return Err(Fault::no_file(target)) };
    if file.is_open() {
        return Err(refused(format!("concat: target file {target} is under construction")));
    }
    let most = txn.limits.blocks_per_file;
    let too_many = || refused(format!("concat: {target} would have more than {most} blocks"));
    // Each has one block at least.
    if sources.len() > most as usize {
        return Err(too_many());
    }
    let taken = find_sources(txn, caller, &found, &file, sources)?;
    let blocks = taken.iter().try_fold(file.blocks, |sum, source| sum.checked_add(source.file.as_ref()?.blocks));
    if blocks.is_none_or(|blocks| blocks > most) {
        return Err(too_many());
    }
    let Some(mut dir) = found.parent().cloned() else { return Err(Fault::no_file(target)) };
    for source in &taken {
        move_blocks(txn, inode.id, &mut file, source)?;
        txn.unlink(&mut dir, source);
        txn.remove(tables::INODES, tables::number(source.id));
        txn.count(|c| c.inodes = c.inodes.saturating_sub(1))?;
    }
    let mtime = txn.now.wall;
    txn.put_inode(&Inode { mtime, file: Some(file), ..inode });
    Ok(())
}

fn find_sources(
    txn: &Txn<'_>,
    caller: &Caller,
    target: &Resolved,
    file: &File,
    sources: &[String],
) -> Result<Vec<Inode>, Fault> {
    let mut taken: Vec<Inode> = Vec::with_capacity(sources.len());
    let mut seen = hashbrown::HashSet::new();
    for path in sources {
        let found = resolve(txn, caller, path, Purpose::Use)?;
        caller.check(&found, Needs { target: Some(Action::READ), ..Needs::default() })?;
        caller.check(&found, Needs { parent: Some(Action::WRITE), ..Needs::default() })?;
        let inode = found.file(path)?;
        check_source(inode, path, target, file)?;
        seen.insert(inode.id);
        taken.push(inode.clone());
    }
    if seen.len() < sources.len() {
        return Err(refused("concat: at least two of the source files are the same".into()));
    }
    Ok(taken)
}

fn check_source(inode: &Inode, path: &str, target: &Resolved, file: &File) -> Result<(), Fault> {
    let target_path = target.path();
    if target.parent().map(|dir| dir.id) != Some(inode.parent) {
        return Err(refused(format!("Source file {path} is not in the same directory with the target {target_path}")));
    }
    if target.target().map(|t| t.id) == Some(inode.id) {
        return Err(refused(format!("concat: the src file {path} is the same with the target file {target_path}")));
    }
    let Some(source) = inode.file.as_ref().filter(|source| !source.is_open() && source.blocks > 0) else {
        return Err(refused(format!("concat: source file {path} is invalid or empty or underConstruction")));
    };
    if source.block_size > file.block_size {
        return Err(refused(format!(
            "concat: source file {path} has preferred block size {} which is greater than the target file's preferred \
             block size {}",
            source.block_size, file.block_size
        )));
    }
    Ok(())
}

fn move_blocks(txn: &mut Txn<'_>, target: u64, file: &mut File, source: &Inode) -> Result<(), Fault> {
    let Some(from) = &source.file else { return Ok(()) };
    for index in 0..from.blocks {
        let mut extent = txn.extent(source.id, index)?;
        txn.take_extent(source.id, index, &extent)?;
        extent.offset += file.length;
        txn.put_extent(target, file.blocks + index, &extent)?;
    }
    file.blocks += from.blocks;
    file.length += from.length;
    Ok(())
}

fn refused(message: String) -> Fault {
    Fault::new(Kind::HadoopIllegalArgument, message)
}
