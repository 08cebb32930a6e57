//! What a newer program wrote into a record: [`prost`] drops fields that it does not know, and a record that is written
//! back should not lose them.

use std::collections::BTreeMap;

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, encode_key, encode_varint, skip_field};

/// One field of an encoded message.
struct Field<'a> {
    tag: u32,
    wire: WireType,
    /// With its tag.
    whole: &'a [u8],
    value: &'a [u8],
}

impl<'a> Field<'a> {
    /// The fields of a message, up to the first that is none.
    fn all(mut rest: &'a [u8]) -> impl Iterator<Item = Self> {
        std::iter::from_fn(move || {
            let whole = rest;
            let (tag, wire) = decode_key(&mut rest).ok()?;
            let value = rest;
            skip_field(wire, tag, &mut rest, DecodeContext::default()).ok()?;
            let up_to_here = |from: &'a [u8]| &from[..from.len() - rest.len()];
            Some(Self { tag, wire, whole: up_to_here(whole), value: up_to_here(value) })
        })
    }

    /// The message in it.
    fn message(&self) -> Option<&'a [u8]> {
        let mut value = self.value;
        (self.wire == WireType::LengthDelimited).then(|| decode_varint(&mut value).ok()).flatten()?;
        Some(value)
    }
}

/// The fields of `message` that `known`, the same without them, does not have; and those in the message that is in the field
/// `nested`, of which there is one. Appended to a message they are in it again, since parsers merge what comes twice.
pub(super) fn unknown(message: &[u8], known: &[u8], nested: u32) -> Box<[u8]> {
    let known: BTreeMap<u32, Field<'_>> = Field::all(known).map(|field| (field.tag, field)).collect();
    let mut unknown = Vec::new();
    for field in Field::all(message) {
        match known.get(&field.tag) {
            None => unknown.extend_from_slice(field.whole),
            Some(known) if field.tag == nested => {
                let (Some(inner), Some(known)) = (field.message(), known.message()) else { continue };
                let inner = self::unknown(inner, known, 0);
                if !inner.is_empty() {
                    encode_key(nested, WireType::LengthDelimited, &mut unknown);
                    encode_varint(inner.len() as u64, &mut unknown);
                    unknown.extend_from_slice(&inner);
                }
            }
            Some(_) => {}
        }
    }
    unknown.into()
}
