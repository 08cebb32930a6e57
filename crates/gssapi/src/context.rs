use std::ffi::c_int;
use std::ptr;

use crate::Error;
use crate::buffer::{Output, input};
use crate::library::{Functions, Handle};

/// What two parties share that know each other.
pub struct Context(Shared);

/// A context, or what is to become one.
pub(crate) struct Shared {
    pub(crate) functions: &'static Functions,
    pub(crate) handle: Handle,
}

// SAFETY: a context is not bound to a thread, and has one owner at a time. It is not Sync: the library counts messages in
// it without a lock.
unsafe impl Send for Shared {}

impl Context {
    pub(crate) fn new(established: Shared) -> Self {
        Self(established)
    }

    /// Protects a message against change; anybody can read it.
    ///
    /// # Errors
    /// When the context is over, as with its ticket.
    pub fn wrap(&mut self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let Shared { functions, handle } = self.0;
        let (mut minor, mut concealed, message) = (0, 0, input(message));
        let mut wrapped = Output::new(functions);
        // SAFETY: the handle is of an established context; the pointers are to locals, and to the message, which live
        // through the call.
        let major =
            unsafe { (functions.gss_wrap)(&mut minor, handle, CLEAR, 0, &message, &mut concealed, wrapped.as_mut()) };
        functions.check(major, minor)?;
        Ok(wrapped.bytes().to_vec())
    }

    /// The message that the peer has wrapped.
    ///
    /// # Errors
    /// When it did not, or it comes for the second time or out of order.
    pub fn unwrap(&mut self, wrapped: &[u8]) -> Result<Vec<u8>, Error> {
        let Shared { functions, handle } = self.0;
        let (mut minor, mut concealed, mut quality, wrapped) = (0, 0, 0, input(wrapped));
        let mut message = Output::new(functions);
        // SAFETY: as in `wrap`.
        let major = unsafe {
            (functions.gss_unwrap)(&mut minor, handle, &wrapped, message.as_mut(), &mut concealed, &mut quality)
        };
        match functions.check(major, minor)? {
            0 => Ok(message.bytes().to_vec()),
            // What is no error to the library: a message that is old, or whose predecessor is missing.
            _ => Err(Error::Refused("a message that was sent before, or out of order".to_owned())),
        }
    }
}

/// Not encrypted.
const CLEAR: c_int = 0;

impl Drop for Shared {
    fn drop(&mut self) {
        let mut minor = 0;
        // SAFETY: the handle is null or this value's own, and not used any more; no token for the peer is asked for.
        unsafe { (self.functions.gss_delete_sec_context)(&mut minor, &mut self.handle, ptr::null_mut()) };
    }
}
