//! A TCP listener whose connections are few and short.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// Limits of an HTTP listener.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections open at a time; more wait in the kernel's backlog.
    pub connections: usize,
    /// A connection that moves no byte for so long is closed.
    pub idle: Duration,
    /// No connection lives longer, busy or not: it is what ends a client that trickles.
    pub life: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { connections: 256, idle: Duration::from_secs(20), life: Duration::from_secs(120) }
    }
}

pub struct BoundedListener {
    inner: TcpListener,
    slots: Arc<Semaphore>,
    bounds: Bounds,
}

impl BoundedListener {
    pub(super) fn new(inner: TcpListener, bounds: Bounds) -> Self {
        Self { inner, slots: Arc::new(Semaphore::new(bounds.connections)), bounds }
    }
}

impl Listener for BoundedListener {
    type Io = BoundedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        // The semaphore is never closed; were it, no connection would be accepted any more, which is what closing means.
        let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else { return std::future::pending().await };
        // axum's own listener deals with accept errors: it waits and tries again when descriptors run out.
        let (stream, address) = Listener::accept(&mut self.inner).await;
        (BoundedStream::new(stream, slot, self.bounds), address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.inner.local_addr()
    }
}

/// A connection that ends by itself, and gives its slot back when it does.
pub struct BoundedStream {
    inner: TcpStream,
    idle: Duration,
    quiet: Pin<Box<Sleep>>,
    end: Instant,
    _slot: OwnedSemaphorePermit,
}

impl BoundedStream {
    fn new(inner: TcpStream, slot: OwnedSemaphorePermit, bounds: Bounds) -> Self {
        let end = Instant::now() + bounds.life;
        let quiet = Box::pin(if bounds.idle < bounds.life { sleep(bounds.idle) } else { sleep_until(end) });
        Self { inner, idle: bounds.idle, quiet, end, _slot: slot }
    }

    /// Bytes moved: silence starts anew, never beyond the end of the connection's life.
    fn moved(&mut self) {
        let until = (Instant::now() + self.idle).min(self.end);
        self.quiet.as_mut().reset(until);
    }

    /// Passes progress on, and turns waiting beyond the limit into an error.
    fn bounded<T>(&mut self, cx: &mut Context<'_>, progress: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match progress {
            Poll::Ready(done) => {
                self.moved();
                Poll::Ready(done)
            }
            Poll::Pending => {
                ready!(self.quiet.as_mut().poll(cx));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl AsyncRead for BoundedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.inner).poll_read(cx, buf);
        self.bounded(cx, progress)
    }
}

impl AsyncWrite for BoundedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.bounded(cx, progress)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
