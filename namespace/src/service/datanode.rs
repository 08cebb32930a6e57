//! What clients ask of a DataNode by RPC. The block side's RPC port is this server's.

use anabranch_hdfs_proto::hdfs::{GetReplicaVisibleLengthRequestProto, GetReplicaVisibleLengthResponseProto};

use super::{Context, Service};
use crate::state::Fault;

pub async fn get_replica_visible_length(
    s: &Service,
    _: &Context,
    q: GetReplicaVisibleLengthRequestProto,
) -> Result<GetReplicaVisibleLengthResponseProto, Fault> {
    let (block, _) = s.place().written(&q.block)?;
    let replica = s.blocks.replica(block.id).await;
    let replica = replica.map_err(|error| Fault::io(format!("cannot look at {block}: {error}")))?;
    match replica.filter(|replica| replica.block.generation >= block.generation) {
        Some(replica) => Ok(GetReplicaVisibleLengthResponseProto { length: replica.len }),
        None => Err(Fault::io(format!("Replica not found for {}:{block}", s.identity.pool))),
    }
}
