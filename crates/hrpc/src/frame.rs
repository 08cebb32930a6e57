//! Frames: a big-endian length of four bytes, then that many bytes.

use bytes::{Buf, Bytes, BytesMut};

/// Bytes of a frame's length.
pub(crate) const PREFIX: usize = 4;

/// A frame whose length is negative or above the limit. Java closes the connection without a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("frame of {length} bytes, at most {max} are accepted")]
pub struct FrameTooLong {
    /// The length that the peer announced.
    pub length: u32,
    /// The limit that it was held against.
    pub max: u32,
}

/// Reads the length of the frame at the front, if its four bytes are there, and holds it against the limit. Takes no
/// memory.
pub fn peek(input: &[u8], max: u32) -> Result<Option<usize>, FrameTooLong> {
    let Some(prefix) = input.first_chunk::<PREFIX>() else { return Ok(None) };
    let length = u32::from_be_bytes(*prefix);
    // Above i32::MAX it is negative to Java, and no limit is that high.
    if length > max.min(i32::MAX as u32) {
        return Err(FrameTooLong { length, max });
    }
    Ok(Some(length as usize))
}

/// Splits a whole frame off the front without copying it; the length is not part of what is returned.
pub fn split(input: &mut BytesMut, max: u32) -> Result<Option<Bytes>, FrameTooLong> {
    let Some(length) = peek(input, max)? else { return Ok(None) };
    if input.len() < PREFIX + length {
        return Ok(None);
    }
    input.advance(PREFIX);
    Ok(Some(input.split_to(length).freeze()))
}

/// How many bytes are missing from the frame at the front; 0 if nothing is known of it yet.
pub(crate) fn missing(input: &[u8], max: u32) -> usize {
    match peek(input, max) {
        Ok(Some(length)) => (PREFIX + length).saturating_sub(input.len()),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_split_one_by_one() {
        let mut input = BytesMut::from(&b"\0\0\0\x02ab\0\0\0\0\0\0\0\x03c"[..]);
        assert_eq!(split(&mut input, 8).unwrap().unwrap(), "ab");
        assert_eq!(split(&mut input, 8).unwrap().unwrap(), "");
        assert_eq!(split(&mut input, 8), Ok(None));
        assert_eq!(missing(&input, 8), 2);
        input.extend_from_slice(b"de");
        assert_eq!(split(&mut input, 8).unwrap().unwrap(), "cde");
        assert!(input.is_empty());
    }

    #[test]
    fn too_long_and_negative_lengths_are_refused_before_the_bytes_come() {
        for (prefix, length) in [([0, 0, 0, 9], 9), ([0xff; 4], u32::MAX), ([0x80, 0, 0, 0], 1 << 31)] {
            let mut input = BytesMut::from(&prefix[..]);
            assert_eq!(split(&mut input, 8), Err(FrameTooLong { length, max: 8 }));
        }
        assert!(split(&mut BytesMut::from(&[0xff; 4][..]), u32::MAX).is_err());
    }
}
