//! What clients and administrators ask of the service as a whole.

use std::sync::atomic::Ordering;

use anabranch_hdfs_proto::common::{
    GetDelegationTokenRequestProto, GetDelegationTokenResponseProto, HaServiceStateProto,
};
use anabranch_hdfs_proto::hdfs::{
    BlockStoragePolicyProto, ChecksumTypeProto, DatanodeReportTypeProto, DatanodeStorageProto,
    DatanodeStorageReportProto, FsServerDefaultsProto, GetDataEncryptionKeyRequestProto,
    GetDataEncryptionKeyResponseProto, GetDatanodeReportRequestProto, GetDatanodeReportResponseProto,
    GetDatanodeStorageReportRequestProto, GetDatanodeStorageReportResponseProto, GetErasureCodingPolicyRequestProto,
    GetErasureCodingPolicyResponseProto, GetEzForPathRequestProto, GetEzForPathResponseProto,
    GetFsEcBlockGroupStatsRequestProto, GetFsEcBlockGroupStatsResponseProto, GetFsReplicatedBlockStatsRequestProto,
    GetFsReplicatedBlockStatsResponseProto, GetFsStatsResponseProto, GetFsStatusRequestProto,
    GetServerDefaultsRequestProto, GetServerDefaultsResponseProto, GetSlowDatanodeReportRequestProto,
    GetSlowDatanodeReportResponseProto, GetStoragePoliciesRequestProto, GetStoragePoliciesResponseProto,
    GetStoragePolicyRequestProto, GetStoragePolicyResponseProto, HaServiceStateRequestProto,
    HaServiceStateResponseProto, ListEncryptionZonesRequestProto, ListEncryptionZonesResponseProto, MsyncRequestProto,
    MsyncResponseProto, ReportBadBlocksRequestProto, ReportBadBlocksResponseProto, SafeModeActionProto,
    SetSafeModeRequestProto, SetSafeModeResponseProto, StorageReportProto, StorageTypeProto, StorageTypesProto,
    UpgradeStatusRequestProto, UpgradeStatusResponseProto,
};

use super::{Context, Service};
use crate::block::Capacity;
use crate::state::resolve::{Purpose, resolve};
use crate::state::view::View;
use crate::state::{Fault, Kind, tables};

/// HDFS' number of the storage policy HOT: everything on disk.
const HOT: u32 = 7;

/// Space on the volume, and how much of it blocks of files take.
pub(super) fn space(s: &Service) -> Result<Capacity, Fault> {
    let volume = s.blocks.capacity().map_err(|e| Fault::io(format!("the space for blocks is not known: {e}")))?;
    Ok(Capacity { used: s.view().counters()?.bytes, ..volume })
}

pub async fn get_server_defaults(
    s: &Service,
    _: &Context,
    _: GetServerDefaultsRequestProto,
) -> Result<GetServerDefaultsResponseProto, Fault> {
    let d = &s.config.defaults;
    Ok(GetServerDefaultsResponseProto {
        server_defaults: FsServerDefaultsProto {
            block_size: d.block_size,
            bytes_per_checksum: d.bytes_per_checksum,
            write_packet_size: d.packet_size,
            replication: d.replication,
            file_buffer_size: d.buffer_size,
            encrypt_data_transfer: Some(false),
            trash_interval: Some(d.trash_interval_min),
            checksum_type: Some(ChecksumTypeProto::ChecksumCrc32c.into()),
            // Empty, not absent: an absent one makes clients look for a provider of their own.
            key_provider_uri: Some(String::new()),
            policy_id: Some(HOT),
            snapshot_trash_root_enabled: Some(false),
        },
    })
}

pub async fn get_fs_stats(
    s: &Service,
    _: &Context,
    _: GetFsStatusRequestProto,
) -> Result<GetFsStatsResponseProto, Fault> {
    let Capacity { total, used, remaining } = space(s)?;
    Ok(GetFsStatsResponseProto {
        capacity: total,
        used,
        remaining,
        under_replicated: 0,
        corrupt_blocks: 0,
        missing_blocks: 0,
        missing_repl_one_blocks: Some(0),
        blocks_in_future: Some(0),
        pending_deletion_blocks: Some(pending_deletion(s)?),
    })
}

/// Unused blocks whose replicas are still there, as far as one look tells.
pub(super) fn pending_deletion(s: &Service) -> Result<u64, Fault> {
    Ok(View::scan(&s.view(), tables::GARBAGE, &[], None, 10_000)?.len() as u64)
}

pub async fn get_fs_replicated_block_stats(
    s: &Service,
    _: &Context,
    _: GetFsReplicatedBlockStatsRequestProto,
) -> Result<GetFsReplicatedBlockStatsResponseProto, Fault> {
    let pending_deletion_blocks = pending_deletion(s)?;
    Ok(GetFsReplicatedBlockStatsResponseProto { pending_deletion_blocks, ..Default::default() })
}

pub async fn get_fs_ec_block_group_stats(
    _: &Service,
    _: &Context,
    _: GetFsEcBlockGroupStatsRequestProto,
) -> Result<GetFsEcBlockGroupStatsResponseProto, Fault> {
    // There are no erasure-coded files.
    Ok(GetFsEcBlockGroupStatsResponseProto::default())
}

/// The block gateway runs in this process, so it is always among the live ones.
fn is_reported(kind: DatanodeReportTypeProto) -> bool {
    matches!(kind, DatanodeReportTypeProto::All | DatanodeReportTypeProto::Live)
}

pub async fn get_datanode_report(
    s: &Service,
    c: &Context,
    q: GetDatanodeReportRequestProto,
) -> Result<GetDatanodeReportResponseProto, Fault> {
    c.caller.require_superuser("datanodeReport")?;
    let mut di = Vec::new();
    if is_reported(q.r#type()) {
        let mut info = s.node.info(&s.identity, Some(space(s)?), s.clock.now().wall);
        info.num_blocks = Some(u32::try_from(s.view().counters()?.blocks).unwrap_or(u32::MAX));
        di.push(info);
    }
    Ok(GetDatanodeReportResponseProto { di })
}

pub async fn get_datanode_storage_report(
    s: &Service,
    c: &Context,
    q: GetDatanodeStorageReportRequestProto,
) -> Result<GetDatanodeStorageReportResponseProto, Fault> {
    c.caller.require_superuser("getDatanodeStorageReport")?;
    let mut datanode_storage_reports = Vec::new();
    if is_reported(q.r#type()) {
        let space = space(s)?;
        #[expect(deprecated, reason = "older clients read this field, newer ones the message")]
        let storage = StorageReportProto {
            storage_uuid: s.identity.storage.clone(),
            failed: Some(false),
            capacity: Some(space.total),
            dfs_used: Some(space.used),
            remaining: Some(space.remaining),
            block_pool_used: Some(space.used),
            storage: Some(DatanodeStorageProto {
                storage_uuid: s.identity.storage.clone(),
                storage_type: Some(StorageTypeProto::Disk.into()),
                ..Default::default()
            }),
            ..Default::default()
        };
        datanode_storage_reports.push(DatanodeStorageReportProto {
            datanode_info: s.node.info(&s.identity, Some(space), s.clock.now().wall),
            storage_reports: vec![storage],
        });
    }
    Ok(GetDatanodeStorageReportResponseProto { datanode_storage_reports })
}

pub async fn get_slow_datanode_report(
    _: &Service,
    _: &Context,
    _: GetSlowDatanodeReportRequestProto,
) -> Result<GetSlowDatanodeReportResponseProto, Fault> {
    Ok(GetSlowDatanodeReportResponseProto::default())
}

pub async fn set_safe_mode(
    s: &Service,
    c: &Context,
    q: SetSafeModeRequestProto,
) -> Result<SetSafeModeResponseProto, Fault> {
    match q.action() {
        SafeModeActionProto::SafemodeGet => {}
        action => {
            c.caller.require_superuser(&action.as_str_name().to_lowercase())?;
            // Nobody could renew a lease in safe mode: all writers get their time again.
            s.leases.renew_all(s.clock.now().monotonic);
            s.safe_mode.store(action == SafeModeActionProto::SafemodeEnter, Ordering::Release);
        }
    }
    // A journal that fails makes the namespace read-only too.
    let result = s.safe_mode.load(Ordering::Acquire) || s.writer.failure().is_some();
    Ok(SetSafeModeResponseProto { result })
}

pub async fn msync(_: &Service, _: &Context, _: MsyncRequestProto) -> Result<MsyncResponseProto, Fault> {
    // There is one server, and it answers reads from what is committed.
    Ok(MsyncResponseProto {})
}

pub async fn get_ha_service_state(
    _: &Service,
    _: &Context,
    _: HaServiceStateRequestProto,
) -> Result<HaServiceStateResponseProto, Fault> {
    Ok(HaServiceStateResponseProto { state: HaServiceStateProto::Active.into() })
}

fn hot() -> BlockStoragePolicyProto {
    let disk = StorageTypesProto { storage_types: vec![StorageTypeProto::Disk.into()] };
    BlockStoragePolicyProto {
        policy_id: HOT,
        name: "HOT".to_owned(),
        creation_policy: disk,
        creation_fallback_policy: Some(StorageTypesProto::default()),
        replication_fallback_policy: Some(StorageTypesProto { storage_types: vec![StorageTypeProto::Archive.into()] }),
    }
}

pub async fn get_storage_policies(
    _: &Service,
    _: &Context,
    _: GetStoragePoliciesRequestProto,
) -> Result<GetStoragePoliciesResponseProto, Fault> {
    Ok(GetStoragePoliciesResponseProto { policies: vec![hot()] })
}

pub async fn get_storage_policy(
    s: &Service,
    c: &Context,
    q: GetStoragePolicyRequestProto,
) -> Result<GetStoragePolicyResponseProto, Fault> {
    let view = s.view();
    let found = resolve(&view, &c.caller, &q.path, Purpose::Use)?;
    if found.target().is_none() {
        let words = format!("File/Directory does not exist: {}", found.path());
        return Err(Fault::new(Kind::FileNotFound, words));
    }
    Ok(GetStoragePolicyResponseProto { storage_policy: hot() })
}

pub async fn get_ez_for_path(
    s: &Service,
    c: &Context,
    q: GetEzForPathRequestProto,
) -> Result<GetEzForPathResponseProto, Fault> {
    let view = s.view();
    resolve(&view, &c.caller, &q.src, Purpose::Use)?;
    Ok(GetEzForPathResponseProto { zone: None })
}

pub async fn list_encryption_zones(
    _: &Service,
    c: &Context,
    _: ListEncryptionZonesRequestProto,
) -> Result<ListEncryptionZonesResponseProto, Fault> {
    c.caller.require_superuser("listEncryptionZones")?;
    Ok(ListEncryptionZonesResponseProto { zones: Vec::new(), has_more: false })
}

pub async fn get_erasure_coding_policy(
    s: &Service,
    c: &Context,
    q: GetErasureCodingPolicyRequestProto,
) -> Result<GetErasureCodingPolicyResponseProto, Fault> {
    let view = s.view();
    let found = resolve(&view, &c.caller, &q.src, Purpose::Use)?;
    match found.target() {
        Some(_) => Ok(GetErasureCodingPolicyResponseProto { ec_policy: None }),
        None => Err(Fault::new(Kind::FileNotFound, format!("Path not found: {}", found.path()))),
    }
}

pub async fn get_data_encryption_key(
    _: &Service,
    _: &Context,
    _: GetDataEncryptionKeyRequestProto,
) -> Result<GetDataEncryptionKeyResponseProto, Fault> {
    Ok(GetDataEncryptionKeyResponseProto { data_encryption_key: None })
}

pub async fn get_delegation_token(
    _: &Service,
    _: &Context,
    _: GetDelegationTokenRequestProto,
) -> Result<GetDelegationTokenResponseProto, Fault> {
    // As a NameNode without Kerberos: clients go on without a token.
    Ok(GetDelegationTokenResponseProto { token: None })
}

pub async fn upgrade_status(
    _: &Service,
    _: &Context,
    _: UpgradeStatusRequestProto,
) -> Result<UpgradeStatusResponseProto, Fault> {
    Ok(UpgradeStatusResponseProto { upgrade_finalized: true })
}

pub async fn report_bad_blocks(
    _: &Service,
    c: &Context,
    q: ReportBadBlocksRequestProto,
) -> Result<ReportBadBlocksResponseProto, Fault> {
    // A client that reads finds them one by one; a long list would only fill the log.
    for block in q.blocks.iter().take(10) {
        tracing::warn!(user = %c.caller.user, block = block.b.block_id, of = q.blocks.len(), "a client found a block corrupt");
    }
    Ok(ReportBadBlocksResponseProto {})
}
