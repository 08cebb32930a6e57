//! What a client sends in front of a parameter message.

use super::{HeaderError, text};
use crate::wire::{Encode, Sink, Value, fields, unzigzag, zigzag};

/// `RpcRequestHeaderProto`. Byte fields are slices of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestHeader<'a> {
    /// How parameters are encoded; 2 is protobuf.
    pub rpc_kind: Option<u64>,
    /// 0 is a final packet, the only operation in use.
    pub rpc_op: Option<u64>,
    /// At least 0 for calls; see [`super::call_id`].
    pub call_id: i32,
    /// 16 bytes, or none.
    pub client_id: &'a [u8],
    /// −1 when absent.
    pub retry_count: i32,
    /// `RPCCallerContextProto`.
    pub caller_context: Option<&'a [u8]>,
    /// The client's last seen state; routers do not read it.
    pub state_id: Option<i64>,
    /// `RouterFederatedStateProto`.
    pub federated_state: Option<&'a [u8]>,
}

impl<'a> RequestHeader<'a> {
    /// A header of protobuf kind with nothing optional in it.
    pub fn new(call_id: i32, client_id: &'a [u8], retry_count: i32) -> Self {
        Self {
            rpc_kind: Some(Self::PROTOBUF),
            rpc_op: Some(Self::FINAL_PACKET),
            call_id,
            client_id,
            retry_count,
            caller_context: None,
            state_id: None,
            federated_state: None,
        }
    }

    /// `RPC_PROTOCOL_BUFFER`.
    pub const PROTOBUF: u64 = 2;
    /// `RPC_FINAL_PACKET`.
    pub const FINAL_PACKET: u64 = 0;

    /// Reads the message. Call id and client id are required.
    pub fn decode(message: &'a [u8]) -> Result<Self, HeaderError> {
        let mut header = Self::new(0, &[], -1);
        (header.rpc_kind, header.rpc_op) = (None, None);
        let (mut call_id, mut client_id) = (None, None);
        for field in fields(message) {
            let field = field?;
            match (field.number, field.value) {
                (1, Value::Varint(kind)) => header.rpc_kind = Some(kind),
                (2, Value::Varint(op)) => header.rpc_op = Some(op),
                (3, Value::Varint(id)) => call_id = Some(unzigzag(id) as i32),
                (4, Value::Bytes(id)) => client_id = Some(id),
                (5, Value::Varint(count)) => header.retry_count = unzigzag(count) as i32,
                (7, Value::Bytes(context)) => header.caller_context = Some(context),
                (8, Value::Varint(id)) => header.state_id = Some(id as i64),
                (9, Value::Bytes(state)) => header.federated_state = Some(state),
                (1..=9, _) if field.number != 6 => return Err(HeaderError::Field(NAMES[field.number as usize])),
                _ => {}
            }
        }
        header.call_id = call_id.ok_or(HeaderError::Missing("callId"))?;
        header.client_id = client_id.ok_or(HeaderError::Missing("clientId"))?;
        Ok(header)
    }
}

const NAMES: [&str; 10] = [
    "",
    "rpcKind",
    "rpcOp",
    "callId",
    "clientId",
    "retryCount",
    "traceInfo",
    "callerContext",
    "stateId",
    "routerFederatedState",
];

impl Encode for RequestHeader<'_> {
    fn describe(&self, sink: &mut impl Sink) {
        self.rpc_kind.inspect(|&kind| sink.varint(1, kind));
        self.rpc_op.inspect(|&op| sink.varint(2, op));
        sink.varint(3, zigzag(self.call_id.into()));
        sink.bytes(4, self.client_id);
        sink.varint(5, zigzag(self.retry_count.into()));
        self.caller_context.inspect(|context| sink.bytes(7, context));
        self.state_id.inspect(|&id| sink.varint(8, id as u64));
        self.federated_state.inspect(|state| sink.bytes(9, state));
    }
}

/// `RequestHeaderProto`: which method of which protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodHeader<'a> {
    /// Such as `getFileInfo`.
    pub method: &'a str,
    /// Java interface name.
    pub protocol: &'a str,
    /// Version of the protocol.
    pub version: u64,
}

impl<'a> MethodHeader<'a> {
    /// Reads the message. All three fields are required.
    pub fn decode(message: &'a [u8]) -> Result<Self, HeaderError> {
        let (mut method, mut protocol, mut version) = (None, None, None);
        for field in fields(message) {
            match field.map(|field| (field.number, field.value))? {
                (1, Value::Bytes(name)) => method = Some(text("methodName", name)?),
                (2, Value::Bytes(name)) => protocol = Some(text("declaringClassProtocolName", name)?),
                (3, Value::Varint(number)) => version = Some(number),
                _ => {}
            }
        }
        Ok(Self {
            method: method.ok_or(HeaderError::Missing("methodName"))?,
            protocol: protocol.ok_or(HeaderError::Missing("declaringClassProtocolName"))?,
            version: version.ok_or(HeaderError::Missing("clientProtocolVersion"))?,
        })
    }
}

impl Encode for MethodHeader<'_> {
    fn describe(&self, sink: &mut impl Sink) {
        sink.bytes(1, self.method.as_bytes());
        sink.bytes(2, self.protocol.as_bytes());
        sink.varint(3, self.version);
    }
}

/// `IpcConnectionContextProto`: who calls, and which protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConnectionContext<'a> {
    /// `userInfo.effectiveUser`.
    pub effective_user: Option<&'a str>,
    /// `userInfo.realUser`.
    pub real_user: Option<&'a str>,
    /// The protocol that the client means to call.
    pub protocol: Option<&'a str>,
}

impl<'a> ConnectionContext<'a> {
    /// Reads the message. Nothing in it is required.
    pub fn decode(message: &'a [u8]) -> Result<Self, HeaderError> {
        let mut context = Self::default();
        for field in fields(message) {
            match field.map(|field| (field.number, field.value))? {
                (2, Value::Bytes(user)) => context.decode_user(user)?,
                (3, Value::Bytes(name)) => context.protocol = Some(text("protocol", name)?),
                _ => {}
            }
        }
        Ok(context)
    }

    fn decode_user(&mut self, message: &'a [u8]) -> Result<(), HeaderError> {
        for field in fields(message) {
            match field.map(|field| (field.number, field.value))? {
                (1, Value::Bytes(name)) => self.effective_user = Some(text("effectiveUser", name)?),
                (2, Value::Bytes(name)) => self.real_user = Some(text("realUser", name)?),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Encode for ConnectionContext<'_> {
    fn describe(&self, sink: &mut impl Sink) {
        sink.message(2, &UserInformation(self));
        self.protocol.inspect(|name| sink.bytes(3, name.as_bytes()));
    }
}

struct UserInformation<'a>(&'a ConnectionContext<'a>);

impl Encode for UserInformation<'_> {
    fn describe(&self, sink: &mut impl Sink) {
        self.0.effective_user.inspect(|name| sink.bytes(1, name.as_bytes()));
        self.0.real_user.inspect(|name| sink.bytes(2, name.as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use anabranch_hdfs_proto::common::{IpcConnectionContextProto, RequestHeaderProto, RpcRequestHeaderProto};
    use prost::Message;

    use super::*;

    fn encoded(message: &impl Encode) -> Vec<u8> {
        let mut out = Vec::new();
        message.encode(&mut out);
        assert_eq!(out.len(), message.encoded_len());
        out
    }

    #[test]
    fn request_headers_agree_with_the_generated_code() {
        for (call_id, retry_count, client_id) in
            [(5, 0, &[7; 16][..]), (-33, -1, &[]), (i32::MAX, 3, &[1]), (i32::MIN, -1, &[])]
        {
            let header = RequestHeader {
                caller_context: Some(b"\x0a\x03app"),
                state_id: Some(-1),
                federated_state: Some(b"state"),
                ..RequestHeader::new(call_id, client_id, retry_count)
            };
            let bytes = encoded(&header);
            assert_eq!(RequestHeader::decode(&bytes), Ok(header));
            let generated = RpcRequestHeaderProto::decode(&bytes[..]).unwrap();
            assert_eq!((generated.call_id, generated.retry_count), (call_id, Some(retry_count)));
            assert_eq!(generated.client_id, client_id);
            assert_eq!(generated.caller_context.unwrap().context, "app");
            assert_eq!((generated.state_id, generated.router_federated_state.is_some()), (Some(-1), true));
        }
    }

    #[test]
    fn incomplete_or_mistyped_request_headers_are_refused() {
        let rows: &[(&[u8], HeaderError)] = &[
            (&[0x22, 0], HeaderError::Missing("callId")),
            (&[0x18, 0], HeaderError::Missing("clientId")),
            (&[0x1a, 0, 0x22, 0], HeaderError::Field("callId")),
            (&[0x18, 0, 0x20, 0], HeaderError::Field("clientId")),
        ];
        for (bytes, error) in rows {
            assert_eq!(RequestHeader::decode(bytes), Err(*error));
        }
    }

    #[test]
    fn method_headers_agree_with_the_generated_code() {
        let header = MethodHeader { method: "getFileInfo", protocol: "p.Q", version: 1 };
        let bytes = encoded(&header);
        assert_eq!(MethodHeader::decode(&bytes), Ok(header));
        assert_eq!(RequestHeaderProto::decode(&bytes[..]).unwrap().declaring_class_protocol_name, "p.Q");
        assert_eq!(MethodHeader::decode(&bytes[..13]), Err(HeaderError::Missing("declaringClassProtocolName")));
        assert_eq!(MethodHeader::decode(&[0x0a, 1, 0xff]), Err(HeaderError::Field("methodName")));
    }

    #[test]
    fn connection_contexts_agree_with_the_generated_code() {
        let context =
            ConnectionContext { effective_user: Some("alice"), real_user: Some("oozie"), protocol: Some("p.Q") };
        let bytes = encoded(&context);
        assert_eq!(ConnectionContext::decode(&bytes), Ok(context));
        let generated = IpcConnectionContextProto::decode(&bytes[..]).unwrap();
        assert_eq!(generated.user_info.unwrap().real_user.as_deref(), Some("oozie"));
        assert_eq!(ConnectionContext::decode(&[]), Ok(ConnectionContext::default()));
    }
}
