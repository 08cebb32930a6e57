//! Protobuf on the wire: varints and a walker over the fields of a message. Allocation free, never panics.

use std::ops::Range;

use bytes::BufMut;

/// The most bytes that a varint takes.
const MAX_VARINT: usize = 10;

/// Bytes that are not a protobuf message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed protobuf field at byte {at}")]
pub struct Malformed {
    /// Where the field starts that could not be read.
    pub at: usize,
}

/// One field of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<'a> {
    /// Field number, at least 1.
    pub number: u32,
    /// What it holds.
    pub value: Value<'a>,
    /// The whole field in the message, key included.
    pub span: Range<usize>,
    /// The content of a length-delimited field in the message; of other fields, the bytes after the key.
    pub inner: Range<usize>,
}

/// What a field holds, by wire type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Wire type 0: integers, booleans, enums. Signed ones may be zig-zag, see [`unzigzag`].
    Varint(u64),
    /// Wire type 5.
    Fixed32(u32),
    /// Wire type 1.
    Fixed64(u64),
    /// Wire type 2: strings, bytes, messages, packed lists.
    Bytes(&'a [u8]),
}

/// Takes a varint off the front. `None` if the input ends in it or it does not fit into 64 bits.
#[inline]
pub fn take_varint(input: &mut &[u8]) -> Option<u64> {
    if let Some((&byte, rest)) = input.split_first()
        && byte < 0x80
    {
        *input = rest;
        return Some(u64::from(byte));
    }
    take_long_varint(input)
}

fn take_long_varint(input: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for (index, &byte) in input.iter().take(MAX_VARINT).enumerate() {
        let bits = u64::from(byte & 0x7f);
        if index == MAX_VARINT - 1 && bits > 1 {
            return None;
        }
        value |= bits << (7 * index);
        if byte < 0x80 {
            *input = &input[index + 1..];
            return Some(value);
        }
    }
    None
}

/// Takes a length and that many bytes off the front. `None` if the input is shorter.
#[inline]
pub fn take_delimited<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut rest = *input;
    let length = usize::try_from(take_varint(&mut rest)?).ok()?;
    let (value, rest) = rest.split_at_checked(length)?;
    *input = rest;
    Some(value)
}

/// Bytes that the varint of `value` takes, 1 to 10.
#[inline]
pub fn varint_len(value: u64) -> usize {
    // One byte for every started group of seven bits.
    (((63 - (value | 1).leading_zeros()) * 9 + 73) / 64) as usize
}

/// Appends a varint.
#[inline]
pub fn put_varint(out: &mut impl BufMut, mut value: u64) {
    while value >= 0x80 {
        out.put_u8(value as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

/// A signed number as `sint32` and `sint64` carry it.
#[inline]
pub fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// The signed number of a `sint32` or `sint64` field.
#[inline]
pub fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Walks over the fields of a message in their order. Stops after the first [`Malformed`]. Groups, which no message of
/// Hadoop has, count as malformed.
pub fn fields(message: &[u8]) -> Fields<'_> {
    Fields { message, at: 0 }
}

/// Iterator of [`fields`].
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        if start >= self.message.len() {
            return None;
        }
        let field = take_field(self.message, start);
        self.at = field.as_ref().map_or(self.message.len(), |field| field.span.end);
        Some(field.ok_or(Malformed { at: start }))
    }
}

#[inline]
fn take_field(message: &[u8], start: usize) -> Option<Field<'_>> {
    let mut rest = &message[start..];
    let key = u32::try_from(take_varint(&mut rest)?).ok()?;
    let number = key >> 3;
    if number == 0 {
        return None;
    }
    let mut inner = message.len() - rest.len();
    let value = match key & 7 {
        0 => Value::Varint(take_varint(&mut rest)?),
        1 => Value::Fixed64(u64::from_le_bytes(*take_array(&mut rest)?)),
        2 => {
            let bytes = take_delimited(&mut rest)?;
            inner = message.len() - rest.len() - bytes.len();
            Value::Bytes(bytes)
        }
        5 => Value::Fixed32(u32::from_le_bytes(*take_array(&mut rest)?)),
        _ => return None,
    };
    let end = message.len() - rest.len();
    Some(Field { number, value, span: start..end, inner: inner..end })
}

fn take_array<'a, const N: usize>(input: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (array, rest) = input.split_first_chunk()?;
    *input = rest;
    Some(array)
}

/// Something that can be written as a protobuf message: described once, measured and encoded from that.
pub(crate) trait Encode {
    /// Names every field to the sink, in the order of their numbers.
    fn describe(&self, sink: &mut impl Sink);

    fn encoded_len(&self) -> usize {
        let mut length = Length(0);
        self.describe(&mut length);
        length.0
    }

    fn encode(&self, out: &mut impl BufMut) {
        self.describe(&mut Writer(out));
    }

    /// Length and message.
    fn encode_delimited(&self, out: &mut impl BufMut) {
        put_varint(out, self.encoded_len() as u64);
        self.encode(out);
    }

    fn delimited_len(&self) -> usize {
        let length = self.encoded_len();
        varint_len(length as u64) + length
    }
}

/// Where [`Encode::describe`] puts fields. Field numbers up to 15, so that every key is one byte.
pub(crate) trait Sink {
    fn varint(&mut self, number: u8, value: u64);
    fn bytes(&mut self, number: u8, value: &[u8]);
    fn message(&mut self, number: u8, value: &impl Encode);
}

struct Length(usize);

impl Sink for Length {
    fn varint(&mut self, _: u8, value: u64) {
        self.0 += 1 + varint_len(value);
    }

    fn bytes(&mut self, _: u8, value: &[u8]) {
        self.0 += 1 + varint_len(value.len() as u64) + value.len();
    }

    fn message(&mut self, _: u8, value: &impl Encode) {
        self.0 += 1 + value.delimited_len();
    }
}

struct Writer<'a, B>(&'a mut B);

impl<B: BufMut> Sink for Writer<'_, B> {
    fn varint(&mut self, number: u8, value: u64) {
        self.0.put_u8(number << 3);
        put_varint(self.0, value);
    }

    fn bytes(&mut self, number: u8, value: &[u8]) {
        self.0.put_u8(number << 3 | 2);
        put_varint(self.0, value.len() as u64);
        self.0.put_slice(value);
    }

    fn message(&mut self, number: u8, value: &impl Encode) {
        self.0.put_u8(number << 3 | 2);
        value.encode_delimited(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_come_back() {
        let values = (0..64).flat_map(|shift| [1u64 << shift, (1u64 << shift) - 1]).chain([u64::MAX, 300]);
        for value in values {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            assert_eq!(out.len(), varint_len(value), "{value}");
            let mut input = &out[..];
            assert_eq!(take_varint(&mut input), Some(value));
            assert!(input.is_empty());
            for cut in 0..out.len() {
                assert_eq!(take_varint(&mut &out[..cut]), None);
            }
        }
    }

    #[test]
    fn varints_beyond_64_bits_are_refused() {
        for bytes in [&[0xff; 11][..], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]] {
            assert_eq!(take_varint(&mut &bytes[..]), None);
        }
    }

    #[test]
    fn zigzag_is_its_own_inverse() {
        for value in [0, 1, -1, 33, -33, i64::MAX, i64::MIN, i64::from(i32::MIN)] {
            assert_eq!(unzigzag(zigzag(value)), value);
        }
        assert_eq!([zigzag(0), zigzag(-1), zigzag(1), zigzag(-33)], [0, 1, 2, 65]);
    }

    #[test]
    fn fields_tell_where_they_stand() {
        let message = [0x08, 0x96, 0x01, 0x12, 0x02, b'h', b'i', 0x1d, 1, 0, 0, 0, 0x21, 2, 0, 0, 0, 0, 0, 0, 0];
        let found: Vec<_> = fields(&message).map(Result::unwrap).collect();
        let expected = [
            Field { number: 1, value: Value::Varint(150), span: 0..3, inner: 1..3 },
            Field { number: 2, value: Value::Bytes(b"hi"), span: 3..7, inner: 5..7 },
            Field { number: 3, value: Value::Fixed32(1), span: 7..12, inner: 8..12 },
            Field { number: 4, value: Value::Fixed64(2), span: 12..21, inner: 13..21 },
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn walking_stops_at_the_first_malformed_field() {
        let rows: &[(&str, &[u8])] = &[
            ("length beyond the end", &[0x08, 1, 0x12, 5, 0]),
            ("no value", &[0x08, 1, 0x10]),
            ("field number 0", &[0x08, 1, 0x00, 1]),
            ("group", &[0x08, 1, 0x13, 0x14]),
            ("short fixed", &[0x08, 1, 0x15, 1]),
            ("length near 2^64", &[0x08, 1, 0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ];
        for (name, message) in rows {
            let found: Vec<_> = fields(message).collect();
            assert_eq!(found.len(), 2, "{name}");
            assert_eq!(found[1], Err(Malformed { at: 2 }), "{name}");
        }
    }
}
