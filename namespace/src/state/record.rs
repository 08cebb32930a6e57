//! What the tables hold. Values are protobuf messages, so that fields can be added without a conversion.

/// A directory or a file.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Inode {
    /// Its number; never used again.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// The directory that it is in. 0: it was deleted, and waits to be reaped. The root is its own parent.
    #[prost(uint64, tag = "2")]
    pub parent: u64,
    /// Its name there; empty for the root.
    #[prost(string, tag = "3")]
    pub name: String,
    /// The user who owns it.
    #[prost(string, tag = "4")]
    pub owner: String,
    /// The group that owns it.
    #[prost(string, tag = "5")]
    pub group: String,
    /// Permission bits, with the sticky bit (0o1777).
    #[prost(uint32, tag = "6")]
    pub mode: u32,
    /// Milliseconds since the epoch.
    #[prost(uint64, tag = "7")]
    pub mtime: u64,
    /// Milliseconds since the epoch; 0 for directories.
    #[prost(uint64, tag = "8")]
    pub atime: u64,
    /// Number of entries, for directories.
    #[prost(uint64, tag = "9")]
    pub children: u64,
    /// What only files have; absent: a directory.
    #[prost(message, optional, tag = "10")]
    pub file: Option<File>,
}

/// What an inode of a file has in addition.
#[derive(Clone, PartialEq, prost::Message)]
pub struct File {
    /// What the client asked for; blocks are kept once whatever it says.
    #[prost(uint32, tag = "1")]
    pub replication: u32,
    /// Preferred block size in bytes.
    #[prost(uint64, tag = "2")]
    pub block_size: u64,
    /// Bytes in the complete blocks.
    #[prost(uint64, tag = "3")]
    pub length: u64,
    /// Number of blocks; their rows in the table `extents` count from 0. Only the last one may be incomplete.
    #[prost(uint32, tag = "4")]
    pub blocks: u32,
    /// Who writes; absent: the file is closed.
    #[prost(message, optional, tag = "5")]
    pub writer: Option<Writer>,
}

/// Who holds the lease on an open file.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Writer {
    /// The client's name for itself.
    #[prost(string, tag = "1")]
    pub holder: String,
    /// The address that it called from.
    #[prost(string, tag = "2")]
    pub machine: String,
}

/// A block of a file.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Extent {
    /// The block's number.
    #[prost(uint64, tag = "1")]
    pub block: u64,
    /// Its generation stamp.
    #[prost(uint64, tag = "2")]
    pub generation: u64,
    /// Where it starts in the file.
    #[prost(uint64, tag = "3")]
    pub offset: u64,
    /// Bytes; of an incomplete block, as many as are known.
    #[prost(uint64, tag = "4")]
    pub length: u64,
    /// How far it is.
    #[prost(enumeration = "Progress", tag = "5")]
    pub progress: i32,
    /// While it is recovered: the length to cut it to. Absent: all that was acknowledged stays.
    #[prost(uint64, optional, tag = "6")]
    pub cut: Option<u64>,
    /// While it is recovered: the generation of the newest recovery. An older one does not close the file, since the block
    /// side may have closed the block for the newer one already.
    #[prost(uint64, optional, tag = "7")]
    pub recovery: Option<u64>,
}

/// How far a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum Progress {
    /// Its length is final.
    Complete = 0,
    /// The file's writer may add to it.
    Building = 1,
    /// The service closes it in place of the writer.
    Recovering = 2,
}

/// Where a block is used.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Use {
    /// The file.
    #[prost(uint64, tag = "1")]
    pub inode: u64,
    /// Which of its blocks.
    #[prost(uint32, tag = "2")]
    pub index: u32,
}

/// The answer to a call that must not be executed twice.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Answer {
    /// When it may be forgotten, in milliseconds since the epoch.
    #[prost(uint64, tag = "1")]
    pub expires: u64,
    /// The result message.
    #[prost(bytes = "bytes", tag = "2")]
    pub result: bytes::Bytes,
}

/// Numbers that only grow, and totals.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Counters {
    /// The next inode's number.
    #[prost(uint64, tag = "1")]
    pub next_inode: u64,
    /// The next block's number.
    #[prost(uint64, tag = "2")]
    pub next_block: u64,
    /// The next generation stamp.
    #[prost(uint64, tag = "3")]
    pub next_generation: u64,
    /// Inodes that exist, reachable or not yet reaped.
    #[prost(uint64, tag = "4")]
    pub inodes: u64,
    /// Blocks that are used by these.
    #[prost(uint64, tag = "5")]
    pub blocks: u64,
    /// Bytes in complete blocks.
    #[prost(uint64, tag = "7")]
    pub bytes: u64,
    /// Number of the group of operations that was committed last; tells after a failed commit what became of it.
    #[prost(uint64, tag = "6")]
    pub group: u64,
}

/// What the namespace is called; made when it is created, and never changed.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Identity {
    /// `BP-…`, in every block's name on the wire.
    #[prost(string, tag = "1")]
    pub pool: String,
    /// `CID-…`.
    #[prost(string, tag = "2")]
    pub cluster: String,
    /// A number made up at creation, as NameNodes have one.
    #[prost(uint32, tag = "3")]
    pub namespace: u32,
    /// When it was created, in milliseconds since the epoch.
    #[prost(uint64, tag = "4")]
    pub created: u64,
    /// `DS-…`, the one storage of the block side.
    #[prost(string, tag = "5")]
    pub storage: String,
    /// The block side's number as a DataNode.
    #[prost(string, tag = "6")]
    pub datanode: String,
}

impl Inode {
    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.file.is_none()
    }
}

impl File {
    /// Whether somebody writes it.
    pub fn is_open(&self) -> bool {
        self.writer.is_some()
    }
}

impl Extent {
    /// Whether its length is final.
    pub fn is_complete(&self) -> bool {
        self.progress == Progress::Complete as i32
    }

    /// Bytes that count as stored.
    pub fn stored(&self) -> u64 {
        if self.is_complete() { self.length } else { 0 }
    }

    /// Whether the service is closing it.
    pub fn is_recovering(&self) -> bool {
        self.progress == Progress::Recovering as i32
    }
}
