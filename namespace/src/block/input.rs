//! What a client sends, buffered and parsed.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::tcp::OwnedReadHalf;

use super::wire::{Malformed, Step};

/// Why nothing more comes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// The client sent nonsense.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The connection broke.
    #[error(transparent)]
    Broken(#[from] io::Error),
    /// The client was silent for too long.
    #[error("nothing came for {0:?}")]
    Silent(Duration),
}

/// The reading half of a connection.
#[derive(Debug)]
pub(crate) struct Input {
    stream: OwnedReadHalf,
    buffer: BytesMut,
}

impl Input {
    pub(crate) fn new(stream: OwnedReadHalf) -> Self {
        Self { stream, buffer: BytesMut::new() }
    }

    /// The next thing that `parse` finds, with its bytes; `None` if the client closed the connection before it. At least
    /// `room` bytes are read at once if they are there, and no byte may take longer than `patience`. What was read stays
    /// when the future is dropped.
    pub(crate) async fn next<T>(
        &mut self,
        room: usize,
        patience: Duration,
        parse: impl Fn(&[u8]) -> Result<Step<T>, Malformed>,
    ) -> Result<Option<(T, Bytes)>, InputError> {
        loop {
            let need = match parse(&self.buffer)? {
                Step::Done(found, used) => return Ok(Some((found, self.buffer.split_to(used).freeze()))),
                Step::Need(need) => need,
            };
            let have = self.buffer.len();
            // Memory follows what came, not what the client says will come.
            self.buffer.reserve(need.saturating_sub(have).min(have).max(room));
            let read = tokio::time::timeout(patience, self.stream.read_buf(&mut self.buffer));
            match read.await.map_err(|_| InputError::Silent(patience))?? {
                0 if have == 0 => return Ok(None),
                0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                _ => {}
            }
        }
    }

    /// Reads until the client closes the connection, or for this long, and forgets it. Closing a connection that has unread
    /// bytes resets it, which may destroy the last answer before the client reads it.
    pub(crate) async fn discard(&mut self, patience: Duration) {
        let until_closed = async {
            loop {
                self.buffer.clear();
                self.buffer.reserve(16 << 10);
                if !matches!(self.stream.read_buf(&mut self.buffer).await, Ok(1..)) {
                    return;
                }
            }
        };
        // Either way the connection ends here.
        let _ = tokio::time::timeout(patience, until_closed).await;
    }

    /// The next thing if it is buffered as a whole.
    pub(crate) fn ready<T>(
        &mut self,
        parse: impl Fn(&[u8]) -> Result<Step<T>, Malformed>,
    ) -> Result<Option<(T, Bytes)>, Malformed> {
        Ok(match parse(&self.buffer)? {
            Step::Done(found, used) => Some((found, self.buffer.split_to(used).freeze())),
            Step::Need(_) => None,
        })
    }
}
