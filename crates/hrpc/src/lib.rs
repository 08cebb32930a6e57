//! Hadoop RPC on the wire, both ends: frames, handshake, calls, Java exception names.
//!
//! Knows nothing of HDFS: a handler gets the bytes of a parameter message and answers with those of a result.
//!
//! **Server.** [`Server::serve`] accepts and gives every connection one task. The task reads into one buffer and splits
//! [`frame`]s off it without copying. The first frames go through [`handshake`], a pure state machine; later ones
//! through [`inbound::classify`], a pure function, which yields calls. The calls of a connection are polled together on
//! its task; their replies gather in one buffer and leave in one write, in the order in which they end. Reading stops
//! while a connection has too many calls in flight or replies unsent, or the server too many bytes.
//!
//! **Client.** [`Connection::open`] starts one task too. A call is put into the connection's queue and waits; the task
//! writes what is queued in one go, and matches replies on (client id, call id, retry count).
//!
//! **Both** read headers by hand ([`header`], [`wire`]), hold every length against a limit before memory is taken, and
//! give every wait for a peer a deadline.

mod call;
mod client;
mod exception;
pub mod frame;
#[doc(hidden)]
pub mod fuzz;
pub mod handshake;
pub mod header;
mod identity;
pub mod inbound;
mod outbox;
mod server;
mod timer;
mod transport;
pub mod wire;

pub use call::{Call, CallId, CallerContext, Name, Payload, Peer, Reply};
pub use client::{ClientError, ConnectOptions, Connection, Request};
pub use exception::{Exception, class};
pub use identity::Identity;
pub use server::{Drain, Handler, Limits, Protocol, Server, ServerStats};
