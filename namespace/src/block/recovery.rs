//! What a replica on disk holds: loading it after a restart, and cutting it to a length. Everything here blocks.
//!
//! A crash may leave more data than checksums, or a checksum that is older than the partial chunk it stands for. Both are
//! cut back to the longest prefix whose checksums fit. Data is written before its checksums, and both before the
//! acknowledgement, so that this prefix holds every acknowledged byte when the process was killed; when the power failed,
//! the last mark names the bytes that must be there.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::checksum::{Checksum, SUM, stored_sum};
use super::layout::{Layout, failed};
use super::meta::{HEADER, Header, Mark, SUMS_AT};
use super::replica::View;
use super::{BlockError, BlockId};

/// How much is read at once, at least.
const READ: u64 = 1 << 20;

/// The two files of a replica.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) data: File,
    pub(crate) meta: File,
}

impl Files {
    /// Opens them; for writing if `write`.
    pub(crate) fn open(layout: &Layout, block: BlockId, finalized: bool, write: bool) -> Result<Self, BlockError> {
        let (data, meta) = (layout.data(block.id), layout.meta(block, finalized));
        let open = |path| File::options().read(true).write(write).open(path);
        Ok(Self {
            meta: open(&meta).map_err(failed("open", &meta))?,
            data: open(&data).map_err(failed("open", &data))?,
        })
    }
}

/// Loads a replica that no one writes to. An open one is verified, and brought to a consistent length.
pub(crate) fn load(layout: &Layout, block: BlockId, finalized: bool) -> Result<View, BlockError> {
    let files = Files::open(layout, block, finalized, !finalized)?;
    let (data_path, meta_path) = (layout.data(block.id), layout.meta(block, finalized));
    let data_len = files.data.metadata().map_err(failed("examine", &data_path))?.len();
    let meta_len = files.meta.metadata().map_err(failed("examine", &meta_path))?.len();
    let corrupt = |detail: String| BlockError::Corrupt { id: block.id, detail };
    if meta_len < SUMS_AT {
        return Err(corrupt(format!("{} has {meta_len} bytes, fewer than its header", meta_path.display())));
    }
    let mut page = vec![0; SUMS_AT as usize];
    files.meta.read_exact_at(&mut page, 0).map_err(failed("read", &meta_path))?;
    let header = Header::decode(&page[..HEADER])
        .filter(|header| header.id == block.id)
        .ok_or_else(|| corrupt(format!("the header of {} is damaged", meta_path.display())))?;
    let mark = Mark::newest(&page);
    let view = View { block, finalized, checksum: header.checksum, len: mark.len, tail: mark.tail, mark };
    let sums_len = meta_len - SUMS_AT;
    if !finalized {
        let view = verified(&files, view, data_len, sums_len / SUM as u64).map_err(|error| match error {
            Verify::Read(source) => failed("read", &data_path)(source),
            Verify::Corrupt(detail) => corrupt(detail),
        })?;
        normalize(layout, &files, &view)?;
        return Ok(view);
    }
    let wanted_sums = header.checksum.chunks(mark.len) * SUM as u64;
    if mark.sequence == 0 || data_len != mark.len || sums_len != wanted_sums {
        let detail = format!(
            "{data_len} bytes of data and {sums_len} bytes of checksums, where {} and {wanted_sums} were written",
            mark.len
        );
        return Err(corrupt(detail));
    }
    Ok(view)
}

/// Brings both files to exactly what the view says.
pub(crate) fn normalize(layout: &Layout, files: &Files, view: &View) -> Result<(), BlockError> {
    files.data.set_len(view.len).map_err(failed("cut", &layout.data(view.block.id)))?;
    let path = layout.meta(view.block, view.finalized);
    let sums = view.checksum.chunks(view.len) * SUM as u64;
    files.meta.set_len(SUMS_AT + sums).map_err(failed("cut", &path))?;
    if !view.len.is_multiple_of(view.checksum.chunk()) {
        let last = SUMS_AT + sums - SUM as u64;
        files.meta.write_all_at(&view.tail.to_be_bytes(), last).map_err(failed("write", &path))?;
    }
    Ok(())
}

/// The checksum of the bytes of the last chunk below `len`, 0 if `len` is at a chunk's begin. The whole chunk is compared
/// with its stored checksum before.
pub(crate) fn tail_at(layout: &Layout, files: &Files, view: &View, len: u64) -> Result<u32, BlockError> {
    let start = view.checksum.floor(len);
    let kept = (len - start) as usize;
    if kept == 0 {
        return Ok(0);
    }
    let end = (start + view.checksum.chunk()).min(view.len);
    let mut chunk = vec![0; (end - start) as usize];
    files.data.read_exact_at(&mut chunk, start).map_err(failed("read", &layout.data(view.block.id)))?;
    let stored = if end == view.len && !end.is_multiple_of(view.checksum.chunk()) {
        view.tail
    } else {
        let mut sum = [0; SUM];
        let at = SUMS_AT + start / view.checksum.chunk() * SUM as u64;
        let path = layout.meta(view.block, view.finalized);
        files.meta.read_exact_at(&mut sum, at).map_err(failed("read", &path))?;
        u32::from_be_bytes(sum)
    };
    let computed = view.checksum.polynomial.extend(0, &chunk);
    if computed != stored {
        return Err(view.corrupt(format!("the chunk at {start} has checksum {computed:08x}, stored is {stored:08x}")));
    }
    Ok(view.checksum.polynomial.extend(0, &chunk[..kept]))
}

enum Verify {
    Read(std::io::Error),
    Corrupt(String),
}

impl From<std::io::Error> for Verify {
    fn from(error: std::io::Error) -> Self {
        Self::Read(error)
    }
}

/// The longest prefix of the data that its checksums prove, at least what the mark says.
fn verified(files: &Files, view: View, data_len: u64, sums: u64) -> Result<View, Verify> {
    let (checksum, mark) = (view.checksum, view.mark);
    if data_len < mark.len {
        return Err(Verify::Corrupt(format!("{data_len} bytes of data, where {} were synced", mark.len)));
    }
    let start = checksum.floor(mark.len);
    let mut synced = vec![0; (mark.len - start) as usize];
    files.data.read_exact_at(&mut synced, start)?;
    if checksum.polynomial.extend(0, &synced) != mark.tail {
        return Err(Verify::Corrupt(format!("the synced bytes {start} to {} changed", mark.len)));
    }
    let mut best = View { len: mark.len, tail: mark.tail, ..view };
    let stride = checksum.chunk() * (READ / checksum.chunk()).max(1);
    let (mut data, mut stored) = (Vec::new(), Vec::new());
    let mut at = start;
    let end = data_len.min(sums.saturating_mul(checksum.chunk()));
    while at < end {
        let piece_end = (at + stride).min(end);
        data.resize((piece_end - at) as usize, 0);
        stored.resize(checksum.chunks(piece_end - at) as usize * SUM, 0);
        files.data.read_exact_at(&mut data, at)?;
        files.meta.read_exact_at(&mut stored, SUMS_AT + at / checksum.chunk() * SUM as u64)?;
        let (len, tail) = prefix(checksum, &data, &stored);
        if at + len > best.len {
            best = View { len: at + len, tail, ..best };
        }
        if at + len < piece_end {
            break;
        }
        at = piece_end;
    }
    Ok(best)
}

/// Length of the longest prefix of `data` that `sums` prove, and the checksum of its partial last chunk.
fn prefix(checksum: Checksum, data: &[u8], sums: &[u8]) -> (u64, u32) {
    let mut len = 0;
    for (chunk, sum) in data.chunks(checksum.bytes_per as usize).zip(sums.chunks_exact(SUM)) {
        let stored = stored_sum(sum);
        let mut running = 0;
        let mut proven = 0;
        if checksum.polynomial.extend(0, chunk) == stored {
            proven = chunk.len();
        } else {
            for (index, byte) in chunk.iter().enumerate() {
                running = checksum.polynomial.extend(running, std::slice::from_ref(byte));
                if running == stored {
                    proven = index + 1;
                }
            }
        }
        len += proven as u64;
        if proven < checksum.bytes_per as usize {
            return (len, if proven == 0 { 0 } else { stored });
        }
    }
    (len, 0)
}

#[cfg(test)]
mod tests {
    use super::super::checksum::Polynomial;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_prefix_of_the_last_matching_checksums_is_found(
            data in proptest::collection::vec(any::<u8>(), 1..200), cut in 0usize..200, bytes_per in 1u32..40,
        ) {
            let checksum = Checksum::new(Polynomial::Crc32c, bytes_per).unwrap();
            let cut = cut.min(data.len());
            let mut sums = Vec::new();
            checksum.put_sums(&data[..cut], &mut sums);
            let (len, tail) = prefix(checksum, &data, &sums);
            prop_assert_eq!(len, cut as u64);
            let partial = &data[cut - cut % bytes_per as usize..cut];
            prop_assert_eq!(tail, checksum.polynomial.extend(0, partial));
        }
    }
}
