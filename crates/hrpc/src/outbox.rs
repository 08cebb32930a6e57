//! Bytes on their way out of a connection.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes, BytesMut};

/// Pieces up to this size are copied together; larger ones are written from where they are.
const COPY_UP_TO: usize = 4096;
/// An empty tail that grew beyond this is given back.
const KEEP_UP_TO: usize = 64 * 1024;
/// Pieces handed to one system call.
const PIECES: usize = 16;

/// A queue of bytes. Small writes gather in one buffer, so that many replies leave in one system call.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pieces: VecDeque<Bytes>,
    tail: BytesMut,
    length: usize,
}

impl Outbox {
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Lets `write` append to the buffer of small things.
    pub(crate) fn append(&mut self, write: impl FnOnce(&mut BytesMut)) {
        let before = self.tail.len();
        write(&mut self.tail);
        self.length += self.tail.len() - before;
    }

    pub(crate) fn push(&mut self, piece: Bytes) {
        if piece.len() <= COPY_UP_TO {
            return self.append(|tail| tail.extend_from_slice(&piece));
        }
        if !self.tail.is_empty() {
            self.pieces.push_back(self.tail.split().freeze());
        }
        self.length += piece.len();
        self.pieces.push_back(piece);
    }

    /// The first pieces, for a vectored write.
    pub(crate) fn slices(&self) -> ([IoSlice<'_>; PIECES], usize) {
        let mut slices = [IoSlice::new(&[]); PIECES];
        let mut count = 0;
        let pieces = self.pieces.iter().map(|piece| &piece[..]).chain([&self.tail[..]]);
        for (slot, piece) in slices.iter_mut().zip(pieces.filter(|piece| !piece.is_empty())) {
            *slot = IoSlice::new(piece);
            count += 1;
        }
        (slices, count)
    }

    /// Forgets the first `count` bytes, which were written.
    pub(crate) fn advance(&mut self, mut count: usize) {
        self.length -= count;
        while let Some(piece) = self.pieces.front_mut() {
            if count < piece.len() {
                return piece.advance(count);
            }
            count -= piece.len();
            self.pieces.pop_front();
        }
        self.tail.advance(count);
        if self.tail.is_empty() {
            // Reuses the whole buffer instead of the rest behind what was written.
            self.tail.clear();
            if self.tail.capacity() > KEEP_UP_TO {
                self.tail = BytesMut::new();
            }
        }
    }

    /// Gives the buffer back; for a connection that is going to wait.
    pub(crate) fn shrink(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_leave_in_their_order_however_they_are_written() {
        for step in [1, 7, 4096, 5000, 100_000] {
            let mut outbox = Outbox::default();
            let mut expected = Vec::new();
            for (index, size) in [3, 5000, 10, 0, 4096, 4097, 9000, 1].into_iter().enumerate() {
                let piece = vec![index as u8; size];
                expected.extend_from_slice(&piece);
                outbox.push(piece.into());
            }
            assert_eq!(outbox.len(), expected.len());
            let mut written = Vec::new();
            while !outbox.is_empty() {
                let (slices, count) = outbox.slices();
                let all: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.to_vec()).collect();
                let taken = step.min(all.len());
                written.extend_from_slice(&all[..taken]);
                outbox.advance(taken);
            }
            assert!(written == expected, "step {step}");
        }
    }
}
