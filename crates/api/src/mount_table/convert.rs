//! From `MountTable` to entries of the domain's mount table.

use std::collections::HashMap;

use anabranch_federation::{Destination, Limit, MountEntry, Order, Quota, StorageType};

use super::{
    DestinationSpec, MAX_DESTINATIONS, MAX_ENTRIES, MAX_OWNER, MountEntrySpec, MountOrder, MountTableSpec, QuotaSpec,
    StorageTypeName, StorageTypeQuotaSpec,
};
use crate::byte_size::ByteSize;
use crate::field::{FieldError, FieldPath, Findings};
use crate::words;

impl MountTableSpec {
    /// The entries, each valid in itself and each path once.
    ///
    /// # Errors
    /// Everything that is wrong, by field.
    pub fn to_entries(&self) -> Result<Vec<MountEntry>, Vec<FieldError>> {
        let mut findings = Findings::default();
        let list = FieldPath::spec().key("entries");
        at_most(self.entries.len(), MAX_ENTRIES, &list, &mut findings);
        let mut first = HashMap::new();
        let mut entries = Vec::with_capacity(self.entries.len());
        for (index, spec) in self.entries.iter().enumerate() {
            let at = list.index(index);
            entries.extend(entry(spec, &at, &mut findings));
            if let Some(earlier) = first.insert(spec.path.as_str(), index) {
                findings.add(at.key("path"), format!("{:?} is mounted already, by entries[{earlier}]", spec.path));
                first.insert(spec.path.as_str(), earlier);
            }
        }
        findings.settle(|| entries)
    }
}

impl From<MountOrder> for Order {
    fn from(order: MountOrder) -> Self {
        match order {
            MountOrder::Hash => Self::Hash,
            MountOrder::Local => Self::Local,
            MountOrder::Random => Self::Random,
            MountOrder::HashAll => Self::HashAll,
            MountOrder::Space => Self::Space,
            MountOrder::LeaderFollower => Self::LeaderFollower,
        }
    }
}

impl From<Order> for MountOrder {
    fn from(order: Order) -> Self {
        match order {
            Order::Hash => Self::Hash,
            Order::Local => Self::Local,
            Order::Random => Self::Random,
            Order::HashAll => Self::HashAll,
            Order::Space => Self::Space,
            Order::LeaderFollower => Self::LeaderFollower,
        }
    }
}

impl From<&Quota> for QuotaSpec {
    /// The limits, not what is used.
    fn from(quota: &Quota) -> Self {
        let limited = |&(kind, limit): &(StorageType, Limit)| Some((kind, limit.quota?));
        let of_type = |(kind, space): (StorageType, u64)| StorageTypeQuotaSpec {
            kind: StorageTypeName::from(kind),
            space: ByteSize::from(space),
        };
        Self {
            files: quota.files.quota.and_then(|files| i64::try_from(files).ok()),
            space: quota.space.quota.map(ByteSize::from),
            storage_types: quota.by_type.iter().filter_map(limited).map(of_type).collect(),
        }
    }
}

impl From<StorageType> for StorageTypeName {
    fn from(kind: StorageType) -> Self {
        match kind {
            StorageType::Disk => Self::Disk,
            StorageType::Ssd => Self::Ssd,
            StorageType::Archive => Self::Archive,
            StorageType::RamDisk => Self::RamDisk,
            StorageType::Provided => Self::Provided,
            StorageType::Nvdimm => Self::Nvdimm,
        }
    }
}

fn entry(spec: &MountEntrySpec, at: &FieldPath, findings: &mut Findings) -> Option<MountEntry> {
    let source = findings.check(at.key("path"), words::path(&spec.path));
    let destinations = destinations(&spec.destinations, &at.key("destinations"), findings);
    check_order(spec, at, findings);
    let mode = findings.check(at.key("mode"), words::mode(&spec.mode));
    let owner = name(spec.owner.as_deref(), &at.key("owner"), findings);
    let group = name(spec.group.as_deref(), &at.key("group"), findings);
    let quota = quota(spec.quota.as_ref(), &at.key("quota"), findings);
    Some(MountEntry {
        order: spec.order.into(),
        read_only: spec.read_only,
        fault_tolerant: spec.fault_tolerant,
        owner,
        group,
        mode: mode?,
        quota,
        ..MountEntry::new(source?, destinations)
    })
}

fn destinations(specs: &[DestinationSpec], at: &FieldPath, findings: &mut Findings) -> Vec<Destination> {
    if specs.is_empty() {
        findings.add(at.clone(), "is empty; a mount needs at least one destination");
    }
    at_most(specs.len(), MAX_DESTINATIONS, at, findings);
    let mut destinations = Vec::with_capacity(specs.len());
    for (index, spec) in specs.iter().enumerate() {
        let at = at.index(index);
        let nameservice = findings.check(at.key("nameservice"), words::nameservice(&spec.nameservice));
        let path = findings.check(at.key("path"), words::path(&spec.path));
        if specs[..index].iter().any(|earlier| earlier.nameservice == spec.nameservice) {
            let problem = format!("{:?} is a destination already; each nameservice may be one once", spec.nameservice);
            findings.add(at.key("nameservice"), problem);
        }
        destinations.extend(nameservice.zip(path).map(|(nameservice, path)| Destination { nameservice, path }));
    }
    destinations
}

/// What only makes sense with several destinations.
fn check_order(spec: &MountEntrySpec, at: &FieldPath, findings: &mut Findings) {
    let several = spec.destinations.len() > 1;
    if !several && spec.order != MountOrder::Hash {
        let problem = format!("{:?} chooses among destinations; with one destination leave it out", spec.order);
        findings.add(at.key("order"), problem);
    }
    if spec.fault_tolerant && !several {
        findings.add(at.key("faultTolerant"), "needs two destinations or more");
    } else if spec.fault_tolerant && !Order::from(spec.order).is_all() {
        let problem = format!("needs an order that spreads files: HashAll, Random or Space, not {:?}", spec.order);
        findings.add(at.key("faultTolerant"), problem);
    }
}

fn name(name: Option<&str>, at: &FieldPath, findings: &mut Findings) -> String {
    if name == Some("") {
        findings.add(at.clone(), "is empty; leave it out for the router's own");
    }
    let name = name.unwrap_or_default();
    findings.check(at.clone(), words::within(name, MAX_OWNER));
    name.to_owned()
}

fn at_most(found: usize, most: usize, at: &FieldPath, findings: &mut Findings) {
    if found > most {
        findings.add(at.clone(), format!("has {found} elements; expected at most {most}"));
    }
}

fn quota(spec: Option<&QuotaSpec>, at: &FieldPath, findings: &mut Findings) -> Quota {
    let Some(spec) = spec else { return Quota::default() };
    let mut limit = |name: &str, value: Option<Result<u64, String>>| {
        let Some(value) = value else { return Limit::default() };
        findings.check(at.key(name), value.and_then(above_zero)).map(Limit::of).unwrap_or_default()
    };
    let negative = |files| format!("{files} is negative; expected 1 or more");
    let files = limit("files", spec.files.map(|files| u64::try_from(files).map_err(|_| negative(files))));
    let space = limit("space", spec.space.as_ref().map(|size| size.bytes()));
    let mut by_type: Vec<(StorageType, Limit)> = Vec::with_capacity(spec.storage_types.len());
    for (index, limit) in spec.storage_types.iter().enumerate() {
        let at = at.key("storageTypes").index(index);
        let kind = StorageType::from(limit.kind);
        if by_type.iter().any(|(known, _)| *known == kind) {
            findings.add(at.key("type"), format!("{} has a limit already", kind.name()));
        }
        let bytes = findings.check(at.key("space"), limit.space.bytes().and_then(above_zero));
        by_type.extend(bytes.map(|bytes| (kind, Limit::of(bytes))));
    }
    by_type.sort_by_key(|(kind, _)| *kind);
    Quota { files, space, by_type }
}

fn above_zero(value: u64) -> Result<u64, String> {
    match value {
        0 => Err("0 would allow nothing; expected 1 or more, or no such field for no limit".to_owned()),
        value => Ok(value),
    }
}

impl From<StorageTypeName> for StorageType {
    fn from(name: StorageTypeName) -> Self {
        match name {
            StorageTypeName::Disk => Self::Disk,
            StorageTypeName::Ssd => Self::Ssd,
            StorageTypeName::Archive => Self::Archive,
            StorageTypeName::RamDisk => Self::RamDisk,
            StorageTypeName::Provided => Self::Provided,
            StorageTypeName::Nvdimm => Self::Nvdimm,
        }
    }
}

#[cfg(test)]
mod tests;
