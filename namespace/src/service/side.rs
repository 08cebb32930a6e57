//! What routers probe: the state for high availability, and the namespace's names.

use anabranch_hdfs_proto::common::{
    GetServiceStatusRequestProto, GetServiceStatusResponseProto, HaServiceStateProto, MonitorHealthRequestProto,
    MonitorHealthResponseProto,
};
use anabranch_hdfs_proto::hdfs::{NamespaceInfoProto, StorageInfoProto, VersionRequestProto, VersionResponseProto};

use super::{Context, Service};
use crate::state::Fault;

/// The layout and software version of a NameNode that behaves as this service does.
const LAYOUT: i32 = -66;
const SOFTWARE: &str = "3.4.2";

pub async fn get_service_status(
    _: &Service,
    _: &Context,
    _: GetServiceStatusRequestProto,
) -> Result<GetServiceStatusResponseProto, Fault> {
    Ok(GetServiceStatusResponseProto {
        state: HaServiceStateProto::Active.into(),
        ready_to_become_active: Some(true),
        not_ready_reason: None,
    })
}

pub async fn monitor_health(
    s: &Service,
    _: &Context,
    _: MonitorHealthRequestProto,
) -> Result<MonitorHealthResponseProto, Fault> {
    match s.writer.failure() {
        None => Ok(MonitorHealthResponseProto {}),
        Some(failure) => Err(Fault::io(format!("the metadata journal fails: {failure}"))),
    }
}

pub async fn version_request(s: &Service, _: &Context, _: VersionRequestProto) -> Result<VersionResponseProto, Fault> {
    Ok(VersionResponseProto {
        info: NamespaceInfoProto {
            build_version: env!("CARGO_PKG_VERSION").to_owned(),
            unused: 0,
            block_pool_id: s.identity.pool.clone(),
            storage_info: StorageInfoProto {
                layout_version: u32::from_ne_bytes(LAYOUT.to_ne_bytes()),
                namespce_id: s.identity.namespace,
                cluster_id: s.identity.cluster.clone(),
                c_time: s.identity.created,
            },
            software_version: SOFTWARE.to_owned(),
            ..NamespaceInfoProto::default()
        },
    })
}
