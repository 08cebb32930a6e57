//! Kerberos by GSS-API (RFC 2743, 4121): the functions of MIT's `libgssapi_krb5.so.2` that the project needs, with a safe
//! face. The library is looked for when it is first needed, so that programs build and run without it.
//!
//! An initiator proves who it is with [`Credentials`] and exchanges tokens with a service, step by step, until there is
//! a [`Context`], with which both sides protect messages.
//!
//! [`Credentials::from_keytab`] and the first [`Initiator::step`] ask the KDC, and block meanwhile.

mod buffer;
mod cache;
mod context;
mod credentials;
mod error;
mod initiator;
mod library;
mod name;

pub use context::Context;
pub use credentials::Credentials;
pub use error::Error;
pub use initiator::{Initiator, Step};
pub use name::Service;

/// Whether Kerberos can be used here: finds the library.
///
/// # Errors
/// [`Error::Library`].
pub fn available() -> Result<(), Error> {
    library::functions().map(|_| ())
}
