//! The file beside a replica's data: how it is checksummed, how much of it is certain, and the checksums.
//!
//! The first page holds a header, written once, and two slots for *marks*. A mark says "the first `len` bytes are on
//! disk, and the bytes of the last, partial chunk among them have this checksum". Marks are written to the slots in turn
//! and carry their own checksum, so that a torn write leaves the other one. They exist because the stored checksum of a
//! partial chunk is overwritten as the chunk grows: after a power loss checksum and data may come from different moments,
//! and the mark still proves what was synced.

use super::checksum::{Checksum, Polynomial};

/// Where the checksums begin.
pub(crate) const SUMS_AT: u64 = 4096;
/// Bytes of the header.
pub(crate) const HEADER: usize = 32;
/// Bytes of a mark.
pub(crate) const MARK: usize = 32;
/// Where the slots of the marks begin, each in a disk sector of its own.
const SLOTS: [u64; 2] = [512, 1024];
/// Identifies the file and its format.
const MAGIC: &[u8; 8] = b"anbrblk1";

/// The header: what stays the same as long as the replica lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// The block's number, so that mixed up files are noticed.
    pub(crate) id: u64,
    /// How the data is checksummed.
    pub(crate) checksum: Checksum,
}

impl Header {
    /// The header's bytes.
    pub(crate) fn encode(self) -> [u8; HEADER] {
        let kind: u32 = match self.checksum.polynomial {
            Polynomial::Crc32 => 1,
            Polynomial::Crc32c => 2,
        };
        seal([u64::from_be_bytes(*MAGIC), self.id, u64::from(kind) << 32 | u64::from(self.checksum.bytes_per)])
    }

    /// Reads a header; `None` if it is not one, or damaged.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let [magic, id, checksum] = unseal(bytes)?;
        let polynomial = match checksum >> 32 {
            1 => Polynomial::Crc32,
            2 => Polynomial::Crc32c,
            _ => return None,
        };
        let bytes_per = u32::try_from(checksum & u64::from(u32::MAX)).ok()?;
        let checksum = Checksum::new(polynomial, bytes_per)?;
        (magic == u64::from_be_bytes(*MAGIC)).then_some(Self { id, checksum })
    }
}

/// A length that is certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Rises with each mark; the highest counts. Never 0 on disk.
    pub(crate) sequence: u64,
    /// Bytes of data.
    pub(crate) len: u64,
    /// Checksum of the bytes of the last chunk if that is partial, 0 otherwise.
    pub(crate) tail: u32,
}

impl Mark {
    /// Before the first mark: nothing is certain.
    pub(crate) const NONE: Self = Self { sequence: 0, len: 0, tail: 0 };

    /// The mark that follows this one.
    pub(crate) fn next(self, len: u64, tail: u32) -> Self {
        Self { sequence: self.sequence + 1, len, tail }
    }

    /// Where this mark is written.
    pub(crate) fn position(self) -> u64 {
        SLOTS[usize::from(self.sequence % 2 == 1)]
    }

    /// The mark's bytes.
    pub(crate) fn encode(self) -> [u8; MARK] {
        seal([self.sequence, self.len, u64::from(self.tail)])
    }

    /// Reads one slot.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let [sequence, len, tail] = unseal(bytes)?;
        (sequence > 0).then_some(Self { sequence, len, tail: u32::try_from(tail).ok()? })
    }

    /// The newest intact mark of a file's first page, [`Mark::NONE`] if none was written.
    pub(crate) fn newest(page: &[u8]) -> Self {
        let slot = |at: u64| {
            let at = usize::try_from(at).ok()?;
            Self::decode(page.get(at..at + MARK)?)
        };
        SLOTS.into_iter().filter_map(slot).max_by_key(|mark| mark.sequence).unwrap_or(Self::NONE)
    }
}

/// Three words and a checksum over them.
fn seal(words: [u64; 3]) -> [u8; 32] {
    let mut out = [0; 32];
    for (slot, word) in out.chunks_exact_mut(8).zip(words) {
        slot.copy_from_slice(&word.to_be_bytes());
    }
    let sum = Polynomial::Crc32c.extend(0, &out[..24]);
    out[24..28].copy_from_slice(&sum.to_be_bytes());
    out
}

/// The words of [`seal`]; `None` if the checksum does not fit.
fn unseal(bytes: &[u8]) -> Option<[u64; 3]> {
    let bytes: &[u8; 32] = bytes.get(..32)?.try_into().ok()?;
    let sum = Polynomial::Crc32c.extend(0, &bytes[..24]);
    if bytes[24..28] != sum.to_be_bytes() {
        return None;
    }
    let word = |at: usize| bytes[at..at + 8].iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    Some([word(0), word(8), word(16)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn page(marks: &[Mark]) -> Vec<u8> {
        let mut page = vec![0; 4096];
        for mark in marks {
            let at = mark.position() as usize;
            page[at..at + MARK].copy_from_slice(&mark.encode());
        }
        page
    }

    #[test]
    fn the_newest_mark_counts_and_a_torn_one_leaves_its_predecessor() {
        let (first, second) = (Mark::NONE.next(700, 7), Mark::NONE.next(700, 7).next(900, 9));
        let mut page = page(&[first, second]);
        assert_eq!(Mark::newest(&page), second);
        page[second.position() as usize + 9] ^= 0xFF;
        assert_eq!(Mark::newest(&page), first);
        assert_eq!(Mark::newest(&vec![0; 4096]), Mark::NONE);
    }

    proptest! {
        #[test]
        fn a_header_comes_back_and_a_damaged_one_does_not(id: u64, bytes_per in 1u32..1 << 20, at in 0usize..28, flip in 1u8..) {
            let header = Header { id, checksum: Checksum::new(Polynomial::Crc32, bytes_per).unwrap() };
            let mut bytes = header.encode();
            prop_assert_eq!(Header::decode(&bytes), Some(header));
            bytes[at] ^= flip;
            prop_assert_eq!(Header::decode(&bytes), None);
        }

        #[test]
        fn no_bytes_make_the_decoders_fail(bytes: Vec<u8>) {
            let _ = (Header::decode(&bytes), Mark::newest(&bytes));
        }
    }
}
