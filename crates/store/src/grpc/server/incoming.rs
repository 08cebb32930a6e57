//! Connections of a server: bounded in number, and given up when they stay silent.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::stream::unfold;
use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use super::places::{Place, Places};
use crate::tls::Reloaded;

/// How long the listener rests when it can't accept, as when file descriptors run out.
const REST: Duration = Duration::from_millis(100);

/// For how long a connection may say nothing. Clients speak first, and live ones answer pings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Silence {
    /// Before its first word: who is no client should not keep a place from one.
    pub(super) first: Duration,
    /// After that. This ends those that never get so far as to be pinged, too.
    pub(super) later: Duration,
}

/// As many connections at a time as there are places, each of which ends when it is silent for too long.
pub(super) fn bounded(
    listener: TcpListener,
    places: Places,
    silence: Silence,
) -> impl Stream<Item = io::Result<Connection>> {
    unfold((listener, places), move |(listener, places)| async move {
        let stream = loop {
            match listener.accept().await {
                Ok((stream, _)) => break stream,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections");
                    sleep(REST).await;
                }
            }
        };
        // Fails on a broken connection only, and that shows soon enough.
        let _ = stream.set_nodelay(true);
        let place = places.take().await?;
        let quiet = Box::pin(sleep(silence.first));
        Some((Ok(Connection { stream, silence: silence.later, quiet, _place: place }), (listener, places)))
    })
}

/// The same with TLS: by what the files say when a connection comes. Up to `most` handshakes go on at a time, for
/// `patience` each.
pub(super) fn secured(
    connections: impl Stream<Item = io::Result<Connection>>,
    tls: Reloaded<ServerConfig>,
    most: usize,
    patience: Duration,
) -> impl Stream<Item = io::Result<TlsStream<Connection>>> {
    let handshakes = connections.map(move |connection| {
        let acceptor = TlsAcceptor::from(tls.latest());
        async move { timeout(patience, acceptor.accept(connection?)).await? }
    });
    handshakes.buffer_unordered(most)
}

/// A connection, with its place among all.
pub(super) struct Connection {
    stream: TcpStream,
    silence: Duration,
    quiet: Pin<Box<Sleep>>,
    _place: Place,
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(cx, buf) {
            let end = Instant::now() + self.silence;
            self.quiet.as_mut().reset(end);
            return Poll::Ready(read);
        }
        ready!(self.quiet.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
