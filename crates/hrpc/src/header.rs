//! The headers of requests and replies, read by hand: a scan of fields costs a tenth of a generated decoder, and keeps
//! what it does not understand as slices of the frame.

mod request;
mod response;

pub use request::{ConnectionContext, MethodHeader, RequestHeader};
pub use response::{ResponseHeader, Status};
pub(crate) use response::{fatal_frame, put_frame};

use crate::wire::Malformed;

/// The version of Hadoop RPC spoken here, and by every Hadoop since 2.
pub const VERSION: u8 = 9;

/// Call ids that are no calls.
pub mod call_id {
    /// Replies that answer no call: authentication failed, wrong version.
    pub const NONE: i32 = -1;
    /// The connection context.
    pub const CONNECTION_CONTEXT: i32 = -3;
    /// A sign of life without a reply.
    pub const PING: i32 = -4;
    /// SASL, in both directions.
    pub const SASL: i32 = -33;
}

/// A header that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The bytes are not a message.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The length in front of the header exceeds the frame.
    #[error("header longer than its frame")]
    Truncated,
    /// A required field is absent.
    #[error("Message missing required fields: {0}")]
    Missing(&'static str),
    /// A field has another type or range than defined; strings must be UTF-8.
    #[error("field {0} has the wrong type")]
    Field(&'static str),
}

fn text<'a>(name: &'static str, bytes: &'a [u8]) -> Result<&'a str, HeaderError> {
    std::str::from_utf8(bytes).map_err(|_| HeaderError::Field(name))
}
