//! Block replicas: what the metadata side asks of the block side.
//!
//! The block gateway speaks DataTransferProtocol to clients and keeps each block as one replica in a local directory.
//! Clients reach it directly with the block's id and generation; the metadata side reaches it through [`Blocks`] alone,
//! so that it can be tested against a fake and so that blocks may live elsewhere one day.

mod checksum;
mod claim;
mod connection;
mod digest;
mod gateway;
mod index;
mod input;
mod layout;
mod meta;
mod metrics;
mod reader;
mod receive;
mod recovery;
mod refusal;
mod replica;
mod send;
mod store;
pub mod wire;
mod writer;

use std::fmt;
use std::path::PathBuf;

use futures_util::future::BoxFuture;

pub use gateway::{BlockGateway, GatewayConfig};
pub use store::{BlockStore, StoreConfig};

/// One version of one block. The generation stamp rises each time that the block is reopened or recovered; who holds an
/// older one is fenced off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId {
    /// The block's number within its pool.
    pub id: u64,
    /// The generation stamp.
    pub generation: u64,
}

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blk_{}_{}", self.id, self.generation)
    }
}

/// What is known of a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replica {
    /// Its number and its present generation.
    pub block: BlockId,
    /// Bytes that readers may see. While the block is open: all that were acknowledged to the writer.
    pub len: u64,
    /// Whether the block was closed; then length and contents stay as they are, durably.
    pub finalized: bool,
}

/// Space on the volume that holds the blocks, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Size of the volume.
    pub total: u64,
    /// Bytes taken on the volume, by blocks or otherwise.
    pub used: u64,
    /// Bytes that new blocks may still take; the configured reserve is left out.
    pub remaining: u64,
}

/// What the metadata side asks of the block side. Whatever a method promises is durable when its future resolves.
pub trait Blocks: Send + Sync + 'static {
    /// The replica with this number, whatever its generation; `None` if there is none.
    fn replica(&self, id: u64) -> BoxFuture<'_, Result<Option<Replica>, BlockError>>;

    /// Closes a block from outside (lease recovery, truncate): cuts off its writer, brings the replica to a consistent
    /// length that holds every acknowledged byte, cuts it to `new_length` if given, and finalizes it as
    /// `new_generation`. Returns the length. May be repeated after a failure, with the same or a newer generation.
    ///
    /// # Errors
    /// [`BlockError::NotFound`] if no writer ever came; [`BlockError::Generation`] if the replica is newer than
    /// `new_generation` or older than `block`; [`BlockError::Length`] if it is shorter than `new_length`.
    fn recover(
        &self,
        block: BlockId,
        new_generation: u64,
        new_length: Option<u64>,
    ) -> BoxFuture<'_, Result<u64, BlockError>>;

    /// Removes replicas up to the given generations; absent ones count as removed, newer ones stay. Writers are cut off.
    /// Takes as long as the file system needs to unlink, so callers that answer a client run it behind their reply.
    fn delete(&self, blocks: Vec<BlockId>) -> BoxFuture<'_, Result<(), BlockError>>;

    /// Every replica that is kept, in no order; for the removal of orphans after a crash.
    fn list(&self) -> BoxFuture<'_, Result<Vec<BlockId>, BlockError>>;

    /// Space on the volume.
    ///
    /// # Errors
    /// [`BlockError::Io`] if the volume cannot be asked.
    fn capacity(&self) -> Result<Capacity, BlockError>;
}

/// Why a request for a block failed.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// There is no such replica.
    #[error("block {id} has no replica here")]
    NotFound {
        /// The block's number.
        id: u64,
    },
    /// The replica's generation does not fit.
    #[error("block {id} has generation {found}, accepted is {min} to {max}")]
    Generation {
        /// The block's number.
        id: u64,
        /// The replica's generation.
        found: u64,
        /// Lowest accepted generation.
        min: u64,
        /// Highest accepted generation.
        max: u64,
    },
    /// The replica's length does not fit.
    #[error("block {id} has {found} bytes, accepted is {min} to {max}")]
    Length {
        /// The block's number.
        id: u64,
        /// The replica's length.
        found: u64,
        /// Lowest accepted length.
        min: u64,
        /// Highest accepted length.
        max: u64,
    },
    /// The replica is open where a finalized one is needed, or the other way round.
    #[error("block {id} is {found}, needed is {needed}")]
    State {
        /// The block's number.
        id: u64,
        /// The replica's state: `open` or `finalized`.
        found: &'static str,
        /// The needed state: `open`, `finalized` or `absent`.
        needed: &'static str,
    },
    /// What is on disk contradicts itself or its checksums.
    #[error("the replica of block {id} is corrupt: {detail}")]
    Corrupt {
        /// The block's number.
        id: u64,
        /// What was found, and where.
        detail: String,
    },
    /// The writer that had to be cut off did not let go in time, because its disk hangs.
    #[error("the writer of block {id} did not stop within {waited_ms} ms")]
    Busy {
        /// The block's number.
        id: u64,
        /// How long it was waited for.
        waited_ms: u64,
    },
    /// The volume is full, or filled up to its reserve.
    #[error("no space left for blocks in {}: {free} bytes are free, {reserved} are reserved", path.display())]
    NoSpace {
        /// The directory of the blocks.
        path: PathBuf,
        /// Free bytes on the volume.
        free: u64,
        /// Bytes that are kept free.
        reserved: u64,
    },
    /// The file system failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The file system's error.
        source: std::io::Error,
    },
}
