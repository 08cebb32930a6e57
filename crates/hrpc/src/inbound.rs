//! What a frame from a client is, decided from its bytes alone.

use anabranch_hdfs_proto::common::RpcKindProto;
use anabranch_hdfs_proto::common::rpc_request_header_proto::OperationProto;
use bytes::Bytes;

use crate::header::{HeaderError, MethodHeader, RequestHeader, call_id, fatal_frame};
use crate::wire::take_delimited;
use crate::{CallId, CallerContext, Exception, Name};

/// A frame on an established connection.
#[derive(Debug)]
pub enum Inbound {
    /// A sign of life; no reply.
    Ping,
    /// A call of some method.
    Call(Request),
    /// A call that cannot be made; the connection lives on.
    Bad(CallId, Exception),
    /// Reply and close.
    Fatal(Fatal),
}

/// A call whose protocol has not been looked up.
#[derive(Debug)]
pub struct Request {
    /// Identity of the call.
    pub id: CallId,
    /// Method name.
    pub method: Name,
    /// Java interface name.
    pub protocol: Name,
    /// The version that the client wants.
    pub version: u64,
    /// The caller's note.
    pub caller_context: Option<CallerContext>,
    /// `routerFederatedState`.
    pub federated_state: Option<Bytes>,
    /// The parameter message with its length.
    pub payload: Bytes,
    /// Where the parameter message starts in `payload`.
    pub message_at: usize,
}

/// An exception after which the connection is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fatal {
    /// The call id that the reply bears.
    pub call_id: i32,
    /// The retry count that the reply bears.
    pub retry_count: i32,
    /// Why.
    pub exception: Exception,
}

impl Fatal {
    pub(crate) fn echo(header: &RequestHeader<'_>, exception: Exception) -> Self {
        Self { call_id: header.call_id, retry_count: header.retry_count, exception }
    }

    /// The reply.
    pub fn frame(&self) -> Bytes {
        fatal_frame(self.call_id, self.retry_count, &self.exception).freeze()
    }
}

/// Classifies a frame.
pub fn classify(frame: &Bytes) -> Inbound {
    let (header, rest) = match request_header(frame) {
        Ok(parts) => parts,
        Err(fatal) => return Inbound::Fatal(fatal),
    };
    let fatal = |message| Inbound::Fatal(Fatal::echo(&header, Exception::invalid_header(message)));
    match header.call_id {
        call_id::PING => Inbound::Ping,
        call_id::CONNECTION_CONTEXT => fatal("Connection context already processed"),
        call_id::SASL => fatal("SASL protocol not requested by client"),
        id if id < 0 => Inbound::Fatal(unknown_out_of_band(&header)),
        _ => call(frame, &header, rest),
    }
}

/// Takes the header off a frame and checks what Java checks of every header.
pub(crate) fn request_header(mut frame: &[u8]) -> Result<(RequestHeader<'_>, &[u8]), Fatal> {
    let header =
        take_delimited(&mut frame).ok_or(HeaderError::Truncated).and_then(RequestHeader::decode).map_err(|error| {
            let exception = undecodable("RpcRequestHeaderProto", error);
            Fatal { call_id: call_id::NONE, retry_count: -1, exception }
        })?;
    let refuse = |message: String| Err(Fatal::echo(&header, Exception::invalid_header(message)));
    // To Java a number that its enum does not have is a field that is not there.
    match (header.rpc_op.and_then(known::<OperationProto>), header.rpc_kind.and_then(known::<RpcKindProto>)) {
        (None, _) => refuse(" IPC Server: No rpc op in rpcRequestHeader".to_owned()),
        (Some(op), _) if op != OperationProto::RpcFinalPacket => {
            refuse(format!("IPC Server does not implement rpc header operation{}", op.as_str_name()))
        }
        (_, None) => refuse(" IPC Server: No rpc kind in rpcRequestHeader".to_owned()),
        _ => Ok((header, frame)),
    }
}

fn known<E: TryFrom<i32>>(number: u64) -> Option<E> {
    i32::try_from(number).ok()?.try_into().ok()
}

pub(crate) fn unknown_out_of_band(header: &RequestHeader<'_>) -> Fatal {
    Fatal::echo(header, Exception::invalid_header(format!("Unknown out of band call #{}", header.call_id)))
}

pub(crate) fn undecodable(message: &str, error: HeaderError) -> Exception {
    Exception::undecodable(format!("Error decoding {message}: {error}"))
}

fn call(frame: &Bytes, header: &RequestHeader<'_>, mut rest: &[u8]) -> Inbound {
    let kind = header.rpc_kind.and_then(known::<RpcKindProto>).unwrap_or(RpcKindProto::RpcBuiltin);
    if kind != RpcKindProto::RpcProtocolBuffer {
        let exception = Exception::invalid_header(format!("Unknown rpc kind in rpc header{}", kind.as_str_name()));
        return Inbound::Fatal(Fatal::echo(header, exception));
    }
    let id = CallId {
        client_id: frame.slice_ref(header.client_id),
        call_id: header.call_id,
        retry_count: header.retry_count,
    };
    let bad = |id, message: String| Inbound::Bad(id, Exception::invalid_protobuf(message));
    let method = match take_delimited(&mut rest).ok_or(HeaderError::Truncated).and_then(MethodHeader::decode) {
        Ok(method) => method,
        Err(error) => return bad(id, error.to_string()),
    };
    let payload = rest;
    let Some(message) = take_delimited(&mut rest) else {
        return bad(id, format!("The parameter message of {} is cut off", method.method));
    };
    let payload = &payload[..payload.len() - rest.len()];
    let name = |text: &str| Name::new(frame.slice_ref(text.as_bytes()));
    let (Some(method_name), Some(protocol)) = (name(method.method), name(method.protocol)) else {
        return bad(id, "names are not UTF-8".to_owned());
    };
    Inbound::Call(Request {
        id,
        method: method_name,
        protocol,
        version: method.version,
        caller_context: header.caller_context.and_then(|context| CallerContext::decode(frame, context)),
        federated_state: header.federated_state.map(|state| frame.slice_ref(state)),
        message_at: payload.len() - message.len(),
        payload: frame.slice_ref(payload),
    })
}
