//! The few pieces of the protobuf encoding that the generator's messages are made of.

/// What a field holds. Fixed-width fields are stepped over: no message that is read here has one of interest.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Value<'a> {
    /// A varint: integers, booleans, enums.
    Number(u64),
    /// A string, bytes or a message.
    Bytes(&'a [u8]),
}

/// Appends a varint field.
pub fn put_number(out: &mut Vec<u8>, field: u32, value: u64) {
    put_varint(out, u64::from(field) << 3);
    put_varint(out, value);
}

/// Appends a string, bytes or message field.
pub fn put_bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    put_varint(out, u64::from(field) << 3 | 2);
    put_delimited(out, value);
}

/// Appends bytes with their length in front, as a stream of messages has them.
pub fn put_delimited(out: &mut Vec<u8>, value: &[u8]) {
    put_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes bytes with their length in front off `input`; none when it is cut short.
pub fn take_delimited<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take_varint(input)?).ok()?;
    let (value, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(value)
}

fn take_varint(input: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = input.split_first()?;
        *input = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The first field of that number in `message`; none when it is absent or the bytes are no message.
pub fn find(mut message: &[u8], field: u32) -> Option<Value<'_>> {
    while !message.is_empty() {
        let key = take_varint(&mut message)?;
        let value = match key & 7 {
            0 => Some(Value::Number(take_varint(&mut message)?)),
            1 => skip(&mut message, 8)?,
            2 => Some(Value::Bytes(take_delimited(&mut message)?)),
            5 => skip(&mut message, 4)?,
            _ => return None,
        };
        if value.is_some() && key >> 3 == u64::from(field) {
            return value;
        }
    }
    None
}

fn skip<'a>(message: &mut &'a [u8], length: usize) -> Option<Option<Value<'a>>> {
    *message = message.get(length..)?;
    Some(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_found() {
        let mut message = Vec::new();
        put_number(&mut message, 1, 0);
        put_number(&mut message, 2, u64::MAX);
        put_bytes(&mut message, 300, &[5; 200]);
        assert_eq!(find(&message, 1), Some(Value::Number(0)));
        assert_eq!(find(&message, 2), Some(Value::Number(u64::MAX)));
        assert_eq!(find(&message, 300), Some(Value::Bytes(&[5; 200])));
        assert_eq!(find(&message, 4), None);
    }

    #[test]
    fn fixed_width_fields_are_stepped_over() {
        let mut message = vec![1 << 3 | 1, 0, 0, 0, 0, 0, 0, 0, 0, 2 << 3 | 5, 0, 0, 0, 0];
        put_number(&mut message, 3, 7);
        assert_eq!(find(&message, 3), Some(Value::Number(7)));
    }

    #[test]
    fn cut_messages_are_refused() {
        let mut message = Vec::new();
        put_bytes(&mut message, 1, b"long enough");
        for length in 0..message.len() {
            assert_eq!(find(&message[..length], 1), None, "{length} bytes");
        }
        assert_eq!(find(&[0x80; 20], 1), None, "a varint without end");
    }
}
