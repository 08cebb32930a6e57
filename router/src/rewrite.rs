//! Changes fields of a message in its bytes.
//!
//! Nothing is decoded and encoded again: fields that this program has never heard of stay as they came, and so do those
//! around a change. Only the lengths of the messages that enclose a change are written anew.

use anabranch_hrpc::wire::{self, Malformed, Value};
use bytes::{BufMut, Bytes, BytesMut};

use crate::method::FieldPath;

/// The wire type of strings, bytes and messages.
const LENGTH_DELIMITED: u64 = 2;

/// What becomes of a field.
#[derive(Debug, PartialEq, Eq)]
pub enum Edit<'a> {
    /// It stays.
    Keep,
    /// It has this value instead.
    Put(&'a [u8]),
    /// It is taken out.
    Drop,
}

/// The last value of a field, which is the one that counts when a field comes more than once.
pub fn find<'a>(message: &'a [u8], at: &[u32]) -> Result<Option<&'a [u8]>, Malformed> {
    let Some((number, rest)) = at.split_first() else { return Ok(Some(message)) };
    let mut found = None;
    for field in wire::fields(message) {
        let field = field?;
        if field.number != *number {
            continue;
        }
        if let Value::Bytes(bytes) = field.value {
            found = find(bytes, rest)?.or(found);
        }
    }
    Ok(found)
}

/// More values of one field than a call has that means it. What is made of a value takes more memory than the value.
const MAX_VALUES: usize = 100_000;

/// All values of a field, in order. A field with more than 100,000 values counts as malformed.
pub fn find_all(message: &[u8], number: u32) -> Result<Vec<&[u8]>, Malformed> {
    let mut found = Vec::new();
    for field in wire::fields(message) {
        let field = field?;
        if let (true, Value::Bytes(bytes)) = (field.number == number, field.value) {
            if found.len() == MAX_VALUES {
                return Err(Malformed { at: field.span.start });
            }
            found.push(bytes);
        }
    }
    Ok(found)
}

/// The last value of a number or `bool` in the outermost message.
pub fn find_varint(message: &[u8], number: u32) -> Result<Option<u64>, Malformed> {
    let mut found = None;
    for field in wire::fields(message) {
        let field = field?;
        if let (true, Value::Varint(value)) = (field.number == number, field.value) {
            found = Some(value);
        }
    }
    Ok(found)
}

/// Applies `edit` to each field at one of `places`; it is given the index of the place and the value. `None` when nothing
/// changed, else the new message with its length in front.
pub fn edit<'e>(
    message: &[u8],
    places: &[FieldPath],
    edit: &mut dyn FnMut(usize, &[u8]) -> Edit<'e>,
) -> Result<Option<Bytes>, Malformed> {
    let mut indexed = [(0, &[] as &[u32]); MAX_PLACES];
    let places = index(places, &mut indexed);
    let Some(body) = edit_message(message, places, edit)? else { return Ok(None) };
    Ok(Some(delimited(&body)))
}

/// A message with its length in front.
pub fn delimited(message: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(message.len() + wire::varint_len(message.len() as u64));
    wire::put_varint(&mut out, message.len() as u64);
    out.put_slice(message);
    out.freeze()
}

/// Writes a string, bytes or message field.
pub fn put_field(out: &mut BytesMut, number: u32, value: &[u8]) {
    wire::put_varint(out, (u64::from(number) << 3) | LENGTH_DELIMITED);
    wire::put_varint(out, value.len() as u64);
    out.put_slice(value);
}

/// Writes a number or `bool`.
pub fn put_number(out: &mut BytesMut, number: u32, value: u64) {
    wire::put_varint(out, u64::from(number) << 3);
    wire::put_varint(out, value);
}

/// No row names more places than this; a test of the method table would fail to rewrite them.
const MAX_PLACES: usize = 4;

fn index<'b>(
    places: &[FieldPath],
    out: &'b mut [(usize, &'static [u32]); MAX_PLACES],
) -> &'b [(usize, &'static [u32])] {
    let count = places.len().min(MAX_PLACES);
    for (slot, (at, place)) in out.iter_mut().zip(places.iter().enumerate()) {
        *slot = (at, place);
    }
    &out[..count]
}

/// The new body, without length; `None` when nothing changed.
fn edit_message<'e>(
    message: &[u8],
    places: &[(usize, &'static [u32])],
    edit: &mut dyn FnMut(usize, &[u8]) -> Edit<'e>,
) -> Result<Option<BytesMut>, Malformed> {
    let mut out: Option<BytesMut> = None;
    let mut copied = 0;
    for field in wire::fields(message) {
        let field = field?;
        let Value::Bytes(value) = field.value else { continue };
        let Some((index, place)) = places.iter().find(|(_, place)| place.first() == Some(&field.number)) else {
            continue;
        };
        let nested;
        let change = if place.len() == 1 {
            edit(*index, value)
        } else {
            match edit_message(value, &[(*index, &place[1..])], edit)? {
                None => Edit::Keep,
                Some(inner) => {
                    nested = inner;
                    Edit::Put(&nested)
                }
            }
        };
        if change == Edit::Keep {
            continue;
        }
        let out = out.get_or_insert_with(|| BytesMut::with_capacity(message.len() + 64));
        out.put_slice(&message[copied..field.span.start]);
        copied = field.span.end;
        if let Edit::Put(new) = change {
            put_field(out, field.number, new);
        }
    }
    if let Some(out) = &mut out {
        out.put_slice(&message[copied..]);
    }
    Ok(out)
}

/// A message with one more field at its end inside the message at `within`; earlier ones of that number are taken out.
/// `None` when there is nothing at `within`. The result has its length in front.
pub fn set_in(message: &[u8], within: u32, number: u32, value: &[u8]) -> Result<Option<Bytes>, Malformed> {
    let Some(inner) = find(message, &[within])? else { return Ok(None) };
    let mut changed = BytesMut::with_capacity(inner.len() + value.len() + 8);
    for field in wire::fields(inner) {
        let field = field?;
        if field.number != number {
            changed.put_slice(&inner[field.span]);
        }
    }
    put_field(&mut changed, number, value);
    let mut body = BytesMut::with_capacity(message.len() + value.len() + 16);
    for field in wire::fields(message) {
        let field = field?;
        if field.number == within {
            continue;
        }
        body.put_slice(&message[field.span]);
    }
    put_field(&mut body, within, &changed);
    Ok(Some(delimited(&body)))
}

#[cfg(test)]
mod tests;
