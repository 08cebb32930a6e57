//! What the mount table has.

use std::cmp::Ordering;

use anabranch_federation::{Action, MountEntry, Usages, normalise};
use anabranch_hdfs_proto::hdfs::{
    GetMountTableEntriesRequestProto, GetMountTableEntriesResponseProto, MountTableRecordProto,
};
use anabranch_hrpc::Call;
use anabranch_store::mount_to_proto;
use anabranch_telemetry::clock;

use super::problem::Problem;
use super::{Admin, Answer, answer};
use crate::config::RouterConfig;

/// The entries at a path and below that the caller may see.
pub(super) fn entries<'a>(admin: &'a Admin, call: &'a Call) -> Answer<'a> {
    Box::pin(async move {
        let request: GetMountTableEntriesRequestProto = call.decode()?;
        let (path, caller) = (normalise(request.src_path()), admin.caller(call).await);
        let mut entries = admin.known().await?;
        entries.retain(|entry| is_below(entry.source.as_str(), &path) && caller.may(entry, Action::Read));
        entries.sort_by(|a, b| order(a.source.as_str(), b.source.as_str()));
        let usages = admin.core.quotas.usages();
        let entries = entries.iter().map(|entry| shown(entry, &admin.core.config, usages.as_deref())).collect();
        answer(&GetMountTableEntriesResponseProto { entries, timestamp: Some(clock::wall_ms()) })
    })
}

impl Admin {
    /// The stored entries; those in use while the store is away, or where there is none.
    async fn known(&self) -> Result<Vec<MountEntry>, Problem> {
        let in_use = || self.core.mounts.load().as_ref().map(|table| table.entries().cloned().collect());
        match self.mounts() {
            Err(no_store) => in_use().ok_or(no_store),
            Ok(store) => match store.list().await {
                Ok(snapshot) => Ok(snapshot.records.into_iter().map(|stored| stored.record).collect()),
                Err(error) => in_use().ok_or(Problem::Store(error)),
            },
        }
    }
}

/// Whether a source is a path or below it; everything is below nothing.
fn is_below(source: &str, path: &str) -> bool {
    match source.strip_prefix(path) {
        Some(rest) => rest.is_empty() || rest.starts_with('/') || path.is_empty() || path == "/",
        None => false,
    }
}

/// As the Java router sorts: a slash comes before every letter, so that what is below an entry follows it.
fn order(a: &str, b: &str) -> Ordering {
    let rank = |letter: u8| if letter == b'/' { b' ' } else { letter };
    a.bytes().map(rank).cmp(b.bytes().map(rank))
}

/// An entry with the owner and the group that count where it names none, and with what is used of it, if that is counted.
fn shown(entry: &MountEntry, config: &RouterConfig, usages: Option<&Usages>) -> MountTableRecordProto {
    let used = |usages: &Usages| entry.quota.with_usage(usages.get(entry.source.as_str()).unwrap_or_default());
    let quota = usages.map_or_else(|| entry.quota.clone(), used);
    let mut message = mount_to_proto(&MountEntry { quota, ..entry.clone() });
    message.owner_name.get_or_insert_with(|| config.superuser.clone());
    message.group_name.get_or_insert_with(|| config.supergroup.clone());
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_a_path_is_chosen_by_components() {
        let rows = [
            ("/a", "/a", true),
            ("/a/b", "/a", true),
            ("/ab", "/a", false),
            ("/a", "/a/b", false),
            ("/a", "/", true),
            ("/", "/", true),
            ("/a", "", true),
        ];
        for (source, path, expected) in rows {
            assert_eq!(is_below(source, path), expected, "{source} {path}");
        }
    }

    #[test]
    fn sources_are_sorted_with_slashes_first() {
        let mut sources = ["/b", "/a-b", "/a/z", "/a", "/a b", "/"];
        sources.sort_by(|a, b| order(a, b));
        assert_eq!(sources, ["/", "/a", "/a b", "/a/z", "/a-b", "/b"]);
    }
}
