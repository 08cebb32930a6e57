//! Hadoop RPC on the wire, both ends: frames, handshake, calls, Java exception names.
//!
//! Knows nothing of HDFS: a handler gets the bytes of a parameter message and answers with those of a result.

mod call;
mod exception;
mod identity;

pub use call::{Call, CallId, CallerContext, Name, Payload, Peer, Reply};
pub use exception::{Exception, class};
pub use identity::Identity;
