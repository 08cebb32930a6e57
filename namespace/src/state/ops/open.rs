//! Files that are being written: who may go on writing, and who has to wait.

use crate::state::access::Caller;
use crate::state::record::{File, Inode, Writer};
use crate::state::resolve::{Resolved, resolve_open};
use crate::state::{Fault, Kind, Txn, leases, view::View};

/// An open file as its writer names it.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// The path under which it was opened.
    pub path: &'a str,
    /// Its number, if the client knows it, else 0.
    pub id: u64,
    /// The client's name for itself.
    pub holder: &'a str,
}

/// The file that a writer names, if the writer holds its lease.
pub fn find_writer(txn: &Txn<'_>, caller: &Caller, named: Named<'_>) -> Result<(Inode, Resolved), Fault> {
    let found = resolve_open(txn, caller, named.path, named.id)?;
    let path = found.path();
    let described = || lease_description(txn, &path, named);
    let Some(inode) = found.target().cloned() else {
        let words = format!("File does not exist: {}", described());
        return Err(Fault::new(Kind::FileNotFound, words));
    };
    let expired = |what: String| Err(Fault::new(Kind::LeaseExpired, format!("{what}: {}", described())));
    match &inode.file {
        None => expired("INode is not a regular file".into()),
        Some(File { writer: None, .. }) => expired("File is not open for writing".into()),
        Some(File { writer: Some(writer), .. }) if writer.holder != named.holder => {
            expired(format!("Client (={}) is not the lease owner (={}", named.holder, writer.holder))
        }
        Some(_) => Ok((inode, found)),
    }
}

/// How messages about leases end.
pub fn lease_description(txn: &Txn<'_>, path: &str, named: Named<'_>) -> String {
    let Named { id, holder, .. } = named;
    // A count for people to read; a holder with more open files than this is unheard of.
    let open = txn.leases_of(holder, 0, 1_000).map_or(0, |files| files.len());
    let state = match open {
        0 => format!("Holder {holder} does not have any open files."),
        _ => format!("[Lease.  Holder: {holder}, pending creates: {open}]"),
    };
    format!("{path} (inode {id}) {state}")
}

/// Refuses a new writer while a file has one that lives. `action` is the operation's name in messages.
pub fn check_closed(
    txn: &Txn<'_>,
    caller: &Caller,
    inode: &Inode,
    action: &str,
    path: &str,
    holder: &str,
) -> Result<(), Fault> {
    let Some(writer) = inode.file.as_ref().and_then(|f| f.writer.as_ref()) else { return Ok(()) };
    let because =
        |reason: String| format!("Failed to {action} {path} for {holder} on {} because {reason}", caller.machine);
    if writer.holder == holder {
        let words = because(format!("{holder} is already the current lease holder."));
        return Err(Fault::new(Kind::AlreadyBeingCreated, words));
    }
    let recovering = because("lease recovery is in progress. Try again later.".into());
    if writer.holder == leases::SERVICE || txn.leases.is_stale(&writer.holder, txn.now.monotonic) {
        return Err(Fault::Abandoned { inode: inode.id, message: recovering });
    }
    let Writer { holder: owner, machine } = writer;
    let words = because(format!("this file lease is currently owned by {owner} on {machine}"));
    Err(Fault::new(Kind::AlreadyBeingCreated, words))
}

/// Refuses names that the table of leases cannot keep.
pub fn check_holder(holder: &str) -> Result<(), Fault> {
    if holder.is_empty() || holder.len() > 4_096 || holder.contains('\0') || holder == leases::SERVICE {
        let words = format!("Invalid client name {holder:?}: it has to have 1 to 4096 bytes, none of them zero");
        return Err(Fault::new(Kind::HadoopIllegalArgument, words));
    }
    Ok(())
}
