//! A connection to a server, shared by many calls.

mod driver;
mod error;
mod pending;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

pub use error::ClientError;

use crate::header::{ConnectionContext, RequestHeader, VERSION, call_id, put_frame};
use crate::transport::Transport;
use crate::wire::Encode;
use crate::{CallId, CallerContext, Identity, Name, Payload};
use driver::Driver;
use pending::Shared;

/// How a connection is made and kept.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// For the TCP connection.
    pub connect_timeout: Duration,
    /// For what is exchanged before the first call.
    pub handshake_timeout: Duration,
    /// Longest frame in bytes, of requests and of replies; a longer reply closes the connection
    /// (`ipc.maximum.response.length`).
    pub max_frame: u32,
    /// A ping is sent when calls wait and nothing was heard for this long (`ipc.ping.interval`).
    pub ping_interval: Duration,
    /// For a server that takes nothing of what is written.
    pub write_timeout: Duration,
    /// For the server's machine to acknowledge what was sent. One that has vanished says nothing: without this, calls would
    /// go to it for a quarter of an hour.
    pub peer_timeout: Duration,
    /// The connection closes itself after this time without calls (`ipc.client.connection.maxidletime`).
    pub idle_close: Duration,
    /// Bytes of requests that may wait to be written; further calls wait before they are queued.
    pub max_queued_bytes: usize,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(20),
            handshake_timeout: Duration::from_secs(20),
            max_frame: 128 << 20,
            ping_interval: Duration::from_secs(60),
            write_timeout: Duration::from_secs(60),
            peer_timeout: Duration::from_secs(30),
            idle_close: Duration::from_secs(10),
            max_queued_bytes: 16 << 20,
        }
    }
}

/// A call to be made.
#[derive(Debug, Clone)]
pub struct Request {
    /// Identity of the call; in flight it is unique on its connection.
    pub id: CallId,
    /// Method name.
    pub method: Name,
    /// Java interface name.
    pub protocol: &'static str,
    /// Version of the protocol.
    pub version: u64,
    /// The caller's note.
    pub caller_context: Option<CallerContext>,
    /// The parameter message.
    pub payload: Payload,
    /// When waiting for the reply ends.
    pub deadline: Instant,
}

/// An open connection as one user, to be used by many at a time. Clones are one connection, which closes when the last
/// of them is dropped.
#[derive(Debug, Clone)]
pub struct Connection {
    handle: Arc<Handle>,
}

/// Closes the connection with its last clone.
#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    max_frame: u32,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close("closed by this side");
    }
}

impl Connection {
    /// Connects without security (SIMPLE) as `identity`, to call `protocol`. The server does not answer a connection
    /// context that it accepts, so that a refusal is first seen by the calls: [`ClientError::Fatal`].
    pub async fn open(
        address: SocketAddr,
        identity: &Identity,
        protocol: &'static str,
        options: &ConnectOptions,
    ) -> Result<Self, ClientError> {
        let stream = timeout(options.connect_timeout, TcpStream::connect(address))
            .await
            .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
            .and_then(|stream| tune(&stream, options).map(|()| stream))
            .map_err(|source| ClientError::Connect { address, source })?;
        let mut transport = Transport::new(stream, options.max_frame);
        introduce(&mut transport, identity, protocol);
        timeout(options.handshake_timeout, transport.flush())
            .await
            .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
            .map_err(|source| ClientError::Connect { address, source })?;
        let shared = Arc::new(Shared::new(options.max_queued_bytes));
        tokio::spawn(Driver::new(transport, shared.clone(), options.clone()).run());
        Ok(Self { handle: Arc::new(Handle { shared, max_frame: options.max_frame }) })
    }

    /// Makes a call. The reply is the result message with its length in front, as it came. Dropping the future forgets
    /// the call: if it was not sent yet, it never will be.
    pub fn call(&self, request: Request) -> impl Future<Output = Result<Bytes, ClientError>> + Send + 'static {
        let handle = self.handle.clone();
        async move {
            let length = frame_len(&request);
            if length > handle.max_frame as usize {
                return Err(ClientError::TooLarge { length, max: handle.max_frame });
            }
            let deadline = request.deadline;
            let mut waiting = handle.shared.enqueue_in_time(request, length).await?;
            match timeout_at(deadline, &mut waiting.reply).await {
                Ok(Ok(outcome)) => outcome,
                // The driver is gone without a word, which it is only when its runtime shuts down.
                Ok(Err(_)) => Err(ClientError::Closed { sent: waiting.sent(), reason: "runtime shut down".into() }),
                Err(_) => Err(ClientError::Timeout { sent: waiting.sent() }),
            }
        }
    }

    /// Whether it takes no more calls.
    pub fn is_closed(&self) -> bool {
        self.handle.shared.is_closed()
    }

    /// Calls that wait for their reply.
    pub fn in_flight(&self) -> usize {
        self.handle.shared.in_flight()
    }

    /// Closes it. Calls in flight fail with [`ClientError::Closed`].
    pub fn close(&self) {
        self.handle.shared.close("closed by this side");
    }
}

fn tune(stream: &TcpStream, options: &ConnectOptions) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(options.peer_timeout))?;
    #[cfg(not(target_os = "linux"))]
    let _ = options;
    Ok(())
}

/// Preamble and connection context.
fn introduce(transport: &mut Transport, identity: &Identity, protocol: &str) {
    let context = ConnectionContext {
        effective_user: Some(&identity.user),
        real_user: identity.real_user.as_deref(),
        protocol: Some(protocol),
    };
    transport.outbox.append(|out| {
        out.put_slice(b"hrpc");
        out.put_slice(&[VERSION, 0, 0]);
        let header = RequestHeader::new(call_id::CONNECTION_CONTEXT, &[], -1);
        put_frame(out, &header, context.delimited_len());
        context.encode_delimited(out);
    });
}

/// Upper bound of a request's frame: the fixed parts of the headers are below 128 bytes.
fn frame_len(request: &Request) -> usize {
    let context = request.caller_context.as_ref().map_or(0, Encode::delimited_len);
    let names = request.method.as_str().len() + request.protocol.len();
    128 + request.id.client_id.len() + context + names + request.payload.len()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_kernel_gives_up_a_machine_that_vanished() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let options = ConnectOptions { peer_timeout: Duration::from_secs(7), ..ConnectOptions::default() };
        tune(&stream, &options).unwrap();
        let set = socket2::SockRef::from(&stream).tcp_user_timeout().unwrap();
        assert_eq!(set, Some(options.peer_timeout));
    }
}
