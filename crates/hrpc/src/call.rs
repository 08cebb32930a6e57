//! A call and its answer, on either end of a connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::{Bytes, BytesMut};
use prost::Message;
use tokio_util::sync::CancellationToken;

use crate::wire::{Encode, Sink, Value, fields};
use crate::{Exception, Identity};

/// What makes a call the same call when it is sent again: a NameNode's retry cache keys on the first two.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CallId {
    /// 16 bytes that name the client; may be empty.
    pub client_id: Bytes,
    /// Number of the call, chosen by the client. Negative ones are out-of-band and never reach a handler.
    pub call_id: i32,
    /// 0 for the first try; −1 for a client that does not say.
    pub retry_count: i32,
}

/// What the client wants noted about a call; NameNodes read client address and identity from it (HDFS-15079).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallerContext {
    /// `key:value` pieces and free words, separated by `hadoop.caller.context.separator`.
    pub context: String,
    /// Opaque; passed on as it came.
    pub signature: Option<Bytes>,
}

/// The other end of a server's connection.
#[derive(Debug)]
pub struct Peer {
    /// Where it connects from.
    pub address: SocketAddr,
    /// Who it is, as the connection context said and the server's authorisation allowed.
    pub identity: Identity,
    /// Cancelled when the connection is gone: nobody waits for an answer any more.
    pub gone: CancellationToken,
    /// What the handler keeps with the connection; 0 at first.
    pub note: AtomicU64,
}

/// A request as a handler gets it. Its bytes are slices of the frame that came; nothing is copied.
#[derive(Debug, Clone)]
pub struct Call {
    /// Identity of the call.
    pub id: CallId,
    /// Method name, valid UTF-8.
    pub method: Name,
    /// The Java interface that declares the method; one of those that the handler serves.
    pub protocol: &'static str,
    /// The caller's note.
    pub caller_context: Option<CallerContext>,
    /// `routerFederatedState` of the header (field 9), undecoded.
    pub federated_state: Option<Bytes>,
    /// The parameter message, *with* its varint length in front, exactly as on the wire. Its length has been checked.
    pub payload: Bytes,
    /// Where the parameter message starts in `payload`.
    pub message_at: usize,
    /// The connection that it came on.
    pub peer: Arc<Peer>,
}

impl Call {
    /// The parameter message without its length.
    pub fn message(&self) -> &[u8] {
        &self.payload[self.message_at..]
    }

    /// Decodes the parameter message.
    pub fn decode<M: Message + Default>(&self) -> Result<M, Exception> {
        M::decode(self.payload.slice(self.message_at..))
            .map_err(|error| Exception::new(crate::class::INVALID_PROTOBUF, error.to_string()))
    }
}

/// A short string that is a slice of a frame.
#[derive(Clone, PartialEq, Eq)]
pub struct Name(Bytes);

impl Name {
    /// Checks that the bytes are UTF-8.
    pub fn new(bytes: Bytes) -> Option<Self> {
        std::str::from_utf8(&bytes).is_ok().then_some(Self(bytes))
    }

    /// The string.
    pub fn as_str(&self) -> &str {
        // Checked once, in `new`.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl From<&'static str> for Name {
    fn from(name: &'static str) -> Self {
        Self(Bytes::from_static(name.as_bytes()))
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl std::fmt::Debug for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_str().fmt(f)
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A message as it stands on the wire: its varint length, then itself, in one or more pieces that are written one after
/// the other.
#[derive(Debug, Clone, Default)]
pub struct Payload(pub Vec<Bytes>);

impl Payload {
    /// Bytes that already have their length in front, such as [`Call::payload`] or a reply that is passed on.
    pub fn raw(bytes: Bytes) -> Self {
        Self(vec![bytes])
    }

    /// Encodes a message.
    pub fn message(message: &impl Message) -> Self {
        let mut out = BytesMut::with_capacity(message.encoded_len() + 5);
        // The buffer grows as needed, so encoding cannot fail.
        let _ = message.encode_length_delimited(&mut out);
        Self::raw(out.freeze())
    }

    /// Bytes in all, the length prefix included.
    pub fn len(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    /// Whether there are no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Bytes::is_empty)
    }
}

impl CallerContext {
    /// Reads `RPCCallerContextProto` out of a frame that holds it; `None` if it is not one.
    pub(crate) fn decode(frame: &Bytes, message: &[u8]) -> Option<Self> {
        let (mut text, mut signature) = (None, None);
        for field in fields(message) {
            match field.map(|field| (field.number, field.value)).ok()? {
                (1, Value::Bytes(bytes)) => text = Some(std::str::from_utf8(bytes).ok()?),
                (2, Value::Bytes(bytes)) => signature = Some(frame.slice_ref(bytes)),
                _ => {}
            }
        }
        Some(Self { context: text?.to_owned(), signature })
    }
}

impl Encode for CallerContext {
    fn describe(&self, sink: &mut impl Sink) {
        sink.bytes(1, self.context.as_bytes());
        self.signature.as_ref().inspect(|signature| sink.bytes(2, signature));
    }
}

/// What a handler answers.
pub type Reply = Result<Payload, Exception>;
