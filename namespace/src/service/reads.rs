//! Looking at files and directories.

use anabranch_hdfs_proto::hdfs::hdfs_file_status_proto::FileType;
use anabranch_hdfs_proto::hdfs::{
    DirectoryListingProto, FsPermissionProto, GetBlockLocationsRequestProto, GetBlockLocationsResponseProto,
    GetEnclosingRootRequestProto, GetEnclosingRootResponseProto, GetFileInfoRequestProto, GetFileInfoResponseProto,
    GetFileLinkInfoRequestProto, GetFileLinkInfoResponseProto, GetListingRequestProto, GetListingResponseProto,
    GetLocatedFileInfoRequestProto, GetLocatedFileInfoResponseProto, GetPreferredBlockSizeRequestProto,
    GetPreferredBlockSizeResponseProto, HdfsFileStatusProto,
};

use super::{Context, Service};
use crate::state::access::{Action, Needs};
use crate::state::record::Inode;
use crate::state::resolve::{Purpose, resolve};
use crate::state::view::View;
use crate::state::{Fault, Kind, ops};

/// What a NameNode says of `/.reserved`, which is nowhere in the tree.
fn reserved() -> HdfsFileStatusProto {
    HdfsFileStatusProto {
        file_type: FileType::IsDir.into(),
        permission: FsPermissionProto { perm: 0o1770 },
        children_num: Some(0),
        ..HdfsFileStatusProto::default()
    }
}

fn status(s: &Service, c: &Context, path: &str, located: bool) -> Result<Option<HdfsFileStatusProto>, Fault> {
    if path == "/.reserved" {
        return Ok(Some(reserved()));
    }
    let view = s.view();
    let found = match resolve(&view, &c.caller, path, Purpose::Use) {
        // A superuser is refused only for a path through a file; NameNodes answer that there is nothing, and clients
        // count on it.
        Err(fault) if c.caller.superuser && fault.is(Kind::AccessControl) => return Ok(None),
        found => found?,
    };
    found.target().map(|inode| s.place().status(&view, inode, "", located)).transpose()
}

pub async fn get_file_info(
    s: &Service,
    c: &Context,
    q: GetFileInfoRequestProto,
) -> Result<GetFileInfoResponseProto, Fault> {
    Ok(GetFileInfoResponseProto { fs: status(s, c, &q.src, false)? })
}

pub async fn get_file_link_info(
    s: &Service,
    c: &Context,
    q: GetFileLinkInfoRequestProto,
) -> Result<GetFileLinkInfoResponseProto, Fault> {
    Ok(GetFileLinkInfoResponseProto { fs: status(s, c, &q.src, false)? })
}

pub async fn get_located_file_info(
    s: &Service,
    c: &Context,
    q: GetLocatedFileInfoRequestProto,
) -> Result<GetLocatedFileInfoResponseProto, Fault> {
    if q.need_block_token() {
        // With a token the blocks could be read.
        let found = resolve(&s.view(), &c.caller, q.src(), Purpose::Use)?;
        c.caller.check(&found, Needs { target: Some(Action::READ), ..Needs::default() })?;
    }
    Ok(GetLocatedFileInfoResponseProto { fs: status(s, c, q.src(), true)? })
}

pub async fn get_block_locations(
    s: &Service,
    c: &Context,
    q: GetBlockLocationsRequestProto,
) -> Result<GetBlockLocationsResponseProto, Fault> {
    for (value, name) in [(q.offset, "offset"), (q.length, "length")] {
        if value > i64::MAX as u64 {
            let words = format!("Negative {name} is not supported. File: {}", q.src);
            return Err(Fault::new(Kind::IllegalArgument, words));
        }
    }
    let (locations, read) = {
        let view = s.view();
        let found = resolve(&view, &c.caller, &q.src, Purpose::Use)?;
        let inode = found.file(&q.src)?;
        c.caller.check(&found, Needs { target: Some(Action::READ), ..Needs::default() })?;
        (s.place().blocks(&view, inode, q.offset, q.length)?, inode.clone())
    };
    note_access(s, &read).await;
    Ok(GetBlockLocationsResponseProto { locations: Some(locations) })
}

/// Notes that a file is read, when the time that is noted is too old. Reading does not fail when that fails.
async fn note_access(s: &Service, inode: &Inode) {
    let precision = s.config.access_time_ms;
    let is_due = precision > 0 && s.clock.now().wall > inode.atime.saturating_add(precision);
    if !is_due || s.require_writable(String::new).is_err() {
        return;
    }
    let id = inode.id;
    if let Err(error) = s.writer.submit(move |txn| ops::set_access_time(txn, id)).await {
        tracing::debug!(inode = id, %error, "the access time is not noted");
    }
}

pub async fn get_listing(
    s: &Service,
    c: &Context,
    q: GetListingRequestProto,
) -> Result<GetListingResponseProto, Fault> {
    let view = s.view();
    let found = resolve(&view, &c.caller, &q.src, Purpose::Use)?;
    let Some(inode) = found.target() else { return Ok(GetListingResponseProto { dir_list: None }) };
    if !inode.is_dir() {
        let only = s.place().status(&view, inode, "", q.need_location)?;
        let dir_list = DirectoryListingProto { partial_listing: vec![only], remaining_entries: 0 };
        return Ok(GetListingResponseProto { dir_list: Some(dir_list) });
    }
    c.caller.check(&found, Needs { target: Some(Action::READ_EXECUTE), ..Needs::default() })?;
    let limit = s.config.listing_limit.max(1);
    let entries = view.children(inode.id, &q.start_after, limit + 1)?;
    let mut page = Vec::with_capacity(entries.len().min(limit));
    let mut blocks = 0;
    for entry in entries.iter().take(limit) {
        let child = view.inode(entry.inode)?;
        let status = s.place().status(&view, &child, &entry.name, q.need_location)?;
        blocks += status.locations.as_ref().map_or(0, |l| l.blocks.len());
        page.push(status);
        // A page of files with many blocks would be long.
        if blocks >= limit {
            break;
        }
    }
    // What is left is counted exactly on the first page; later pages only say that there is more.
    let left = match page.len() == entries.len() {
        true => 0,
        false if q.start_after.is_empty() => inode.children.saturating_sub(page.len() as u64).max(1),
        false => 1,
    };
    let remaining_entries = u32::try_from(left).unwrap_or(u32::MAX);
    let dir_list = DirectoryListingProto { partial_listing: page, remaining_entries };
    Ok(GetListingResponseProto { dir_list: Some(dir_list) })
}

pub async fn get_preferred_block_size(
    s: &Service,
    c: &Context,
    q: GetPreferredBlockSizeRequestProto,
) -> Result<GetPreferredBlockSizeResponseProto, Fault> {
    let view = s.view();
    let found = resolve(&view, &c.caller, &q.filename, Purpose::Use)?;
    let inode = found.file(&q.filename)?;
    Ok(GetPreferredBlockSizeResponseProto { bsize: inode.file.as_ref().map_or(0, |file| file.block_size) })
}

pub async fn get_enclosing_root(
    s: &Service,
    c: &Context,
    q: GetEnclosingRootRequestProto,
) -> Result<GetEnclosingRootResponseProto, Fault> {
    resolve(&s.view(), &c.caller, q.filename(), Purpose::Use)?;
    Ok(GetEnclosingRootResponseProto { enclosing_root_path: Some("/".to_owned()) })
}
