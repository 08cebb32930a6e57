//! Bytes on their way into the library and out of it.

use std::slice;

use crate::library::{BufferDesc, Functions};

/// Describes bytes for the library, which only reads them. The result must be kept in a variable while a pointer to it is
/// used, and the bytes as long.
pub(crate) fn input(bytes: &[u8]) -> BufferDesc {
    BufferDesc { length: bytes.len(), value: bytes.as_ptr().cast_mut().cast() }
}

/// What the library has written, and takes back when this is dropped.
pub(crate) struct Output<'a> {
    functions: &'a Functions,
    buffer: BufferDesc,
}

impl<'a> Output<'a> {
    pub(crate) fn new(functions: &'a Functions) -> Self {
        Self { functions, buffer: BufferDesc::empty() }
    }

    /// Where the library writes.
    pub(crate) fn as_mut(&mut self) -> &mut BufferDesc {
        &mut self.buffer
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        if self.buffer.value.is_null() {
            return &[];
        }
        // SAFETY: the library has put `length` bytes there, and nobody changes them before they are released.
        unsafe { slice::from_raw_parts(self.buffer.value.cast(), self.buffer.length) }
    }
}

impl Drop for Output<'_> {
    fn drop(&mut self) {
        let mut minor = 0;
        // SAFETY: the buffer is empty or the library's own; it is not used any more.
        unsafe { (self.functions.gss_release_buffer)(&mut minor, &mut self.buffer) };
    }
}
