//! Changes of the mount table.

use std::collections::BTreeSet;

use anabranch_federation::{MountEntry, normalise};
use anabranch_hdfs_proto::hdfs::{
    AddMountTableEntriesRequestProto, AddMountTableEntriesResponseProto, AddMountTableEntryRequestProto,
    AddMountTableEntryResponseProto, MountTableRecordProto, RemoveMountTableEntryRequestProto,
    RemoveMountTableEntryResponseProto, UpdateMountTableEntryRequestProto, UpdateMountTableEntryResponseProto,
};
use anabranch_hrpc::Call;
use anabranch_store::{Version, Write};
use anabranch_telemetry::clock;

use super::problem::Problem;
use super::stored::Found;
use super::{Admin, Answer, answer, destination, entry};

/// Adds an entry; false if there is one.
pub(super) fn add<'a>(admin: &'a Admin, call: &'a Call) -> Answer<'a> {
    Box::pin(async move {
        let request: AddMountTableEntryRequestProto = call.decode()?;
        let failed = admin.add(call, request.entry.as_slice()).await?;
        let status = request.entry.is_some() && failed.is_empty();
        answer(&AddMountTableEntryResponseProto { status: Some(status) })
    })
}

/// Adds those entries that are not there yet, and names the others.
pub(super) fn add_all<'a>(admin: &'a Admin, call: &'a Call) -> Answer<'a> {
    Box::pin(async move {
        let request: AddMountTableEntriesRequestProto = call.decode()?;
        let failed_entries_keys = admin.add(call, &request.entry).await?;
        let status = !request.entry.is_empty() && failed_entries_keys.is_empty();
        answer(&AddMountTableEntriesResponseProto { status: Some(status), failed_entries_keys })
    })
}

/// Replaces an entry, or adds it.
pub(super) fn update<'a>(admin: &'a Admin, call: &'a Call) -> Answer<'a> {
    Box::pin(async move {
        let request: UpdateMountTableEntryRequestProto = call.decode()?;
        let status = match &request.entry {
            Some(message) => admin.update(call, message).await?,
            None => false,
        };
        answer(&UpdateMountTableEntryResponseProto { status: Some(status) })
    })
}

/// Removes an entry; false if there is none.
pub(super) fn remove<'a>(admin: &'a Admin, call: &'a Call) -> Answer<'a> {
    Box::pin(async move {
        let request: RemoveMountTableEntryRequestProto = call.decode()?;
        let (source, caller) = (normalise(request.src_path()), admin.caller(call).await);
        let removed = admin.change(|stored, _| {
            let version = stored.may_remove(&source, &caller)?;
            Ok(version.map(|expected| Write::Delete { key: source.to_string(), expected }).into_iter().collect())
        });
        let status = !removed.await?.is_empty();
        answer(&RemoveMountTableEntryResponseProto { status: Some(status) })
    })
}

impl Admin {
    /// Adds what is not stored yet, when the caller may add all of it, and returns the sources of the rest.
    async fn add(&self, call: &Call, messages: &[MountTableRecordProto]) -> Result<Vec<String>, Problem> {
        let caller = self.caller(call).await;
        let mut entries: Vec<MountEntry> = Vec::with_capacity(messages.len());
        for message in messages {
            entries.push(self.checked(call, message).await?);
        }
        let made = self.change(|stored, made| {
            let mut seen = BTreeSet::new();
            let mut changes = Vec::new();
            for entry in &entries {
                stored.may_add(&entry.source, &caller)?;
                let key = entry.source.as_str();
                let first = seen.insert(key);
                if first && !made.contains(key) && stored.get(key) == Found::Absent {
                    let record = MountEntry { modified_ms: clock::wall_ms(), ..entry.clone() };
                    changes.push(Write::Put { record, expected: Version::ABSENT });
                }
            }
            Ok(changes)
        });
        let mut made = made.await?;
        // Of several for one source the first was made.
        let failed = entries.iter().filter(|entry| !made.remove(entry.source.as_str()));
        Ok(failed.map(|entry| entry.source.to_string()).collect())
    }

    async fn update(&self, call: &Call, message: &MountTableRecordProto) -> Result<bool, Problem> {
        let caller = self.caller(call).await;
        let entry = self.checked(call, message).await?;
        let made = self.change(|stored, _| {
            let found = stored.may_update(&entry.source, &caller)?;
            let record = MountEntry { modified_ms: clock::wall_ms(), ..entry.clone() };
            let record = match found {
                Found::Entry(old) => record.in_place_of(&old.record),
                Found::Absent | Found::Broken(_) => record,
            };
            Ok(vec![Write::Put { record, expected: found.version() }])
        });
        Ok(!made.await?.is_empty())
    }

    async fn checked(&self, call: &Call, message: &MountTableRecordProto) -> Result<MountEntry, Problem> {
        let entry = entry::read(message, &self.core.config)?;
        if self.core.config.admin.check_mounts {
            destination::verify(self, call, &entry).await?;
        }
        Ok(entry)
    }
}
