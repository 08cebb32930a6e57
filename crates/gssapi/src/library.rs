//! The C library: its types, and its functions as they are found by name.

use std::error::Error as _;
use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

use libloading::Library;

use crate::Error;

/// The name that the library's binary interface goes by.
const FILE: &str = "libgssapi_krb5.so.2";

/// A pointer to something of the library's own.
pub(crate) type Handle = *mut c_void;
/// What a function says of how it went.
pub(crate) type Status = u32;

/// The function wants another token of the peer.
pub(crate) const CONTINUE_NEEDED: Status = 1;
/// Credentials to begin an exchange with.
pub(crate) const INITIATE: c_int = 1;
/// The service proves who it is, too.
pub(crate) const MUTUAL: u32 = 2;
/// Messages out of sequence are refused.
pub(crate) const SEQUENCE: u32 = 8;
/// Messages are protected against change.
pub(crate) const INTEGRITY: u32 = 32;

/// Bytes with their length.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct BufferDesc {
    pub(crate) length: usize,
    pub(crate) value: *mut c_void,
}

impl BufferDesc {
    pub(crate) fn empty() -> Self {
        Self { length: 0, value: ptr::null_mut() }
    }
}

/// An object identifier, in the bytes of its encoding.
#[repr(C)]
pub(crate) struct Oid {
    length: u32,
    elements: *mut c_void,
}

impl Oid {
    const fn new(bytes: &'static [u8]) -> Self {
        Self { length: bytes.len() as u32, elements: bytes.as_ptr().cast::<c_void>().cast_mut() }
    }

    /// 1.2.840.113554.1.2.2: the mechanism, Kerberos 5.
    pub(crate) fn kerberos() -> Self {
        Self::new(b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02")
    }

    /// 1.2.840.113554.1.2.1.4: the name `service@host`.
    pub(crate) fn hostbased_service() -> Self {
        Self::new(b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04")
    }

    /// 1.2.840.113554.1.2.2.1: the name of a principal.
    pub(crate) fn principal() -> Self {
        Self::new(b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01")
    }
}

#[repr(C)]
pub(crate) struct OidSet {
    pub(crate) count: usize,
    pub(crate) elements: *mut Oid,
}

#[repr(C)]
pub(crate) struct KeyValue {
    pub(crate) key: *const c_char,
    pub(crate) value: *const c_char,
}

#[repr(C)]
pub(crate) struct KeyValues {
    pub(crate) count: u32,
    pub(crate) elements: *const KeyValue,
}

/// Names each function with its type, and finds all of them.
macro_rules! functions {
    ($($name:ident: fn($($argument:ty),* $(,)?) $(-> $result:ty)?;)*) => {
        /// The functions, under their own names.
        pub(crate) struct Functions {
            $(pub(crate) $name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
            /// They are there as long as it is.
            _library: Library,
        }

        impl Functions {
            fn load(file: &str) -> Result<Self, libloading::Error> {
                // SAFETY: the library has constructors without demands on the caller.
                let library = unsafe { Library::new(file) }?;
                // SAFETY: the types are those of the library's headers. Functions of libkrb5 are found through it, since it
                // is linked with that.
                unsafe { Ok(Self { $($name: *library.get(stringify!($name))?,)* _library: library }) }
            }
        }
    };
}

functions! {
    gss_import_name: fn(*mut Status, *const BufferDesc, *const Oid, *mut Handle) -> Status;
    gss_release_name: fn(*mut Status, *mut Handle) -> Status;
    gss_acquire_cred_from: fn(
        *mut Status, Handle, u32, *const OidSet, c_int, *const KeyValues, *mut Handle, *mut Handle, *mut u32,
    ) -> Status;
    gss_release_cred: fn(*mut Status, *mut Handle) -> Status;
    gss_init_sec_context: fn(
        *mut Status, Handle, *mut Handle, Handle, *const Oid, u32, u32, Handle, *const BufferDesc, *mut Handle,
        *mut BufferDesc, *mut u32, *mut u32,
    ) -> Status;
    gss_delete_sec_context: fn(*mut Status, *mut Handle, *mut BufferDesc) -> Status;
    gss_wrap: fn(*mut Status, Handle, c_int, u32, *const BufferDesc, *mut c_int, *mut BufferDesc) -> Status;
    gss_unwrap: fn(*mut Status, Handle, *const BufferDesc, *mut BufferDesc, *mut c_int, *mut u32) -> Status;
    gss_display_status: fn(*mut Status, Status, c_int, *const Oid, *mut u32, *mut BufferDesc) -> Status;
    gss_release_buffer: fn(*mut Status, *mut BufferDesc) -> Status;
    krb5_init_context: fn(*mut Handle) -> i32;
    krb5_free_context: fn(Handle);
    krb5_cc_resolve: fn(Handle, *const c_char, *mut Handle) -> i32;
    krb5_cc_destroy: fn(Handle, Handle) -> i32;
}

/// The functions, once the library has been found. A failure stays, too: it is told again to whoever asks.
pub(crate) fn functions() -> Result<&'static Functions, Error> {
    static LOADED: OnceLock<Result<Functions, Error>> = OnceLock::new();
    LOADED.get_or_init(|| load(FILE)).as_ref().map_err(Clone::clone)
}

fn load(file: &str) -> Result<Functions, Error> {
    Functions::load(file).map_err(|error| {
        let reason = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        Error::Library(reason)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_is_missing_is_told_with_how_to_get_it() {
        let error = load("libgssapi_none.so.2").err().unwrap().to_string();
        assert!(error.starts_with("Kerberos needs MIT's library (Debian: libgssapi-krb5-2): "), "{error}");
        assert!(error.contains("libgssapi_none.so.2"), "{error}");
        // One that is there without being the right one.
        let error = load("libc.so.6").err().unwrap().to_string();
        assert!(error.contains("gss_import_name"), "{error}");
    }
}
