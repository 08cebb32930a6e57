//! The checksum of a whole block, from which clients make the checksum of a file. Everything here blocks.

use md5::{Digest as _, Md5};

use super::BlockError;
use super::checksum::SUM;
use super::reader::ReplicaReader;

/// How many checksums are read at once.
const BATCH: u64 = 64 << 10;

/// What the checksum of a block is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// MD5 of the chunks' checksums.
    Md5OfCrcs,
    /// The checksum that the data would have if the block, or each stripe of this many bytes, were one chunk.
    Composite {
        /// Bytes of a stripe, whole chunks; 0 for none.
        stripe: u64,
    },
}

/// The checksum of the first `len` bytes, or of the whole replica if that is shorter.
pub(crate) fn digest(reader: &ReplicaReader, len: u64, method: Method) -> Result<Vec<u8>, BlockError> {
    let (checksum, len) = (reader.view().checksum, len.min(reader.view().len));
    let mut made = match method {
        Method::Md5OfCrcs => Made::Md5(Md5::new()),
        Method::Composite { stripe } => Made::Composite { stripe, filled: 0, sum: 0, out: Vec::new() },
    };
    let (mut at, mut sums) = (0, Vec::new());
    while at < len {
        let end = (at + BATCH * checksum.chunk()).min(len);
        sums.resize(checksum.chunks(end - at) as usize * SUM, 0);
        reader.read_sums(at, &mut sums)?;
        let start = checksum.floor(end);
        if start < end && end < reader.view().len {
            let tail = partial(reader, start, end)?.to_be_bytes();
            let last = sums.len() - SUM;
            sums[last..].copy_from_slice(&tail);
        }
        made.add(reader, at, end, &sums);
        at = end;
    }
    Ok(made.done())
}

/// The checksum of the part of a chunk from `start`, its begin, to `end`. The whole chunk is verified.
fn partial(reader: &ReplicaReader, start: u64, end: u64) -> Result<u32, BlockError> {
    let view = reader.view();
    let chunk_end = (start + view.checksum.chunk()).min(view.len);
    let (mut chunk, mut sum) = (vec![0; (chunk_end - start) as usize], [0; SUM]);
    reader.read_data(start, &mut chunk)?;
    reader.read_sums(start, &mut sum)?;
    reader.verify(start, &chunk, &sum)?;
    Ok(view.checksum.polynomial.extend(0, &chunk[..(end - start) as usize]))
}

enum Made {
    Md5(Md5),
    Composite { stripe: u64, filled: u64, sum: u32, out: Vec<u8> },
}

impl Made {
    /// Adds the checksums of the chunks from `at` to `end`.
    fn add(&mut self, reader: &ReplicaReader, at: u64, end: u64, sums: &[u8]) {
        let (stripe, filled, sum, out) = match self {
            Self::Md5(md5) => return md5.update(sums),
            Self::Composite { stripe, filled, sum, out } => (*stripe, filled, sum, out),
        };
        let checksum = reader.view().checksum;
        let mut position = at;
        for chunk in sums.chunks_exact(SUM) {
            let bytes = checksum.chunk().min(end - position);
            *sum = checksum.polynomial.combine(*sum, super::checksum::stored_sum(chunk), bytes);
            *filled += bytes;
            position += bytes;
            if *filled == stripe {
                out.extend_from_slice(&sum.to_be_bytes());
                (*filled, *sum) = (0, 0);
            }
        }
    }

    fn done(self) -> Vec<u8> {
        match self {
            Self::Md5(md5) => md5.finalize().to_vec(),
            Self::Composite { filled, sum, mut out, .. } => {
                if filled > 0 {
                    out.extend_from_slice(&sum.to_be_bytes());
                }
                out
            }
        }
    }
}
