//! How much is below a directory.

use anabranch_hdfs_proto::hdfs::{
    ContentSummaryProto, GetContentSummaryRequestProto, GetContentSummaryResponseProto, GetQuotaUsageRequestProto,
    GetQuotaUsageResponseProto, QuotaUsageProto,
};

use super::{Context, Service};
use crate::state::access::{Action, Needs, is_root};
use crate::state::record::Inode;
use crate::state::resolve::{Purpose, Resolved, resolve};
use crate::state::view::{View, join};
use crate::state::{Fault, Kind};

/// Entries after which the walk lets others run.
const CHUNK: usize = 1_000;
/// −1: no quota is set.
const NONE: u64 = u64::MAX;
/// The root's quota of names when none is set, as in HDFS.
const ROOT_QUOTA: u64 = i64::MAX as u64;

#[derive(Debug, Clone, Copy, Default)]
struct Total {
    bytes: u64,
    space: u64,
    files: u64,
    directories: u64,
}

impl Total {
    fn add(&mut self, view: &impl View, inode: &Inode) -> Result<(), Fault> {
        match &inode.file {
            None => self.directories += 1,
            Some(file) => {
                let length = view.length(inode)?;
                self.files += 1;
                self.bytes = self.bytes.saturating_add(length);
                // A block that is being written counts as a full one, as it would to a quota.
                let open = view.tail(inode.id, file)?.is_some_and(|tail| !tail.is_complete());
                let taken = file.length.saturating_add(if open { file.block_size } else { 0 });
                self.space = self.space.saturating_add(taken.saturating_mul(u64::from(file.replication)));
            }
        }
        Ok(())
    }
}

/// Adds up a tree on one snapshot, chunk by chunk.
async fn measure(s: &Service, c: &Context, path: &str, checked: bool) -> Result<(Total, Resolved), Fault> {
    let view = s.view();
    let found = resolve(&view, &c.caller, path, Purpose::Use)?;
    let Some(target) = found.target() else { return Err(Fault::no_file(&found.path())) };
    let mut total = Total::default();
    total.add(&view, target)?;
    let mut waiting = vec![(target.clone(), found.names.clone())];
    waiting.retain(|(inode, _)| inode.is_dir());
    while let Some((dir, names)) = waiting.pop() {
        if checked {
            c.caller.require(&dir, || join(names.iter().map(String::as_str)), Action::READ_EXECUTE)?;
        }
        let mut after = String::new();
        loop {
            let page = view.children(dir.id, after.as_bytes(), CHUNK)?;
            for entry in &page {
                let inode = view.inode(entry.inode)?;
                total.add(&view, &inode)?;
                if inode.is_dir() {
                    waiting.push((inode, [&names[..], std::slice::from_ref(&entry.name)].concat()));
                }
            }
            tokio::task::yield_now().await;
            match page.last() {
                Some(last) if page.len() == CHUNK => after.clone_from(&last.name),
                _ => break,
            }
        }
    }
    Ok((total, found))
}

pub async fn get_content_summary(
    s: &Service,
    c: &Context,
    q: GetContentSummaryRequestProto,
) -> Result<GetContentSummaryResponseProto, Fault> {
    let (total, found) = measure(s, c, &q.path, true).await?;
    Ok(GetContentSummaryResponseProto {
        summary: ContentSummaryProto {
            length: total.bytes,
            file_count: total.files,
            directory_count: total.directories,
            quota: if found.target().is_some_and(is_root) { ROOT_QUOTA } else { NONE },
            space_consumed: total.space,
            space_quota: NONE,
            snapshot_length: Some(0),
            snapshot_file_count: Some(0),
            snapshot_directory_count: Some(0),
            snapshot_space_consumed: Some(0),
            erasure_coding_policy: Some(
                if found.target().is_some_and(Inode::is_dir) { "" } else { "Replicated" }.into(),
            ),
            ..ContentSummaryProto::default()
        },
    })
}

pub async fn get_quota_usage(
    s: &Service,
    c: &Context,
    q: GetQuotaUsageRequestProto,
) -> Result<GetQuotaUsageResponseProto, Fault> {
    let (total, found) = measure(s, c, &q.path, true).await?;
    if found.target().is_none() {
        return Err(Fault::new(Kind::FileNotFound, format!("File/Directory does not exist: {}", found.path())));
    }
    c.caller.check(&found, Needs { target: Some(Action::READ), ..Needs::default() })?;
    Ok(GetQuotaUsageResponseProto {
        usage: QuotaUsageProto {
            file_and_directory_count: total.files + total.directories,
            quota: if found.target().is_some_and(is_root) { ROOT_QUOTA } else { NONE },
            space_consumed: total.space,
            space_quota: NONE,
            type_quota_infos: None,
        },
    })
}
