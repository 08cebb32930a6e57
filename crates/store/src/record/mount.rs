use anabranch_federation::{Declared, Limit, MountEntry, OffByName, Order, Quota, StorageType};
use anabranch_hdfs_proto::hdfs::{
    MountTableRecordProto, QuotaUsageProto, RemoteLocationProto, StorageTypeQuotaInfoProto, StorageTypeQuotaInfosProto,
};
use prost::Message;

use super::{DecodeError, Record, unknown};

/// How "no quota" is written: −1.
const NO_QUOTA: u64 = u64::MAX;

/// The tag of the quota.
const QUOTA: u32 = 13;

/// Orders and their numbers; the last has a number since Hadoop 3.5 only, and older Java routers read it as HASH.
const ORDERS: [Order; 6] =
    [Order::Hash, Order::Local, Order::Random, Order::HashAll, Order::Space, Order::LeaderFollower];

/// What follows the message of an entry that someone keeps as it is. The Java router knows no such fields; it hands them on
/// with what it rewrites, and records of entries that nobody declared are its own, bit for bit.
#[derive(Clone, PartialEq, Message)]
struct DeclaredProto {
    #[prost(string, optional, tag = "1001")]
    by: Option<String>,
    #[prost(fixed64, optional, tag = "1002")]
    digest: Option<u64>,
}

impl Record for MountEntry {
    const KIND: &'static str = "MountTable";

    fn key(&self) -> &str {
        self.source.as_str()
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = mount_to_proto(self).encode_to_vec();
        bytes.extend(&self.unknown);
        if let Some(declared) = self.declared.as_deref() {
            let mark = DeclaredProto { by: Some(declared.by.clone()), digest: Some(declared.digest) };
            bytes.extend(mark.encode_to_vec());
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let message = MountTableRecordProto::decode(bytes)?;
        let entry = mount_from_proto(&message)?;
        let mark = DeclaredProto::decode(bytes)?;
        let unknown = if message.encoded_len() + mark.encoded_len() == bytes.len() {
            Box::default()
        } else {
            unknown::unknown(bytes, &[message.encode_to_vec(), mark.encode_to_vec()].concat(), QUOTA)
        };
        let declared = mark.by.zip(mark.digest).map(|(by, digest)| Box::new(Declared { by, digest }));
        Ok(Self { declared, unknown, ..entry })
    }

    fn validate(&self) -> Result<(), DecodeError> {
        Ok(MountEntry::validate(self)?)
    }
}

/// An entry as the message that records and administrative calls carry.
pub fn mount_to_proto(entry: &MountEntry) -> MountTableRecordProto {
    let destination = |destination: &anabranch_federation::Destination| RemoteLocationProto {
        nameservice_id: Some(destination.nameservice.to_string()),
        path: Some(destination.path.to_string()),
    };
    let text = |text: &String| (!text.is_empty()).then(|| text.clone());
    MountTableRecordProto {
        src_path: Some(entry.source.to_string()),
        destinations: entry.destinations.iter().map(destination).collect(),
        date_created: Some(entry.created_ms),
        date_modified: Some(entry.modified_ms),
        read_only: flag(entry.read_only, entry.off_by_name.read_only),
        dest_order: ORDERS.iter().zip(0..).find(|(order, _)| **order == entry.order).map(|(_, number)| number),
        owner_name: text(&entry.owner),
        group_name: text(&entry.group),
        mode: Some(entry.mode.into()),
        quota: Some(quota_to_proto(&entry.quota)),
        fault_tolerant: flag(entry.fault_tolerant, entry.off_by_name.fault_tolerant),
    }
}

fn flag(on: bool, off_by_name: bool) -> Option<bool> {
    (on || off_by_name).then_some(on)
}

/// The entry that a message describes. Absent fields have the defaults of the Java router.
pub fn mount_from_proto(message: &MountTableRecordProto) -> Result<MountEntry, DecodeError> {
    let pairs = message.destinations.iter().map(|destination| (destination.nameservice_id(), destination.path()));
    let mut entry = MountEntry::parse(message.src_path(), pairs)?;
    let number = message.dest_order.unwrap_or_default();
    let order = usize::try_from(number).ok().and_then(|at| ORDERS.get(at));
    entry.order = *order.ok_or(field("destOrder", number, "0 to 5"))?;
    let mode = message.mode.unwrap_or(MountEntry::DEFAULT_MODE.into());
    entry.mode = u16::try_from(mode).ok().filter(|mode| *mode <= 0o1777).ok_or(field(
        "mode",
        mode,
        "permission bits, 0 to 1023",
    ))?;
    entry.read_only = message.read_only();
    entry.fault_tolerant = message.fault_tolerant();
    entry.off_by_name = OffByName {
        read_only: message.read_only == Some(false),
        fault_tolerant: message.fault_tolerant == Some(false),
    };
    entry.owner = message.owner_name().to_owned();
    entry.group = message.group_name().to_owned();
    entry.quota = message.quota.as_ref().map(quota_from_proto).transpose()?.unwrap_or_default();
    entry.created_ms = message.date_created();
    entry.modified_ms = message.date_modified();
    entry.validate()?;
    Ok(entry)
}

fn field(field: &'static str, value: i32, expected: &'static str) -> DecodeError {
    DecodeError::Field { field, value: value.into(), expected }
}

fn quota_to_proto(quota: &Quota) -> QuotaUsageProto {
    let by_type = |(kind, limit): &(StorageType, Limit)| StorageTypeQuotaInfoProto {
        r#type: Some(kind.number()),
        quota: limit.quota.unwrap_or(NO_QUOTA),
        consumed: limit.used,
    };
    let type_quota_info: Vec<_> = quota.by_type.iter().map(by_type).collect();
    QuotaUsageProto {
        file_and_directory_count: quota.files.used,
        quota: quota.files.quota.unwrap_or(NO_QUOTA),
        space_consumed: quota.space.used,
        space_quota: quota.space.quota.unwrap_or(NO_QUOTA),
        type_quota_infos: (!type_quota_info.is_empty()).then_some(StorageTypeQuotaInfosProto { type_quota_info }),
    }
}

fn quota_from_proto(message: &QuotaUsageProto) -> Result<Quota, DecodeError> {
    // Java writes its signed numbers as they are: what has the highest bit set is negative, which sets no quota.
    let limit = |quota: u64, used| Limit { quota: i64::try_from(quota).is_ok().then_some(quota), used };
    let infos = message.type_quota_infos.iter().flat_map(|infos| &infos.type_quota_info);
    let mut by_type = infos
        .map(|info| {
            let number = info.r#type.unwrap_or(StorageType::Disk.number());
            let kind = StorageType::from_number(number).ok_or(field("quota type", number, "1 to 6"))?;
            Ok((kind, limit(info.quota, info.consumed)))
        })
        .collect::<Result<Vec<_>, DecodeError>>()?;
    by_type.sort_by_key(|(kind, _)| *kind);
    by_type.dedup_by_key(|(kind, _)| *kind);
    Ok(Quota {
        files: limit(message.quota, message.file_and_directory_count),
        space: limit(message.space_quota, message.space_consumed),
        by_type,
    })
}

#[cfg(test)]
mod tests;
