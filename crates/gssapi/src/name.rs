//! Names of principals and services.

use std::ptr;

use crate::Error;
use crate::buffer::input;
use crate::library::{Functions, Handle, Oid};

/// The service that a context is with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Service {
    /// A service of a host: the principal `service/host`, where `krb5.conf` says which realm the host is in, and whether its
    /// name is looked up first.
    OfHost {
        /// Such as `zookeeper`.
        service: String,
        /// The host's name.
        host: String,
    },
    /// A principal: `name/instance@REALM`; without a realm, of the default one.
    Principal(String),
}

/// A name in the library's own form.
pub(crate) struct Name {
    functions: &'static Functions,
    pub(crate) handle: Handle,
}

// SAFETY: the library's names are not bound to a thread, and this is their only owner, which never changes them.
unsafe impl Send for Name {}
// SAFETY: as above.
unsafe impl Sync for Name {}

impl Name {
    pub(crate) fn of_principal(functions: &'static Functions, principal: &str) -> Result<Self, Error> {
        Self::import(functions, principal, &Oid::principal())
    }

    pub(crate) fn of_service(functions: &'static Functions, service: &Service) -> Result<Self, Error> {
        match service {
            Service::Principal(principal) => Self::of_principal(functions, principal),
            Service::OfHost { service, host } => {
                Self::import(functions, &format!("{service}@{host}"), &Oid::hostbased_service())
            }
        }
    }

    fn import(functions: &'static Functions, text: &str, kind: &Oid) -> Result<Self, Error> {
        let (mut minor, mut handle, written) = (0, ptr::null_mut(), input(text.as_bytes()));
        // SAFETY: all pointers are to locals, and to the text, which live through the call.
        let major = unsafe { (functions.gss_import_name)(&mut minor, &written, kind, &mut handle) };
        functions.check(major, minor)?;
        Ok(Self { functions, handle })
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let mut minor = 0;
        // SAFETY: the handle is this value's own, and not used any more.
        unsafe { (self.functions.gss_release_name)(&mut minor, &mut self.handle) };
    }
}
