//! A socket with its two buffers, for tasks that poll it by hand.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;

use crate::frame;
use crate::outbox::Outbox;

/// The least and the most that one read asks for. Most requests are some hundred bytes; a connection with much to say
/// soon reads in large pieces.
const READ: std::ops::RangeInclusive<usize> = 4096..=256 * 1024;

/// Read buffer, socket, write queue.
#[derive(Debug)]
pub(crate) struct Transport {
    stream: TcpStream,
    /// What was read and not yet taken.
    pub(crate) input: BytesMut,
    /// What is to be written.
    pub(crate) outbox: Outbox,
    chunk: usize,
    max_frame: u32,
}

impl Transport {
    pub(crate) fn new(stream: TcpStream, max_frame: u32) -> Self {
        Self { stream, input: BytesMut::new(), outbox: Outbox::default(), chunk: *READ.start(), max_frame }
    }

    /// Reads once. `Ready(Ok(0))` is the end of the stream. An empty buffer is allocated only when there is something to
    /// read, so that waiting connections hold none.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.input.is_empty() {
            ready!(self.stream.poll_read_ready(cx))?;
        }
        // Room for what is known to come, but for no more than has come already: a peer pays for the memory that it
        // takes here with bytes.
        let known = frame::missing(&self.input, self.max_frame).min(self.input.len()).max(self.chunk);
        if self.input.capacity() - self.input.len() < self.chunk / 4 {
            self.input.reserve(known);
        }
        let space = self.input.capacity() - self.input.len();
        let count = ready!(pin!(self.stream.read_buf(&mut self.input)).poll(cx))?;
        if count == space {
            self.chunk = (self.chunk * 2).min(*READ.end());
        } else if count < self.chunk / 4 {
            self.chunk = (self.chunk / 2).max(*READ.start());
        }
        Poll::Ready(Ok(count))
    }

    /// Writes until nothing is left (`Ready(Ok(()))`) or the socket takes no more. `written` counts the bytes.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>, written: &mut usize) -> Poll<io::Result<()>> {
        while !self.outbox.is_empty() {
            let (slices, count) = self.outbox.slices();
            let stream = Pin::new(&mut self.stream);
            // Nearly always one piece, for which the plain system call is cheaper.
            let taken = ready!(match &slices[..count] {
                [only] => stream.poll_write(cx, only),
                several => stream.poll_write_vectored(cx, several),
            })?;
            if taken == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outbox.advance(taken);
            *written += taken;
        }
        Poll::Ready(Ok(()))
    }

    /// Writes everything.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_flush(cx, &mut 0)).await
    }

    /// Tells the peer that nothing more will be written.
    pub(crate) fn shut_down_writing(&self) {
        // Fails only if the connection is gone already.
        let _ = socket2::SockRef::from(&self.stream).shutdown(std::net::Shutdown::Write);
    }

    /// Forgets what was not taken and what was not written.
    pub(crate) fn discard(&mut self) {
        self.input = BytesMut::new();
        self.outbox = Outbox::default();
    }

    /// Gives empty buffers back; for a connection that is going to wait with nothing in flight.
    pub(crate) fn shrink(&mut self) {
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        self.outbox.shrink();
    }
}
