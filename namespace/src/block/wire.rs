//! DataTransferProtocol on the wire: parsers that know bytes only, and the buffer that feeds them.
//!
//! An operation is a version (two bytes), an opcode (one byte) and a message with its length before it as a varint. A
//! packet is the length of what follows the header plus four (four bytes), the length of the header (two bytes), the
//! header, the checksums and the data.

use std::ops::Range;

use anabranch_hdfs_proto::hdfs::PacketHeaderProto;
use prost::Message;

/// The protocol's version.
pub const VERSION: u16 = 28;
/// Longest message of an operation: the block, a token and the targets fit many times.
pub const MAX_MESSAGE: usize = 256 << 10;
/// Longest packet without its header, as Hadoop's clients accept it.
pub const MAX_PACKET: usize = 16 << 20;
/// Longest header of a packet; Hadoop's have 25 to 27 bytes.
const MAX_PACKET_HEADER: usize = 1024;
/// What a client sends first that wants a SASL handshake: 0xDEADBEEF.
const HANDSHAKE: [u8; 4] = [0xDE, 0xAD, 0xBE, 0xEF];

/// What a parser made of the bytes at hand.
#[derive(Debug, PartialEq)]
pub enum Step<T> {
    /// At least this many bytes are needed, more than there are.
    Need(usize),
    /// A whole thing, and how many bytes it took.
    Done(T, usize),
}

/// Bytes that no client of this protocol sends.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Another version.
    #[error("version {0} of the data transfer protocol, accepted is {VERSION}")]
    Version(u16),
    /// A length out of bounds.
    #[error("{what} has {found} bytes, accepted are {min} to {max}")]
    Length {
        /// What has the length.
        what: &'static str,
        /// The length as it was sent.
        found: i64,
        /// The least that makes sense.
        min: usize,
        /// The most that is accepted.
        max: usize,
    },
    /// A message that is not of its type.
    #[error("{what}: {reason}")]
    Message {
        /// Which message.
        what: &'static str,
        /// The decoder's words.
        reason: String,
    },
}

/// How a client begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// With an operation, by its code.
    Operation(u8),
    /// With a SASL handshake.
    Handshake,
}

/// Reads how a client begins, or goes on after an operation.
///
/// # Errors
/// Another version.
pub fn opening(input: &[u8]) -> Result<Step<Opening>, Malformed> {
    match *input {
        [0xDE, 0xAD, ..] if input.len() < HANDSHAKE.len() => Ok(Step::Need(HANDSHAKE.len())),
        _ if input.starts_with(&HANDSHAKE) => Ok(Step::Done(Opening::Handshake, HANDSHAKE.len())),
        [high, low, ..] if u16::from_be_bytes([high, low]) != VERSION => {
            Err(Malformed::Version(u16::from_be_bytes([high, low])))
        }
        [_, _, code, ..] => Ok(Step::Done(Opening::Operation(code), 3)),
        _ => Ok(Step::Need(3)),
    }
}

/// Reads a message with its length before it, and tells where it is.
///
/// # Errors
/// A length above [`MAX_MESSAGE`], or a message that is not of this type.
pub fn delimited<M: Message + Default>(what: &'static str, input: &[u8]) -> Result<Step<M>, Malformed> {
    let (mut len, mut prefix) = (0u64, 0);
    loop {
        let Some(byte) = input.get(prefix) else { return Ok(Step::Need(prefix + 1)) };
        len |= u64::from(byte & 0x7F) << (7 * prefix);
        prefix += 1;
        if len > MAX_MESSAGE as u64 || prefix > 5 {
            let found = i64::try_from(len).unwrap_or(i64::MAX);
            return Err(Malformed::Length { what, found, min: 0, max: MAX_MESSAGE });
        }
        if byte & 0x80 == 0 {
            break;
        }
    }
    let end = prefix + len as usize;
    let Some(bytes) = input.get(prefix..end) else { return Ok(Step::Need(end)) };
    let message = M::decode(bytes).map_err(|error| Malformed::Message { what, reason: error.to_string() })?;
    Ok(Step::Done(message, end))
}

/// A packet, and where its parts are.
#[derive(Debug, Clone, PartialEq)]
pub struct PacketSpan {
    /// The header.
    pub header: PacketHeaderProto,
    /// The checksums.
    pub sums: Range<usize>,
    /// The data.
    pub data: Range<usize>,
}

/// Reads a packet.
///
/// # Errors
/// Lengths that contradict each other or exceed [`MAX_PACKET`], a negative offset, and a header that is none.
pub fn packet(input: &[u8]) -> Result<Step<PacketSpan>, Malformed> {
    const PREFIX: usize = 6;
    let Some(&[a, b, c, d, e, f]) = input.get(..PREFIX) else { return Ok(Step::Need(PREFIX)) };
    let bounded = |what, found: i64, min: usize, max: usize| match usize::try_from(found) {
        Ok(len) if (min..=max).contains(&len) => Ok(len),
        _ => Err(Malformed::Length { what, found, min, max }),
    };
    let body = bounded("a packet", i64::from(i32::from_be_bytes([a, b, c, d])), 4, MAX_PACKET)? - 4;
    let header_len = bounded("a packet's header", i64::from(i16::from_be_bytes([e, f])), 0, MAX_PACKET_HEADER)?;
    let begin = PREFIX + header_len;
    let end = begin + body;
    if input.len() < end {
        return Ok(Step::Need(end));
    }
    let header = PacketHeaderProto::decode(&input[PREFIX..begin])
        .map_err(|error| Malformed::Message { what: "a packet's header", reason: error.to_string() })?;
    let data_len = bounded("a packet's data", i64::from(header.data_len), 0, body)?;
    if header.offset_in_block < 0 || header.offset_in_block > i64::MAX - MAX_PACKET as i64 {
        let reason = format!("it begins at {}", header.offset_in_block);
        return Err(Malformed::Message { what: "a packet's header", reason });
    }
    let data = end - data_len..end;
    Ok(Step::Done(PacketSpan { header, sums: begin..data.start, data }, end))
}

/// Bytes before a packet's checksums that [`put_packet_header`] writes.
pub(crate) const PACKET_PREFIX: usize = 6 + 25;

/// Writes what comes before a packet's checksums.
pub(crate) fn put_packet_header(header: &PacketHeaderProto, sums_len: usize, out: &mut [u8]) {
    let body = (4 + sums_len) as u32 + header.data_len.unsigned_abs();
    out[..4].copy_from_slice(&body.to_be_bytes());
    out[4..6].copy_from_slice(&(header.encoded_len() as u16).to_be_bytes());
    out[6..PACKET_PREFIX].copy_from_slice(&header.encode_to_vec());
}

#[cfg(test)]
mod tests {
    use super::*;
    use anabranch_hdfs_proto::hdfs::ClientReadStatusProto;
    use proptest::prelude::*;

    fn sample(offset: i64, sums: usize, data: usize) -> Vec<u8> {
        let header = PacketHeaderProto {
            offset_in_block: offset,
            seqno: 3,
            last_packet_in_block: false,
            data_len: data as i32,
            sync_block: None,
        };
        let mut out = vec![7; PACKET_PREFIX + sums + data];
        put_packet_header(&header, sums, &mut out);
        out
    }

    #[test]
    fn an_opening_is_an_operation_or_a_handshake() {
        assert_eq!(opening(&[0, 28, 81, 5]), Ok(Step::Done(Opening::Operation(81), 3)));
        assert_eq!(opening(&[0, 28]), Ok(Step::Need(3)));
        assert_eq!(opening(&[0]), Ok(Step::Need(3)));
        assert_eq!(opening(&[0xDE, 0xAD, 0xBE, 0xEF]), Ok(Step::Done(Opening::Handshake, 4)));
        assert_eq!(opening(&[0xDE, 0xAD, 0xBE]), Ok(Step::Need(4)));
        assert_eq!(opening(&[0xDE, 0xAD, 0, 0]), Err(Malformed::Version(0xDEAD)));
        assert_eq!(opening(b"GET / HTTP"), Err(Malformed::Version(0x4745)));
    }

    #[test]
    fn lengths_are_checked_before_anything_is_waited_for() {
        let hostile: [&[u8]; 5] = [
            &[0x7F, 0xFF, 0xFF, 0xFF, 0, 25],
            &[0xFF, 0xFF, 0xFF, 0xFF, 0, 25],
            &[0, 0, 0, 3, 0, 25],
            &[0, 0, 0, 4, 0xFF, 0xFF],
            &[0, 0, 0, 4, 0x7F, 0xFF],
        ];
        for bytes in hostile {
            assert!(packet(bytes).is_err(), "{bytes:?}");
        }
        let status = |bytes: &[u8]| delimited::<ClientReadStatusProto>("a status", bytes);
        assert!(status(&[0xFF; 9]).is_err());
        assert!(status(&[0x81, 0x80, 0x80, 0x80, 0x80, 0x80]).is_err());
        assert_eq!(status(&[2, 8]), Ok(Step::Need(3)));
    }

    #[test]
    fn a_packet_with_more_data_than_it_has_bytes_is_refused() {
        let mut bytes = sample(0, 4, 100);
        bytes[3] -= 10;
        let error = packet(&bytes).unwrap_err().to_string();
        assert!(error.contains("a packet's data has 100 bytes"), "{error}");
        assert!(packet(&sample(-1, 4, 100)).is_err());
    }

    proptest! {
        #[test]
        fn a_packet_comes_back_and_a_part_of_it_asks_for_the_rest(offset in 0i64..1 << 40, sums in 0usize..64, data in 0usize..600) {
            let bytes = sample(offset, sums, data);
            let Step::Done(span, used) = packet(&bytes).unwrap() else { panic!("needs more") };
            prop_assert_eq!(used, bytes.len());
            prop_assert_eq!((span.sums.len(), span.data.len()), (sums, data));
            prop_assert_eq!(span.header.offset_in_block, offset);
            for part in 0..bytes.len() {
                let step = packet(&bytes[..part]).unwrap();
                prop_assert!(matches!(step, Step::Need(more) if more > part && more <= bytes.len()));
            }
        }

        #[test]
        fn no_bytes_make_the_parsers_fail_or_ask_for_too_much(bytes: Vec<u8>) {
            if let Ok(Step::Need(more)) = packet(&bytes) {
                prop_assert!(more > bytes.len() && more <= MAX_PACKET + 6 + MAX_PACKET_HEADER);
            }
            if let Ok(Step::Need(more)) = delimited::<ClientReadStatusProto>("a status", &bytes) {
                prop_assert!(more > bytes.len() && more <= MAX_MESSAGE + 5);
            }
            if let Ok(Step::Need(more)) = opening(&bytes) {
                prop_assert!(more > bytes.len());
            }
        }
    }
}
