//! Records of the state machine as messages of the protocol.

use anabranch_hdfs_proto::common::TokenProto;
use anabranch_hdfs_proto::hdfs::hdfs_file_status_proto::FileType;
use anabranch_hdfs_proto::hdfs::{
    DatanodeIdProto, DatanodeInfoProto, ExtendedBlockProto, FsPermissionProto, HdfsFileStatusProto, LocatedBlockProto,
    LocatedBlocksProto, StorageTypeProto,
};

use crate::block::{BlockId, Capacity};
use crate::state::record::{Extent, Identity, Inode};
use crate::state::view::View;
use crate::state::{Fault, Kind};

/// Blocks that one answer names at most; clients ask for more when they get there.
const BLOCKS: usize = 10_000;

/// The block side as clients see it: one DataNode with one storage.
#[derive(Debug, Clone)]
pub struct Node {
    /// Address of the block gateway, as clients reach it.
    pub ip: String,
    /// Its host name.
    pub host: String,
    /// Port of the block gateway.
    pub transfer_port: u16,
    /// Port of the RPC server, which also answers what clients ask a DataNode.
    pub rpc_port: u16,
}

impl Node {
    /// As a DataNode's name.
    pub fn id(&self, identity: &Identity) -> DatanodeIdProto {
        DatanodeIdProto {
            ip_addr: self.ip.clone(),
            host_name: self.host.clone(),
            datanode_uuid: identity.datanode.clone(),
            xfer_port: self.transfer_port.into(),
            info_port: 0,
            ipc_port: self.rpc_port.into(),
            info_secure_port: None,
        }
    }

    /// As a DataNode's description. Space is only told in reports.
    pub fn info(&self, identity: &Identity, space: Option<Capacity>, now: u64) -> DatanodeInfoProto {
        let space = space.unwrap_or(Capacity { total: 0, used: 0, remaining: 0 });
        DatanodeInfoProto {
            id: self.id(identity),
            capacity: Some(space.total),
            dfs_used: Some(space.used),
            remaining: Some(space.remaining),
            block_pool_used: Some(space.used),
            non_dfs_used: Some(space.total.saturating_sub(space.used).saturating_sub(space.remaining)),
            last_update: Some(now),
            location: Some("/default-rack".to_owned()),
            ..DatanodeInfoProto::default()
        }
    }
}

/// What messages about blocks need to know.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The namespace's names.
    pub identity: &'a Identity,
    /// Where blocks are.
    pub node: &'a Node,
}

impl Place<'_> {
    /// A block's name.
    pub fn extended(&self, extent: &Extent) -> ExtendedBlockProto {
        ExtendedBlockProto {
            pool_id: self.identity.pool.clone(),
            block_id: extent.block,
            generation_stamp: extent.generation,
            num_bytes: Some(extent.length),
        }
    }

    /// A block and where it is.
    pub fn located(&self, extent: &Extent) -> LocatedBlockProto {
        LocatedBlockProto {
            locs: vec![self.node.info(self.identity, None, 0)],
            is_cached: vec![false],
            storage_types: vec![StorageTypeProto::Disk.into()],
            storage_i_ds: vec![self.identity.storage.clone()],
            ..self.named(extent)
        }
    }

    /// A block without a place.
    pub fn named(&self, extent: &Extent) -> LocatedBlockProto {
        LocatedBlockProto {
            b: self.extended(extent),
            offset: extent.offset,
            corrupt: false,
            block_token: no_token(),
            ..LocatedBlockProto::default()
        }
    }

    /// The blocks that hold a range of a file.
    pub fn blocks(
        &self,
        view: &impl View,
        inode: &Inode,
        offset: u64,
        length: u64,
    ) -> Result<LocatedBlocksProto, Fault> {
        let Some(file) = &inode.file else { return Err(Fault::io(format!("inode {} is not a file", inode.id))) };
        let tail = view.tail(inode.id, file)?;
        let end = offset.saturating_add(length);
        let mut blocks = Vec::new();
        if file.blocks > 0 {
            let first = covering(view, inode.id, file.blocks, offset)?;
            let extents = view.extents(inode.id, first, BLOCKS)?;
            let inside =
                |e: &Extent| e.offset < end.max(offset + 1) && (e.offset + e.length > offset || !e.is_complete());
            blocks = extents.iter().filter(|e| inside(e)).map(|e| self.located(e)).collect();
        }
        Ok(LocatedBlocksProto {
            file_length: file.length,
            blocks,
            under_construction: file.is_open(),
            last_block: tail.as_ref().map(|tail| self.located(tail)),
            is_last_block_complete: tail.is_some_and(|tail| tail.is_complete()),
            file_encryption_info: None,
            ec_policy: None,
        })
    }

    /// A file or directory. `name` is empty where the client knows it.
    pub fn status(
        &self,
        view: &impl View,
        inode: &Inode,
        name: &str,
        located: bool,
    ) -> Result<HdfsFileStatusProto, Fault> {
        let locations = match &inode.file {
            Some(_) if located => Some(self.blocks(view, inode, 0, i64::MAX as u64)?),
            _ => None,
        };
        let file = inode.file.as_ref();
        Ok(HdfsFileStatusProto {
            file_type: if inode.is_dir() { FileType::IsDir } else { FileType::IsFile }.into(),
            path: name.as_bytes().to_vec().into(),
            length: view.length(inode)?,
            permission: FsPermissionProto { perm: inode.mode },
            owner: inode.owner.clone(),
            group: inode.group.clone(),
            modification_time: inode.mtime,
            access_time: inode.atime,
            symlink: None,
            block_replication: Some(file.map_or(0, |file| file.replication)),
            blocksize: Some(file.map_or(0, |file| file.block_size)),
            locations,
            file_id: Some(inode.id),
            children_num: Some(i32::try_from(inode.children).unwrap_or(i32::MAX)),
            file_encryption_info: None,
            storage_policy: Some(0),
            ec_policy: None,
            flags: Some(0),
            namespace: None,
        })
    }

    /// A file for who writes it. There is one copy of each block, and a writer that believes in more looks for further
    /// nodes before it appends, or goes on after a broken connection, and gives up as there are none.
    pub fn written_status(&self, view: &impl View, inode: &Inode) -> Result<HdfsFileStatusProto, Fault> {
        Ok(HdfsFileStatusProto { block_replication: Some(1), ..self.status(view, inode, "", false)? })
    }

    /// A block that a client names, if it belongs to this namespace.
    pub fn written(&self, block: &ExtendedBlockProto) -> Result<(BlockId, u64), Fault> {
        if block.pool_id != self.identity.pool {
            let words = format!("Unexpected BlockPoolId {} - expected {}", block.pool_id, self.identity.pool);
            return Err(Fault::new(Kind::Io, words));
        }
        let id = BlockId { id: block.block_id, generation: block.generation_stamp };
        let length = block.num_bytes.unwrap_or(0);
        if length > i64::MAX as u64 {
            return Err(Fault::new(Kind::IllegalArgument, format!("Negative length of {id} is not supported")));
        }
        Ok((id, length))
    }
}

/// Index of the block that holds an offset, or of the last one.
fn covering(view: &impl View, inode: u64, blocks: u32, offset: u64) -> Result<u32, Fault> {
    let (mut low, mut high) = (0, blocks);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if view.extent(inode, middle)?.offset <= offset { low = middle } else { high = middle }
    }
    Ok(low)
}

/// What stands where a secure cluster has a token.
pub fn no_token() -> TokenProto {
    TokenProto {
        identifier: Vec::new().into(),
        password: Vec::new().into(),
        kind: String::new(),
        service: String::new(),
    }
}
