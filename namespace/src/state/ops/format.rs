//! The first state of a namespace.

use crate::state::record::{Counters, Identity, Inode};
use crate::state::{Fault, Txn, tables, view::View};

/// What a new namespace is made with.
#[derive(Debug, Clone)]
pub struct Format {
    /// Its names.
    pub identity: Identity,
    /// Who owns the root directory.
    pub owner: String,
    /// The root directory's group, which new entries inherit.
    pub group: String,
}

/// Makes the root directory, unless there is one.
pub fn format(txn: &mut Txn<'_>, format: Format) -> Result<(), Fault> {
    if txn.find_inode(tables::ROOT)?.is_some() {
        return Ok(());
    }
    txn.put(tables::META, tables::IDENTITY, &format.identity);
    txn.put(
        tables::META,
        tables::COUNTERS,
        &Counters {
            next_inode: tables::ROOT + 1,
            next_block: tables::FIRST_BLOCK,
            next_generation: tables::FIRST_GENERATION,
            inodes: 1,
            blocks: 0,
            bytes: 0,
            group: 0,
        },
    );
    txn.put_inode(&Inode {
        id: tables::ROOT,
        parent: tables::ROOT,
        owner: format.owner,
        group: format.group,
        mode: 0o755,
        mtime: txn.now.wall,
        ..Inode::default()
    });
    Ok(())
}
