//! Writing files.

use anabranch_hdfs_proto::hdfs::{
    AbandonBlockRequestProto, AbandonBlockResponseProto, AddBlockRequestProto, AddBlockResponseProto,
    AppendRequestProto, AppendResponseProto, CompleteRequestProto, CompleteResponseProto, ConcatRequestProto,
    ConcatResponseProto, CreateFlagProto, CreateRequestProto, CreateResponseProto, FsyncRequestProto,
    FsyncResponseProto, GetAdditionalDatanodeRequestProto, GetAdditionalDatanodeResponseProto,
    IsFileClosedRequestProto, IsFileClosedResponseProto, RecoverLeaseRequestProto, RecoverLeaseResponseProto,
    RenewLeaseRequestProto, RenewLeaseResponseProto, TruncateRequestProto, TruncateResponseProto,
    UpdateBlockForPipelineRequestProto, UpdateBlockForPipelineResponseProto, UpdatePipelineRequestProto,
    UpdatePipelineResponseProto,
};

use super::wire::Place;
use super::{Context, Service};
use crate::block::BlockId;
use crate::state::ops::{self, Create, Named, Truncated};
use crate::state::resolve::{Purpose, resolve};
use crate::state::{Fault, Kind, Txn};

impl Service {
    /// What messages about blocks need to know.
    pub fn place(&self) -> Place<'_> {
        Place { identity: &self.identity, node: &self.node }
    }
}

fn has(flags: u32, flag: CreateFlagProto) -> bool {
    flags & flag as u32 != 0
}

pub async fn create(s: &Service, c: &Context, q: CreateRequestProto) -> Result<CreateResponseProto, Fault> {
    if q.ec_policy_name.as_deref().is_some_and(|policy| !policy.is_empty()) {
        return Err(Fault::new(Kind::Unsupported, "erasure coding is not supported by this namespace"));
    }
    let ask = Create {
        mode: q.masked.perm,
        holder: q.client_name,
        create: has(q.create_flag, CreateFlagProto::Create),
        overwrite: has(q.create_flag, CreateFlagProto::Overwrite),
        create_parent: q.create_parent,
        replication: q.replication,
        block_size: q.block_size,
        path: q.src,
    };
    let (caller, path) = (c.caller.clone(), ask.path.clone());
    let (identity, node) = (s.identity.clone(), s.node.clone());
    let answer = s
        .change_open(
            || format!("Cannot create file{path}"),
            c,
            move |txn| {
                let inode = ops::create(txn, &caller, &ask)?;
                let place = Place { identity: &identity, node: &node };
                Ok(CreateResponseProto { fs: Some(place.written_status(txn, &inode)?) })
            },
        )
        .await?;
    // What was overwritten, if anything, is reaped.
    s.wake.notify_one();
    Ok(answer)
}

pub async fn append(s: &Service, c: &Context, q: AppendRequestProto) -> Result<AppendResponseProto, Fault> {
    let (caller, src) = (c.caller.clone(), q.src.clone());
    let (identity, node) = (s.identity.clone(), s.node.clone());
    let new_block = has(q.flag.unwrap_or(0), CreateFlagProto::NewBlock);
    let what = || format!("Cannot append to file{}", src);
    let op = move |txn: &mut Txn<'_>| {
        let appended = ops::append(txn, &caller, &q.src, &q.client_name, new_block)?;
        let place = Place { identity: &identity, node: &node };
        let block = appended.last.map(|e| if new_block { place.named(&e) } else { place.located(&e) });
        Ok(AppendResponseProto { block, stat: Some(place.written_status(txn, &appended.inode)?) })
    };
    s.change_open(what, c, op).await
}

pub async fn add_block(s: &Service, c: &Context, q: AddBlockRequestProto) -> Result<AddBlockResponseProto, Fault> {
    let excluded = q.exclude_nodes.iter().any(|node| node.id.datanode_uuid == s.identity.datanode);
    ops::check_placement(&q.src, excluded)?;
    let previous = q.previous.as_ref().map(|block| s.place().written(block)).transpose()?;
    if let Some((block, length)) = previous
        && !is_closed(s, block, length).await?
    {
        return Err(Fault::new(Kind::NotReplicatedYet, format!("Not replicated yet: {}", q.src)));
    }
    let (caller, path) = (c.caller.clone(), q.src.clone());
    let op = move |txn: &mut Txn<'_>| {
        let named = Named { path: &q.src, id: q.file_id.unwrap_or(0), holder: &q.client_name };
        ops::add_block(txn, &caller, named, previous)
    };
    let added = s.change(|| format!("Cannot add block to {path}"), op).await?;
    Ok(AddBlockResponseProto { block: s.place().located(&added.extent) })
}

pub async fn abandon_block(
    s: &Service,
    c: &Context,
    q: AbandonBlockRequestProto,
) -> Result<AbandonBlockResponseProto, Fault> {
    let (block, _) = s.place().written(&q.b)?;
    let (caller, path) = (c.caller.clone(), q.src.clone());
    let op = move |txn: &mut Txn<'_>| {
        let named = Named { path: &q.src, id: q.file_id.unwrap_or(0), holder: &q.holder };
        ops::abandon_block(txn, &caller, named, block)
    };
    s.change(|| format!("Cannot abandon block {block} for file{path}"), op).await?;
    Ok(AbandonBlockResponseProto {})
}

pub async fn get_additional_datanode(
    _: &Service,
    _: &Context,
    q: GetAdditionalDatanodeRequestProto,
) -> Result<GetAdditionalDatanodeResponseProto, Fault> {
    Err(Fault::io(format!(
        "Failed to find {} more datanodes for {}: there is one place for blocks, and the client writes there already",
        q.num_additional_nodes, q.src
    )))
}

/// Whether the block side has a block as its writer says. It closes a block before it acknowledges the last packet; until
/// then the client has to wait.
async fn is_closed(s: &Service, block: BlockId, length: u64) -> Result<bool, Fault> {
    let replica = s.blocks.replica(block.id).await;
    let replica = replica.map_err(|error| Fault::io(format!("cannot look at {block}: {error}")))?;
    let closed = replica.is_some_and(|r| r.finalized && r.len == length && r.block.generation >= block.generation);
    if !closed {
        tracing::debug!(%block, length, ?replica, "the block is not closed yet");
    }
    Ok(closed)
}

pub async fn complete(s: &Service, c: &Context, q: CompleteRequestProto) -> Result<CompleteResponseProto, Fault> {
    let last = q.last.as_ref().map(|block| s.place().written(block)).transpose()?;
    if let Some((block, length)) = last
        && !is_closed(s, block, length).await?
    {
        return Ok(CompleteResponseProto { result: false });
    }
    let (caller, path) = (c.caller.clone(), q.src.clone());
    let op = move |txn: &mut Txn<'_>| {
        let named = Named { path: &q.src, id: q.file_id.unwrap_or(0), holder: &q.client_name };
        ops::complete(txn, &caller, named, last)
    };
    let result = s.change(|| format!("Cannot complete file {path}"), op).await?;
    Ok(CompleteResponseProto { result })
}

pub async fn fsync(s: &Service, c: &Context, q: FsyncRequestProto) -> Result<FsyncResponseProto, Fault> {
    let (caller, path) = (c.caller.clone(), q.src.clone());
    let op = move |txn: &mut Txn<'_>| {
        let named = Named { path: &q.src, id: q.file_id.unwrap_or(0), holder: &q.client };
        ops::fsync(txn, &caller, named, q.last_block_length.unwrap_or(-1))
    };
    s.change(|| format!("Cannot fsync file {path}"), op).await?;
    Ok(FsyncResponseProto {})
}

pub async fn update_block_for_pipeline(
    s: &Service,
    _: &Context,
    q: UpdateBlockForPipelineRequestProto,
) -> Result<UpdateBlockForPipelineResponseProto, Fault> {
    let (block, length) = s.place().written(&q.block)?;
    let what = || format!("Cannot get a new generation stamp and an access token for block {block}");
    let (extent, generation) =
        s.change(what, move |txn| ops::update_block_for_pipeline(txn, block, &q.client_name)).await?;
    let renewed = crate::state::record::Extent { generation, length, ..extent };
    Ok(UpdateBlockForPipelineResponseProto { block: s.place().named(&renewed) })
}

pub async fn update_pipeline(
    s: &Service,
    c: &Context,
    q: UpdatePipelineRequestProto,
) -> Result<UpdatePipelineResponseProto, Fault> {
    let (old, _) = s.place().written(&q.old_block)?;
    let (new, length) = s.place().written(&q.new_block)?;
    let op = move |txn: &mut Txn<'_>| {
        ops::update_pipeline(txn, &q.client_name, old, new, length)?;
        Ok(UpdatePipelineResponseProto {})
    };
    s.change_once(|| "Pipeline not updated".to_owned(), c, op).await
}

pub async fn truncate(s: &Service, c: &Context, q: TruncateRequestProto) -> Result<TruncateResponseProto, Fault> {
    let (caller, path) = (c.caller.clone(), q.src.clone());
    let length = i64::from_ne_bytes(q.new_length.to_ne_bytes());
    let what = || format!("Cannot truncate for {path}");
    let op = move |txn: &mut Txn<'_>| ops::truncate(txn, &caller, &q.src, &q.client_name, length);
    let mut done = s.change(what, op.clone()).await;
    if let Err(Fault::Abandoned { inode, .. }) = done {
        s.closer.close(inode).await?;
        done = s.change(what, op).await;
    }
    let result = match done? {
        Truncated::Done => true,
        // When it does not succeed now, the upkeep goes on with it, and the client looks until the file is closed.
        Truncated::Cutting(recovery) => match s.closer.close(recovery.inode).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(path, %error, "the last block is not cut yet");
                false
            }
        },
    };
    s.wake.notify_one();
    Ok(TruncateResponseProto { result })
}

pub async fn concat(s: &Service, c: &Context, q: ConcatRequestProto) -> Result<ConcatResponseProto, Fault> {
    let (caller, path) = (c.caller.clone(), q.trg.clone());
    let op = move |txn: &mut Txn<'_>| {
        ops::concat(txn, &caller, &q.trg, &q.srcs)?;
        Ok(ConcatResponseProto {})
    };
    s.change_once(|| format!("Cannot concat {path}"), c, op).await
}

pub async fn renew_lease(
    s: &Service,
    _: &Context,
    q: RenewLeaseRequestProto,
) -> Result<RenewLeaseResponseProto, Fault> {
    s.require_writable(|| format!("Cannot renew lease for {}", q.client_name))?;
    s.leases.renew(&q.client_name, s.clock.now().monotonic);
    Ok(RenewLeaseResponseProto {})
}

pub async fn recover_lease(
    s: &Service,
    c: &Context,
    q: RecoverLeaseRequestProto,
) -> Result<RecoverLeaseResponseProto, Fault> {
    s.require_writable(|| format!("Cannot recover the lease of {}", q.src))?;
    let open = ops::take_over(&s.view(), &c.caller, &q.src)?;
    let Some(inode) = open else { return Ok(RecoverLeaseResponseProto { result: true }) };
    match s.closer.close(inode).await {
        Ok(()) => Ok(RecoverLeaseResponseProto { result: true }),
        Err(error) => {
            tracing::warn!(path = q.src, %error, "the file is not recovered yet");
            Ok(RecoverLeaseResponseProto { result: false })
        }
    }
}

pub async fn is_file_closed(
    s: &Service,
    c: &Context,
    q: IsFileClosedRequestProto,
) -> Result<IsFileClosedResponseProto, Fault> {
    let view = s.view();
    let found = resolve(&view, &c.caller, &q.src, Purpose::Use)?;
    let inode = found.file(&q.src)?;
    Ok(IsFileClosedResponseProto { result: inode.file.as_ref().is_some_and(|file| !file.is_open()) })
}
