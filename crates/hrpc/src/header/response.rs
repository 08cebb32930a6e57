//! What a server sends in front of a result message, or in its place.

use anabranch_hdfs_proto::common::rpc_response_header_proto::RpcErrorCodeProto;
use bytes::{BufMut, BytesMut};

use super::{HeaderError, VERSION};
use crate::wire::{Encode, Sink, Value, fields, unzigzag, zigzag};
use crate::{CallId, Exception};

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// A result message follows.
    Success,
    /// The call failed.
    Error,
    /// The call failed and the server closes the connection.
    Fatal,
}

/// `RpcResponseHeaderProto`. Byte fields are slices of the message; texts of a broken server may not be UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseHeader<'a> {
    /// The call that is answered. Unlike in requests it travels as an unsigned number: −33 is 4294967263.
    pub call_id: i32,
    /// How it ended.
    pub status: Status,
    /// Java class of the exception.
    pub class: Option<&'a [u8]>,
    /// Message of the exception, possibly with a stack trace.
    pub message: Option<&'a [u8]>,
    /// `errorDetail`, as its number.
    pub detail: Option<u64>,
    /// The request's; empty on [`Status::Fatal`].
    pub client_id: &'a [u8],
    /// The request's; −1 when absent.
    pub retry_count: i32,
    /// The NameNode's state after the call.
    pub state_id: Option<i64>,
    /// `RouterFederatedStateProto`.
    pub federated_state: Option<&'a [u8]>,
}

impl<'a> ResponseHeader<'a> {
    /// A success without anything optional.
    pub fn success(call_id: i32, client_id: &'a [u8], retry_count: i32) -> Self {
        Self {
            call_id,
            status: Status::Success,
            class: None,
            message: None,
            detail: None,
            client_id,
            retry_count,
            state_id: None,
            federated_state: None,
        }
    }

    /// An exception, fatal or not.
    pub fn failure(id: &'a CallId, exception: &'a Exception) -> Self {
        Self {
            status: Status::Error,
            class: Some(exception.class.as_bytes()),
            message: Some(exception.message.as_bytes()),
            detail: Some(exception.detail as u64),
            ..Self::success(id.call_id, &id.client_id, id.retry_count)
        }
    }

    /// Reads the message. Call id and status are required.
    pub fn decode(message: &'a [u8]) -> Result<Self, HeaderError> {
        let mut header = Self::success(0, &[], -1);
        let (mut call_id, mut status) = (None, None);
        for field in fields(message) {
            match field.map(|field| (field.number, field.value))? {
                (1, Value::Varint(id)) => call_id = Some(id as i32),
                (2, Value::Varint(number)) => status = Some(number),
                (4, Value::Bytes(class)) => header.class = Some(class),
                (5, Value::Bytes(text)) => header.message = Some(text),
                (6, Value::Varint(detail)) => header.detail = Some(detail),
                (7, Value::Bytes(id)) => header.client_id = id,
                (8, Value::Varint(count)) => header.retry_count = unzigzag(count) as i32,
                (9, Value::Varint(id)) => header.state_id = Some(id as i64),
                (10, Value::Bytes(state)) => header.federated_state = Some(state),
                _ => {}
            }
        }
        header.call_id = call_id.ok_or(HeaderError::Missing("callId"))?;
        header.status = match status.ok_or(HeaderError::Missing("status"))? {
            0 => Status::Success,
            1 => Status::Error,
            2 => Status::Fatal,
            _ => return Err(HeaderError::Field("status")),
        };
        Ok(header)
    }

    /// The exception that an error carries. A server that names no class has failed in some other way: `IOException`.
    pub fn exception(&self) -> Exception {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Exception {
            class: self.class.map_or(crate::class::IO.into(), |class| text(class).into()),
            message: self.message.map(text).unwrap_or_default(),
            detail: self.detail.map_or(RpcErrorCodeProto::FatalUnknown, detail_of),
        }
    }
}

fn detail_of(number: u64) -> RpcErrorCodeProto {
    let number = i32::try_from(number).unwrap_or_default();
    RpcErrorCodeProto::try_from(number).unwrap_or(RpcErrorCodeProto::FatalUnknown)
}

impl Encode for ResponseHeader<'_> {
    fn describe(&self, sink: &mut impl Sink) {
        sink.varint(1, u64::from(self.call_id as u32));
        sink.varint(2, self.status as u64);
        sink.varint(3, VERSION.into());
        self.class.inspect(|class| sink.bytes(4, class));
        self.message.inspect(|message| sink.bytes(5, message));
        self.detail.inspect(|&detail| sink.varint(6, detail));
        sink.bytes(7, self.client_id);
        sink.varint(8, zigzag(self.retry_count.into()));
        self.state_id.inspect(|&id| sink.varint(9, id as u64));
        self.federated_state.inspect(|state| sink.bytes(10, state));
    }
}

/// Appends a frame up to the end of its header; `rest` bytes are to follow. Callers keep the whole below 2 GiB.
pub(crate) fn put_frame(out: &mut BytesMut, header: &impl Encode, rest: usize) {
    let length = header.encoded_len();
    let frame = crate::wire::varint_len(length as u64) + length + rest;
    out.reserve(crate::frame::PREFIX + frame);
    out.put_u32(frame as u32);
    crate::wire::put_varint(out, length as u64);
    header.encode(out);
}

/// The frame of a FATAL reply. It echoes call id and retry count, but no client id.
pub(crate) fn fatal_frame(call_id: i32, retry_count: i32, exception: &Exception) -> BytesMut {
    let id = CallId { client_id: bytes::Bytes::new(), call_id, retry_count };
    let header = ResponseHeader { status: Status::Fatal, ..ResponseHeader::failure(&id, exception) };
    let mut out = BytesMut::new();
    put_frame(&mut out, &header, 0);
    out
}

#[cfg(test)]
mod tests {
    use anabranch_hdfs_proto::common::RpcResponseHeaderProto;
    use prost::Message;

    use super::*;

    #[test]
    fn response_headers_agree_with_the_generated_code() {
        for (call_id, unsigned) in [(7, 7), (-33, 4_294_967_263), (-1, u32::MAX)] {
            let header = ResponseHeader {
                status: Status::Error,
                class: Some(b"java.io.IOException"),
                message: Some(b"no"),
                detail: Some(1),
                state_id: Some(4),
                federated_state: Some(b""),
                ..ResponseHeader::success(call_id, &[1; 16], 2)
            };
            let mut bytes = Vec::new();
            header.encode(&mut bytes);
            assert_eq!(bytes.len(), header.encoded_len());
            assert_eq!(ResponseHeader::decode(&bytes), Ok(header));
            let generated = RpcResponseHeaderProto::decode(&bytes[..]).unwrap();
            assert_eq!((generated.call_id, generated.retry_count), (unsigned, Some(2)));
            assert_eq!(generated.server_ipc_version_num, Some(9));
            assert_eq!(header.exception(), Exception::new(crate::class::IO, "no"));
        }
    }

    #[test]
    fn call_ids_may_come_sign_extended() {
        let bytes = RpcResponseHeaderProto { call_id: u32::MAX, ..Default::default() }.encode_to_vec();
        assert_eq!(ResponseHeader::decode(&bytes).unwrap().call_id, -1);
        let extended = [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x10, 0];
        assert_eq!(ResponseHeader::decode(&extended).unwrap().call_id, -1);
    }

    #[test]
    fn unusable_response_headers_are_refused() {
        assert_eq!(ResponseHeader::decode(&[0x10, 0]), Err(HeaderError::Missing("callId")));
        assert_eq!(ResponseHeader::decode(&[0x08, 0]), Err(HeaderError::Missing("status")));
        assert_eq!(ResponseHeader::decode(&[0x08, 0, 0x10, 3]), Err(HeaderError::Field("status")));
    }
}
