//! The server's half of the handshake as a pure state machine: bytes in, steps out. No socket, no clock.

use bytes::{Buf, Bytes, BytesMut};

use crate::frame::{self, FrameTooLong};
use crate::header::{ConnectionContext, RequestHeader, ResponseHeader, call_id, fatal_frame, put_frame};
use crate::inbound::{self, Fatal};
use crate::wire::{Value, fields, put_varint, take_delimited};
use crate::{Exception, Identity, class};

const MAGIC: &[u8] = b"hrpc";
const PREAMBLE: usize = 7;
const AUTH_NONE: u8 = 0;
const AUTH_SASL: u8 = 0xDF;

/// No frame of a handshake comes near this: Kerberos tickets are some ten kilobytes.
const MAX_FRAME: u32 = 1 << 20;

const HTTP_PAGE: &str = "HTTP/1.1 404 Not Found\r\nContent-type: text/plain\r\nConnection: close\r\n\r\n\
    This is a Hadoop IPC port: it speaks Hadoop RPC, not HTTP. The web interface is on another port.\r\n";

/// Where a connection stands before its calls begin.
#[derive(Debug)]
pub struct Handshake {
    stage: Stage,
    max_frame: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Preamble,
    /// The client asked for SASL and waits for an answer to its first message.
    Sasl,
    Context {
        sasl: bool,
    },
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Read more bytes.
    More,
    /// Write this and go on.
    Reply(Bytes),
    /// The client has said who it is; calls follow. Whether it may is for the server to decide.
    Established(Established),
    /// Write this, then close.
    Refuse(Bytes),
    /// Close without a word, as Java does.
    Close(FrameTooLong),
}

/// What a connection context says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Established {
    /// Effective and real user.
    pub identity: Identity,
    /// The protocol that the client means to call; empty if it did not say.
    pub protocol: String,
    /// `retryCount` of the context's header, for a refusal.
    pub retry_count: i32,
}

impl Handshake {
    /// At the first byte of a connection to a server without security. `max_frame` is the port's limit.
    pub fn new(max_frame: u32) -> Self {
        Self { stage: Stage::Preamble, max_frame: max_frame.min(MAX_FRAME) }
    }

    /// Takes what it can off the front of `input` and says what to do. Call it again after everything but
    /// [`Step::More`], for which more bytes must have come, and the two steps that close.
    pub fn advance(&mut self, input: &mut BytesMut) -> Step {
        if self.stage == Stage::Preamble {
            match self.preamble(input) {
                Some(step) => return step,
                None => return self.advance(input),
            }
        }
        loop {
            match frame::split(input, self.max_frame) {
                Ok(None) => return Step::More,
                Err(error) => return Step::Close(error),
                Ok(Some(bytes)) => match self.frame(&bytes) {
                    Ok(None) => {}
                    Ok(Some(step)) => return step,
                    Err(fatal) => return Step::Refuse(fatal.frame()),
                },
            }
        }
    }

    /// `None`: it was a good one.
    fn preamble(&mut self, input: &mut BytesMut) -> Option<Step> {
        if input.starts_with(b"GET ") {
            return Some(Step::Refuse(Bytes::from_static(HTTP_PAGE.as_bytes())));
        }
        let Some(&[.., version, _service_class, auth]) = input.first_chunk::<PREAMBLE>() else {
            return Some(Step::More);
        };
        let refuse = |exception| {
            let frame = fatal_frame(call_id::NONE, -1, &exception);
            Some(Step::Refuse(frame.freeze()))
        };
        if !input.starts_with(MAGIC) || version != crate::header::VERSION {
            return refuse(Exception::rpc_version_mismatch(version as i8));
        }
        self.stage = match auth {
            AUTH_NONE => Stage::Context { sasl: false },
            AUTH_SASL => Stage::Sasl,
            other => {
                let message = format!("Unknown auth protocol:{}", other as i8);
                return refuse(Exception::unauthorized(class::IPC, message));
            }
        };
        input.advance(PREAMBLE);
        None
    }

    fn frame(&mut self, bytes: &[u8]) -> Result<Option<Step>, Fatal> {
        let (header, rest) = inbound::request_header(bytes)?;
        match header.call_id {
            call_id::PING => Ok(None),
            call_id::SASL => self.sasl(&header, rest).map(Some),
            call_id::CONNECTION_CONTEXT => self.context(&header, rest).map(Some),
            id if id < 0 => Err(inbound::unknown_out_of_band(&header)),
            _ => Err(Fatal::echo(&header, Exception::invalid_header("Connection context not established"))),
        }
    }

    /// Without security the answer to a client's first message is success, which it takes for "go on without SASL".
    fn sasl(&mut self, header: &RequestHeader<'_>, mut rest: &[u8]) -> Result<Step, Fatal> {
        let refuse = |message: String| Fatal {
            call_id: call_id::NONE,
            retry_count: -1,
            exception: Exception::unauthorized("javax.security.sasl.SaslException", message),
        };
        match self.stage {
            Stage::Context { sasl: false } | Stage::Preamble => {
                let exception = Exception::invalid_header("SASL protocol not requested by client");
                Err(Fatal::echo(header, exception))
            }
            Stage::Context { sasl: true } => Err(refuse("Client already attempted negotiation".to_owned())),
            Stage::Sasl => match take_delimited(&mut rest).and_then(sasl_state) {
                Some(NEGOTIATE | INITIATE) => {
                    self.stage = Stage::Context { sasl: true };
                    Ok(Step::Reply(switch_to_simple()))
                }
                Some(state) => Err(refuse(format!("Client sent unsupported state {state}"))),
                None => Err(refuse("Client sent a malformed SASL message".to_owned())),
            },
        }
    }

    fn context(&mut self, header: &RequestHeader<'_>, mut rest: &[u8]) -> Result<Step, Fatal> {
        if self.stage == Stage::Sasl {
            let exception = Exception::invalid_header("Connection header sent during SASL negotiation");
            return Err(Fatal::echo(header, exception));
        }
        let context = take_delimited(&mut rest)
            .ok_or(crate::header::HeaderError::Truncated)
            .and_then(ConnectionContext::decode)
            .map_err(|error| Fatal::echo(header, inbound::undecodable("IpcConnectionContextProto", error)))?;
        let name = |user: Option<&str>| user.filter(|name| !name.is_empty()).map(Into::into);
        let Some(user) = name(context.effective_user) else {
            let exception = Exception::unauthorized(class::ACCESS_CONTROL, "The connection context names no user");
            return Err(Fatal::echo(header, exception));
        };
        Ok(Step::Established(Established {
            identity: Identity { user, real_user: name(context.real_user) },
            protocol: context.protocol.unwrap_or_default().to_owned(),
            retry_count: header.retry_count,
        }))
    }
}

const NEGOTIATE: u64 = 1;
const INITIATE: u64 = 2;

/// `RpcSaslProto.state`.
fn sasl_state(message: &[u8]) -> Option<u64> {
    let mut state = None;
    for field in fields(message) {
        if let (2, Value::Varint(number)) = field.map(|field| (field.number, field.value)).ok()? {
            state = Some(number);
        }
    }
    state
}

/// A SASL message that says SUCCESS and nothing else.
fn switch_to_simple() -> Bytes {
    const SUCCESS: [u8; 2] = [2 << 3, 0];
    let mut out = BytesMut::new();
    put_frame(&mut out, &ResponseHeader::success(call_id::SASL, &[], -1), 1 + SUCCESS.len());
    put_varint(&mut out, SUCCESS.len() as u64);
    out.extend_from_slice(&SUCCESS);
    out.freeze()
}
