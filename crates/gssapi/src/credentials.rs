use std::ffi::CString;
use std::fs::File;
use std::path::Path;
use std::ptr;
use std::sync::Arc;

use crate::Error;
use crate::cache::Cache;
use crate::library::{Functions, Handle, INITIATE, KeyValue, KeyValues, Oid, OidSet, Status, functions};
use crate::name::Name;

/// What a principal proves who it is with. A clone is the same.
///
/// Its tickets are its own: neither the files of `kinit` nor the environment's (`KRB5CCNAME`) are looked at. They end when
/// the KDC says so; who needs credentials after that makes new ones.
#[derive(Clone)]
pub struct Credentials {
    inner: Arc<Held>,
}

struct Held {
    functions: &'static Functions,
    handle: Handle,
    /// Dropped after the handle is released, which uses it.
    _cache: Cache,
}

// SAFETY: the library locks what is in a credential handle, which may be used by several threads at a time.
unsafe impl Send for Held {}
// SAFETY: as above.
unsafe impl Sync for Held {}

/// libkrb5's number for tickets that are not there (`KRB5_FCC_NOFILE`): what it looks for when it has no key to ask for them.
const NO_CACHE: Status = (-1_765_328_189_i32).cast_unsigned();

impl Credentials {
    /// Logs in: asks the KDC for a ticket for `principal`, whose key is in the file `keytab`. Blocks until it answers, or
    /// none does.
    ///
    /// # Errors
    /// When the library is missing, the keytab cannot be read or has no key of the principal, or the KDC says no.
    pub fn from_keytab(principal: &str, keytab: &Path) -> Result<Self, Error> {
        let functions = functions()?;
        // The library does not tell one that is missing from one without the key.
        File::open(keytab).map_err(|error| Error::Refused(format!("cannot read the keytab: {error}")))?;
        let (name, cache) = (Name::of_principal(functions, principal)?, Cache::new(functions)?);
        let path = format!("FILE:{}", keytab.display());
        let file = CString::new(path.clone()).map_err(Error::zero(&path))?;
        let elements = [
            KeyValue { key: c"client_keytab".as_ptr(), value: file.as_ptr() },
            KeyValue { key: c"ccache".as_ptr(), value: cache.name.as_ptr() },
        ];
        let store = KeyValues { count: 2, elements: elements.as_ptr() };
        let mut mechanism = Oid::kerberos();
        let mechanisms = OidSet { count: 1, elements: &mut mechanism };
        let (mut minor, mut handle, nowhere) = (0, ptr::null_mut(), ptr::null_mut());
        // SAFETY: all pointers are to locals, and to texts that end with a zero byte, which live through the call; null
        // where the library may be told nothing.
        let major = unsafe {
            (functions.gss_acquire_cred_from)(
                &mut minor,
                name.handle,
                0,
                &mechanisms,
                INITIATE,
                &store,
                &mut handle,
                nowhere,
                ptr::null_mut(),
            )
        };
        functions.check(major, minor).map_err(|error| match minor {
            NO_CACHE => Error::Refused("the keytab has no key of this principal".to_owned()),
            _ => error,
        })?;
        Ok(Self { inner: Arc::new(Held { functions, handle, _cache: cache }) })
    }

    pub(crate) fn handle(&self) -> Handle {
        self.inner.handle
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut minor = 0;
        // SAFETY: the handle is this value's own, and not used any more.
        unsafe { (self.functions.gss_release_cred)(&mut minor, &mut self.handle) };
    }
}
