//! The status of one path that several destinations, or only the mount table, know of.

use anabranch_hdfs_proto::hdfs::hdfs_file_status_proto::FileType;
use anabranch_hdfs_proto::hdfs::{FsPermissionProto, HdfsFileStatusProto};
use anabranch_hrpc::wire::{self, Malformed};
use bytes::{Bytes, BytesMut};
use prost::Message;

use super::Answer;
use crate::rewrite::{Edit, delimited, edit, find, find_varint, put_field};

/// `childrenNum` of `HdfsFileStatusProto`.
const CHILDREN: u32 = 14;

/// What the mount table says of a directory that no NameNode has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Virtual<'a> {
    /// Owner.
    pub owner: &'a str,
    /// Group.
    pub group: &'a str,
    /// Permission bits.
    pub mode: u16,
    /// Milliseconds since 1970.
    pub modified_ms: u64,
    /// Entries in it.
    pub children: usize,
}

impl Virtual<'_> {
    /// An `HdfsFileStatusProto` with this local name; empty for the status of a single path.
    pub fn status(&self, name: &[u8]) -> Vec<u8> {
        HdfsFileStatusProto {
            file_type: FileType::IsDir.into(),
            path: Bytes::copy_from_slice(name),
            permission: FsPermissionProto { perm: self.mode.into() },
            owner: self.owner.to_owned(),
            group: self.group.to_owned(),
            modification_time: self.modified_ms,
            access_time: self.modified_ms,
            file_id: Some(0),
            children_num: Some(i32::try_from(self.children).unwrap_or(i32::MAX)),
            storage_policy: Some(0),
            ..HdfsFileStatusProto::default()
        }
        .encode_to_vec()
    }
}

/// The status in the result of `getFileInfo`; none for `null`.
pub fn status_of(reply: &[u8]) -> Result<Option<&[u8]>, Malformed> {
    find(super::body(reply), &[1])
}

/// Whether a status is that of a directory.
pub fn is_directory(status: &[u8]) -> Result<bool, Malformed> {
    Ok(find_varint(status, 1)? == Some(FileType::IsDir as u64))
}

/// A result of `getFileInfo` around a status.
pub fn reply(status: &[u8]) -> Bytes {
    let mut body = BytesMut::with_capacity(status.len() + 8);
    put_field(&mut body, 1, status);
    delimited(&body)
}

/// A status under another local name.
pub fn renamed(status: &[u8], name: &[u8]) -> Result<Vec<u8>, Malformed> {
    let changed = edit(status, &[&[2]], &mut |_, _| Edit::Put(name))?;
    Ok(changed.map_or_else(|| status.to_vec(), |changed| super::body(&changed).to_vec()))
}

/// Several answers of `getFileInfo` about one path: the first file, else the first directory with the children of all.
/// `null` when each says so.
pub fn statuses(answers: &[Answer<'_>]) -> Result<Bytes, Malformed> {
    let mut directories = Vec::new();
    for answer in answers {
        let Some(status) = find(answer.message(), &[1])? else { continue };
        if !is_directory(status)? {
            return Ok(answer.reply.clone());
        }
        directories.push((status, &answer.reply));
    }
    match directories.as_slice() {
        [] => Ok(super::empty()),
        [(_, only)] => Ok(Bytes::clone(only)),
        [(first, _), ..] => {
            let mut children = 0_i64;
            for (status, _) in &directories {
                let count = find_varint(status, CHILDREN)?.map_or(0, u64::cast_signed);
                children = children.saturating_add(count.max(0));
            }
            Ok(reply(&with_children(first, children)?))
        }
    }
}

fn with_children(status: &[u8], children: i64) -> Result<Vec<u8>, Malformed> {
    let mut out = BytesMut::with_capacity(status.len() + 12);
    for field in wire::fields(status) {
        let field = field?;
        if field.number != CHILDREN {
            out.extend_from_slice(&status[field.span]);
        }
    }
    wire::put_varint(&mut out, u64::from(CHILDREN) << 3);
    wire::put_varint(&mut out, i64::from(i32::try_from(children).unwrap_or(i32::MAX)).cast_unsigned());
    Ok(out.to_vec())
}
