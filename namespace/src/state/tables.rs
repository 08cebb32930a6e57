//! The tables of the namespace, and their keys. Numbers in keys are big-endian, so that byte order is their order.

use anabranch_journal::Table;

/// Inode number → [`Inode`](super::record::Inode).
pub const INODES: Table = "inodes";
/// Directory's number, then the entry's name → the entry's number, then one byte: 1 for a directory, 0 for a file.
pub const ENTRIES: Table = "entries";
/// File's number, then the block's index → [`Extent`](super::record::Extent).
pub const EXTENTS: Table = "extents";
/// Block number → [`Use`](super::record::Use).
pub const BLOCKS: Table = "blocks";
/// Holder, a zero byte, the open file's number → nothing.
pub const LEASES: Table = "leases";
/// Number of an inode that was cut off the tree → nothing. What is below it goes step by step.
pub const ORPHANS: Table = "orphans";
/// Number of a block that nobody uses → nothing. Its replica goes step by step.
pub const GARBAGE: Table = "garbage";
/// Client id, then call id → [`Answer`](super::record::Answer).
pub const ANSWERS: Table = "answers";
/// Expiry time, then the key in [`ANSWERS`] → nothing.
pub const EXPIRIES: Table = "expiries";
/// [`COUNTERS`] and [`IDENTITY`].
pub const META: Table = "meta";

/// All of them.
pub const ALL: &[Table] = &[INODES, ENTRIES, EXTENTS, BLOCKS, LEASES, ORPHANS, GARBAGE, ANSWERS, EXPIRIES, META];

/// Key in [`META`] of [`Counters`](super::record::Counters).
pub const COUNTERS: &[u8] = b"counters";
/// Key in [`META`] of [`Identity`](super::record::Identity).
pub const IDENTITY: &[u8] = b"identity";

/// The root directory's number, as in HDFS.
pub const ROOT: u64 = 16_385;
/// The first block's number, as in HDFS.
pub const FIRST_BLOCK: u64 = (1 << 30) + 1;
/// The first generation stamp, as in HDFS.
pub const FIRST_GENERATION: u64 = 1_001;

/// A key that is one number.
pub fn number(id: u64) -> [u8; 8] {
    id.to_be_bytes()
}

/// Key in [`ENTRIES`]. NameNodes sort names as Java compares bytes, signed, and so must we, or a router could not merge a
/// page of ours with one of theirs: with its highest bit turned, a signed byte sorts as an unsigned one.
pub fn entry(parent: u64, name: &[u8]) -> Vec<u8> {
    number(parent).into_iter().chain(name.iter().map(|byte| byte ^ SIGN)).collect()
}

/// The name in a key of [`ENTRIES`].
pub fn entry_name(key: &[u8]) -> Vec<u8> {
    key[8..].iter().map(|byte| byte ^ SIGN).collect()
}

const SIGN: u8 = 0x80;

/// Key in [`EXTENTS`].
pub fn extent(inode: u64, index: u32) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&number(inode));
    key[8..].copy_from_slice(&index.to_be_bytes());
    key
}

/// Key in [`LEASES`]. Holders have no zero byte: the service refuses those that do.
pub fn lease(holder: &str, inode: u64) -> Vec<u8> {
    [&lease_prefix(holder)[..], &number(inode)].concat()
}

/// What the keys in [`LEASES`] of one holder start with.
pub fn lease_prefix(holder: &str) -> Vec<u8> {
    [holder.as_bytes(), &[0]].concat()
}

/// Key in [`EXPIRIES`].
pub fn expiry(at: u64, answer: &[u8]) -> Vec<u8> {
    [&number(at)[..], answer].concat()
}

/// The number that the first eight bytes of a key or value are.
pub fn leading_number(bytes: &[u8]) -> Option<u64> {
    bytes.first_chunk().map(|b| u64::from_be_bytes(*b))
}
