//! What must hold whatever bytes come: each function panics if it does not. Called by the fuzz targets in `fuzz/` and by
//! the property tests below.

use bytes::{Bytes, BytesMut};

use crate::handshake::{Handshake, Step};
use crate::header::{ConnectionContext, MethodHeader, RequestHeader, ResponseHeader};
use crate::inbound::{self, Inbound};
use crate::wire::{self, Encode, Value};
use crate::{CallerContext, frame};

const MAX_FRAME: u32 = 4096;

/// Fields lie one behind the other, inside the message, and say where.
pub fn fields(message: &[u8]) {
    let mut end = 0;
    for field in wire::fields(message) {
        let Ok(field) = field else {
            assert!(wire::fields(message).last().is_some_and(|last| last.is_err()));
            return;
        };
        assert_eq!(field.span.start, end);
        assert!(field.number > 0 && field.span.start < field.inner.start && field.inner.end == field.span.end);
        if let Value::Bytes(bytes) = field.value {
            assert_eq!(&message[field.inner.clone()], bytes);
        }
        end = field.span.end;
    }
    assert_eq!(end, message.len());
}

/// A stream of frames after the handshake: each is classified, and a call's parts are where they are said to be.
pub fn frames(stream: &[u8]) {
    let mut input = BytesMut::from(stream);
    while let Ok(Some(frame)) = frame::split(&mut input, MAX_FRAME) {
        assert!(frame.len() <= MAX_FRAME as usize);
        request(&frame);
    }
    assert!(input.len() <= stream.len());
    assert!(frame::missing(&input, MAX_FRAME) <= MAX_FRAME as usize + frame::PREFIX);
}

fn request(frame: &Bytes) {
    match inbound::classify(frame) {
        Inbound::Call(request) => {
            assert!(request.id.call_id >= 0);
            let mut rest = &request.payload[..];
            assert_eq!(wire::take_delimited(&mut rest), Some(&request.payload[request.message_at..]));
            assert!(rest.is_empty());
            if let Some(context) = request.caller_context {
                let bytes = encoded(&context);
                assert_eq!(CallerContext::decode(&bytes, &bytes), Some(context));
            }
        }
        Inbound::Fatal(fatal) => assert!(fatal.frame().len() > frame::PREFIX),
        Inbound::Ping | Inbound::Bad(..) => {}
    }
    if let Ok(header) = RequestHeader::decode(frame) {
        assert_eq!(RequestHeader::decode(&encoded(&header)), Ok(header));
    }
    if let Ok(method) = MethodHeader::decode(frame) {
        assert_eq!(MethodHeader::decode(&encoded(&method)), Ok(method));
    }
    if let Ok(context) = ConnectionContext::decode(frame) {
        assert_eq!(ConnectionContext::decode(&encoded(&context)), Ok(context));
    }
}

/// The handshake says the same whether the bytes come at once or one by one.
pub fn handshake(stream: &[u8]) {
    let (mut at_once, mut one_by_one) = (Handshake::new(MAX_FRAME), Handshake::new(MAX_FRAME));
    let mut input = BytesMut::from(stream);
    let whole = steps(&mut at_once, &mut input);
    let (mut steps_seen, mut input) = (Vec::new(), BytesMut::new());
    for byte in stream {
        input.extend_from_slice(&[*byte]);
        steps_seen.extend(steps(&mut one_by_one, &mut input));
        if steps_seen.last().is_some_and(ends) {
            break;
        }
    }
    assert_eq!(whole, steps_seen);
}

/// All steps up to the one that ends the handshake, or until more bytes are needed.
fn steps(handshake: &mut Handshake, input: &mut BytesMut) -> Vec<Step> {
    let mut steps = Vec::new();
    loop {
        match handshake.advance(input) {
            Step::More => return steps,
            step => {
                steps.push(step);
                if steps.last().is_some_and(ends) {
                    return steps;
                }
            }
        }
    }
}

fn ends(step: &Step) -> bool {
    !matches!(step, Step::Reply(_))
}

/// A response header survives being encoded again.
pub fn response_header(message: &[u8]) {
    if let Ok(header) = ResponseHeader::decode(message) {
        let _ = header.exception().first_line();
        assert_eq!(ResponseHeader::decode(&encoded(&header)), Ok(header));
    }
}

fn encoded(message: &impl Encode) -> Bytes {
    let mut out = BytesMut::new();
    message.encode(&mut out);
    assert_eq!(out.len(), message.encoded_len());
    out.freeze()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Bytes that look like messages often enough to get past the first byte.
    fn message() -> impl Strategy<Value = Vec<u8>> {
        let key = (1u8..12, prop_oneof![Just(0u8), Just(2), Just(5), 0u8..8]);
        let field = (key, vec(any::<u8>(), 0..12), any::<bool>()).prop_map(|((number, kind), bytes, whole)| {
            let mut out = vec![number << 3 | kind];
            if kind == 2 && whole {
                out.push(bytes.len() as u8);
            }
            out.extend(bytes);
            out
        });
        prop_oneof![vec(any::<u8>(), 0..64), vec(field, 0..6).prop_map(|fields| fields.concat())]
    }

    /// Frames with a request header, of which bytes may be changed.
    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let header = (prop_oneof![0i32..3, -40i32..0, any::<i32>()], vec(any::<u8>(), 0..17), any::<i8>());
        let header = header.prop_map(|(call_id, client_id, retry)| {
            let mut out = BytesMut::new();
            RequestHeader::new(call_id, &client_id, retry.into()).encode_delimited(&mut out);
            out.to_vec()
        });
        let rest = vec(message().prop_map(|content| [vec![content.len() as u8], content].concat()), 0..3);
        let frame = (header, rest).prop_map(|(header, rest)| {
            let content = [header, rest.concat()].concat();
            [(content.len() as u32).to_be_bytes().to_vec(), content].concat()
        });
        (vec(frame, 0..3), vec((any::<prop::sample::Index>(), any::<u8>()), 0..3)).prop_map(|(frames, changes)| {
            let mut bytes = frames.concat();
            for (index, byte) in changes {
                if !bytes.is_empty() {
                    let at = index.index(bytes.len());
                    bytes[at] = byte;
                }
            }
            bytes
        })
    }

    proptest! {
        #[test]
        fn any_message(bytes in message()) {
            fields(&bytes);
            response_header(&bytes);
            request(&bytes.into());
        }

        #[test]
        fn any_stream(bytes in stream(), sasl in any::<bool>()) {
            frames(&bytes);
            handshake(&bytes);
            let preamble: &[u8] = if sasl { b"hrpc\x09\x00\xdf" } else { b"hrpc\x09\x00\x00" };
            handshake(&[preamble, &bytes].concat());
        }
    }
}
