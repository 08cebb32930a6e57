//! Checksums over the chunks of a block, as the wire and the disk keep them: four bytes, big-endian, for every
//! `bytes_per` bytes; the last chunk may be shorter.

use anabranch_hdfs_proto::hdfs::{ChecksumProto, ChecksumTypeProto};

/// Bytes of one stored checksum.
pub(crate) const SUM: usize = 4;

/// Longest chunk that is accepted; a chunk must fit into one packet.
pub(crate) const MAX_CHUNK: u32 = 4 << 20;

/// A polynomial. `dfs.checksum.type` of the client chooses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Polynomial {
    /// The polynomial of zlib and Ethernet.
    Crc32,
    /// Castagnoli's, which processors compute; Hadoop's default.
    Crc32c,
}

impl Polynomial {
    /// The checksum of `data` appended to bytes whose checksum is `sum`; 0 is the checksum of no bytes.
    pub(crate) fn extend(self, sum: u32, data: &[u8]) -> u32 {
        match self {
            Self::Crc32 => {
                let mut hasher = crc32fast::Hasher::new_with_initial(sum);
                hasher.update(data);
                hasher.finalize()
            }
            Self::Crc32c => crc32c::crc32c_append(sum, data),
        }
    }

    /// The checksum of two pieces of data one after the other, from theirs and the length of the second.
    pub(crate) fn combine(self, first: u32, second: u32, second_len: u64) -> u32 {
        match self {
            Self::Crc32 => {
                let mut hasher = crc32fast::Hasher::new_with_initial_len(first, 0);
                hasher.combine(&crc32fast::Hasher::new_with_initial_len(second, second_len));
                hasher.finalize()
            }
            Self::Crc32c => crc32c::crc32c_combine(first, second, usize::try_from(second_len).unwrap_or(usize::MAX)),
        }
    }

    /// The wire's name.
    pub(crate) fn proto(self) -> ChecksumTypeProto {
        match self {
            Self::Crc32 => ChecksumTypeProto::ChecksumCrc32,
            Self::Crc32c => ChecksumTypeProto::ChecksumCrc32c,
        }
    }
}

/// How a replica is checksummed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Checksum {
    /// The polynomial.
    pub(crate) polynomial: Polynomial,
    /// Bytes of a chunk, 1 to [`MAX_CHUNK`].
    pub(crate) bytes_per: u32,
}

impl Checksum {
    /// Checks the chunk length's bounds.
    pub(crate) fn new(polynomial: Polynomial, bytes_per: u32) -> Option<Self> {
        (1..=MAX_CHUNK).contains(&bytes_per).then_some(Self { polynomial, bytes_per })
    }

    /// The wire's form.
    pub(crate) fn proto(self) -> ChecksumProto {
        ChecksumProto { r#type: self.polynomial.proto().into(), bytes_per_checksum: self.bytes_per }
    }

    /// Bytes of a chunk.
    pub(crate) fn chunk(self) -> u64 {
        u64::from(self.bytes_per)
    }

    /// Number of chunks that `len` bytes take.
    pub(crate) fn chunks(self, len: u64) -> u64 {
        len.div_ceil(self.chunk())
    }

    /// Where the chunk begins that holds the byte at `position`.
    pub(crate) fn floor(self, position: u64) -> u64 {
        position - position % self.chunk()
    }

    /// The checksums of `data`, which begins at a chunk's begin, one after the other as they are stored.
    pub(crate) fn put_sums(self, data: &[u8], out: &mut Vec<u8>) {
        for chunk in data.chunks(self.bytes_per as usize) {
            out.extend_from_slice(&self.polynomial.extend(0, chunk).to_be_bytes());
        }
    }

    /// The first chunk of `data` that its stored checksum contradicts; `data` begins at a chunk's begin and `sums` holds
    /// exactly one checksum for each chunk.
    pub(crate) fn mismatch(self, data: &[u8], sums: &[u8]) -> Option<Mismatch> {
        data.chunks(self.bytes_per as usize).zip(sums.chunks_exact(SUM)).enumerate().find_map(
            |(chunk, (bytes, sum))| {
                let (computed, stored) = (self.polynomial.extend(0, bytes), stored_sum(sum));
                (computed != stored).then_some(Mismatch { chunk, computed, stored })
            },
        )
    }
}

/// A chunk that its checksum contradicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mismatch {
    /// The chunk's index within the checked data.
    pub(crate) chunk: usize,
    /// The checksum of the data.
    pub(crate) computed: u32,
    /// The checksum that came with it.
    pub(crate) stored: u32,
}

/// Reads one stored checksum; missing bytes count as zeros.
pub(crate) fn stored_sum(bytes: &[u8]) -> u32 {
    bytes.iter().take(SUM).zip([24, 16, 8, 0]).fold(0, |sum, (byte, shift)| sum | u32::from(*byte) << shift)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOTH: [Polynomial; 2] = [Polynomial::Crc32, Polynomial::Crc32c];

    #[test]
    fn both_polynomials_give_their_catalogued_check_value() {
        assert_eq!(Polynomial::Crc32.extend(0, b"123456789"), 0xCBF4_3926);
        assert_eq!(Polynomial::Crc32c.extend(0, b"123456789"), 0xE306_9283);
    }

    #[test]
    fn a_changed_byte_is_found_in_its_chunk() {
        let checksum = Checksum::new(Polynomial::Crc32c, 4).unwrap();
        let (mut data, mut sums) = (b"abcdefghij".to_vec(), Vec::new());
        checksum.put_sums(&data, &mut sums);
        assert_eq!(sums.len(), 12);
        assert_eq!(checksum.mismatch(&data, &sums), None);
        data[9] ^= 1;
        assert_eq!(checksum.mismatch(&data, &sums).map(|found| found.chunk), Some(2));
    }

    proptest! {
        #[test]
        fn extending_and_combining_equal_the_checksum_of_the_whole(a: Vec<u8>, b: Vec<u8>) {
            for polynomial in BOTH {
                let whole = polynomial.extend(0, &[a.clone(), b.clone()].concat());
                let (first, second) = (polynomial.extend(0, &a), polynomial.extend(0, &b));
                prop_assert_eq!(polynomial.extend(first, &b), whole);
                prop_assert_eq!(polynomial.combine(first, second, b.len() as u64), whole);
            }
        }
    }
}
