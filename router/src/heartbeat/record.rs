//! The records that heartbeats write. Plain functions; field by field what the Java router writes.

use anabranch_hdfs_proto::hdfs::{
    NamenodeMembershipRecordProto, NamenodeMembershipStatsRecordProto, RouterRecordProto, StateStoreVersionRecordProto,
};
use anabranch_store::{NamenodeState, RouterStatus};

use crate::config::MonitoredNamenode;

/// What the probes of a NameNode found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// What it is.
    pub state: NamenodeState,
    /// Its block pool; empty if it does not answer.
    pub block_pool: String,
    /// Its cluster id; empty if it does not answer.
    pub cluster: String,
    /// Whether it is in safe mode, as far as that is known.
    pub safe_mode: bool,
    /// What it counts; none if its web server has not said.
    pub statistics: Option<NamenodeMembershipStatsRecordProto>,
}

impl Found {
    /// It does not answer.
    pub(super) fn unavailable() -> Self {
        let (block_pool, cluster) = (String::new(), String::new());
        Self { state: NamenodeState::Unavailable, block_pool, cluster, safe_mode: false, statistics: None }
    }
}

/// A router's report of a NameNode. Addresses are those of the configuration: other routers must be able to look them up,
/// and a name that this machine happens to have for an address need not be known elsewhere.
pub(super) fn membership(
    router: &str,
    namenode: &MonitoredNamenode,
    found: &Found,
    created_ms: u64,
    now_ms: u64,
) -> NamenodeMembershipRecordProto {
    NamenodeMembershipRecordProto {
        date_created: Some(created_ms),
        date_modified: Some(now_ms),
        last_contact: (found.state != NamenodeState::Unavailable).then_some(now_ms),
        router_id: Some(router.to_owned()),
        nameservice_id: Some(namenode.nameservice.clone()),
        namenode_id: namenode.namenode.clone(),
        cluster_id: Some(found.cluster.clone()),
        block_pool_id: Some(found.block_pool.clone()),
        web_address: Some(namenode.web_address.clone()),
        rpc_address: Some(namenode.rpc_address.clone()),
        service_address: Some(namenode.service_address.clone()),
        lifeline_address: Some(namenode.lifeline_address.clone()),
        state: Some(found.state.name().to_owned()),
        is_safe_mode: Some(found.safe_mode),
        stats: found.statistics,
        web_scheme: Some(namenode.web_scheme.name().to_owned()),
    }
}

/// What a router says of itself that does not change.
#[derive(Debug, Clone)]
pub struct Myself {
    /// Its id.
    pub router: String,
    /// `host:port` of its administration; empty without one.
    pub admin_address: String,
    /// Its version.
    pub version: String,
    /// Where the build comes from.
    pub compile_info: String,
    /// When it started.
    pub started_ms: u64,
}

/// A router's report of itself. The versions are those of the newest records that it knows.
pub(super) fn router(
    myself: &Myself,
    status: RouterStatus,
    versions: StateStoreVersionRecordProto,
    created_ms: u64,
    now_ms: u64,
) -> RouterRecordProto {
    RouterRecordProto {
        date_created: Some(created_ms),
        date_modified: Some(now_ms),
        address: Some(myself.router.clone()),
        status: Some(status.name().to_owned()),
        state_store_version: Some(versions),
        version: Some(myself.version.clone()),
        compile_info: Some(myself.compile_info.clone()),
        date_started: Some(myself.started_ms),
        admin_address: Some(myself.admin_address.clone()),
    }
}
