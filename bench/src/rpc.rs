//! One end of a Hadoop RPC connection (version 9, SIMPLE authentication), encoded by hand.

use thiserror::Error;

use crate::protobuf::{Value, find, put_bytes, put_delimited, put_number, take_delimited};

const PROTOCOL: &[u8] = b"org.apache.hadoop.hdfs.protocol.ClientProtocol";
/// The call id under which the connection context goes (RpcConstants.CONNECTION_CONTEXT_CALL_ID).
const CONTEXT: i32 = -3;
/// The default of `ipc.maximum.response.length`.
const MAX_FRAME: usize = 128 << 20;

/// The server sent what no server of the protocol sends.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ReplyError {
    /// A length beyond what Hadoop's own client takes.
    #[error("a reply of {0} bytes was announced, the limit is {MAX_FRAME}")]
    TooLarge(usize),
    /// No response header, or one without its required fields.
    #[error("a reply is malformed")]
    Malformed,
}

/// Writes what one client sends.
pub struct Requests {
    client_id: [u8; 16],
    header: Vec<u8>,
    method: Vec<u8>,
}

impl Requests {
    /// Servers remember (client id, call id) to recognise retries: a client id must be new, a call id used once.
    pub fn new(client_id: [u8; 16]) -> Self {
        Self { client_id, header: Vec::new(), method: Vec::new() }
    }

    /// Appends what opens a connection: preamble and connection context.
    pub fn open(&mut self, out: &mut Vec<u8>, user: &str) {
        out.extend_from_slice(b"hrpc\x09\x00\x00");
        let mut user_info = Vec::new();
        put_bytes(&mut user_info, 1, user.as_bytes());
        let mut context = Vec::new();
        put_bytes(&mut context, 2, &user_info);
        put_bytes(&mut context, 3, PROTOCOL);
        self.frame(out, CONTEXT, &[&context]);
    }

    /// Appends one call of ClientProtocol.
    pub fn call(&mut self, out: &mut Vec<u8>, call_id: i32, method: &str, body: &[u8]) {
        let mut header = std::mem::take(&mut self.method);
        header.clear();
        put_bytes(&mut header, 1, method.as_bytes());
        put_bytes(&mut header, 2, PROTOCOL);
        put_number(&mut header, 3, 1);
        self.frame(out, call_id, &[&header, body]);
        self.method = header;
    }

    fn frame(&mut self, out: &mut Vec<u8>, call_id: i32, messages: &[&[u8]]) {
        self.header.clear();
        put_number(&mut self.header, 1, 2); // RPC_PROTOCOL_BUFFER
        put_number(&mut self.header, 2, 0); // RPC_FINAL_PACKET
        put_number(&mut self.header, 3, zigzag(call_id));
        put_bytes(&mut self.header, 4, &self.client_id);
        put_number(&mut self.header, 5, zigzag(0)); // not a retry
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        put_delimited(out, &self.header);
        for message in messages {
            put_delimited(out, message);
        }
        let length = (out.len() - start - 4) as u32;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }
}

fn zigzag(value: i32) -> u64 {
    u64::from(((value << 1) ^ (value >> 31)) as u32)
}

/// An answer to a call.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// Which call; negative ids are the connection's own.
    pub call_id: i32,
    /// The result message, or the Java class of the exception.
    pub result: Result<&'a [u8], &'a str>,
}

/// Takes the next whole reply off `input`; none when more bytes are needed.
pub fn take_reply<'a>(input: &mut &'a [u8]) -> Result<Option<Reply<'a>>, ReplyError> {
    let Some((length, rest)) = input.split_first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*length) as usize;
    if length > MAX_FRAME {
        return Err(ReplyError::TooLarge(length));
    }
    let Some((frame, rest)) = rest.split_at_checked(length) else { return Ok(None) };
    *input = rest;
    parse(frame).map(Some).ok_or(ReplyError::Malformed)
}

fn parse(mut frame: &[u8]) -> Option<Reply<'_>> {
    let header = take_delimited(&mut frame)?;
    // A negative id is a varint of 64 bits: cutting it gives the id back.
    let Value::Number(call_id) = find(header, 1)? else { return None };
    let Value::Number(status) = find(header, 2)? else { return None };
    let result = match (status, find(header, 4)) {
        (0, _) => Ok(take_delimited(&mut frame)?),
        (_, Some(Value::Bytes(class))) => Err(std::str::from_utf8(class).ok()?),
        _ => Err("an exception without a class"),
    };
    Some(Reply { call_id: call_id as u32 as i32, result })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(header: &[(u32, u64)], class: Option<&str>, body: Option<&[u8]>) -> Vec<u8> {
        let mut message = Vec::new();
        for (field, value) in header {
            put_number(&mut message, *field, *value);
        }
        if let Some(class) = class {
            put_bytes(&mut message, 4, class.as_bytes());
        }
        let mut frame = Vec::new();
        put_delimited(&mut frame, &message);
        if let Some(body) = body {
            put_delimited(&mut frame, body);
        }
        [&(frame.len() as u32).to_be_bytes()[..], &frame].concat()
    }

    #[test]
    fn a_call_has_header_method_and_body() {
        let mut out = Vec::new();
        Requests::new([9; 16]).call(&mut out, 5, "getFileInfo", b"body");
        assert_eq!(u32::from_be_bytes(out[..4].try_into().unwrap()) as usize, out.len() - 4);
        let mut frame = &out[4..];
        let header = take_delimited(&mut frame).unwrap();
        assert_eq!(find(header, 3), Some(Value::Number(10)), "the call id is zigzag");
        assert_eq!(find(header, 4), Some(Value::Bytes(&[9; 16])));
        let method = take_delimited(&mut frame).unwrap();
        assert_eq!(find(method, 1), Some(Value::Bytes(b"getFileInfo")));
        assert_eq!(take_delimited(&mut frame), Some(&b"body"[..]));
        assert!(frame.is_empty());
    }

    #[test]
    fn replies_wait_until_they_are_whole() {
        let bytes = reply(&[(1, 3), (2, 0)], None, Some(b"ok"));
        for length in 0..bytes.len() {
            assert_eq!(take_reply(&mut &bytes[..length]), Ok(None), "{length} bytes");
        }
        let two = [bytes.clone(), bytes].concat();
        let mut input = &two[..];
        for _ in 0..2 {
            assert_eq!(take_reply(&mut input), Ok(Some(Reply { call_id: 3, result: Ok(b"ok") })));
        }
        assert!(input.is_empty());
    }

    #[test]
    fn exceptions_keep_their_class_and_ids_their_sign() {
        let bytes = reply(&[(1, -1i64 as u64), (2, 2)], Some("java.io.IOException"), None);
        let expected = Reply { call_id: -1, result: Err("java.io.IOException") };
        assert_eq!(take_reply(&mut &bytes[..]), Ok(Some(expected)));
    }

    #[test]
    fn absurd_replies_are_refused() {
        assert_eq!(take_reply(&mut &[0xff; 8][..]), Err(ReplyError::TooLarge(0xffff_ffff)));
        assert_eq!(take_reply(&mut &[0, 0, 0, 1, 0][..]), Err(ReplyError::Malformed));
    }
}
